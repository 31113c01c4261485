"""What a model is shown of a result to judge it, and what becomes of its judgement."""

from __future__ import annotations

from collections.abc import Sequence

from alfrd_events.model import Check, Document, DocumentType, JsonObject, Score
from alfrd_events.providers.analysts.llm.forms import ScoreForm
from alfrd_events.providers.analysts.rules.summary import iso

_MOST = 12


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
        feedback=form.feedback,
        checks=tuple(
            Check(name=check.name[:100], passed=check.passed, detail=check.detail[:500])
            for check in form.checks[:_MOST]
        ),
        improvements=tuple(dict.fromkeys(line[:500] for line in form.improvements if line))[:_MOST],
    )
