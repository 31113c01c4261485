"""Lessons that are tried before they are believed: what step ``try_lessons`` is given, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from alfrd_events.model.base import JsonObject, Result
from alfrd_events.model.documents import Document, Lesson


@dataclass(frozen=True, slots=True)
class TaughtLesson:
    """A lesson as the database knows it, and the correction that taught it."""

    id: int
    lesson: Lesson
    """Before it is tried, the words beside a value, and its place, are empty."""
    document: UUID | None
    """The document that was corrected; ``None``: it is gone."""
    right: Decimal | date | None
    """What the correction has set, where that is a total or a date."""
    is_tried: bool
    against: UUID | None
    """A document that a person has accepted, and that would have another type or company by this lesson."""


@dataclass(frozen=True)
class Trial:
    """All lessons about one sender, and its papers."""

    sender: str
    lessons: tuple[TaughtLesson, ...]
    """The oldest first."""
    papers: tuple[Document, ...]
    """Those that a person has looked at: their values are right."""
    taught_by: Mapping[UUID, Document]
    """The documents whose corrections taught what is still to be tried."""


class Verdict(Result):
    """What is to be thought of a lesson."""

    id: int
    value: str
    place: JsonObject | None
    marks: tuple[str, ...]
    contradicted_by: str = ""
    """What it contradicts: ``lesson 4``, ``document …``; empty: nothing, and it is believed."""
    is_none: bool = False
    """There are no such words, or no such place; or three lessons say the same already."""


class Verdicts(Result):
    """What is to be thought of the lessons about a sender."""

    verdicts: tuple[Verdict, ...]
