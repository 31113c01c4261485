"""Put pages that were read into the search index, beside the exchanges.

A page is written without its words, so that reading does not wait for them. Each worker indexes a moment after results
of its own went in, and now and then looks for what others have left: nothing depends on the worker that read a page,
and a search finds a page that waits all the same, by comparing its text.
"""

from __future__ import annotations

import asyncio
import time

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.db.errors import Interrupted
from alfrd_events.errors import AlfrdError, DatabaseUnavailable
from alfrd_events.model import Outcome
from alfrd_events.observe import Log

log = Log("indexer")

_STEPS = frozenset(("ocr", "extract"))
"""Whose results bring something to index."""
_BATCH = 25
_LEFT_BY_OTHERS_SECONDS = 60.0
_GATHER_SECONDS = 0.25
"""Documents of a burst go in one batch."""
_PAUSE_WHILE_BUSY = 19
"""Times as long as a batch took, for each worker that may index as well."""
_AT_THE_END_SECONDS = 10.0


class Indexer:
    """One worker's share of the indexing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._failure = ""

    def taken(self, outcome: Outcome) -> None:
        """The database has accepted this outcome."""
        if outcome.task.step in _STEPS:
            self._wanted.set()

    async def run(self) -> None:
        """Index until cancelled, half of the time at the most, and a twentieth while results come in.

        The exchanges need the server, too: with a fifth of the time, a sixth of what the server did for a tiny text was
        its index.
        """
        while True:
            try:
                async with asyncio.timeout(_LEFT_BY_OTHERS_SECONDS):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            pause = _GATHER_SECONDS
            is_more = True
            while is_more:
                await asyncio.sleep(pause)
                is_busy = self._wanted.is_set()
                self._wanted.clear()
                began = time.monotonic()
                is_more = await self._batch()
                took = time.monotonic() - began
                pause = took * _PAUSE_WHILE_BUSY * await self._workers() if is_busy and is_more else took

    async def finish(self) -> None:
        """Index what is left, for a few seconds."""
        ends = time.monotonic() + _AT_THE_END_SECONDS
        while await self._batch() and time.monotonic() < ends:
            pass

    async def _workers(self) -> int:
        """How many workers share the server; one if it does not answer."""
        try:
            return await queue.count_workers(self._database)
        except AlfrdError as error:
            log.debug("cannot count the workers", error=error)
            return 1

    async def _batch(self) -> bool:
        """Whether there may be more."""
        try:
            done = await queue.index_pages(self._database, _BATCH)
        except (DatabaseUnavailable, Interrupted) as error:
            log.debug("not this time", error=error)
        except AlfrdError as error:
            tell = log.debug if str(error) == self._failure else log.warning
            self._failure = str(error)
            tell(
                "pages could not be indexed; searches find them all the same, but slowly. It is tried again",
                error=error,
            )
        else:
            self._failure = ""
            return done == _BATCH
        return False
