"""The connection that listens: its own, outside the pool, in autocommit mode.

A connection that waits for a statement receives nothing, and a half-open socket raises nothing. So this connection does
nothing else, and is only believed while a round trip through the database comes back (:meth:`ListenConnection.probe`
sends it through another connection).
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

import psycopg
from psycopg import sql

from alfrd_events.db.database import Database
from alfrd_events.db.errors import translated
from alfrd_events.db.session import Session
from alfrd_events.db.statement_timeout import within

WORK = "alfrd_work"
_CONNECT_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification."""

    channel: str
    payload: str


class ListenConnection:
    """A connection that LISTENs to the work channel, to its own probe channel, and holds its worker's lock."""

    def __init__(self, connection: psycopg.AsyncConnection, worker: int, probe_channel: str) -> None:
        self._connection = connection
        self._worker = worker
        self.locked = False
        self._probe_channel = probe_channel
        self._pending: deque[Notification] = deque()
        self._came = asyncio.Event()
        self._broken: psycopg.OperationalError | None = None
        # What comes while a statement runs here comes by psycopg's handler.
        connection.add_notify_handler(lambda notify: self._note(notify.channel, notify.payload))

    @classmethod
    async def connect(cls, url: str, worker: int) -> ListenConnection:
        """Connect, LISTEN, and take the session lock that says this worker lives.

        The caller looks at the whole queue *after* this returns: a row committed before is found there, one
        committed later is notified of.

        :raise DatabaseUnavailable: no connection.
        """
        return await within(_CONNECT_SECONDS, cls._connect(url, worker), "the listen connection")

    @classmethod
    async def _connect(cls, url: str, worker: int) -> ListenConnection:
        probe_channel = f"alfrd_probe_{worker}"
        with translated():
            session = await Session.connect(
                url, autocommit=True, application_name="alfrd-events listener", verify=False
            )
            connection = cls(session, worker, probe_channel)
            try:
                # One round trip for both: a way that is seconds long is walked often enough for a connection.
                await session.execute(
                    sql.SQL("listen {}; listen {}").format(
                        sql.Identifier(WORK), sql.Identifier(probe_channel)
                    )
                )
                await connection.try_lock()
            except BaseException:
                await session.close()
                raise
        return connection

    async def try_lock(self) -> bool:
        """Take the session lock that says this worker lives, if the server has let go of the last session's.

        Not by waiting: after a half-open loss the server may believe in the old session for a long time.
        """
        with translated():
            cursor = await self._connection.execute(
                "select pg_try_advisory_lock(alfrd.worker_lock_class(), %s)", [self._worker]
            )
            row = await cursor.fetchone()
        self.locked = bool(row and row[0])
        return self.locked

    async def next(self, timeout: float) -> Notification | None:
        """The next notification; ``None``: none has come within ``timeout`` seconds.

        :raise DatabaseUnavailable: the connection broke.
        """
        if not self._pending and self._broken is None:
            self._came.clear()
            loop = asyncio.get_running_loop()
            with translated():
                socket = self._connection.fileno()
            loop.add_reader(
                socket, self._read
            )  # only while nothing else here reads: psycopg would put its own there
            try:
                async with asyncio.timeout(timeout):
                    await self._came.wait()
            except TimeoutError:
                pass
            finally:
                loop.remove_reader(socket)
        if self._pending:
            return self._pending.popleft()
        if self._broken is not None:
            with translated():
                raise self._broken
        return None

    def _read(self) -> None:
        """Read from libpq as soon as the socket has something.

        psycopg's ``notifies()`` takes some turns of the loop more, and wakes ten times a second to look for Ctrl-C,
        which is all that an idle worker would do.
        """
        pgconn = self._connection.pgconn
        try:
            pgconn.consume_input()
            while (told := pgconn.notifies()) is not None:
                self._note(told.relname.decode(errors="replace"), told.extra.decode(errors="replace"))
        except psycopg.OperationalError as error:
            self._broken = error
            self._came.set()

    def _note(self, channel: str, payload: str) -> None:
        self._pending.append(Notification(channel, payload))
        self._came.set()

    async def probe(self, database: Database, token: str) -> None:
        """Send ourselves a notification through another connection."""
        await database.execute("select pg_notify(%s, %s)", [self._probe_channel, token])

    def is_probe(self, notification: Notification) -> bool:
        """Whether it is the answer to a probe."""
        return notification.channel == self._probe_channel

    async def close(self) -> None:
        """Close; the server drops the lock with the session."""
        await self._connection.close()
