"""Documents, and what they are filed in: types, series, files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, TypeVar
from uuid import UUID

from alfrd_events.model.base import Box
from alfrd_events.model.pages import Page

Made = TypeVar("Made")


def filled(kind: type[Made], values: dict[str, Any]) -> Made:
    """Return an instance of a frozen dataclass without calling its ``__init__``.

    ``__init__`` makes a call for each field. For the two dozen fields of a document it takes four times as long, and
    each step builds a document.

    :param values: of all its fields; not to be used afterwards.
    """
    made = object.__new__(kind)
    object.__setattr__(made, "__dict__", values)
    return made


@dataclass(frozen=True, slots=True)
class TaughtPlace:
    """Where on a page a value stands, and the texts around it that tell the layout."""

    page: int
    box: Box
    """Of the line that held the value."""
    aspect: float
    """Height of the page by its width."""
    anchors: tuple[tuple[str, float, float], ...]
    """Texts without blanks, and the middles of their lines; the nearest to the value's height first."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a correction taught about a sender, for the documents of one owner."""

    kind: Literal["type", "company", "label", "place", "date_order"]
    sender: str
    """The company, as a person named it."""
    marks: tuple[str, ...]
    """What is printed on its papers alone: numbers of nine digits and more, and internet addresses."""
    field: str
    """The value that it is about."""
    found: str
    """What was read wrongly: a type, a company; else empty."""
    value: str
    """What is right: a type, a company, the words beside the value, its place, or the order ``DMY`` or ``MDY``."""
    place: TaughtPlace | None = None


@dataclass(frozen=True)
class Document:
    """A document as the database knows it now."""

    id: UUID
    filename: str
    status: str
    created_at: datetime
    owner: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    page_count: int = 0
    document_type: str = ""
    classification_confidence: float | None = None
    classification_reasoning: str = ""
    summary: str = ""
    entity: str = ""
    document_date: date | None = None
    due_date: date | None = None
    total_amount: Decimal | None = None
    currency: str = ""
    account_number: str = ""
    period_start: date | None = None
    period_end: date | None = None
    structured_data: Mapping[str, Any] = field(default_factory=dict)
    series_id: UUID | None = None
    series_data: Mapping[str, Any] = field(default_factory=dict)
    made_by: Mapping[str, Any] = field(default_factory=dict)
    """Step -> ``{"by": analyst, "prompt": id}``."""
    corrected: tuple[str, ...] = ()
    """Names of the values that a person has set: they are right, whatever the text says."""
    pages: tuple[Page, ...] = ()
    peers: tuple[Peer, ...] = ()
    """Earlier documents of what may be the same series, for an analyst that learns from them."""
    lessons: tuple[Lesson, ...] = ()
    """What its owner has taught by corrections."""

    @cached_property
    def text(self) -> str:
        """All pages' text, pages apart by a form feed."""
        return "\f".join(page.text for page in self.pages)


@dataclass(frozen=True, slots=True)
class Peer:
    """A completed document of a series, to learn from."""

    document: Document
    slug: str
    """The slug of its series."""
    corrected: frozenset[str] = frozenset()
    """Names of the values that a person has corrected."""

    @property
    def was_compiled(self) -> bool:
        """Whether its values were taken by a learned layout, and so prove nothing about it."""
        made = self.document.made_by.get("summarize") or {}
        return str(made.get("by", "")).startswith("compiled:")


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A row of ``alfrd.document_types``: a type that a document may be given."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class SeriesField:
    """A value that documents of a series share."""

    name: str
    type: Literal["numeric", "date", "text"]
    former_names: tuple[str, ...] = ()
    """What people called it before."""
    version: int = 1
    """Of which version of the series' fields it is as it is."""


@dataclass(frozen=True, slots=True)
class Series:
    """Recurring documents of one entity and one kind."""

    id: UUID
    entity: str
    kind: str
    frequency: str
    slug: str
    title: str
    fields: tuple[str, ...] = ()
    """Names of the fields that its members carry, in the order in which they were first seen."""
    owner: str = ""
    account: str = ""
    """The key of its account; empty: none is known."""
    named: tuple[SeriesField, ...] = ()
    """Those of the fields that have a type: of which a value was seen, or that a person has added."""

    @property
    def version(self) -> int:
        """The version of its fields; 0: none is named yet."""
        return max((field.version for field in self.named), default=0)


@dataclass(frozen=True, slots=True)
class FileMember:
    """A completed document in a file, narrow: what the file's table needs."""

    id: UUID
    filename: str
    document_type: str
    summary: str
    entity: str
    document_date: date | None
    due_date: date | None
    total_amount: Decimal | None
    currency: str
    series_id: UUID | None
    series_data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class File:
    """A collection of the documents that carry all of its tags."""

    id: UUID
    title: str
    tags: tuple[str, ...]
    revision: int
    """Raised by the database whenever a member is added, removed or changed."""
    frequency: str
    """The frequency of its series where it is a series' file; else empty."""
    members: tuple[FileMember, ...]
    """By document date, undated ones last."""


def text_hash(document: Document) -> str:
    """Return the digest of a document's whole text, equal to that of ``alfrd.text_hash``: it shows a changed text."""
    return hashlib.sha256(document.text.encode()).hexdigest()
