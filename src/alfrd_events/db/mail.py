"""Which messages of a mail folder became documents."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from alfrd_events.db.database import Database


async def taken(database: Database, mailbox: str, uidvalidity: int, uids: Sequence[int]) -> dict[int, bool]:
    """Those of the messages that are known, and whether each became a document or was passed over."""
    rows = await database.rows(
        "select uid, bool_or(document_ids <> '{}') as is_document from alfrd.mail_messages"
        " where mailbox = %s and uidvalidity = %s and uid = any (%s::bigint[]) group by uid",
        [mailbox, uidvalidity, list(uids)],
    )
    return {row["uid"]: row["is_document"] for row in rows}


async def documents_of(database: Database, mailbox: str, digest: str) -> list[UUID] | None:
    """What a message with this content became under another UID; ``None``: it was never taken."""
    row = await database.row(
        "select document_ids from alfrd.mail_messages"
        " where mailbox = %s and digest = %s and document_ids <> '{}' limit 1",
        [mailbox, digest],
    )
    return None if row is None else list(row["document_ids"])


async def note_taken(
    database: Database, mailbox: str, uidvalidity: int, uid: int, digest: str, documents: Sequence[UUID]
) -> None:
    """Remember a message that is done with."""
    await database.execute(
        "insert into alfrd.mail_messages as known (mailbox, uidvalidity, uid, digest, document_ids)"
        " values (%s, %s, %s, %s, %s)"
        " on conflict (mailbox, uidvalidity, uid, owner) do update set document_ids = excluded.document_ids"
        "  where known.document_ids = '{}'",
        [mailbox, uidvalidity, uid, digest, list(documents)],
    )
