"""Rows of an export into this database: each a function of ``sql/functions/import.sql``, each a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from alfrd_events.db.database import Database


async def document_type(database: Database, name: str, description: str) -> bool:
    """A type of documents; whether it is new here."""
    return bool(await database.value("select alfrd.import_document_type(%s, %s)", [name, description]))


async def document(
    database: Database, line: str, series: str | None, contents: Sequence[bytes | None], pages: str
) -> bool:
    """A document as it was; whether it is new here.

    :param line: its row and what belongs to it, as JSON.
    :param series: the row of its series.
    :param contents: the bytes of its parts, in order; ``None`` for those that are behind a URI.
    :param pages: an array of its pages, as JSON.
    :raise Refused: PostgreSQL does not take it, or who is signed in may not import.
    """
    return bool(
        await database.value(
            "select alfrd.import_document(%s::jsonb, %s::jsonb, %b::bytea[], %s::jsonb)",
            [line, series, list(contents), pages],
        )
    )


async def series(database: Database, line: str) -> bool:
    """What hangs on a series whose documents have come; whether it is here."""
    return bool(await database.value("select alfrd.import_series(%s::jsonb)", [line]))


async def file(database: Database, line: str, series: str | None) -> bool:
    """A file; whether it is new here."""
    return bool(await database.value("select alfrd.import_file(%s::jsonb, %s::jsonb)", [line, series]))


async def lesson(database: Database, line: str) -> bool:
    """A lesson whose document is gone; whether it is new here."""
    return bool(await database.value("select alfrd.import_lesson(%s::jsonb)", [line]))


async def payment(database: Database, line: str) -> bool:
    """What paid a bill; whether it is new here."""
    return bool(await database.value("select alfrd.import_payment(%s::jsonb)", [line]))
