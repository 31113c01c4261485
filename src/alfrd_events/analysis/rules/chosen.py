"""A document's company, date and total: proposed by the rules, chosen by the ranker, each with its confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from alfrd_events.analysis.ranking.ranker import Candidate, Choice, choose
from alfrd_events.analysis.ranking.trees import trained
from alfrd_events.analysis.rules.proposals.dates import Day
from alfrd_events.analysis.rules.proposals.fields import Proposals
from alfrd_events.analysis.rules.proposals.names import Name
from alfrd_events.analysis.rules.proposals.totals import TotalValue
from alfrd_events.analysis.text.labels import label
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.totals import Totals
from alfrd_events.model import Document, Evidence

ValueT = TypeVar("ValueT")

WITHOUT_TOTAL = frozenset({"employment", "legal", "promotional", "junk", "event", "government"})
"""Types whose papers name amounts without asking for one: only a labelled final sum counts."""
STRONG_LABEL = 9
BETTER_THAN_NOTHING = 0.5
"""Where the rules find nothing, a value that is less likely right than wrong is not given either."""
EXPECTED = {
    "receipt": ("entity", "document_date", "total_amount"),
    "invoice": ("entity", "document_date", "total_amount"),
}
"""By type: the values that every such paper has. One that is missing is a reason to look."""
NAMES = {"entity": "company", "document_date": "date", "total_amount": "total"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The values that were chosen; ``None`` where the paper has none."""

    proposals: Proposals
    document_type: str
    name: Choice[Name] | None
    day: Choice[Day] | None
    total: Choice[TotalValue] | None

    def evidence(self) -> dict[str, Evidence]:
        """Where each value is printed, how sure it is, and what else it could be."""
        found: dict[str, Evidence] = {}
        if self.name is not None:
            others = tuple(other.value.name for other in self.name.runners_up)
            where = self.name.value.segment.evidence
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

    def review_reason(self, unsupported: Sequence[str]) -> str:
        """What a person should look at; empty where all values together are sure enough."""
        sure = {field: where.confidence or 0.0 for field, where in self.evidence().items()}
        missing = [each for each in EXPECTED.get(self.document_type, ()) if each not in sure]
        reasons = [f"no {NAMES[each]} was found" for each in missing if each not in unsupported]
        reasons += [f"the {NAMES[each]} is worked out, not read" for each in unsupported]
        if sure and trained().are_unsure(sure.values()):
            least = min(sure, key=lambda field: sure[field])
            reasons.append(f"the {NAMES[least]} is unsure ({sure[least]:.0%})")
        return "; ".join(reasons)


def choose_values(document: Document, parsed: ParsedText) -> Chosen:
    """Choose company, date and total among all that the rules propose."""
    proposals = Proposals.of(document, parsed)
    totals = proposals.rules_totals
    weak = totals.total is None or totals.total.strength < STRONG_LABEL
    is_without = totals.worked_out is not None or (document.document_type in WITHOUT_TOTAL and weak)
    is_nameless = document.document_type == "other" and proposals.rules_issuer is None
    return Chosen(
        proposals=proposals,
        document_type=document.document_type,
        name=None if is_nameless else _picked("entity", proposals.names),
        day=_picked("document_date", proposals.dates),
        total=None
        if is_without
        else _picked("total_amount", proposals.totals, keeps_rules=_is_named(totals)),
    )


def _is_named(totals: Totals) -> bool:
    """Whether the paper says in so many words that this is to be paid: no sum beside it is likelier."""
    return totals.total is not None and bool(label("total").search(totals.total.label))


def _picked(
    field: str, candidates: Sequence[Candidate[ValueT]], *, keeps_rules: bool = False
) -> Choice[ValueT] | None:
    choice = choose(trained().fields[field], candidates, keeps_rules=keeps_rules)
    if choice is None:
        return None
    rules_found_one = any(candidate.is_rules_pick for candidate in candidates)
    if not rules_found_one and choice.confidence < BETTER_THAN_NOTHING:
        return None
    return choice


def _with(where: Evidence, confidence: float, label: str, alternatives: tuple[str, ...]) -> Evidence:
    return where.model_copy(
        update={"confidence": round(confidence, 4), "label": label, "alternatives": alternatives}
    )
