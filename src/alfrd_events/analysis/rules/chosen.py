"""A document's company, date and total: proposed by the rules, chosen by the ranker, each with its confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from alfrd_events.analysis.ranking.ranker import Candidate, Choice, choose
from alfrd_events.analysis.ranking.trees import Model, Weights, trained
from alfrd_events.analysis.rules.forms.form import Form
from alfrd_events.analysis.rules.proposals.dates import Day
from alfrd_events.analysis.rules.proposals.fields import Proposals
from alfrd_events.analysis.rules.proposals.names import Name, squash
from alfrd_events.analysis.rules.proposals.totals import TotalValue
from alfrd_events.analysis.text.layout import Segment
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.totals import Totals
from alfrd_events.analysis.text.vocabulary import pattern
from alfrd_events.model import Document, Evidence

ValueT = TypeVar("ValueT")

WITHOUT_TOTAL = frozenset({"employment", "legal", "promotional", "junk", "government"})
"""Types whose papers name amounts without asking for one: only a labelled final sum counts."""
STRONG_LABEL = 9
ROWS_OF_A_NAME = 2
"""How many rows one part of a name is from another, at most."""
BETTER_THAN_NOTHING = 0.7
"""Where the rules find nothing, a value needs to be this sure to be given."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The values that were chosen; ``None`` where the paper has none."""

    parsed: ParsedText
    proposals: Proposals
    name: Choice[Name] | None
    day: Choice[Day] | None
    total: Choice[TotalValue] | None

    def evidence(self) -> dict[str, Evidence]:
        """Where each value is printed, how sure it is, and what else it could be."""
        found: dict[str, Evidence] = {}
        if self.name is not None:
            others = tuple(other.value.name for other in self.name.runners_up)
            where = evidence_of(segments_of(self.name.value, self.parsed))
            found["entity"] = _with(where, self.name.confidence, "", others)
        if self.total is not None:
            others = tuple(str(other.value.value) for other in self.total.runners_up)
            where = self.total.value.placed.segment.evidence
            found["total_amount"] = _with(where, self.total.confidence, self.total.value.label, others)
        if self.day is not None:
            others = tuple(other.value.value.isoformat() for other in self.day.runners_up)
            where = self.day.value.placed.segment.evidence
            found["document_date"] = _with(where, self.day.confidence, self.day.value.label, others)
        return found


def choose_values(document: Document, parsed: ParsedText, weights: Weights | None = None) -> Chosen:
    """Choose company, date and total among all that the rules propose.

    :param weights: others than the package ships, to measure how they do.
    """
    weights = weights or trained()
    proposals = Proposals.of(document, parsed)
    totals = proposals.rules_totals
    form = proposals.form
    weak = totals.total is None or totals.total.strength < STRONG_LABEL
    is_without = totals.worked_out is not None or (document.document_type in WITHOUT_TOTAL and weak)
    is_without = is_without or (form is not None and form.is_of_taxes and form.total is None)
    is_nameless = document.document_type == "other" and proposals.rules_issuer is None
    return Chosen(
        parsed=parsed,
        proposals=proposals,
        name=None
        if is_nameless
        else _picked(
            weights.fields["entity"],
            proposals.names,
            keeps_rules=form is not None and form.issuer is not None,
        ),
        day=_picked(weights.fields["document_date"], proposals.dates),
        total=None
        if is_without
        else _picked(weights.fields["total_amount"], proposals.totals, keeps_rules=_is_named(totals, form)),
    )


def _is_named(totals: Totals, form: Form | None) -> bool:
    """Whether the paper says in so many words that this is to be paid, or a form has a box for it."""
    if form is not None and form.total is not None:
        return True
    return totals.total is not None and bool(pattern("totals.to_pay").search(totals.total.label))


def _picked(
    model: Model, candidates: Sequence[Candidate[ValueT]], *, keeps_rules: bool = False
) -> Choice[ValueT] | None:
    choice = choose(model, candidates, keeps_rules=keeps_rules)
    if choice is None:
        return None
    rules_found_one = any(candidate.is_rules_pick for candidate in candidates)
    if not rules_found_one and choice.confidence < BETTER_THAN_NOTHING:
        return None
    return choice


def segments_of(name: Name, parsed: ParsedText) -> tuple[Segment, ...]:
    """All segments that print a name: the rules join lines, and say of each join where one of them is."""
    wanted = squash(name.name)
    if wanted in squash(" ".join(segment.text for segment in name.segments)):
        return name.segments
    at = name.segment.row
    near = parsed.rows[max(0, at - ROWS_OF_A_NAME) : at + ROWS_OF_A_NAME + 1]
    return tuple(
        segment
        for row in near
        if row.page == name.segment.page
        for segment in row.segments
        if segment in name.segments or (squash(segment.text) and squash(segment.text) in wanted)
    )


def evidence_of(segments: Sequence[Segment]) -> Evidence:
    """Where a value is that several segments of a page print together."""
    boxes = [segment.box for segment in segments]
    if len(segments) == 1 or None in boxes or len({segment.page for segment in segments}) > 1:
        return segments[0].evidence
    left, top, right, bottom = zip(*filter(None, boxes), strict=True)
    text = " ".join(segment.text for segment in segments)
    return Evidence(page=segments[0].page, text=text, box=(min(left), min(top), max(right), max(bottom)))


def _with(where: Evidence, confidence: float, label: str, alternatives: tuple[str, ...]) -> Evidence:
    return where.model_copy(
        update={"confidence": round(confidence, 4), "label": label, "alternatives": alternatives}
    )
