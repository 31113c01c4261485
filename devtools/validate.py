"""Measure the ranker on senders that it has not seen: each document is judged by a model trained without its sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.model_selection import GroupKFold

from alfrd_events.analysis.ranking.trees import Features, Linear, probability
from devtools.examples import Example
from devtools.fit import fit_confidence, fit_ranker, order, signs, weight_of

FOLDS = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a field of a document of an unseen sender."""

    example: Example
    signs: Features
    is_right: bool
    is_exact: bool
    rules_right: bool
    rules_exact: bool


def validate(
    examples: Sequence[Example], generated: Sequence[Example], held_back: frozenset[str], margin: float
) -> list[Judged]:
    """Choose for each document with a ranker that was trained on other senders and on generated papers."""
    judged: list[Judged] = []
    for train, test in _folds(examples):
        ranker = fit_ranker([*(examples[i] for i in train), *generated], held_back, margin)
        judged.extend(_judge(examples[i], ranker) for i in test if examples[i].candidates)
    return judged


def confidences(judged: Sequence[Judged], held_back: frozenset[str]) -> list[float]:
    """The confidence of each choice, calibrated on the choices for other senders."""
    found = [0.0] * len(judged)
    for train, test in _folds([each.example for each in judged]):
        some = [judged[i] for i in train]
        fitted = calibrate(some, held_back)
        model = Linear(**fitted["confidence"])
        for i in test:
            row = [judged[i].signs[name] for name in fitted["confidence_features"]]
            found[i] = probability(model.evaluate(row))
    return found


def calibrate(judged: Sequence[Judged], held_back: frozenset[str]) -> dict[str, Any]:
    return fit_confidence(
        [each.signs for each in judged],
        [each.is_right for each in judged],
        [weight_of(each.example, held_back) for each in judged],
    )


def _folds(examples: Sequence[Example]) -> list[tuple[list[int], list[int]]]:
    senders = [each.known.sender for each in examples]
    splits = GroupKFold(FOLDS).split(senders, groups=senders)
    return [(list(train), list(test)) for train, test in splits]


def _judge(example: Example, ranker: dict[str, Any]) -> Judged:
    ranked = order(ranker, example)
    chosen = _index(example, ranked[0][1])
    pick = next((i for i, each in enumerate(example.candidates) if each.is_rules_pick), None)
    return Judged(
        example,
        signs(ranked),
        example.is_right[chosen],
        example.is_exact[chosen],
        pick is not None and example.is_right[pick],
        pick is not None and example.is_exact[pick],
    )


def _index(example: Example, candidate: object) -> int:
    return next(i for i, each in enumerate(example.candidates) if each is candidate)
