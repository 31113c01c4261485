"""What the answers of several commands hold.

Times are ISO 8601 with their offset, days ``2025-05-31``, amounts of documents numbers, and money that was paid to
providers the text of an exact decimal.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict

Usd = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$", description="USD, an exact decimal")]
Share = Annotated[float, Field(ge=0, le=1)]
Json = dict[str, Any]
Counts = dict[str, int]


class TaskRow(TypedDict):
    """Work that waits, runs or is dead."""

    id: int
    step: str
    state: str
    attempt: int
    max_attempts: int
    run_at: datetime
    woken_by: str
    error: str


class EventRow(TypedDict):
    """What happened to a document or file."""

    id: int
    at: datetime
    kind: str
    step: str
    attempt: int | None
    worker_id: int | None
    woken_by: str
    waited_ms: int | None
    ran_ms: int | None
    detail: str


class Member(TypedDict):
    """A document of a file."""

    id: UUID
    filename: str
    document_date: date | None
    total_amount: float | None
    currency: str
