"""What a model is shown of a result to judge it, and what becomes of its judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alfrd_events.analysis.llm.forms import ScoreForm
from alfrd_events.analysis.rules.checks import score_summary
from alfrd_events.analysis.text.written import iso
from alfrd_events.model import Check, Document, DocumentType, JsonObject, Score, Summary

_MOST = 12
_SUMS = frozenset({"line items add up", "subtotal, tax and total agree"})
"""Checks of the rules that are arithmetic."""


def classification_of(document: Document) -> JsonObject:
    return {
        "document_type": document.document_type,
        "confidence": document.classification_confidence,
        "reasoning": document.classification_reasoning,
    }


def summary_of(document: Document) -> JsonObject:
    return {
        "document_type": document.document_type,
        "summary": document.summary,
        "entity": document.entity,
        "document_date": iso(document.document_date),
        "due_date": iso(document.due_date),
        "total_amount": document.total_amount,
        "currency": document.currency,
        "account_number": document.account_number,
        "period_start": iso(document.period_start),
        "period_end": iso(document.period_end),
        "structured_data": document.structured_data,
    }


def known_types(types: Sequence[DocumentType]) -> str:
    return f"The types that there are: {', '.join(row.name for row in types)}."


def scored(form: ScoreForm) -> Score:
    return Score(
        score=form.score,
        feedback=form.feedback or "The model gave no reasons.",
        checks=tuple(
            Check(name=check.name[:100], passed=check.passed, detail=check.detail[:500])
            for check in form.checks[:_MOST]
        ),
        improvements=tuple(dict.fromkeys(line[:500] for line in form.improvements if line))[:_MOST],
    )


def wrong_sums(document: Document, found: Summary) -> str:
    """A note of the sums that a summary's values do not make; empty where they agree."""
    failed = [check.name for check in _sums(with_summary(document, found)) if not check.passed]
    return f"does not hold: {', '.join(failed)}" if failed else ""


def with_sums(document: Document, found: Score) -> Score:
    """A model's judgement and the arithmetic, which a model is bad at.

    Where a sum is wrong, the score is no better than the share of all checks that hold.
    """
    sums = _sums(document)
    checks = (*found.checks, *sums)
    if all(check.passed for check in sums):
        return found.model_copy(update={"checks": checks})
    share = sum(check.passed for check in checks) / len(checks)
    return found.model_copy(update={"checks": checks, "score": min(found.score, round(share, 4))})


def _sums(document: Document) -> tuple[Check, ...]:
    return tuple(check for check in score_summary(document).checks if check.name in _SUMS)


def with_summary(document: Document, found: Summary) -> Document:
    """The document as it would be with this summary, to be checked."""
    return replace(
        document,
        summary=found.summary,
        entity=found.entity,
        document_date=found.document_date,
        due_date=found.due_date,
        total_amount=found.total_amount,
        currency=found.currency,
        account_number=found.account_number,
        period_start=found.period_start,
        period_end=found.period_end,
        structured_data=found.structured_data,
    )
