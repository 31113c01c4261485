"""What a program that sends documents asks of them: their values now, and their text."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from alfrd_events.db.database import Database, Row


async def documents(database: Database, ids: Sequence[UUID]) -> list[Row]:
    """The values of documents; those that do not exist are left out."""
    return await database.rows(
        "select d.id, d.filename, d.status, d.error, d.document_type, d.summary, d.entity, d.document_date, d.due_date,"
        " d.total_amount, d.currency, d.account_number, d.period_start, d.period_end, d.structured_data,"
        " coalesce(s.slug, '') as series, d.tags, d.metadata, d.page_count, d.needs_review, d.review_reason,"
        " d.created_at, d.updated_at"
        " from alfrd.documents d left join alfrd.series s on s.id = d.series_id where d.id = any (%s)",
        [list(ids)],
    )
