"""What a client gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

ENDED = frozenset({"completed", "failed", "cancelled", "deleted"})


@dataclass(frozen=True, slots=True)
class Document:
    """A document as the database knew it at that moment. Columns: docs/sql.md."""

    id: UUID
    filename: str
    status: str
    error: str
    """Why it failed."""
    document_type: str
    summary: str
    entity: str
    document_date: date | None
    due_date: date | None
    total_amount: Decimal | None
    currency: str
    account_number: str
    period_start: date | None
    period_end: date | None
    structured_data: Mapping[str, Any]
    series: str
    """The slug of its series; empty: none."""
    tags: tuple[str, ...]
    metadata: Mapping[str, Any]
    page_count: int
    needs_review: bool
    review_reason: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """A document has another status."""

    document: UUID
    status: str
    """``deleted``: it is gone."""
    error: str

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens to it by itself."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that a search has found."""

    id: UUID
    filename: str
    document_type: str
    entity: str
    document_date: date | None
    total_amount: Decimal | None
    currency: str
    page: int | None
    """The page that holds the words; ``None``: its name or its summary does."""
    excerpt: str
    """The words among their neighbours, between ⟦ and ⟧."""
