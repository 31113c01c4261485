"""The client for asyncio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import fields
from pathlib import Path
from typing import Any, Self, overload
from uuid import UUID

from alfrd_events.client.types import Change, Document, Hit
from alfrd_events.db import client, corrections, documents, queries
from alfrd_events.db.corrections import Changed
from alfrd_events.db.database import Database, Row
from alfrd_events.db.documents import NewDocument, NewPart, Submitted
from alfrd_events.db.feed import StatusFeed
from alfrd_events.errors import DatabaseUnavailable, NotFound

_LOOK_EVERY_SECONDS = 15.0
"""A notification may be lost with its connection, or be switched off: look now and then all the same."""
_RECONNECT_SECONDS = 0.5


class AsyncClient:
    """A connection to one database, as an application: ``async with AsyncClient() as client: …``.

    :param url: as libpq takes it; if not given, ``ALFRD_DATABASE_URL``, and without that ``PGHOST`` and the like.
    :param listen_url: where to LISTEN, past a PgBouncer; if not given, at ``url``.
    :param connections: how many it opens at most, beside one for each :meth:`wait` and :meth:`watch`.
    """

    def __init__(
        self, url: str | None = None, *, listen_url: str | None = None, connections: int = 4
    ) -> None:
        self._url = os.environ.get("ALFRD_DATABASE_URL", "") if url is None else url
        self._listen_url = listen_url or self._url
        self._database = Database(self._url, max_size=connections)
        self._at_once = asyncio.Semaphore(connections)

    async def __aenter__(self) -> Self:
        """Connect.

        :raise DatabaseUnavailable: nothing answers there, or it refuses us.
        """
        await self._database.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()

    async def submit(
        self,
        content: bytes | Sequence[tuple[str, bytes]],
        filename: str,
        *,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Submitted:
        """Send a document in, unless its content is known: then the known one gets the tags.

        :param content: its bytes; or of a document of several files, the name and the bytes of each, in order.
        :raise Refused: PostgreSQL does not take it.
        """
        if isinstance(content, bytes):
            parts: tuple[NewPart, ...] = (NewPart(filename, content),)
        else:
            parts = tuple(NewPart(name, held) for name, held in content)
        new = NewDocument(filename, parts, tuple(tags), metadata or {})
        async with self._at_once:
            return await documents.submit(self._database, new)

    async def submit_file(
        self, path: str | Path, *, tags: Iterable[str] = (), metadata: Mapping[str, Any] | None = None
    ) -> Submitted:
        """Send a file in.

        :raise OSError: it cannot be read.
        """
        content = await asyncio.to_thread(Path(path).read_bytes)
        return await self.submit(content, Path(path).name, tags=tags, metadata=metadata)

    async def submit_many(self, paths: Iterable[str | Path], *, tags: Iterable[str] = ()) -> list[Submitted]:
        """Send files in, a few at once; what became of each, in their order.

        :raise OSError: one cannot be read; those before it may be in the database, and sending them again is no harm.
        """
        shared = tuple(tags)

        async def one(path: str | Path) -> Submitted:
            async with turns:
                return await self.submit_file(path, tags=shared)

        turns = asyncio.Semaphore(8)  # not all files in memory at once
        async with asyncio.TaskGroup() as group:
            sent = [group.create_task(one(path)) for path in paths]
        return [task.result() for task in sent]

    async def document(self, id: UUID) -> Document:
        """A document as it is now.

        :raise NotFound: there is none.
        """
        rows = await client.documents(self._database, [id])
        if not rows:
            raise NotFound(f"no document {id}")
        return _document(rows[0])

    async def text(self, id: UUID) -> str:
        """The text of all its pages, pages apart by a form feed; empty where it has not been read."""
        return (await queries.text_of(self._database, [id])).get(id, "")

    @overload
    async def wait(self, ids: UUID, *, timeout: float | None = None) -> Document: ...
    @overload
    async def wait(self, ids: Sequence[UUID], *, timeout: float | None = None) -> list[Document]: ...
    async def wait(
        self, ids: UUID | Sequence[UUID], *, timeout: float | None = None
    ) -> Document | list[Document]:
        """Wait until documents are completed, failed or cancelled; as they are then, in the order of their ids.

        It bears a server that restarts.

        :param timeout: in seconds; ``None``: as long as it takes.
        :raise TimeoutError: they are not all at their end.
        :raise NotFound: one does not exist, or was deleted meanwhile.
        """
        wanted = [ids] if isinstance(ids, UUID) else list(ids)
        async with asyncio.timeout(timeout), aclosing(self.watch(wanted)) as changes:
            async for _ in changes:
                pass
        found = {row["id"]: _document(row) for row in await client.documents(self._database, wanted)}
        for id in wanted:
            if id not in found:
                raise NotFound(f"no document {id}")
        return found[ids] if isinstance(ids, UUID) else [found[id] for id in wanted]

    async def watch(self, ids: Sequence[UUID] | None = None) -> AsyncGenerator[Change]:
        """Tell each change of a status, as it happens.

        Of changes that come close together only the last may be told. It bears a server that restarts.

        :param ids: these documents, from their present status on, until all have ended. Not given: all documents,
            from now on and without end; then what changes while the server is away is not told, nor are more than 1,500
            documents that one statement changes, since the feed does not name them.
        :raise DatabaseUnavailable: the first connection fails.
        """
        seen: dict[UUID, str] = {}
        open_ids = None if ids is None else set(ids)
        has_connected = False
        while open_ids is None or open_ids:
            try:
                async with (
                    StatusFeed(self._listen_url) as feed,
                    aclosing(self._changes(feed, open_ids, seen)) as changes,
                ):
                    has_connected = True
                    async for change in changes:
                        yield change
            except DatabaseUnavailable:
                if not has_connected:
                    raise
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _changes(
        self, feed: StatusFeed, open_ids: set[UUID] | None, seen: dict[UUID, str]
    ) -> AsyncGenerator[Change]:
        """What changes while one connection lasts, or until all have ended."""
        while open_ids is None or open_ids:
            for change in await self._look(open_ids, open_ids, seen):
                yield change
            if open_ids is not None and not open_ids:
                return
            async with aclosing(feed.changes(_LOOK_EVERY_SECONDS)) as notified:
                async for changed in notified:
                    for change in await self._look(changed, open_ids, seen):
                        yield change
                    if open_ids is not None and not open_ids:
                        return

    async def _look(
        self, changed: Iterable[UUID] | None, open_ids: set[UUID] | None, seen: dict[UUID, str]
    ) -> list[Change]:
        """The changes of those that have another status than was told; the ended ones are taken out of ``open_ids``."""
        wanted = list(changed if changed is not None else open_ids or ())
        if open_ids is not None:
            wanted = [id for id in wanted if id in open_ids]
        if not wanted:
            return []
        found = await documents.statuses(self._database, wanted)
        told = []
        for id in wanted:
            change = Change(id, *found.get(id, ("deleted", "")))
            if open_ids is None:
                if id in found:  # a file's, else
                    told.append(change)
                continue
            if seen.get(id) != change.status:
                seen[id] = change.status
                told.append(change)
            if change.has_ended:
                open_ids.discard(id)
        return told

    async def search(self, words: str, *, limit: int = 20) -> list[Hit]:
        """Find documents by words: ``words``, ``"a phrase"``, ``-without``, ``or``; the best first."""
        names = {field.name for field in fields(Hit)}
        rows = await queries.search(self._database, words, limit)
        return [Hit(**{name: value for name, value in row.items() if name in names}) for row in rows]

    async def correct(self, id: UUID, **values: Any) -> list[Changed]:
        """Set values as a person: ``correct(id, total=Decimal("12.30"), due=date(2025, 5, 31))``.

        :param values: columns of ``alfrd.documents``, their short forms, ``series`` or fields of ``structured_data``.
        :return: what has changed.
        :raise NotFound: there is no such document.
        :raise Refused: a name or a value makes no sense; then nothing is changed.
        """
        return await corrections.correct(
            self._database, id, {name: _plain(value) for name, value in values.items()}
        )

    async def undo(self, id: UUID) -> list[Changed]:
        """Take the last correction back.

        :raise NotFound: there is no such document.
        :raise Refused: there is nothing to undo.
        """
        return await corrections.undo(self._database, id)

    async def tag(self, id: UUID, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> list[str]:
        """Add and remove tags; those that it has afterwards.

        :raise NotFound: there is no such document.
        :raise Refused: a tag that follows from its type or series.
        """
        return await corrections.tag(self._database, id, list(add), list(remove))

    async def delete(self, id: UUID) -> str:
        """Remove a document with all that hangs on it; its file name.

        :raise NotFound: there is no such document.
        """
        return await corrections.delete(self._database, id)


def _document(row: Row) -> Document:
    return Document(**{**row, "tags": tuple(row["tags"])})


def _plain(value: Any) -> Any:
    """A value as JSON has it: dates and decimals as text, which loses no digit."""
    return value if value is None or isinstance(value, bool | int | float | str | dict | list) else str(value)
