"""Fit the models that rank candidates and tell how sure a choice is, and hand them over as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from alfrd_events.analysis.ranking.ranker import Candidate, put_first, put_in_order, signs_of
from alfrd_events.analysis.ranking.trees import Features, Model
from alfrd_events.analysis.rules.second_opinion import USUALLY_RIGHT
from devtools.examples import Example

Array = NDArray[np.float64]
Json = dict[str, Any]
Ranked = list[tuple[float, Candidate[Any]]]

SEED = 7
GENERATED = "generated"
"""The source of papers that are made up."""
DIGITS = 5
"""Of a stored weight; more would change no choice."""
WEIGHT_OF_HELD_BACK = 3.0
"""The rules were written while looking at the other documents, where their pick proves less than it seems to."""
WEIGHT_OF_GENERATED = 0.3
WEIGHT_OF_GENERATED_IN_CONFIDENCE = 0.15
"""They hold most of the mistakes, and more of them than papers do."""
WEIGHT_OF_GENERATED_AS_DOCUMENTS = 0.05
"""Two in five of them hold a wrong value."""
WRONG_ANSWERS = 3
"""What an analyst that errs gives is one of the likest."""
STRENGTH_OF_CONFIDENCE = 0.1
STRENGTH_FOR_DOCUMENTS = 1.0
SIGNS = ("log_odds", "lead", "rivals", "rules_agree", "rules_have_none", "reading_doubt")
SIGNS_OF_FIELD = {
    "entity": (
        "rules_score", "behind_best", "ends_with_legal_form", "has_organisation_word", "mentions",
        "is_heading", "is_address", "legal_form_below", "nothing_above", "half_above", "half_below", "height",
        "characters", "words", "words_with_capital",
    ),
    "total_amount": (
        "strength", "times", "paid_less_change", "net_and_tax", "tax_at_a_rate", "sum_of_items",
        "after_rounding", "before_rounding", "other_totals", "final_before", "has_decimals", "is_negative",
        "larger_ones", "is_total", "total_above",
    ),
    "document_date": (
        "own_before", "own_above", "plain_before", "has_clock", "other_before", "due_before", "days",
        "is_latest", "times", "words_before",
    ),
}  # fmt: skip
"""What confidence is computed from: how the choice compares with the others, and what speaks for it on the paper."""


def fit_ranker(examples: Sequence[Example], held_back: frozenset[str], margin: float) -> Json:
    """Fit trees and a regression to tell right candidates from wrong ones.

    :param held_back: the sources that count more, and that the threshold for review is chosen on.
    :param margin: the lead over the rules' pick from which on it is replaced.
    """
    examples = [each for each in examples if any(each.is_target)]
    names = list(examples[0].candidates[0].features)
    rows = np.array([[c.features[name] for name in names] for each in examples for c in each.candidates])
    targets = np.array([target for each in examples for target in each.is_target])
    weights = np.array([weight_of(each, held_back) for each in examples for _ in each.candidates])
    boosted = GradientBoostingClassifier(
        n_estimators=80, max_depth=3, learning_rate=0.1, subsample=0.6, max_features=0.3,
        min_samples_leaf=8, random_state=SEED,
    ).fit(rows, targets, sample_weight=weights)  # fmt: skip
    share = float(np.average(targets, weights=weights))
    return {
        "features": names,
        "base": round(float(np.log(share / (1 - share))), DIGITS),
        "trees": [_tree(each[0].tree_, 0.1) for each in boosted.estimators_],
        "linear": _linear(rows, targets, weights, strength=0.05),
        "replaces_rules_by": margin,
    }


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate that was chosen, or that another analyst might have given."""

    signs: Features
    is_right: bool
    weight: float


def fit_confidence(field: str, chosen: Sequence[Judged], given: Sequence[Judged]) -> Json:
    """Fit how likely a choice is right, from choices for senders that the ranker had not seen.

    :param given: what other analysts might have given for them.
    """
    names = [*SIGNS, *SIGNS_OF_FIELD[field]]

    def fitted(judged: Sequence[Judged]) -> Json:
        rows = [{name: each.signs[name] for name in names} for each in judged]
        right, weights = [each.is_right for each in judged], [each.weight for each in judged]
        return fit_calibration(rows, right, weights, STRENGTH_OF_CONFIDENCE)

    return {
        "confidence_features": names,
        "confidence": fitted(chosen)["linear"],
        "given": fitted(given)["linear"],
    }


def fit_calibration(
    signs: Sequence[Features], right: Sequence[bool], weights: Sequence[float], strength: float
) -> Json:
    """Fit how likely something is right by its signs.

    A right and a wrong one without a sign of either kind are added, so that no probability is certain.
    """
    names = list(signs[0])
    rows = np.array([[each[name] for name in names] for each in signs])
    middle = rows.mean(axis=0, keepdims=True)
    rows = np.vstack([rows, middle, middle])
    targets = np.array([*right, True, False])
    return {"features": names, "linear": _linear(rows, targets, np.array([*weights, 1.0, 1.0]), strength)}


def weight_of(example: Example, held_back: frozenset[str], generated: float = WEIGHT_OF_GENERATED) -> float:
    return weight_of_source(example.known.source, held_back, generated)


def weight_of_source(source: str, held_back: frozenset[str], generated: float) -> float:
    if source == GENERATED:
        return generated
    return WEIGHT_OF_HELD_BACK if source in held_back else 1.0


def order(ranker: Json, example: Example) -> Ranked:
    """The candidates of an example as the fitted ranker puts them, with their log-odds."""
    nothing: Json = {"intercept": 0.0, "weights": []}
    model = Model.from_json(ranker | {"confidence_features": [], "confidence": nothing, "given": nothing})
    scored = [(model.log_odds(candidate.features), candidate) for candidate in example.candidates]
    return put_in_order(scored, model.replaces_rules_by)


def choice_of(example: Example, ranked: Ranked, weight: float) -> Judged:
    """The candidate that is chosen."""
    chosen = next(i for i, each in enumerate(example.candidates) if each is ranked[0][1])
    return Judged(signs_of(ranked), example.is_right[chosen], weight)


def answers_of(example: Example, ranked: Ranked, weight: float) -> list[Judged]:
    """What another analyst might give: mostly what is right, else what is most like it."""
    right = [each for each, is_target in zip(example.candidates, example.is_target, strict=True) if is_target]
    holding = [each for each, is_right in zip(example.candidates, example.is_right, strict=True) if is_right]
    wrong = [each for _, each in ranked if not any(each is other for other in holding)][:WRONG_ANSWERS]
    return [
        Judged(signs_of(put_first(each, ranked)), is_right, weight * share / len(some))
        for some, is_right, share in ((right, True, USUALLY_RIGHT), (wrong, False, 1 - USUALLY_RIGHT))
        for each in some
    ]


def _tree(tree: Any, learning_rate: float) -> Json:
    return {
        "feature": [int(each) if each >= 0 else -1 for each in tree.feature],
        "threshold": [round(float(each), DIGITS) for each in tree.threshold],
        "left": [int(each) for each in tree.children_left],
        "right": [int(each) for each in tree.children_right],
        "value": [round(float(each[0][0]) * learning_rate, DIGITS) for each in tree.value],
    }


def _linear(rows: Array, targets: NDArray[Any], weights: Array, strength: float) -> Json:
    """A logistic regression on standardised features, told as one on the features themselves."""
    scaler = StandardScaler().fit(rows)
    fitted = LogisticRegression(C=strength, max_iter=2000).fit(
        scaler.transform(rows), targets, sample_weight=weights
    )
    slopes = fitted.coef_[0] / scaler.scale_
    intercept = float(fitted.intercept_[0] - (slopes * scaler.mean_).sum())
    return {
        "intercept": round(intercept, DIGITS),
        "weights": [round(float(each), DIGITS) for each in slopes],
    }
