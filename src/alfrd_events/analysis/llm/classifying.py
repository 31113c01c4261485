"""From a model's answer to a classification."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from alfrd_events.analysis.llm.forms import ClassificationForm
from alfrd_events.analysis.llm.grounded import field_name
from alfrd_events.analysis.ranking.trees import MOST_SURE
from alfrd_events.analysis.rules.classify import classify
from alfrd_events.analysis.text.excerpt import excerpt
from alfrd_events.clients.calls import BadReply
from alfrd_events.clients.llm.structured import Intake
from alfrd_events.model import Classification, Document, DocumentType

MOST_TAGS = 6
LEAST_BELIEVED, MOST_BELIEVED = 0.3, 0.9
"""What a model says of its own sureness counts between these."""
_TAG = re.compile(r"[a-z0-9](?:[a-z0-9 &'-]{0,38}[a-z0-9])?")


def classified(form: ClassificationForm, types: Sequence[DocumentType], intake: Intake) -> Classification:
    """The classification of an answer; on the last try, a type that was not listed is a suggestion.

    :raise BadReply: the type is none of those that were listed.
    """
    known = {row.name for row in types} | {"other"}
    name = field_name(form.document_type)
    suggested = field_name(form.suggested_type)
    if name not in known:
        if not intake.lenient:
            listed = ", ".join(sorted(known))
            raise BadReply(f"classification: document_type must be one of {listed}", "invalid")
        intake.note("the model named a type that was not listed; it counts as other, and as a suggestion")
        name, suggested = "other", name
    return Classification(
        document_type=name,
        confidence=form.confidence,
        reasoning=" ".join(form.reasoning.split()),
        tags=clean_tags(form.tags, known),
        suggested_type="" if suggested in known or suggested[:1].isdigit() else suggested,
    )


def with_second_opinion(
    document: Document, types: Sequence[DocumentType], found: Classification
) -> Classification:
    """A model's classification, as sure as it is with the rules' own: surer where they agree, less where they differ.

    Rules that know no type have no opinion.
    """
    rules = classify(replace(document, pages=excerpt(document).pages), types)
    own = max(LEAST_BELIEVED, min(MOST_BELIEVED, found.confidence))
    odds = own / (1 - own)
    doubt = 1 - min(MOST_SURE, rules.confidence)
    if rules.document_type == found.document_type:
        odds /= doubt
    elif rules.document_type != "other":
        odds *= doubt
    return found.model_copy(update={"confidence": round(min(MOST_SURE, odds / (1 + odds)), 4)})


def clean_tags(given: Sequence[str], types: set[str]) -> tuple[str, ...]:
    """Lower-case words, few, and none that means something to this program: a type, or a series."""
    tags = dict.fromkeys(" ".join(tag.lower().split()) for tag in given)
    return tuple(tag for tag in tags if _TAG.fullmatch(tag) and tag.replace(" ", "_") not in types)[
        :MOST_TAGS
    ]
