"""The candidates of known documents, each marked right or wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alfrd_events.analysis.ranking.ranker import Candidate
from alfrd_events.analysis.rules.proposals.fields import Proposals
from alfrd_events.analysis.text.parsed import ParsedText
from devtools.corpus import SIMILAR, Known


@dataclass(frozen=True, slots=True)
class Example:
    """One field of one document: its candidates, and which of them are right."""

    known: Known
    candidates: Sequence[Candidate[Any]]
    is_target: Sequence[bool]
    """What training aims at: of several names that are nearly right the nearest."""
    is_right: Sequence[bool]
    """What counts as right when the choice is judged."""
    is_exact: Sequence[bool]


def examples_of(known: Sequence[Known], field: str) -> list[Example]:
    """The examples of a field, of those documents that say what is right."""
    make = {"total_amount": _total, "entity": _entity, "document_date": _date}[field]
    truth_name = {"document_date": "date"}.get(field, field)
    judged = (each for each in known if each.can_judge(truth_name))
    return [make(each, Proposals.of(each.document, ParsedText.of(each.document))) for each in judged]


def _total(known: Known, proposals: Proposals) -> Example:
    return _by(known, proposals.totals, lambda candidate: known.is_right_total(candidate.value.value))


def _date(known: Known, proposals: Proposals) -> Example:
    return _by(known, proposals.dates, lambda candidate: known.is_right_date(candidate.value.value))


def _by(
    known: Known, candidates: Sequence[Candidate[Any]], is_right: Callable[[Candidate[Any]], bool]
) -> Example:
    right = [is_right(candidate) for candidate in candidates]
    return Example(known, candidates, right, right, right)


def _entity(known: Known, proposals: Proposals) -> Example:
    likeness = [known.likeness(candidate.value.name) for candidate in proposals.names]
    best = max(likeness, default=0.0)
    return Example(
        known,
        proposals.names,
        [each >= SIMILAR and each >= best - 1 for each in likeness],
        [each >= SIMILAR for each in likeness],
        [each > 100 for each in likeness],
    )
