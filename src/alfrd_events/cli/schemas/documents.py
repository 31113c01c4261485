"""The answers about documents and files."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict

from alfrd_events.cli.schemas.shared import EventRow, Json, Member, Share, TaskRow, Usd


class DocumentRow(TypedDict):
    """``documents``; with ``--review`` it is a ``ToReview``."""

    id: UUID
    filename: str
    status: str
    document_type: str
    entity: str
    document_date: date | None
    due_date: date | None
    total_amount: float | None
    currency: str
    summary: str
    tags: list[str]
    series: str | None
    series_kind: str | None
    page_count: int
    error: str
    created_at: datetime
    updated_at: datetime
    usd: Usd


class ToReview(TypedDict):
    """``documents --review``."""

    id: UUID
    filename: str
    status: str
    document_type: str
    entity: str
    document_date: date | None
    total_amount: float | None
    currency: str
    review_confidence: Share | None
    review_reason: str
    created_at: datetime


class TagRow(TypedDict):
    """A tag, and who gave it."""

    tag: str
    source: Literal["user", "system", "analyst"]


class PartRow(TypedDict):
    """A file of a document."""

    number: int
    filename: str
    uri: str
    media_type: str
    page_count: int
    byte_count: int
    sha256: str


class PageRow(TypedDict):
    """A page."""

    number: int
    part: int
    source: str
    confidence: Share
    characters: int
    text: str


class ScoreRow(TypedDict):
    """How good a result is."""

    step: str
    score: Share
    feedback: str
    checks: list[Json]
    improvements: list[str]
    made_by: str
    scored_at: datetime


class CorrectionRow(TypedDict):
    """What a person has set."""

    field: str
    old_value: Any
    new_value: Any
    corrected_by: str
    corrected_at: datetime


class Paid(TypedDict):
    """What the calls for it cost."""

    calls: int
    cached: int
    usd: Usd
    unpriced: int


class SeriesOf(TypedDict):
    """The series of a document."""

    id: UUID
    entity: str
    entity_key: str
    kind: str
    frequency: str
    slug: str
    title: str
    description: str
    fields: list[str]
    created_at: datetime
    account: str


class ValueRow(TypedDict):
    """A value of a document, as ``alfrd.document_values`` has it."""

    field: str
    value: str
    text: str | None
    page: int | None
    box: Annotated[list[float], Field(min_length=4, max_length=4)] | None
    confidence: Share | None
    source: str
    alternatives: list[Any]
    corrected: bool


class ShownDocument(TypedDict):
    """``show`` of a document."""

    id: UUID
    owner: str
    filename: str
    uri: str
    fingerprint: str
    status: str
    error: str
    failed_step: str
    generation: int
    priority: int
    created_at: datetime
    updated_at: datetime
    page_count: int
    document_type: str
    classification_confidence: Share | None
    classification_reasoning: str
    summary: str
    entity: str
    document_date: date | None
    due_date: date | None
    total_amount: float | None
    currency: str
    account_number: str
    period_start: date | None
    period_end: date | None
    structured_data: Json
    evidence: Json
    series_data: Json
    metadata: Json
    corrected: list[str]
    made_by: Json
    series: SeriesOf | None
    tags: list[TagRow]
    parts: list[PartRow]
    pages: list[PageRow]
    scores: list[ScoreRow]
    corrections: list[CorrectionRow]
    usage: Paid
    tasks: list[TaskRow]
    events: list[EventRow]
    needs_review: bool
    review_reason: str
    review_confidence: Share | None
    values: list[ValueRow]


class FileRow(TypedDict):
    """``files``."""

    id: UUID
    title: str
    tags: list[str]
    status: str
    member_count: int
    summary: str
    insights: list[str]
    statistics: Json
    error: str
    series: str | None
    generated_at: datetime | None
    current: bool


class ShownFile(TypedDict):
    """``show`` of a file."""

    id: UUID
    owner: str
    title: str
    tags: list[str]
    status: str
    error: str
    summary: str
    insights: list[str]
    statistics: Json
    columns: list[str]
    rows: list[Json]
    member_count: int
    revision: int
    generated_revision: int
    generated_at: datetime | None
    created_at: datetime
    updated_at: datetime
    made_by: Json
    series: str | None
    members: list[Member]
    tasks: list[TaskRow]
    events: list[EventRow]


class CreatedFile(TypedDict):
    """``files create``."""

    id: UUID
    title: str
    documents: int


class FileMember(TypedDict):
    """A document of a file."""

    id: UUID
    filename: str
    entity: str
    document_type: str
    document_date: date | None
    total_amount: float | None
    currency: str


class FileTotal(TypedDict):
    """What the documents of one type and currency come to; ``without``: those that have no total."""

    document_type: str
    currency: str
    documents: int
    total: float | None
    without: int


class FieldChange(TypedDict):
    """A value of the last summary, and what it is now."""

    field: str
    before: str
    after: str


class FileChange(TypedDict):
    """What is not as the last summary says."""

    change: Literal["came", "went", "changed"]
    id: UUID
    name: str
    fields: list[FieldChange]


class SeenFile(ShownFile):
    """``files show``."""

    documents: list[FileMember]
    totals: list[FileTotal]
    changes: list[FileChange]


class TagCount(TypedDict):
    """``tags``."""

    tag: str
    documents: int
    files: int
    sources: list[Literal["user", "system", "analyst"]]


class HitRow(TypedDict):
    """``search``."""

    id: UUID
    filename: str
    document_type: str
    entity: str
    document_date: date | None
    total_amount: float | None
    currency: str
    page: int | None
    rank: float
    excerpt: str
    box: list[float] | None
    meant: str


class AddedRow(TypedDict):
    """``add``: ``id`` and ``new`` of what became a document, ``error`` of what did not."""

    path: str | None
    status: str
    id: NotRequired[UUID]
    new: NotRequired[bool]
    error: NotRequired[str]


class ChangedRow(TypedDict):
    """A value that has changed."""

    field: str
    old: Any
    new: Any


class Corrected(TypedDict):
    """``correct``."""

    id: UUID
    status: str
    changed: list[ChangedRow]


class Tagged(TypedDict):
    """``tag``: the tags afterwards."""

    id: UUID
    tags: list[str]


class Deleted(TypedDict):
    """``delete``."""

    id: UUID
    filename: str
    deleted: Literal[True]


class Accepted(TypedDict):
    """``accept``."""

    id: UUID
    verdict: Literal["accepted"]


class Cancelled(TypedDict):
    """``cancel``: its status afterwards."""

    id: UUID
    status: str


class Explained(TypedDict):
    """``explain``."""

    subject_type: Literal["document", "file"]
    id: UUID
    explanation: str
