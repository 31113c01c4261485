"""Choose a field's value among candidates, and say how sure the choice is.

The rules have a pick of their own. Where the ranker agrees, that is the best sign there is; where it does not, it must
be well ahead to replace the pick. How sure the choice is follows from a second, smaller model that looks at the choice
as a whole: how far it is ahead, whether the rules agree, how well the page was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

from alfrd_events.analysis.ranking.trees import Features, Model

Value = TypeVar("Value")

NEAR = 2.0
"""Log-odds; a candidate that is this near is a rival."""
FAR_AHEAD = 12.0
"""Log-odds; a lead beyond this says no more."""


@dataclass(frozen=True, slots=True)
class Candidate(Generic[Value]):
    """A value that a field may have, with what is known about it."""

    value: Value
    features: Features
    key: str
    """Of two candidates where one's key holds the other's, one is a part of the other, and no rival."""
    is_rules_pick: bool = False


@dataclass(frozen=True, slots=True)
class Choice(Generic[Value]):
    """The chosen candidate."""

    candidate: Candidate[Value]
    confidence: float
    """Calibrated probability that the value is right, 0 to 1."""
    runners_up: tuple[Candidate[Value], ...] = ()
    """The next best, best first."""

    @property
    def value(self) -> Value:
        return self.candidate.value


def choose(
    model: Model, candidates: Sequence[Candidate[Value]], *, keeps_rules: bool = False, runners_up: int = 2
) -> Choice[Value] | None:
    """Choose the best of a field's candidates; ``None`` where there is none.

    :param keeps_rules: the rules' pick stays first, whatever leads it.
    """
    if not candidates:
        return None
    scored = [(model.log_odds(candidate.features), candidate) for candidate in candidates]
    ranked = put_in_order(scored, inf if keeps_rules else model.replaces_rules_by)
    others = tuple(candidate for _, candidate in ranked[1 : 1 + runners_up])
    return Choice(ranked[0][1], model.confidence_of(signs_of(ranked)), others)


def judge(
    model: Model,
    candidates: Sequence[Candidate[Value]],
    given: Candidate[Value],
    *,
    log_odds: float = 0.0,
    runners_up: int = 2,
) -> Choice[Value]:
    """Tell how sure one of a field's candidates is that another analyst has given.

    :param log_odds: what else speaks for it, or against it.
    """
    ranked = put_first(given, [(model.log_odds(each.features), each) for each in candidates])
    others = tuple(candidate for _, candidate in ranked[1 : 1 + runners_up])
    return Choice(given, model.confidence_in_given(signs_of(ranked), log_odds), others)


def put_first(
    given: Candidate[Value], scored: Sequence[tuple[float, Candidate[Value]]]
) -> list[tuple[float, Candidate[Value]]]:
    """A candidate that another analyst has given, then all others, best first."""
    return sorted(scored, key=lambda pair: (pair[1] is given, pair[0]), reverse=True)


def put_in_order(
    scored: Sequence[tuple[float, Candidate[Value]]], margin: float
) -> list[tuple[float, Candidate[Value]]]:
    """Best first; the rules' pick is first unless another one is ahead of it by a margin."""
    ranked = sorted(scored, key=lambda pair: pair[0], reverse=True)
    rules = next((pair for pair in ranked if pair[1].is_rules_pick), None)
    if rules is not None and ranked[0][0] - rules[0] < margin:
        ranked.remove(rules)
        ranked.insert(0, rules)
    return ranked


def signs_of(ranked: Sequence[tuple[float, Candidate[Value]]]) -> Features:
    """What tells how sure the choice of the first candidate is: its own features and how it compares with others."""
    odds, chosen = ranked[0]
    rivals = (
        other for other, each in ranked[1:] if each.key not in chosen.key and chosen.key not in each.key
    )
    second = max(rivals, default=odds - FAR_AHEAD)
    rules = next((other for other, candidate in ranked if candidate.is_rules_pick), None)
    return {
        **chosen.features,
        "log_odds": max(-FAR_AHEAD, min(FAR_AHEAD, odds)),
        "lead": max(-FAR_AHEAD, min(FAR_AHEAD, odds - second)),
        "rules_agree": float(chosen.is_rules_pick),
        "rules_have_none": float(rules is None),
        "rivals": float(sum(other > odds - NEAR for other, each in ranked[1:] if each.key not in chosen.key)),
        "reading_doubt": 1 - chosen.features["reading_confidence"],
    }
