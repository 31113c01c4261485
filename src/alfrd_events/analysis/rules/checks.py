"""Scores of results by checks that they can fail: is it in the text, does it add up, does it make sense.

A score is the weighted share of the checks that apply and pass. A check that does not apply (no line
items, no due date) is left out rather than passed: a result does not earn points for emptiness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alfrd_events.analysis.rules.classify import ENOUGH, confidence_of, rank
from alfrd_events.analysis.rules.value_checks import checks_of_values
from alfrd_events.analysis.rules.weighing import GRAVE, Weighed, score_of, weigh
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Document, DocumentType, Prompt, Score

OF_VALUES = {
    "entity without a number": ("entity",),
    "entity is no address": ("entity",),
    "entity is more than a trade": ("entity",),
    "entity in the text": ("entity",),
    "entity is the issuer": ("entity",),
    "total in the text": ("total_amount",),
    "total has the total's label": ("total_amount",),
    "document_date in the text": ("document_date",),
    "due_date in the text": ("due_date",),
    "account number in the text": ("account_number",),
    "subtotal, tax and total agree": ("total_amount", "structured_data"),
    "line items add up": ("total_amount", "structured_data"),
    "transactions add up": ("structured_data",),
    "plausible date": ("document_date",),
    "due after its date": ("document_date", "due_date"),
    "period in order": ("period_start", "period_end"),
    "currency given": ("currency",),
}
"""Check -> the values that it is about, beside "… given" and what is about the paper as a whole."""


def score_classification(
    document: Document, types: Sequence[DocumentType], prompt: Prompt | None = None
) -> Score:
    """Judge the stored type against the text."""
    stored = document.document_type
    if "document_type" in document.corrected:
        return score_of(
            [weigh("set by a person", True, stored, 1, "")], f"A person says that it is {stored}."
        )
    parsed = ParsedText.of(document)
    ranking = rank(parsed, types, prompt)
    points = dict(ranking.scores)
    mine = points.get(stored, 0.0)
    rivals = [(name, score) for name, score in ranking.scores if name != stored]
    rival, rival_score = rivals[0] if rivals else ("other", 0.0)
    known = {row.name for row in types} or set(points)
    is_other = stored == "other"
    confidence = document.classification_confidence
    weighed = [
        weigh(
            "known type",
            stored in known,
            f"{stored or 'no type'} is stored",
            2,
            "Use one of the known types, or suggest a new one.",
        ),
        weigh(
            "evidence in the text",
            mine > 0 or (is_other and rival_score < ENOUGH),
            f"{stored}: {mine:.1f} points",
            3,
            f"Look for words that speak for {rival} instead of {stored}.",
        ),
        weigh(
            "beats the runner-up",
            mine >= rival_score or (is_other and rival_score < ENOUGH),
            f"{stored} {mine:.1f}, {rival} {rival_score:.1f}",
            4,
            f"The words of this text fit {rival} better than {stored}.",
        ),
        weigh(
            "clear lead",
            mine >= 1.25 * rival_score or (is_other and rival_score < ENOUGH / 2),
            f"{stored} {mine:.1f}, {rival} {rival_score:.1f}",
            1,
            f"Name what tells {stored} from {rival}.",
        ),
        weigh(
            "enough to go by",
            max(mine, rival_score) >= ENOUGH or is_other,
            f"best score {max(mine, rival_score):.1f}",
            1,
            "Few words of any type were found; the page may be badly read.",
        ),
    ]
    if confidence is not None:
        expected = confidence_of(ranking) if ranking.best[0] == stored else 0.3
        weighed.append(
            weigh(
                "honest confidence",
                confidence <= expected + 0.35,
                f"{confidence:.2f} was claimed, {expected:.2f} is warranted",
                1,
                "Claim less confidence where two types are close.",
            )
        )
    return score_of(weighed, f"Stored as {stored or 'nothing'}; the text speaks for {ranking.best[0]}.")


def score_summary(document: Document) -> Score:
    """Judge the stored values against the text and against each other."""
    return score_of(_checked(document), f"Checked the values of {document.filename} against its text.")


def faults_of(document: Document) -> list[str]:
    """Names of the checks of weight that the stored values fail: what makes a result doubtful."""
    return [
        weighed.check.name
        for weighed in _checked(document)
        if not weighed.check.passed and weighed.weight >= GRAVE
    ]


def _checked(document: Document) -> list[Weighed]:
    weighed = list(checks_of_values(document))
    return [_trusting(document, each) for each in weighed] if document.corrected else weighed


def _trusting(document: Document, weighed: Weighed) -> Weighed:
    """Pass what is about a value that a person has set: it is right, though the text may not hold it."""
    check = weighed.check
    about = OF_VALUES.get(check.name, (check.name.removesuffix(" given"),))
    if check.passed or not set(about) & set(document.corrected):
        return weighed
    return replace(weighed, check=check.model_copy(update={"passed": True, "detail": "set by a person"}))
