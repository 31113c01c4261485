"""The client that blocks: the asynchronous one, in a thread of its own.

So it also works where an event loop runs already, as in a notebook.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar, overload
from uuid import UUID

from alfrd_events.client.asynchronous import AsyncClient
from alfrd_events.client.types import Change, Document, Hit
from alfrd_events.db.corrections import Changed
from alfrd_events.db.documents import Submitted

T = TypeVar("T")


class Client:
    """As :class:`.AsyncClient`, for programs without asyncio: ``with Client() as client: …``.

    It may be used by several threads at once.

    :param url: as libpq takes it; if not given, ``ALFRD_DATABASE_URL``, and without that ``PGHOST`` and the like.
    :param listen_url: where to LISTEN, past a PgBouncer; if not given, at ``url``.
    """

    def __init__(self, url: str | None = None, *, listen_url: str | None = None) -> None:
        self._url = url
        self._listen_url = listen_url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="alfrd-events client", daemon=True
        )
        self._client: AsyncClient | None = None

    def __enter__(self) -> Self:
        """Connect.

        :raise DatabaseUnavailable: nothing answers there, or it refuses us.
        """
        self._thread.start()
        try:
            self._client = self._run(self._connect())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._run(self._opened.close())
        finally:
            self._end()

    async def _connect(self) -> AsyncClient:
        return await AsyncClient(self._url, listen_url=self._listen_url).__aenter__()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def _opened(self) -> AsyncClient:
        assert self._client is not None, "used inside `with`"
        return self._client

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Let the thread do it, and wait; who is interrupted meanwhile ends it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def submit(
        self,
        content: bytes | Sequence[tuple[str, bytes]],
        filename: str,
        *,
        tags: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Submitted:
        """See :meth:`.AsyncClient.submit`."""
        return self._run(self._opened.submit(content, filename, tags=tags, metadata=metadata))

    def submit_file(
        self, path: str | Path, *, tags: Iterable[str] = (), metadata: Mapping[str, Any] | None = None
    ) -> Submitted:
        """See :meth:`.AsyncClient.submit_file`."""
        return self._run(self._opened.submit_file(path, tags=tags, metadata=metadata))

    def submit_many(self, paths: Iterable[str | Path], *, tags: Iterable[str] = ()) -> list[Submitted]:
        """See :meth:`.AsyncClient.submit_many`."""
        return self._run(self._opened.submit_many(paths, tags=tags))

    def document(self, id: UUID) -> Document:
        """See :meth:`.AsyncClient.document`."""
        return self._run(self._opened.document(id))

    def text(self, id: UUID) -> str:
        """See :meth:`.AsyncClient.text`."""
        return self._run(self._opened.text(id))

    @overload
    def wait(self, ids: UUID, *, timeout: float | None = None) -> Document: ...
    @overload
    def wait(self, ids: Sequence[UUID], *, timeout: float | None = None) -> list[Document]: ...
    def wait(self, ids: UUID | Sequence[UUID], *, timeout: float | None = None) -> Document | list[Document]:
        """See :meth:`.AsyncClient.wait`."""
        if isinstance(ids, UUID):
            return self._run(self._opened.wait(ids, timeout=timeout))
        return self._run(self._opened.wait(list(ids), timeout=timeout))

    def watch(self, ids: Sequence[UUID] | None = None) -> Iterator[Change]:
        """See :meth:`.AsyncClient.watch`."""
        changes = self._opened.watch(ids)

        async def following() -> Change | None:
            return await anext(changes, None)

        try:
            while (change := self._run(following())) is not None:
                yield change
        finally:
            self._run(changes.aclose())

    def search(self, words: str, *, limit: int = 20) -> list[Hit]:
        """See :meth:`.AsyncClient.search`."""
        return self._run(self._opened.search(words, limit=limit))

    def correct(self, id: UUID, **values: Any) -> list[Changed]:
        """See :meth:`.AsyncClient.correct`."""
        return self._run(self._opened.correct(id, **values))

    def undo(self, id: UUID) -> list[Changed]:
        """See :meth:`.AsyncClient.undo`."""
        return self._run(self._opened.undo(id))

    def tag(self, id: UUID, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> list[str]:
        """See :meth:`.AsyncClient.tag`."""
        return self._run(self._opened.tag(id, add=add, remove=remove))

    def delete(self, id: UUID) -> str:
        """See :meth:`.AsyncClient.delete`."""
        return self._run(self._opened.delete(id))
