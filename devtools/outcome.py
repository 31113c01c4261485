"""A document put through all rules with given weights, and each of its values judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from alfrd_events.analysis.ranking.trees import Features, Weights
from alfrd_events.analysis.rules.classify import classify
from alfrd_events.analysis.rules.doubts import signs_of_document
from alfrd_events.analysis.rules.lexicon import type_names
from alfrd_events.analysis.rules.summary import summarize
from alfrd_events.analysis.rules.value_signs import Signs, squash, values_of
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Document, DocumentType, Summary
from devtools.corpus import SIMILAR, Known
from devtools.fit import GENERATED

TYPES = tuple(DocumentType(name, "") for name in (*type_names(), "other"))
MAIN = ("entity", "document_date", "total_amount", "due_date", "currency", "invoice_number")
"""The values that make a document right or wrong, beside its type."""
FACTS = {
    "account_number": "account_number",
    "period_start": "period_start",
    "period_end": "period_end",
    "invoice_number": "invoice_number",
    "receipt_number": "receipt_number",
    "policy_number": "policy_number",
    "customer_number": "customer_number",
    "meter_number": "meter_number",
    "student_id": "student_id",
    "vin": "vin",
    "license_plate": "license_plate",
    "payment_method": "payment_method",
    "amount_untaxed": "subtotal",
    "taxes_fees": "taxes_and_fees",
    "kwh": "usage_kwh",
    "therms": "therms",
    "billing_days": "billing_days",
    "electric_generation": "electric_generation",
    "electric_delivery": "electric_delivery",
    "gas_charges": "gas_charges",
    "base_rent": "base_rent",
    "late_fee": "late_fee",
    "previous_balance": "previous_balance",
}
"""Further known values, by their names among the known ones and in a summary."""
GENERATED_FACTS = ("subtotal", "tax", "payment_method")
"""The same of generated papers."""


@dataclass(frozen=True)
class Outcome:
    """What was found on one document, and what of it is right."""

    known: Known
    document: Document
    summary: Summary
    right: Mapping[str, bool]
    """By field, of those whose true value is known; one that was not found is wrong."""
    is_exact: bool
    """The company, to the letter."""
    is_strictly_typed: bool
    signs: Mapping[str, Features]
    """Of each value that was found and can be judged, but for the three that are chosen among candidates."""
    signs_of_document: Features
    sure: float
    """That it holds no wrong value."""

    @property
    def is_right(self) -> bool:
        """Type and main values together."""
        return all(self.right.get(field, True) for field in ("document_type", *MAIN))

    @property
    def holds_wrong_value(self) -> bool:
        """Whether a type or a main value is given that is wrong; one that was not found is none."""
        given = (field for field in ("document_type", *MAIN) if self.confidence(field) is not None)
        return not all(self.right.get(field, True) for field in given)

    @property
    def is_flagged(self) -> bool:
        return bool(self.summary.doubts)

    def confidence(self, field: str) -> float | None:
        """How sure a value is said to be; ``None`` where none was found."""
        if field == "document_type":
            return self.document.classification_confidence
        where = self.summary.evidence.get(field)
        return where.confidence if where else None


def outcome_of(known: Known, weights: Weights) -> Outcome:
    """Classify and summarise a document as a worker does; a generated one has the type that it was made with."""
    document = known.document
    found = classify(replace(document, document_type="", status="ocr_completed"), TYPES)
    kind = document.document_type if known.source == GENERATED else found.document_type
    document = replace(document, document_type=kind, classification_confidence=found.confidence)
    parsed = ParsedText.of(document)
    summary = summarize(document, weights)
    signs = Signs(document, parsed, summary)
    right = {**_judged_main(known, document, summary), **_judged_facts(known, summary)}
    whole = signs_of_document(document, summary)
    return Outcome(
        known,
        document,
        summary,
        right,
        is_exact=bool(summary.entity) and known.likeness(summary.entity) > 100,
        is_strictly_typed=document.document_type == known.truth["document_type"],
        signs={value.field: signs.of(value) for value in values_of(summary) if value.field in right},
        signs_of_document=whole,
        sure=weights.documents.confidence_of(whole),
    )


def _judged_main(known: Known, document: Document, summary: Summary) -> dict[str, bool]:
    truth = known.truth
    right: dict[str, bool] = {}
    if known.can_judge("document_type"):
        types = [truth["document_type"], *(truth.get("document_type_also") or ())]
        right["document_type"] = document.document_type in types
    if known.can_judge("entity"):
        right["entity"] = bool(summary.entity) and known.likeness(summary.entity) >= SIMILAR
    if known.can_judge("date"):
        right["document_date"] = known.is_right_date(summary.document_date)
    if known.can_judge("total_amount"):
        right["total_amount"] = summary.total_amount is not None and known.is_right_total(
            summary.total_amount
        )
    if "due_date" in truth and "due_date" not in (truth.get("unscored") or ()):
        also = truth.get("due_also") or ()
        days = [truth["due_date"], *([also] if isinstance(also, str) else also)]
        found = summary.due_date.isoformat() if summary.due_date else None
        if truth["due_date"] is not None or found is not None:
            right["due_date"] = found in days
    if known.can_judge("currency"):
        right["currency"] = summary.currency == truth["currency"]
    if known.can_judge("invoice_number"):
        right["invoice_number"] = _is_same(_given(summary, "invoice_number"), truth["invoice_number"])
    return right


def _judged_facts(known: Known, summary: Summary) -> dict[str, bool]:
    """Whether further values are right, of those that were found: papers print many more than anybody wants."""
    facts: dict[str, Any] = known.truth.get("fields") or {}
    true = {FACTS[name]: value for name, value in facts.items() if name in FACTS and value is not None}
    true |= {name: known.truth[name] for name in GENERATED_FACTS if name in known.truth}
    return {name: _is_same(found, value) for name, value in true.items() if (found := _given(summary, name))}


def _given(summary: Summary, field: str) -> str:
    value = getattr(summary, field, None) or summary.structured_data.get(field)
    return "" if value is None else str(value)


def _is_same(found: str, true: object) -> bool:
    """Whether two values are one: a way of paying may be known in more words than it is called by here."""
    try:
        return abs(float(found) - float(str(true))) < 0.005
    except ValueError:
        return squash(found) == squash(str(true)) or str(true).casefold().startswith(f"{found.casefold()} ")
