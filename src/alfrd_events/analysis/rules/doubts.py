"""What a person should look at: values that are missing, worked out, or together not sure enough."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

from alfrd_events.analysis.ranking.trees import Features, Weights
from alfrd_events.model import Document, Doubt, Summary
from alfrd_events.model.doubts import WORDS, clause

EXPECTED = {
    **dict.fromkeys(
        ("receipt", "invoice", "utility_bill", "service_bill", "credit_card"),
        ("entity", "document_date", "total_amount"),
    ),
    **dict.fromkeys(("insurance", "bank_statement"), ("entity", "document_date")),
}
"""By type: the values that every such paper has. One that is missing is a reason to look."""
NAMES = {field: WORDS[field] for field in ("entity", "document_date", "total_amount")}
SURE_TOGETHER = WORDS
"""The values that a document is filed and paid by: where one may be wrong, it is to be looked at."""
UNSURE_OF_TYPE = 0.4
SHARE_OF_TYPE = 0.3
"""What the doubt of a type counts for: types are right more often than their confidence says."""
LEAST_SURE = 0.01
"""Less is no worse a sign."""
LEAST_DOUBT = 0.01
"""Less is no better a sign; one value alone is never surer."""


def doubts_of(
    document: Document, summary: Summary, weights: Weights, *, of_unsupported: str = "worked_out"
) -> tuple[Doubt, ...]:
    """What of a summary a person should look at; nothing where all of it together is sure enough.

    :param of_unsupported: what is wrong with a value that the text does not hold: a code of :data:`CLAUSES`.
    """
    doubts = [
        Doubt(field=each, reason=clause("missing", what=NAMES[each]))
        for each in EXPECTED.get(document.document_type, ())
        if each not in summary.evidence and each not in summary.unsupported
    ]
    sure_of_type = _sure_of_type(document, summary)
    if sure_of_type < UNSURE_OF_TYPE:
        doubts.append(_doubt_of_type(document, sure_of_type))
    doubts += [
        Doubt(field=each, reason=clause(of_unsupported, what=NAMES[each]))
        for each in summary.unsupported
        if each in NAMES
    ]
    sure = _confidences(summary)
    all_right = weights.documents.confidence_of(signs_of_document(document, summary))
    if sure and all_right < weights.review_below:
        worst = _worst(document, summary, sure)
        doubts += [worst] if worst not in doubts else []
    return tuple(doubts)


def signs_of_document(document: Document, summary: Summary) -> Features:
    """What tells whether all that is given is right: how much doubt there is of its values, and of its type."""
    doubt = sum(-log(max(each, LEAST_SURE)) for each in _confidences(summary).values())
    of_type = -log(max(_sure_of_type(document, summary), LEAST_SURE))
    return {"doubt": log(max(doubt + SHARE_OF_TYPE * of_type, LEAST_DOUBT))}


def _confidences(summary: Summary) -> dict[str, float]:
    found = summary.evidence
    return {field: found[field].confidence or 0.0 for field in SURE_TOGETHER if field in found}


def _sure_of_type(document: Document, summary: Summary) -> float:
    """A type that a person gave is in no doubt, nor is a letter that fits none; a bill that fits none is."""
    is_letter = document.document_type == "other" and "total_amount" not in summary.evidence
    sure = document.classification_confidence
    return 1.0 if sure is None or is_letter else sure


def _doubt_of_type(document: Document, sure: float) -> Doubt:
    reason = clause("unsure_type", type=document.document_type.replace("_", " "), percent=_percent(sure))
    return Doubt(field="document_type", reason=reason, confidence=sure)


def _percent(sure: float) -> str:
    return f"{sure:.0%}".removesuffix("%")


def _worst(document: Document, summary: Summary, sure: Mapping[str, float]) -> Doubt:
    """The value that is least sure, or the type where that is."""
    least = min(sure, key=lambda field: sure[field])
    if (sure_of_type := _sure_of_type(document, summary)) < sure[least]:
        return _doubt_of_type(document, sure_of_type)
    other = next(iter(summary.evidence[least].alternatives), "")
    reason = (
        clause("unsure_other", what=SURE_TOGETHER[least], percent=_percent(sure[least]), other=other)
        if other
        else clause("unsure", what=SURE_TOGETHER[least], percent=_percent(sure[least]))
    )
    return Doubt(field=least, reason=reason, confidence=sure[least])
