"""The answers about series, and about what corrections taught."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from typing_extensions import TypedDict

from alfrd_events.cli.schemas.shared import Json, Share

AlertKind = Literal["missing", "late", "amount", "duplicate", "changed", "balance", "ended"]


class SeriesMember(TypedDict):
    """A completed document of a series."""

    id: UUID
    filename: str
    date: date | None
    total_amount: float | None
    currency: str


class SeriesRow(TypedDict):
    """``series``."""

    id: UUID
    entity: str
    kind: str
    frequency: str
    slug: str
    title: str
    fields: list[str]
    document_count: int
    first_date: date | None
    last_date: date | None
    total_amount: float | None
    currency: str
    documents: list[SeriesMember]


class Rhythm(TypedDict):
    """How often its documents come."""

    series_id: UUID
    frequency: str
    confidence: Share
    every_days: int
    every_months: int
    expected: date | None
    expected_from: date | None
    expected_to: date | None
    usual_amount: float | None
    currency: str
    has_ended: bool
    watched_at: datetime
    next_look_at: datetime | None


class AlertOfSeries(TypedDict):
    """An alert of one series, snoozed ones among them."""

    id: UUID
    kind: AlertKind
    key: str
    document_id: UUID | None
    detail: str
    expected: date | None
    expected_from: date | None
    expected_to: date | None
    data: Json
    raised_at: datetime
    dismissed_at: datetime | None
    snoozed_until: datetime | None
    is_snoozed: bool


class DocumentOfSeries(TypedDict):
    """A document of one series."""

    id: UUID
    filename: str
    status: str
    day: date | None
    due_date: date | None
    total_amount: float | None
    currency: str
    series_data: Json


class ShownSeries(TypedDict):
    """``series show``."""

    id: UUID
    owner: str
    slug: str
    title: str
    entity: str
    kind: str
    rhythm: Rhythm | None
    alerts: list[AlertOfSeries]
    documents: list[DocumentOfSeries]


class FieldRow(TypedDict):
    """``series fields``: a value that its documents share, as a column of its view."""

    name: str
    column_name: str
    type: Literal["numeric", "date", "text"]
    version: int
    former_names: list[str]
    made_by: str
    document_count: int


class AlertRow(TypedDict):
    """``alerts``."""

    id: UUID
    series_id: UUID
    series: str
    title: str
    kind: AlertKind
    detail: str
    document_id: UUID | None
    data: Json
    raised_at: datetime


class CalendarRow(TypedDict):
    """``calendar``."""

    day: date
    state: Literal["received", "due", "was_due", "expected", "late", "missing", "paid", "credited"]
    series_id: UUID
    series: str
    title: str
    document_id: UUID | None
    filename: str
    amount: float | None
    currency: str
    window_from: date | None
    window_to: date | None


class BillRow(TypedDict):
    """``bills``; what ``paid`` it was on ``statement``, or a person said so; ``credited`` by ``credit_note``."""

    document_id: UUID
    filename: str
    owner: str
    series_id: UUID | None
    series: str | None
    entity: str
    issued: date | None
    due: date | None
    total: float
    currency: str
    state: Literal["open", "paid", "overdue", "credited"]
    paid_on: date | None
    paid: float
    statement_id: UUID | None
    confidence: Share | None
    credited: float
    credit_note_id: UUID | None
    to_pay: float
    rival_id: UUID | None
    statement: str | None
    credit_note: str | None
    rival: str | None


class LessonPlace(TypedDict):
    """Where a value stands: a box as fractions of the page, and the texts that tell the layout, with their middles."""

    page: int
    box: tuple[float, float, float, float]
    aspect: float
    anchors: list[tuple[str, float, float]]


class LessonRow(TypedDict):
    """``lessons``."""

    id: int
    owner: str
    kind: Literal["type", "company", "label", "place", "date_order"]
    sender: str
    field: str
    found: str
    value: str
    place: LessonPlace | None
    marks: list[str]
    document_id: UUID | None
    change_id: int | None
    active: bool
    contradicted_by: str
    tried_at: datetime | None
    taught_by: str
    taught_at: datetime


class Undone(TypedDict):
    """``lessons undo``."""

    id: int
    undone: Literal[True]


class Applied(TypedDict):
    """``lessons apply``: the documents that are done again."""

    id: UUID
    again: list[UUID]
