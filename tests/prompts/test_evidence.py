"""The sequential test: what it promises, on random pairs."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.prompts.evidence import ENOUGH, STAKES, Rules, is_worse, judge, passes_screening, weigh

SUMMARIZER = Rules(fewest=8, most=40)
differences = st.lists(st.floats(-1, 1, allow_nan=False), max_size=60)


@given(differences)
def test_the_e_value_is_the_mean_of_the_stakes_products(seen: list[float]) -> None:
    products = [math.prod(1 + stake * max(-1, min(1, d / 0.25)) for d in seen) for stake in STAKES]
    assert weigh(seen).e_value == pytest.approx(sum(products) / len(products))


@given(differences)
def test_a_verdict_stands_whatever_comes_later(seen: list[float]) -> None:
    verdict, evidence = judge(seen, SUMMARIZER)
    if verdict != "open":
        assert judge([*seen, 1.0, -1.0], SUMMARIZER) == (verdict, evidence)
        assert SUMMARIZER.fewest <= evidence.n <= SUMMARIZER.most
    else:
        assert evidence.n == len(seen) < SUMMARIZER.most


@given(differences)
def test_nothing_is_promoted_without_all_that_it_takes(seen: list[float]) -> None:
    verdict, evidence = judge(seen, SUMMARIZER)
    if verdict == "promote":
        assert evidence.e_value >= ENOUGH
        assert evidence.mean >= 0.02
        assert evidence.n >= 8


@given(st.lists(st.floats(-1, 0, allow_nan=False), max_size=60))
def test_what_is_never_better_is_never_promoted(seen: list[float]) -> None:
    assert judge(seen, SUMMARIZER)[0] != "promote"


def test_a_sure_gain_that_is_too_small_is_not_promoted() -> None:
    assert judge([0.019] * 40, SUMMARIZER)[0] == "exhausted"


def test_eight_pairs_are_the_fewest() -> None:
    assert judge([1.0] * 7, SUMMARIZER)[0] == "open"
    assert judge([1.0] * 8, SUMMARIZER)[0] == "promote"
    assert judge([1.0] * 19, Rules(20, 120))[0] == "open"


def test_betting_on_fair_coins_wins_at_most_one_time_in_ten() -> None:
    """Ville's inequality, on the fairest game there is; with a thousand games three standard errors are 0.03."""
    chance = random.Random(6)
    games = [[chance.choice((-0.2, 0.2)) for _ in range(40)] for _ in range(1000)]
    won = sum(max(weigh(game[:n]).e_value for n in range(1, 41)) >= ENOUGH for game in games)
    assert won <= 100 + 30


def test_a_version_that_turns_out_worse_is_noticed_and_an_equal_one_is_not() -> None:
    assert is_worse([0.15] * 15)
    assert not is_worse([0.02, -0.02] * 7)
    assert not is_worse([0.25] * 3)


def test_screening_throws_out_what_is_worse() -> None:
    assert passes_screening([0.1, 0.0, -0.05])
    assert not passes_screening([0.0, -0.1, 0.05])
