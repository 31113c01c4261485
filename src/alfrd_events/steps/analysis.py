"""Steps ``classify``, ``summarize`` and their scores: what a document is, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alfrd_events.errors import Permanent
from alfrd_events.model import Case, Classification, Document, JsonObject, Prompt, Score, Summary
from alfrd_events.model.jobs import Classify, ScoreClassification, ScoreSummary, Summarize

if TYPE_CHECKING:
    from alfrd_events.steps.registry import Tools


async def classify(case: Case, tools: Tools) -> Classification:
    """Name the document's type.

    A type that is not known is a suggestion, not an error: the document becomes ``other``.
    """
    document, prompt = inputs(case)
    if not document.pages:
        raise Permanent(
            f"document {document.id}: it has no pages; set its status to 'pending' to have it read again"
        )
    if (known := remembered(case, tools)) is not None:
        return Classification.model_validate(known)
    found = await tools.analyst.run(Classify(document, case.types, prompt))
    if found.document_type not in {known.name for known in case.types}:
        return found.model_copy(
            update={"suggested_type": found.suggested_type or found.document_type, "document_type": "other"}
        )
    return found


async def score_classification(case: Case, tools: Tools) -> Score:
    """Judge the stored classification."""
    document, prompt = inputs(case)
    return await tools.analyst.run(ScoreClassification(document, case.types, prompt))


async def summarize(case: Case, tools: Tools) -> Summary:
    """One line and the values."""
    document, prompt = inputs(case)
    if (known := remembered(case, tools)) is not None:
        return Summary.model_validate(known)
    return await tools.analyst.run(Summarize(document, prompt))


async def score_summary(case: Case, tools: Tools) -> Score:
    """Judge the stored summary."""
    document, prompt = inputs(case)
    return await tools.analyst.run(ScoreSummary(document, prompt))


def remembered(case: Case, tools: Tools) -> JsonObject | None:
    """What this analyst has made of this text by this prompt before, if that is known."""
    if case.known is None or case.known["made_by"] != tools.analyst.name:
        return None
    output: JsonObject = case.known["output"]
    return output


def inputs(case: Case) -> tuple[Document, Prompt]:
    """The document and the prompt of a case.

    :raise Permanent: no version of the prompt is active.
    """
    assert case.document is not None, "routed for documents only"
    return case.document, active_prompt(case)


def active_prompt(case: Case) -> Prompt:
    """The prompt of a case.

    :raise Permanent: no version of it is active.
    """
    if case.prompt is None:
        raise Permanent("no active prompt for this step in alfrd.prompts: activate a version")
    return case.prompt
