"""Connections: a pool for everything, each statement a transaction of its own.

Every call into the database here is one statement (mostly one function call), so connections are in
autocommit mode: no transaction is ever left open across an ``await`` of something else.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import select
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, LiteralString, Self, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from alfrd_events.db import json, values  # noqa: F401 - they decide what the values of rows become
from alfrd_events.db.errors import NoAnswer, translated
from alfrd_events.db.session import Session

Row = dict[str, Any]
T = TypeVar("T")

_PREPARED_FROM = 2
"""How often a statement runs on a connection before it is prepared."""
_WARM_SECONDS = 60.0
"""How long one connection is preferred before the pool gets it back."""
_PAUSES = (0.01, 0.04)
"""Before a transaction is tried again that a conflict rolled back; after that, it is for the caller to say."""


class Database:
    """A pool of connections to one database.

    :param url: libpq URL or key-value string.
    :param status_feed: ``False`` silences channel ``alfrd_status`` for what is written through this pool.
    :param settings: further run-time parameters, such as ``alfrd.clock_offset``.
    """

    def __init__(
        self, url: str, *, status_feed: bool = True, max_size: int = 6, settings: dict[str, str] | None = None
    ) -> None:
        self.url = url
        self.patience: float | None = None
        """Seconds that a statement may take before its connection is given up; ``None``: as long as it likes."""
        self.cut_at = -math.inf
        """When the server was last found to have gone from under a connection, as ``time.monotonic()``."""
        self._warm: tuple[Session, float] | None = None
        """The connection that was used last, and since when it has been out of the pool, as ``time.monotonic()``."""
        self._asking = 0
        """How many wait for the pool to give them a connection."""
        self._drained_at = -math.inf
        self.settings = dict(settings or {})
        """Run-time parameters that hold in each transaction. A PgBouncer takes none when a connection is made, and the
        session that a transaction gets from it was another's before."""
        if not status_feed:
            self.settings["alfrd.status_feed"] = "off"
        self._pool: AsyncConnectionPool[Session] = AsyncConnectionPool(
            url,
            connection_class=Session,
            min_size=min(2, max_size),
            max_size=max_size,
            open=False,
            configure=_prepare_where_it_lasts,
            timeout=5,
            reconnect_timeout=3,  # then the next caller makes it try again, at the caller's own pace
            kwargs={
                "autocommit": True,
                "row_factory": dict_row,
                "prepare_threshold": None,
                "application_name": "alfrd-events",
            },
        )

    async def open(self) -> Self:
        """Connect.

        :raise DatabaseUnavailable: nothing answers there, or it refuses us.
        """
        with translated():
            # A first connection by hand: the pool would only say that it timed out, not why.
            probe = await Session.connect(self.url)
            await probe.close()
            await self._pool.open(wait=True)
        return self

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()  # from here on nothing stays warm
        if self._warm is not None:
            (warm, _), self._warm = self._warm, None
            await self._pool.putconn(warm)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Session]:
        """A connection for a few statements that belong together; errors are translated."""
        with translated():
            connection, since = await self._one_that_lives()
            try:
                async with connection:
                    yield connection
            finally:
                if connection.broken:
                    self.cut_at = time.monotonic()
                is_idle = connection.pgconn.transaction_status == TransactionStatus.IDLE
                if is_idle and not self._asking and self._warm is None and self._may_stay_warm(since):
                    self._warm = connection, since
                else:
                    await self._pool.putconn(connection)

    def _may_stay_warm(self, since: float) -> bool:
        """Whether the pool can do without a connection that it gave away then; now and then it looks at their age."""
        return self._drained_at < since and time.monotonic() < since + _WARM_SECONDS and not self._pool.closed

    async def _one_that_lives(self) -> tuple[Session, float]:
        """A connection that the server has not closed meanwhile, and when the pool gave it away.

        The one that was used last, if it is free: the pool would give each in turn, and a session that has waited for
        the others begins with cold caches. After a restart all are closed, and each would fail a statement before it
        is noticed.
        """
        if self._warm is not None:
            (warm, since), self._warm = self._warm, None
            if _was_closed(warm):
                self.cut_at = time.monotonic()
            elif self._may_stay_warm(since):
                return warm, since
            await self._pool.putconn(warm)
        since = time.monotonic()
        self._asking += 1
        try:
            for _ in range(self._pool.max_size):
                connection = await self._pool.getconn()
                if not _was_closed(connection):
                    return connection, since
                self.cut_at = time.monotonic()
                await self._pool.putconn(connection)  # which replaces it
            return await self._pool.getconn(), since
        except PoolTimeout:
            self.cut_at = time.monotonic()
            raise
        finally:
            self._asking -= 1

    def sparingly(self, at_once: int) -> Database:
        """The same for statements that may wait for each other: so many at a time, and the pool has room for others."""
        return _Sparingly(self, at_once)

    async def rows(
        self, statement: LiteralString, parameters: Sequence[Any] | dict[str, Any] = ()
    ) -> list[Row]:
        """All rows of a statement, as dictionaries."""
        return await self._once(statement, parameters, lambda cursor: cursor.fetchall())

    async def tuples(
        self, statement: LiteralString, parameters: Sequence[Any] | dict[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """All rows of a statement, as tuples: for many rows of many columns."""

        async def fetch(cursor: psycopg.AsyncCursor[Any]) -> list[tuple[Any, ...]]:
            cursor.row_factory = tuple_row
            return await cursor.fetchall()

        return await self._once(statement, parameters, fetch)

    async def row(
        self, statement: LiteralString, parameters: Sequence[Any] | dict[str, Any] = ()
    ) -> Row | None:
        """The first row of a statement, or ``None``."""
        return await self._once(statement, parameters, lambda cursor: cursor.fetchone())

    async def value(self, statement: LiteralString, parameters: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The first column of the first row; ``None`` where there is none."""
        row = await self.row(statement, parameters)
        return next(iter(row.values())) if row else None

    async def execute(self, statement: LiteralString, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Run a statement for its effect; the number of rows that it touched."""

        async def count(cursor: psycopg.AsyncCursor[Row]) -> int:
            return cursor.rowcount

        return await self._once(statement, parameters, count)

    async def _once(
        self,
        statement: LiteralString,
        parameters: Sequence[Any] | dict[str, Any],
        take: Callable[[psycopg.AsyncCursor[Row]], Awaitable[T]],
    ) -> T:
        """One statement, which is one transaction; tried again when a conflict with another rolls it back."""
        pauses = iter(_PAUSES)
        async with self.connection() as connection:
            while True:
                try:
                    with self._hanging_up(connection):
                        async with self.configured(connection):
                            return await take(await connection.execute(statement, parameters))
                except (pg.SerializationFailure, pg.DeadlockDetected):
                    if (pause := next(pauses, None)) is None:
                        raise
                except (pg.ReadOnlySqlTransaction, pg.QueryCanceled):
                    # What forbids or limits it may have been lifted since these connections were made.
                    self._drained_at = time.monotonic()
                    await self._pool.drain()
                    raise
                except pg.FeatureNotSupported:
                    # The columns of what was prepared are others by now: the database was migrated.
                    if connection.prepare_threshold is None:
                        raise
                    connection.prepare_threshold = None
                    self._drained_at = time.monotonic()
                    await self._pool.drain()
                    pause = 0.0
                await asyncio.sleep(pause * random.uniform(0.5, 1))

    @asynccontextmanager
    async def configured(self, connection: Session) -> AsyncIterator[None]:
        """Within, the settings hold: one transaction, if there are any."""
        settings = {**connection.owed, **self.settings}
        if not settings:
            yield
            return
        async with connection.transaction():
            await connection.execute(
                "select set_config(name, value, true) from unnest(%s::text[], %s::text[]) as setting(name, value)",
                [list(settings), list(settings.values())],
            )
            yield

    @contextmanager
    def _hanging_up(self, connection: Session) -> Iterator[None]:
        """Shut the connection's socket when patience ends.

        A network that swallows bytes raises nothing, and a cancelled statement waits for a server that never got it. A
        socket that is shut fails both at once, and the pool throws the connection away.

        :raise NoAnswer: patience ended.
        """
        if self.patience is None:
            yield
            return
        timer = asyncio.get_running_loop().call_later(self.patience, _hang_up, connection)
        ends = timer.when()
        try:
            yield
        except psycopg.OperationalError as error:
            if asyncio.get_running_loop().time() < ends:
                raise
            raise NoAnswer(f"no answer from PostgreSQL within {self.patience:g} s") from error
        finally:
            timer.cancel()


class _Sparingly(Database):
    """Another's connections, a few at a time."""

    def __init__(self, database: Database, at_once: int) -> None:
        self._database = database
        self._free = asyncio.Semaphore(at_once)

    async def _once(
        self,
        statement: LiteralString,
        parameters: Sequence[Any] | dict[str, Any],
        take: Callable[[psycopg.AsyncCursor[Row]], Awaitable[T]],
    ) -> T:
        async with self._free:
            return await self._database._once(statement, parameters, take)


async def _prepare_where_it_lasts(session: Session) -> None:
    """Let statements that come again be parsed once; a pooler's next session has not parsed them."""
    if session.is_straight:
        session.prepare_threshold = _PREPARED_FROM


def _was_closed(connection: Session) -> bool:
    """Whether the other end has hung up, without a round trip: the farewell waits to be read."""
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLIN)
        while poll.poll(0):  # or it is only a notice, of a setting that was changed
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return False


def _hang_up(connection: Session) -> None:
    with (
        suppress(OSError, psycopg.OperationalError),
        socket.socket(fileno=os.dup(connection.fileno())) as end,
    ):
        end.shutdown(socket.SHUT_RDWR)
