"""What a document's owner has taught by corrections, in the place of what the rules would say."""

from __future__ import annotations

from collections.abc import Sequence

from alfrd_events.analysis.rules.taught_labels import value_beside
from alfrd_events.analysis.rules.taught_places import value_at
from alfrd_events.analysis.text.naming import entity_key
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.taught import bears_mark, lessons_for
from alfrd_events.model import Classification, Document, DocumentType, Evidence, Lesson, Summary

TAUGHT = 0.95
"""How sure a value is that was found by a lesson."""
HARDLY = 0.9
"""Below, a name that was read says less than a number that only one sender prints."""


def classified(document: Document, types: Sequence[DocumentType], found: Classification) -> Classification:
    """Give the type that this sender's papers were corrected to."""
    known = {each.name for each in types}
    for lesson in reversed(lessons_for(document)):
        if lesson.kind == "type" and lesson.found == found.document_type and lesson.value in known:
            reason = (
                f"A person has corrected papers of {lesson.sender} from {lesson.found} to {lesson.value}."
            )
            return found.model_copy(
                update={
                    "document_type": lesson.value,
                    "confidence": TAUGHT,
                    "reasoning": reason,
                    "suggested_type": "",
                }
            )
    return found


def summarized(document: Document, parsed: ParsedText, found: Summary) -> Summary:
    """Give the company that this sender is, and the values beside the labels that were taught, or at their places."""
    changed: dict[str, object] = {}
    evidence = dict(found.evidence)
    taught = lessons_for(document, found.entity)
    for lesson in taught:
        if lesson.kind == "company" and _is_company(lesson, document, found):
            changed["entity"] = lesson.value
            evidence["entity"] = _sure(evidence.get("entity"), lesson)
        elif lesson.kind == "label" and (beside := value_beside(lesson.field, lesson.value, parsed)):
            changed[lesson.field], evidence[lesson.field] = beside[0], _found(beside[1].evidence, lesson)
    for lesson in taught:
        if lesson.place and lesson.field not in changed and (seen := value_at(lesson, document, parsed)):
            changed[lesson.field], evidence[lesson.field] = seen[0], _found(seen[1], lesson)
    if not changed:
        return found
    doubts = tuple(doubt for doubt in found.doubts if doubt.field not in changed)
    return found.model_copy(update={**changed, "evidence": evidence, "doubts": doubts})


def _is_company(lesson: Lesson, document: Document, found: Summary) -> bool:
    """Whether the paper is this company's.

    By the name that was read wrongly before; or since no name was read, or hardly, and a mark of the company is there.
    """
    if not found.entity or entity_key(lesson.found) == entity_key(found.entity):
        return True
    where = found.evidence.get("entity")
    hardly = where is None or where.confidence is None or where.confidence < HARDLY
    return hardly and bears_mark(document, lesson)


def _sure(where: Evidence | None, lesson: Lesson) -> Evidence:
    if where is None:
        return Evidence(page=1, text="", confidence=TAUGHT, label=lesson.sender)
    return where.model_copy(
        update={"confidence": TAUGHT, "alternatives": (lesson.found,) if lesson.found else ()}
    )


def _found(where: Evidence, lesson: Lesson) -> Evidence:
    return where.model_copy(update={"confidence": TAUGHT, "label": lesson.value})
