"""What a person does to a document: correct, undo, tag, delete.

Thin calls of the functions under ``sql/functions/corrections.sql``. They run with the rights of the login.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from alfrd_events.db.database import Database


@dataclass(frozen=True, slots=True)
class Changed:
    """A value that has changed."""

    field: str
    """A column of ``alfrd.documents``."""
    old_value: Any
    new_value: Any


async def correct(database: Database, document: UUID, values: Mapping[str, Any]) -> list[Changed]:
    """Set values of a document; those that are so already are left out of the answer.

    :param values: by column, short form (``total``, ``date`` …), ``series`` (a slug) or field of ``structured_data``.
    :raise NotFound: there is no such document.
    :raise Refused: a name or a value makes no sense; then nothing is changed.
    """
    rows = await database.rows("select * from alfrd.correct(%s, %s)", [document, Jsonb(dict(values))])
    return [Changed(**row) for row in rows]


async def undo(database: Database, document: UUID, change: int | None = None) -> list[Changed]:
    """Take back a change of a document, with what followed from it.

    :param change: its ``change_id`` in ``alfrd.corrections``; the last one if not given.
    :raise NotFound: there is no such document.
    :raise Refused: there is nothing to undo, or a later change rests on it.
    """
    rows = await database.rows("select * from alfrd.undo(%s, %s)", [document, change])
    return [Changed(**row) for row in rows]


async def tag(database: Database, document: UUID, add: Sequence[str], remove: Sequence[str]) -> list[str]:
    """Add and remove tags; those that it has afterwards.

    :raise NotFound: there is no such document.
    :raise Refused: a tag that follows from the document's type or series.
    """
    tags: list[str] = await database.value(
        "select alfrd.tag(%s, %s::text[], %s::text[])", [document, list(add), list(remove)]
    )
    return tags


async def delete(database: Database, document: UUID) -> str:
    """Remove a document with all that hangs on it; its file name.

    :raise NotFound: there is no such document.
    :raise Refused: row level security is on, and the login is an application.
    """
    return str(await database.value("select alfrd.delete_document(%s)", [document]))
