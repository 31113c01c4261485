"""Many documents at once: tag, try again, delete or export all that fit a filter; and give filters names.

What writes is in ``sql/functions/bulk.sql``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import LiteralString
from uuid import UUID

from alfrd_events.db.console import Filter
from alfrd_events.db.database import Database, Row

MOST_AT_ONCE = 10_000
"""Documents that one action changes at the most."""
_ROWS_AT_ONCE = 1_000
EXPORTED = (
    "id", "filename", "status", "document_type", "entity", "document_date", "due_date", "total_amount", "currency",
    "account_number", "period_start", "period_end", "series", "tags", "page_count", "summary", "needs_review", "error",
    "created_at",
)  # fmt: skip
"""The columns that are given out."""
_EXPORTED: LiteralString = """
select d.id, d.filename, d.status, d.document_type, d.entity, d.document_date, d.due_date, d.total_amount, d.currency,
       d.account_number, d.period_start, d.period_end, s.slug as series, d.tags, d.page_count, d.summary,
       d.needs_review, d.error, d.created_at
  from alfrd.documents d left join alfrd.series s on s.id = d.series_id
"""
_FITTING: LiteralString = "select d.id, d.status from alfrd.documents d"


async def fitting(database: Database, wanted: Filter) -> list[Row]:
    """``id`` and ``status`` of the documents that fit, by id; at the most one more than :data:`MOST_AT_ONCE`."""
    where, given = wanted.where()
    return await database.rows(
        _FITTING + where + " order by d.id limit %(most)s",
        {**given, "most": MOST_AT_ONCE + 1},
    )


async def exported(database: Database, wanted: Filter) -> AsyncIterator[list[Row]]:
    """All documents that fit, the oldest first, some at a time; between two of them no connection is held."""
    where, given = wanted.where()
    then: LiteralString = " and " if where else " where "
    after: Row = {"moment": None, "last": None}
    while True:
        rows = await database.rows(
            _EXPORTED + where + then + "(%(moment)s::timestamptz is null"
            "  or (d.created_at, d.id) > (%(moment)s::timestamptz, %(last)s::uuid))"
            " order by d.created_at, d.id limit %(some)s",
            {**given, **after, "some": _ROWS_AT_ONCE},
        )
        if rows:
            yield rows
        if len(rows) < _ROWS_AT_ONCE:
            return
        after = {"moment": rows[-1]["created_at"], "last": rows[-1]["id"]}


async def tag(database: Database, documents: Sequence[UUID], name: str, *, remove: bool = False) -> int:
    """Give documents a tag, or take it from them; how many that changed.

    :raise Refused: it is no tag that people give.
    """
    return int(
        await database.value("select alfrd.tag_documents(%s, %s, %s)", [list(documents), name, remove])
    )


async def retry(database: Database, documents: Sequence[UUID]) -> int:
    """Try again those that have failed, each from where it failed; how many."""
    return int(await database.value("select alfrd.retry_documents(%s)", [list(documents)]))


async def delete(database: Database, documents: Sequence[UUID]) -> int:
    """Remove documents with all that hangs on them; how many."""
    return int(await database.value("select alfrd.delete_documents(%s)", [list(documents)]))


async def changes(database: Database, limit: int = 8) -> list[Row]:
    """What was done to many documents and can be taken back, the newest first."""
    return await database.rows(
        "select id, tag, is_removal, cardinality(document_ids) as number, made_by, made_at from alfrd.bulk_changes"
        " where undone_at is null order by id desc limit %s",
        [limit],
    )


async def undo(database: Database, change: int) -> int:
    """Take a change back; how many documents are as before.

    :raise NotFound: there is no such change, or it was taken back.
    """
    return int(await database.value("select alfrd.undo_bulk_change(%s)", [change]))


async def views(database: Database) -> list[Row]:
    """Filters with a ``name``, each with its ``query``: what stands behind the question mark."""
    return await database.rows("select name, query from alfrd.console_views order by lower(name), name")


async def save_view(database: Database, name: str, query: str) -> None:
    """Give a filter a name; one that has it already is replaced.

    :raise Refused: no name, too long a one, or too many views.
    """
    await database.execute("select alfrd.save_view(%s, %s)", [name, query])


async def forget_view(database: Database, name: str) -> None:
    """Forget a filter.

    :raise NotFound: none has this name.
    """
    await database.execute("select alfrd.forget_view(%s)", [name])
