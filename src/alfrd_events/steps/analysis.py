"""Steps ``classify``, ``summarize`` and their scores: what a document is, and what it says."""

from __future__ import annotations

from dataclasses import replace

from alfrd_events.analysis.text.taught import lessons_for
from alfrd_events.errors import Permanent
from alfrd_events.model import Classification, Document, JsonObject, Lesson, Prompt, Score, Summary
from alfrd_events.model.inputs import (
    ClassifyInput,
    ScoreClassificationInput,
    ScoreSummaryInput,
    SummarizeInput,
)
from alfrd_events.model.jobs import Classify, ScoreClassification, ScoreSummary, Summarize
from alfrd_events.steps.step import Tools


async def classify(given: ClassifyInput, tools: Tools) -> Classification:
    """Name the document's type.

    A type that is not known is a suggestion, not an error: the document becomes ``other``.
    """
    document, prompt = given.document, active(given.prompt)
    if not document.pages:
        raise Permanent(
            f"document {document.id}: it has no pages; set its status to 'pending' to have it read again"
        )
    document = _taught(document, given.lessons)
    if (known := _known_output(given.known, tools)) is not None and not lessons_for(document):
        return Classification.model_validate(known)
    found = await tools.analyst.run(Classify(document, given.types, prompt))
    if found.document_type not in {known.name for known in given.types}:
        return found.model_copy(
            update={"suggested_type": found.suggested_type or found.document_type, "document_type": "other"}
        )
    return found


async def score_classification(given: ScoreClassificationInput, tools: Tools) -> Score:
    """Judge the stored classification."""
    return await tools.analyst.run(ScoreClassification(given.document, given.types, active(given.prompt)))


async def summarize(given: SummarizeInput, tools: Tools) -> Summary:
    """Give one line and the values."""
    document, prompt = _taught(given.document, given.lessons), active(given.prompt)
    if (known := _known_output(given.known, tools)) is not None and not lessons_for(document):
        return Summary.model_validate(known)
    return await tools.analyst.run(Summarize(document, prompt))


async def score_summary(given: ScoreSummaryInput, tools: Tools) -> Score:
    """Judge the stored summary."""
    document = _taught(given.document, given.lessons)
    return await tools.analyst.run(ScoreSummary(document, active(given.prompt)))


def _taught(document: Document, lessons: tuple[Lesson, ...]) -> Document:
    return replace(document, lessons=lessons) if lessons else document


def active(prompt: Prompt | None) -> Prompt:
    """Return the prompt that a step works with.

    :raise Permanent: no version of it is active.
    """
    if prompt is None:
        raise Permanent("no active prompt for this step in alfrd.prompts: activate a version")
    return prompt


def _known_output(known: JsonObject | None, tools: Tools) -> JsonObject | None:
    """What this analyst has made of this text by this prompt before, if that is known."""
    if known is None or known["made_by"] != tools.analyst.name:
        return None
    output: JsonObject = known["output"]
    return output
