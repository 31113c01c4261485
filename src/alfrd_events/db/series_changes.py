"""Merge, rename and split series, and take it back: each a function of ``sql/functions/series_changes.sql``."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from alfrd_events.db.database import Database


async def merge(database: Database, into: UUID, other: UUID) -> int:
    """Move the documents of another series into this one, which takes its place; the number of the change."""
    change: int = await database.value("select alfrd.merge_series(%s, %s)", [into, other])
    return change


async def rename(database: Database, series: UUID, entity: str, entity_key: str) -> int:
    """Give a series another name; the number of the change.

    :param entity_key: the key of the new name, under which documents are filed into it, too.
    """
    change: int = await database.value("select alfrd.rename_series(%s, %s, %s)", [series, entity, entity_key])
    return change


async def split(
    database: Database,
    series: UUID,
    documents: Sequence[UUID],
    entity: str,
    entity_key: str,
    slug: str,
    account: str,
) -> int:
    """Make a series of these documents of another one; the number of the change.

    :param account: the key of the account that all of them are of; empty: they have none in common.
    """
    change: int = await database.value(
        "select alfrd.split_series(%s, %s::uuid[], %s, %s, %s, %s)",
        [series, list(documents), entity, entity_key, slug, account],
    )
    return change


async def undo(database: Database, change: int) -> None:
    """Take a change back."""
    await database.execute("select alfrd.undo_series_change(%s)", [change])


async def accounts_of(database: Database, documents: Sequence[UUID]) -> list[str]:
    """The account numbers of documents, as printed."""
    rows = await database.rows(
        "select distinct account_number from alfrd.documents where id = any (%s::uuid[])", [list(documents)]
    )
    return [row["account_number"] for row in rows]
