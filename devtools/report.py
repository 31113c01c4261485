"""How right the values are, and how well their confidence tells: as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from alfrd_events.cli.reliability import auroc, calibration_error
from devtools.validate import Judged

MOST_WRONG = 0.05
"""Of the documents without a flag, the share that may hold a wrong value."""
TITLES = {"total_amount": "total", "entity": "company (nearly exact)", "document_date": "date"}


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """The fields of one document, each with its confidence."""

    source: str
    document_type: str
    fields: Mapping[str, tuple[Judged, float]]
    confidence: float
    """That all of them are right."""

    @property
    def is_right(self) -> bool:
        return all(judged.is_right for judged, _ in self.fields.values())


def choose_threshold(results: Sequence[DocumentResult]) -> float:
    """The lowest confidence above which at most so many documents hold a wrong value; 1 where there is none."""
    ordered = sorted(results, key=lambda each: each.confidence, reverse=True)
    threshold, wrong = 1.0, 0
    for count, each in enumerate(ordered, 1):
        wrong += not each.is_right
        if wrong <= MOST_WRONG * count:
            threshold = each.confidence
    return threshold


def as_markdown(results: Sequence[DocumentResult], threshold: float, held_back: frozenset[str]) -> str:
    groups = [("all", results)]
    groups += [(source, _of(results, source)) for source in sorted({each.source for each in results})]
    unseen = [each for each in results if each.source in held_back]
    return "\n".join(
        [
            "# Accuracy",
            "",
            "Written by `python -m devtools.train`; do not edit. Every document is judged by a ranker and a",
            "calibration that saw no document of its sender. *Rules* is what the rules alone would pick. The",
            "document's true type is given. AUROC says how well confidence parts right values from wrong ones,",
            "ECE by how much it misses the share that is right; both need more documents than some sources have.",
            "",
            "Only ranker and calibration are held out. All rules were changed while their authors read documents of",
            "every source here, so the column *rules*, and what the ranker builds on it, is better here than on papers",
            "of other senders. The lead by which the ranker replaces a pick was chosen on these figures, too.",
            "",
            "| source | field | documents | rules | ranker | exact: rules | exact: ranker | AUROC | ECE |",
            "|---|---|---|---|---|---|---|---|---|",
            *(row for name, group in groups for row in _field_rows(name, group)),
            "",
            f"Documents whose values are together less sure than {threshold:.2f} are flagged for review:",
            "",
            "| documents | count | all right | AUROC | flagged | wrong among unflagged |",
            "|---|---|---|---|---|---|",
            _flag_row("all", results, threshold),
            _flag_row("of the sources that are held back", unseen, threshold),
            *_cross_checked(unseen),
            "",
        ]
    )


def _of(results: Sequence[DocumentResult], source: str) -> list[DocumentResult]:
    return [each for each in results if each.source == source]


def _field_rows(name: str, results: Sequence[DocumentResult]) -> Iterable[str]:
    for field, title in TITLES.items():
        pairs = [each.fields[field] for each in results if field in each.fields]
        if not pairs:
            continue
        right = [judged.is_right for judged, _ in pairs]
        sure = [confidence for _, confidence in pairs]
        rules = fmean(judged.rules_right for judged, _ in pairs)
        exact = fmean(judged.is_exact for judged, _ in pairs)
        rules_exact = fmean(judged.rules_exact for judged, _ in pairs)
        yield (
            f"| {name} | {title} | {len(pairs)} | {rules:.3f} | {fmean(right):.3f} | {rules_exact:.3f} | {exact:.3f} "
            f"| {_number(auroc(right, sure))} | {calibration_error(right, sure):.3f} |"
        )


def _flag_row(name: str, results: Sequence[DocumentResult], threshold: float) -> str:
    unflagged = [each for each in results if each.confidence >= threshold]
    wrong = sum(not each.is_right for each in unflagged)
    right = [each.is_right for each in results]
    sure = [each.confidence for each in results]
    return (
        f"| {name} | {len(results)} | {fmean(right):.3f} | {_number(auroc(right, sure))} "
        f"| {1 - len(unflagged) / len(results):.0%} | {wrong} of {len(unflagged)} |"
    )


def _cross_checked(results: Sequence[DocumentResult]) -> list[str]:
    """The flags again with the threshold taken from the other half: the row above chose its own."""
    halves = [results[::2], results[1::2]]
    unflagged: list[DocumentResult] = []
    for mine, other in (halves, halves[::-1]):
        threshold = choose_threshold(other)
        unflagged += [each for each in mine if each.confidence >= threshold]
    wrong = sum(not each.is_right for each in unflagged)
    return [
        f"| the same, threshold from the other half | {len(results)} | | "
        f"| {1 - len(unflagged) / len(results):.0%} | {wrong} of {len(unflagged)} |"
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
