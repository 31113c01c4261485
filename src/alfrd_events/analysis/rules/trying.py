"""Try the lessons about a sender: learn where the corrected values are, and replay each over the sender's papers.

A lesson is believed if it contradicts no other one, and gives no paper that a person has looked at another value. The
same functions find values by a lesson when it is used (:mod:`.lessons`), so what was tried is what will be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from alfrd_events.analysis.rules.taught_labels import Value, label_of, value_beside, values_of
from alfrd_events.analysis.rules.taught_places import agree, in_words, place_of, value_at
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Document, JsonObject, Lesson, TaughtPlace
from alfrd_events.model.trials import TaughtLesson, Trial, Verdict, Verdicts

OFTEN = 3
"""What so many corrections have taught, is not taught again."""
_LEARNED = ("label", "place")
"""Kinds of which the database does not know the value before they are tried."""


@dataclass(frozen=True)
class _Paper:
    """A document with its values, read once for all lessons."""

    document: Document
    parsed: ParsedText

    @classmethod
    def of(cls, document: Document) -> _Paper:
        return cls(document, ParsedText.of(document))

    def contradicts(self, lesson: Lesson) -> bool:
        """Whether the lesson finds another value than the right one, which is printed elsewhere."""
        right: Value | None = getattr(self.document, lesson.field)
        if right is None or all(value != right for _, _, value, _ in values_of(lesson.field, self.parsed)):
            return False
        if lesson.kind == "label":
            seen = value_beside(lesson.field, lesson.value, self.parsed)
            return seen is not None and seen[0] != right
        placed = value_at(lesson, self.document, self.parsed)
        return placed is not None and placed[0] != right


def tried(trial: Trial) -> Verdicts:
    """What is to be thought of each lesson about a sender."""
    known: list[TaughtLesson] = []
    none: list[TaughtLesson] = []
    for taught in trial.lessons:
        learned = _learned(taught, trial.taught_by)
        is_news = learned is not None and (
            taught.is_tried or sum(_are_same(learned.lesson, other.lesson) for other in known) < OFTEN
        )
        if learned is not None and is_news:
            known.append(learned)
        else:
            none.append(taught)
    replayed = [each for each in known if each.lesson.kind in _LEARNED]
    papers = [_Paper.of(document) for document in trial.papers] if replayed else []
    believed = [_verdict(each, contradicted_by=_contradicted(each, known, papers)) for each in known]
    return Verdicts(verdicts=(*believed, *(_verdict(each, is_none=True) for each in none)))


def _learned(taught: TaughtLesson, documents: Mapping[UUID, Document]) -> TaughtLesson | None:
    """The lesson with the words or the place that its correction tells; ``None``: there are none."""
    lesson = taught.lesson
    if taught.is_tried or lesson.kind not in _LEARNED or lesson.value:
        return taught
    document = documents.get(taught.document) if taught.document else None
    if document is None or taught.right is None:
        return None
    parsed = ParsedText.of(document)
    if lesson.kind == "label":
        label = label_of(lesson.field, taught.right, parsed)
        return replace(taught, lesson=replace(lesson, value=label)) if label else None
    place = place_of(lesson.field, taught.right, document, parsed)
    return replace(taught, lesson=replace(lesson, value=in_words(place), place=place)) if place else None


def _contradicted(taught: TaughtLesson, known: Iterable[TaughtLesson], papers: Iterable[_Paper]) -> str:
    for other in known:
        if _is_about_the_same(taught.lesson, other.lesson) and _differ(taught.lesson, other.lesson):
            return f"lesson {other.id}"
    if taught.against is not None:
        return f"document {taught.against}"
    if taught.lesson.kind in _LEARNED:
        for paper in papers:
            if paper.document.id != taught.document and paper.contradicts(taught.lesson):
                return f"document {paper.document.id}"
    return ""


def _is_about_the_same(one: Lesson, other: Lesson) -> bool:
    return (one.kind, one.field, one.found) == (other.kind, other.field, other.found)


def _are_same(one: Lesson, other: Lesson) -> bool:
    if not _is_about_the_same(one, other):
        return False
    return agree(one.place, other.place) is True if one.place and other.place else one.value == other.value


def _differ(one: Lesson, other: Lesson) -> bool:
    return agree(other.place, one.place) is False if one.place and other.place else one.value != other.value


def _verdict(taught: TaughtLesson, **found: Any) -> Verdict:
    lesson = taught.lesson
    place = _row(lesson.place) if lesson.place else None
    return Verdict(id=taught.id, value=lesson.value, place=place, marks=lesson.marks, **found)


def _row(place: TaughtPlace) -> JsonObject:
    """A place as ``alfrd.lessons`` keeps it."""
    anchors = [list(anchor) for anchor in place.anchors]
    return {"page": place.page, "aspect": place.aspect, "box": list(place.box), "anchors": anchors}
