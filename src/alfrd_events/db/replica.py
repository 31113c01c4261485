"""Ask a streaming replica what need not be asked of the primary: the pages of the console, and search.

A replica lags. It is asked only while it has replayed all that the primary had written five seconds ago, and all
that the reader knows to have changed (:meth:`ReadReplica.outdated`). Where it has not, where it does not answer, and
for a statement that it ends, the primary is asked, and the log says so once. If the primary is gone, the replica is
asked whatever its age.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, LiteralString, Self, TypeVar

import psycopg

from alfrd_events.db.database import Database, Row
from alfrd_events.db.errors import Interrupted
from alfrd_events.errors import AlfrdError, DatabaseUnavailable
from alfrd_events.observe import Log

log = Log("replica")
T = TypeVar("T")
Tell = Callable[[str], None]
"""Called with why the primary is asked, and with an empty text when the replica is asked again."""

LAG_SECONDS = 5.0
"""How old what a replica shows may be."""
AWAY_SECONDS = 30.0
"""How long a server that did not answer is left alone."""
_LOOK_SECONDS = 1.0
_ANSWER_SECONDS = 3.0
_MOST_MARKS = 64
_SETTLING_SECONDS = 0.05


class ReadReplica(Database):
    """Statements that only read, on a replica where it is fit and on the primary where it is not.

    :param primary: is open as long as this is; it is not closed with it.
    :param url: of the replica. Nothing need answer there yet.
    :param tell: hears when the replica is left and asked again; by default the log does.
    :param clock: for tests, which do not wait.
    """

    def __init__(
        self,
        primary: Database,
        url: str,
        *,
        max_size: int = 6,
        tell: Tell | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(url, max_size=max_size)
        self._primary = primary
        self._tell = tell or _log
        self._clock = clock
        self._began = math.inf
        """When it was looked at first."""
        self._looked_at = -math.inf
        self._is_open = False
        self._looking = asyncio.Lock()
        self._marks: deque[tuple[float, int]] = deque()
        """Where the primary's log was at a time, of what the replica has not been seen to have replayed."""
        self._seen_at = -math.inf
        """The replica has all that was committed by then."""
        self._needed_at = -math.inf
        self._away_until = -math.inf
        self._gone_until = -math.inf
        """The primary did not answer, and is left alone until then."""
        self.complaint = ""
        """Why the primary is asked; empty: the replica is."""

    async def open(self) -> Self:
        """Connect to it at the first statement: a replica that is away keeps nothing from starting."""
        return self

    async def close(self) -> None:
        """Close the connections to the replica."""
        if self._is_open:
            await super().close()

    def outdated(self) -> None:
        """Something was committed just now that the next statement has to see."""
        self._needed_at = self._clock()
        self._gone_until = -math.inf

    async def settle(self, within: float) -> bool:
        """Wait for a replica that is about to be fit; whether it is."""
        ends = time.monotonic() + within
        while not (is_fit := await self.is_fit()) and time.monotonic() < ends and not self.complaint:
            await asyncio.sleep(_SETTLING_SECONDS)
        return is_fit

    async def is_fit(self) -> bool:
        """Whether the replica may answer now."""
        if self._clock() < self._away_until:
            return False
        if self._clock() < self._gone_until:
            return True
        if self._seen_at < max(self._needed_at, self._clock() - _LOOK_SECONDS):
            try:
                await self._look()
            except (AlfrdError, TimeoutError) as error:
                self._leave(str(error) or f"no answer within {_ANSWER_SECONDS:g} s")
            if self._clock() < self._away_until:
                return False
        age = self._clock() - self._seen_at
        if self._clock() < self._gone_until or (self._seen_at >= self._needed_at and age <= LAG_SECONDS):
            self._complain("")
            return True
        if min(age, self._clock() - self._began) > LAG_SECONDS:
            self._complain(f"it is more than {LAG_SECONDS:g} s behind")
        return False

    async def _look(self) -> None:
        """Compare where both are, unless that was begun while this waited: a page asks several things at once.

        :raise DatabaseUnavailable: the replica does not answer, or is none.
        """
        asked = self._clock()
        async with self._looking:
            if self._looked_at >= asked:
                return
            began = self._looked_at = self._clock()
            self._began = min(self._began, began)
            try:
                at = await self._primary.value("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
                if len(self._marks) < _MOST_MARKS:
                    self._marks.append((began, at))
            except DatabaseUnavailable:
                self._gone_until = self._clock() + AWAY_SECONDS
            async with asyncio.timeout(_ANSWER_SECONDS):
                if not self._is_open:
                    await super().open()
                    self._is_open = True
                replayed = await super()._once(
                    "select pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint as at"
                    " where pg_is_in_recovery()",
                    (),
                    lambda cursor: cursor.fetchone(),
                )
            if replayed is None:
                raise DatabaseUnavailable(
                    "ALFRD_READ_URL is no streaming replica: it is a server that takes writes"
                )
            while self._marks and self._marks[0][1] <= replayed["at"]:
                self._seen_at = self._marks.popleft()[0]

    def _leave(self, why: str) -> None:
        self._away_until = self._clock() + AWAY_SECONDS
        self._complain(why)

    def _complain(self, why: str) -> None:
        if bool(why) != bool(self.complaint):
            self._tell(why)
        self.complaint = why

    async def _once(
        self,
        statement: LiteralString,
        parameters: Sequence[Any] | dict[str, Any],
        take: Callable[[psycopg.AsyncCursor[Row]], Awaitable[T]],
    ) -> T:
        if await self.is_fit():
            try:
                return await super()._once(statement, parameters, take)
            except DatabaseUnavailable as error:
                self._leave(str(error))
            except Interrupted:
                log.debug("the replay of a change ended a statement on the replica")
        return await self._primary._once(statement, parameters, take)


def _log(why: str) -> None:
    if why:
        log.warning("the replica of ALFRD_READ_URL is not asked, the primary answers", why=why)
    else:
        log.info("the replica of ALFRD_READ_URL is asked again")
