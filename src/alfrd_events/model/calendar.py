"""A series as its calendar sees it: the dates and amounts of its documents, and what a person should know of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import Field

from alfrd_events.model.base import JsonObject, Result

AlertKind = Literal["missing", "late", "amount", "duplicate", "changed", "balance", "ended"]


@dataclass(frozen=True, slots=True)
class Dated:
    """A document of a series, as far as the calendar looks at it."""

    id: UUID
    filename: str
    day: date
    """Its date; the end of its period where it has none."""
    arrived: datetime
    amount: Decimal | None = None
    currency: str = ""
    account: str = ""
    number: str = ""
    """Of the invoice or statement, where it bears one."""
    bank_account: str = ""
    """The IBAN to pay to, where it names one."""
    opening: Decimal | None = None
    closing: Decimal | None = None
    """Of a statement: the balances that it begins and ends with."""
    period_start: date | None = None
    period_end: date | None = None


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """An alert that was raised before, whatever became of it."""

    kind: AlertKind
    key: str


@dataclass(frozen=True, slots=True)
class SeriesHistory:
    """A series, its newest documents, and the database's time."""

    series: UUID
    entity: str
    kind: str
    now: datetime
    documents: tuple[Dated, ...] = ()
    """By date; of a long series the newest 150."""
    alerts: tuple[KnownAlert, ...] = ()


class Alert(Result):
    """Something about a series that holds now and that a person should know."""

    kind: AlertKind
    key: str
    """The occasion: an alert with the same key is the same alert. A date, or the id of a document."""
    detail: str
    """A sentence."""
    document_id: UUID | None = None
    expected: date | None = None
    expected_from: date | None = None
    expected_to: date | None = None
    """Of what is late or missing: its likeliest date, and its window."""
    data: JsonObject = Field(default_factory=dict)
    """All that the sentence says, so that it can be said in another language: names, amounts as decimals, ISO dates."""
    is_news: bool = True
    """Whether it may be raised now; what lies far back is not raised, but stays open if it was."""


class Watch(Result):
    """What the dates of a series say at a moment."""

    frequency: str = ""
    """``weekly`` … ``annual``; empty: unknown."""
    confidence: float = 0.0
    """Between 0 and 1."""
    every_days: int = 0
    every_months: int = 0
    """One of both is positive where the frequency is known."""
    expected: date | None = None
    """The likeliest date of the next document."""
    expected_from: date | None = None
    expected_to: date | None = None
    """The window of the next document."""
    usual_amount: Decimal | None = None
    currency: str = ""
    has_ended: bool = False
    next_at: datetime | None = None
    """When to look again although no document comes; ``None``: not by the clock."""
    alerts: tuple[Alert, ...] = ()
    """All that hold now; what is open and not among them is over."""
