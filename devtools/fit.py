"""Fit the models that rank candidates and tell how sure a choice is, and hand them over as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from alfrd_events.analysis.ranking.ranker import put_in_order, signs_of
from alfrd_events.analysis.ranking.trees import Features, Model
from devtools.examples import Example

Array = NDArray[np.float64]
Json = dict[str, Any]

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


def fit_confidence(
    field: str, signs: Sequence[Features], right: Sequence[bool], weights: Sequence[float]
) -> Json:
    """Fit how likely a choice is right, from choices for senders that the ranker had not seen."""
    names = [*SIGNS, *SIGNS_OF_FIELD[field]]
    chosen = [{name: each[name] for name in names} for each in signs]
    fitted = fit_calibration(chosen, right, weights, STRENGTH_OF_CONFIDENCE)
    return {"confidence_features": fitted["features"], "confidence": fitted["linear"]}


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


def order(ranker: Json, example: Example) -> list[Any]:
    """The candidates of an example as the fitted ranker puts them, with their log-odds."""
    nothing: Json = {"confidence_features": [], "confidence": {"intercept": 0.0, "weights": []}}
    model = Model.from_json(ranker | nothing)
    scored = [(model.log_odds(candidate.features), candidate) for candidate in example.candidates]
    return put_in_order(scored, model.replaces_rules_by)


def signs(ranked: list[Any]) -> Features:
    return signs_of(ranked)


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
