"""Fit all that is trained, and judge each document by what was fitted on other senders and other layouts.

Folds are of whole families (:mod:`.families`). Rankers, calibrations and the threshold for review that judge a fold
come from the other folds and from generated papers; what is shipped is fitted on all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sklearn.model_selection import GroupKFold

from alfrd_events.analysis.ranking.trees import Calibration, Weights
from devtools.corpus import Known
from devtools.examples import examples_of
from devtools.families import families
from devtools.fit import (
    GENERATED,
    STRENGTH_FOR_DOCUMENTS,
    STRENGTH_OF_CONFIDENCE,
    WEIGHT_OF_GENERATED_AS_DOCUMENTS,
    WEIGHT_OF_GENERATED_IN_CONFIDENCE,
    Judged,
    answers_of,
    choice_of,
    fit_calibration,
    fit_confidence,
    fit_ranker,
    order,
    weight_of,
    weight_of_source,
)
from devtools.outcome import Outcome, outcome_of

FOLDS = 10
MARGINS = {"total_amount": 1.0, "entity": 1.0, "document_date": 99.0}
"""By field: the lead, in log-odds, from which on the ranker replaces the rules' pick. Dates stay the rules': on
senders that neither has seen they are right a little more often."""
MOST_WRONG = 0.03
"""Of the documents without a flag, the share that may hold a wrong value."""
LEAST_FLAGGED = 0.2
"""The rules were made on these documents: on papers of other senders they err more, so that more have to be flagged."""

Json = dict[str, Any]


def _unfitted() -> Json:
    nothing = {"features": [], "linear": {"intercept": 0.0, "weights": []}}
    return {"fields": {}, "values": nothing, "documents": nothing, "review_below": 0.0}


@dataclass
class Fold:
    """A tenth of the families and of the generated papers that no ranker is trained on, and who judges them."""

    known: list[Known]
    made: list[Known]
    weights: Json = field(default_factory=_unfitted)
    """Fitted without anything of this fold."""
    chosen: list[Judged] = field(default_factory=list)
    given: list[Judged] = field(default_factory=list)
    """By the field that is being fitted: what is chosen, and what other analysts might give."""
    outcomes: list[Outcome] = field(default_factory=list)

    def judge(self, documents: Iterable[Known]) -> None:
        weights = Weights.from_json(self.weights)
        self.outcomes = [outcome_of(each, weights) for each in documents]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is shipped, and the folds by which it was judged."""

    weights: Json
    folds: Sequence[Fold]

    @property
    def outcomes(self) -> list[Outcome]:
        """Of the documents, none of which its judge had seen."""
        return [outcome for fold in self.folds for outcome in fold.outcomes]


def fit(
    known: Sequence[Known], generated: Sequence[Known], others: Sequence[Known], held_back: frozenset[str]
) -> Fitted:
    """Fit on all documents, and judge each by what was fitted on other families.

    :param generated: papers to train rankers on.
    :param others: papers to calibrate on, of which no ranker has seen any.
    :param held_back: the sources that count more.
    """
    folds = _folds(known, others)
    whole = _unfitted()
    for name in MARGINS:
        _fit_field(name, folds, whole, generated, held_back)
    for step in (_values, _documents):
        for fold in folds:
            fold.judge([*fold.known, *fold.made])
        for fold in folds:
            fold.weights |= step(_outcomes(folds, but=fold), held_back)
        whole |= step(_outcomes(folds), held_back)
    for fold in folds:
        fold.judge(fold.known)
    return Fitted(whole, folds)


def _folds(known: Sequence[Known], others: Sequence[Known]) -> list[Fold]:
    splits = GroupKFold(FOLDS).split(known, groups=families(known))
    return [
        Fold([known[index] for index in test], list(others[number::FOLDS]))
        for number, (_, test) in enumerate(splits)
    ]


def _outcomes(folds: Sequence[Fold], but: Fold | None = None) -> list[Outcome]:
    return [outcome for fold in folds if fold is not but for outcome in fold.outcomes]


def _fit_field(
    name: str, folds: Sequence[Fold], whole: Json, generated: Sequence[Known], held_back: frozenset[str]
) -> None:
    """Fit a field's ranker and its confidence, for each fold and for all."""
    made = examples_of(generated, name)
    real = [examples_of(fold.known, name) for fold in folds]
    for number, fold in enumerate(folds):
        rest = [each for other, some in enumerate(real) if other != number for each in some]
        ranker = fit_ranker([*rest, *made], held_back, MARGINS[name])
        fold.weights["fields"][name] = ranker
        fold.chosen, fold.given = [], []
        for example in [*real[number], *examples_of(fold.made, name)]:
            if example.candidates:
                weight = weight_of(example, held_back, WEIGHT_OF_GENERATED_IN_CONFIDENCE)
                ranked = order(ranker, example)
                fold.chosen.append(choice_of(example, ranked, weight))
                fold.given += answers_of(example, ranked, weight)
    for fold in folds:
        fold.weights["fields"][name] |= _calibrate(name, [other for other in folds if other is not fold])
    ranker = fit_ranker([*(each for some in real for each in some), *made], held_back, MARGINS[name])
    whole["fields"][name] = ranker | _calibrate(name, folds)


def _calibrate(name: str, folds: Sequence[Fold]) -> Json:
    chosen = [each for fold in folds for each in fold.chosen]
    given = [each for fold in folds for each in fold.given]
    return fit_confidence(name, chosen, given)


def _values(outcomes: Sequence[Outcome], held_back: frozenset[str]) -> Json:
    """Fit the confidence of the values that have one place."""
    found = [
        (
            signs,
            each.right[name],
            weight_of_source(each.known.source, held_back, WEIGHT_OF_GENERATED_IN_CONFIDENCE),
        )
        for each in outcomes
        for name, signs in each.signs.items()
    ]
    rows, right, weights = zip(*found, strict=True)
    return {"values": fit_calibration(rows, right, weights, STRENGTH_OF_CONFIDENCE)}


def _documents(outcomes: Sequence[Outcome], _: frozenset[str]) -> Json:
    """Fit the confidence of documents, and choose below which of them a person is to look."""
    fitted = fit_calibration(
        [each.signs_of_document for each in outcomes],
        [not each.holds_wrong_value for each in outcomes],
        [
            weight_of_source(each.known.source, frozenset(), WEIGHT_OF_GENERATED_AS_DOCUMENTS)
            for each in outcomes
        ],
        STRENGTH_FOR_DOCUMENTS,
    )
    documents = Calibration.from_json(fitted)
    sure = [
        (documents.confidence_of(each.signs_of_document), not each.holds_wrong_value)
        for each in outcomes
        if each.known.source != GENERATED
    ]
    return {"documents": fitted, "review_below": round(choose_threshold(sure), 4)}


def choose_threshold(documents: Sequence[tuple[float, bool]]) -> float:
    """The lowest confidence above which few enough documents hold a wrong value, and enough are flagged; at most 1.

    :param documents: how sure each is, and whether it holds no wrong value.
    """
    threshold, wrong = 1.0, 0
    ordered = sorted(documents, key=lambda each: each[0], reverse=True)
    for count, (sure, is_right) in enumerate(ordered, 1):
        wrong += not is_right
        if wrong <= MOST_WRONG * count and count <= (1 - LEAST_FLAGGED) * len(ordered):
            threshold = sure
    return threshold
