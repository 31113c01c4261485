"""Documents on their way in: one row per content, however often it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from alfrd_events.db.database import Database


@dataclass(frozen=True, slots=True)
class NewPart:
    """One file of a document that is to be submitted."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document that is to be submitted."""

    filename: str
    parts: tuple[NewPart, ...]
    """In order; at least one."""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id: UUID | None = None
    """``None``: the database gives one."""

    @property
    def fingerprint(self) -> str:
        """What makes it the same document when it is sent again: its bytes, never its name."""
        return fingerprint([part.content for part in self.parts])


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a document that was submitted."""

    id: UUID
    is_new: bool
    same_content: bool
    """``False``: the id that was asked for belongs to another document, and nothing was written."""
    status: str
    error: str


def fingerprint(contents: Sequence[bytes]) -> str:
    """``sha256:…`` of the only part, or of the digests of all parts in order."""
    digests = [hashlib.sha256(content).digest() for content in contents]
    if len(digests) == 1:
        return f"sha256:{digests[0].hex()}"
    return f"sha256-of-parts:{hashlib.sha256(b''.join(digests)).hexdigest()}"


async def submit(database: Database, document: NewDocument) -> Submitted:
    """Insert a document with its parts, unless its content is known.

    :raise Refused: PostgreSQL does not take it, such as metadata with a NUL character.

    Source: ``sql/functions/submit.sql``.
    """
    alone = len(document.parts) == 1
    row = await database.row(
        "select * from alfrd.submit(%s, %s, %b, %s, %s, %s, %s::text[], %b::bytea[])",
        [
            document.id,
            document.filename,
            document.parts[0].content if alone else None,
            document.fingerprint,
            list(document.tags),
            Jsonb(dict(document.metadata)),
            [] if alone else [part.filename for part in document.parts],
            [] if alone else [part.content for part in document.parts],
        ],
    )
    assert row is not None, "alfrd.submit returns a row"
    return Submitted(**row)


async def submit_uri(
    database: Database, *, filename: str, uri: str, fingerprint: str, tags: Sequence[str] = ()
) -> Submitted:
    """Insert a document whose bytes are behind a URI, unless its fingerprint is known.

    :raise Refused: PostgreSQL does not take it.

    Source: ``sql/functions/submit.sql``.
    """
    row = await database.row(
        "select * from alfrd.submit(null, %s, null, %s, %s, p_uri => %s)",
        [filename, fingerprint, list(tags), uri],
    )
    assert row is not None, "alfrd.submit returns a row"
    return Submitted(**row)


async def resend(database: Database, id: UUID, document: NewDocument, *, copy: bool = False) -> str:
    """Give a document of one part the content that it should have had.

    :param copy: it is another file of the same name; only what failed is replaced, and only by what begins with it.
    :return: ``resent``; or ``unchanged``, ``known``, ``other`` or ``gone``, and nothing was written.
    :raise Refused: PostgreSQL does not take it.

    Source: ``sql/functions/resend.sql``.
    """
    (part,) = document.parts
    return str(
        await database.value(
            "select alfrd.resend(%s, %b, %s, %s)", [id, part.content, document.fingerprint, copy]
        )
    )


async def statuses(database: Database, ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """Status and error of each document that exists."""
    rows = await database.rows(
        "select id, status, error from alfrd.documents where id = any (%s)", [list(ids)]
    )
    return {row["id"]: (row["status"], row["error"]) for row in rows}


async def by_fingerprint(database: Database, fingerprints: Sequence[str]) -> dict[str, UUID]:
    """The documents that have these contents."""
    rows = await database.rows(
        "select fingerprint, id from alfrd.documents where fingerprint = any (%s)", [list(fingerprints)]
    )
    return {row["fingerprint"]: row["id"] for row in rows}
