"""Evaluate a trained model: boosted trees and a logistic regression, from plain numbers.

Both give the logarithm of the odds that a candidate is right, and the model's answer is their mean. The trees see how
features act together; the regression keeps them from learning a single document by heart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp
from typing import Any

Features = Mapping[str, float]

LARGEST_LOGIT = 30.0
"""Beyond this a probability is 0 or 1 to thirteen digits, and ``exp`` could overflow."""

MOST_SURE = 0.99
"""Too few mistakes were seen to tell one in a hundred from one in a thousand."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A decision tree as parallel lists, one entry a node; node 0 is the root."""

    feature: Sequence[int]
    """Index of the feature that the node asks for; -1 at a leaf."""
    threshold: Sequence[float]
    left: Sequence[int]
    """The next node where the feature is at most the threshold."""
    right: Sequence[int]
    value: Sequence[float]
    """What a leaf adds to the log-odds."""

    def evaluate(self, row: Sequence[float]) -> float:
        node = 0
        while (feature := self.feature[node]) >= 0:
            node = self.left[node] if row[feature] <= self.threshold[node] else self.right[node]
        return self.value[node]


@dataclass(frozen=True, slots=True)
class Linear:
    """A logistic regression: log-odds as a weighted sum."""

    intercept: float
    weights: Sequence[float]

    def evaluate(self, row: Sequence[float]) -> float:
        return self.intercept + sum(
            weight * value for weight, value in zip(self.weights, row, strict=True) if value
        )


@dataclass(frozen=True, slots=True)
class Model:
    """What ranks the candidates of one field, and what tells how sure the choice is."""

    features: Sequence[str]
    base: float
    """The log-odds that the trees start from."""
    trees: Sequence[Tree]
    linear: Linear
    replaces_rules_by: float
    """Log-odds by which a candidate must be ahead of the rules' pick to take its place."""
    confidence_features: Sequence[str]
    confidence: Linear
    given: Linear
    """Tells by the same features how sure a candidate is that another analyst has given."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Model:
        return cls(
            features=data["features"],
            base=data["base"],
            trees=tuple(Tree(**tree) for tree in data["trees"]),
            linear=Linear(**data["linear"]),
            replaces_rules_by=data["replaces_rules_by"],
            confidence_features=data["confidence_features"],
            confidence=Linear(**data["confidence"]),
            given=Linear(**data["given"]),
        )

    def log_odds(self, features: Features) -> float:
        """How likely a candidate is the right one."""
        row = [features[name] for name in self.features]
        boosted = self.base + sum(tree.evaluate(row) for tree in self.trees)
        return (boosted + self.linear.evaluate(row)) / 2

    def confidence_of(self, signs: Features) -> float:
        """The calibrated probability that a choice is right; never certain."""
        odds = self.confidence.evaluate([signs[name] for name in self.confidence_features])
        return min(MOST_SURE, probability(odds))

    def confidence_in_given(self, signs: Features, log_odds: float) -> float:
        """The same of a candidate that another analyst has given.

        :param log_odds: what else speaks for it, or against it.
        """
        odds = self.given.evaluate([signs[name] for name in self.confidence_features])
        return min(MOST_SURE, probability(odds + log_odds))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How likely something is right, by signs of it."""

    features: Sequence[str]
    linear: Linear

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Calibration:
        return cls(data["features"], Linear(**data["linear"]))

    def confidence_of(self, signs: Features) -> float:
        """The calibrated probability; never certain."""
        return min(MOST_SURE, probability(self.linear.evaluate([signs[name] for name in self.features])))


@dataclass(frozen=True, slots=True)
class Weights:
    """All that was trained."""

    fields: Mapping[str, Model]
    """By field: those whose value is chosen among candidates."""
    values: Calibration
    """Of every other value."""
    documents: Calibration
    """Of a document as a whole."""
    review_below: float
    """A document that holds no wrong value with less than this probability is to be looked at."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Weights:
        return cls(
            fields={name: Model.from_json(model) for name, model in data["fields"].items()},
            values=Calibration.from_json(data["values"]),
            documents=Calibration.from_json(data["documents"]),
            review_below=data["review_below"],
        )


@cache
def trained() -> Weights:
    """The weights that the package ships."""
    return Weights.from_json(
        json.loads((files("alfrd_events.analysis.ranking") / "weights.json").read_text("ascii"))
    )


def probability(log_odds: float) -> float:
    return 1 / (1 + exp(-max(-LARGEST_LOGIT, min(LARGEST_LOGIT, log_odds))))
