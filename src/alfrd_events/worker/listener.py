"""Turn PostgreSQL notifications into wake-ups.

A notification is a hint that a step may have work. Losing one costs latency, at most
``poll_seconds``, never a document.

The connection is the listener's own: waiting for notifications holds a psycopg connection's lock.
After every connect it LISTENs first and wakes the cycle second, so that a row committed in the gap is
found. A half-open connection raises nothing, so every ``probe_seconds`` it sends itself a
notification through another connection, and reconnects if that does not come back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.db.errors import WorkerUnknown
from alfrd_events.db.listen import WORK, ListenConnection
from alfrd_events.db.statement_timeout import within
from alfrd_events.errors import AlfrdError
from alfrd_events.metrics.vitals import Vitals
from alfrd_events.observe import Log
from alfrd_events.worker.wake import Wake

log = Log("listener")

_BACKOFF_AT_MOST = 3.0
_ANSWER_WITHIN = 5.0


class Listener:
    """Keep a listen connection for one worker.

    :param steps: the steps that the worker serves; notifications of others are ignored.
    :param probe_seconds: how often it proves that it receives.
    """

    def __init__(
        self,
        database: Database,
        url: str,
        worker: int,
        steps: Collection[str],
        wake: Wake,
        probe_seconds: float,
        vitals: Vitals | None = None,
    ) -> None:
        self._vitals = vitals or Vitals()
        self._database = database
        self._url = url
        self._worker = worker
        self._steps = frozenset(steps)
        self._wake = wake
        self._probe_seconds = probe_seconds

    async def run(self) -> None:
        """Listen until cancelled; reconnect with jittered backoff."""
        failures = 0
        was_deaf = False
        while True:
            try:
                connection = await ListenConnection.connect(self._url, self._worker)
            except AlfrdError as error:
                failures += 1
                if failures == 1:
                    log.warning(
                        "listener cannot connect; new work is found by the poll meanwhile", error=error
                    )
                await _pause(failures)
                continue
            if failures:
                log.info("listener connected again", after_failures=failures)
            failures = 0
            self._vitals.connections += 1
            self._vitals.is_listening = True
            try:
                self._wake.set("reconnect" if was_deaf else "start")
                was_deaf = True
                await self._listen(connection)
            except AlfrdError as error:
                log.warning("listener lost its connection; connecting again", error=error)
            finally:
                self._vitals.is_listening = False
                await within(1, connection.close(), "closing the listen connection")
            await self._tell(locked=False)  # there is no lock now, and that must not be taken for death
            failures += 1
            await _pause(failures)

    async def _listen(self, connection: ListenConnection) -> None:
        """Wake the cycle at each notification; leave when the connection breaks or goes deaf."""
        loop = asyncio.get_running_loop()
        next_probe = loop.time() + self._probe_seconds
        answer_by: float | None = None
        written: bool | None = None
        while True:
            if written != connection.locked and await self._tell(locked=connection.locked):
                written = connection.locked
            deadline = next_probe if answer_by is None else answer_by
            notification = await connection.next(timeout=max(deadline - loop.time(), 0.01))
            if (
                notification is not None
                and notification.channel == WORK
                and notification.payload in self._steps
            ):
                self._wake.set("notify")
            elif notification is not None and connection.is_probe(notification):
                answer_by, next_probe = None, loop.time() + self._probe_seconds
                continue
            if loop.time() < deadline:
                continue
            if answer_by is not None:
                log.warning("listener hears nothing, not even itself; connecting again")
                return
            if not connection.locked:
                await connection.try_lock()
            if await self._probe(connection):
                answer_by = loop.time() + _ANSWER_WITHIN
            else:
                next_probe = loop.time() + self._probe_seconds

    async def _probe(self, connection: ListenConnection) -> bool:
        """Ask for a sign of life; not being able to ask says nothing of the connection."""
        try:
            await connection.probe(self._database, "?")
        except AlfrdError as error:
            log.debug("cannot send a probe", error=error)
            return False
        return True

    async def _tell(self, *, locked: bool) -> bool:
        """Write whether the worker holds its lock, so that others may judge by it; ``False`` if that failed."""
        try:
            await queue.set_locked(self._database, self._worker, locked)
        except WorkerUnknown:
            self._wake.set("poll")  # the cycle registers again, and a listener for the new id takes over
        except AlfrdError as error:
            log.debug("cannot tell whether the lock is held", locked=locked, error=error)
            return False
        return True


async def _pause(failures: int) -> None:
    await asyncio.sleep(min(_BACKOFF_AT_MOST, 0.05 * 2 ** min(failures, 10)) * random.uniform(0.5, 1))
