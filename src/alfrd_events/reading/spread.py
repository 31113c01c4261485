"""Read one part by several processes at the same time, page by page.

The pages are cut into units: one page where it takes long, up to half a second's worth where pages take little. One
process begins. The others join where that takes longer than a moment, so that a short text is opened once. After each
unit a process goes to another attempt if one waits that has had less (:mod:`alfrd_events.sandbox.line`).

A process that crashes is to blame for one page: the first of its unit that did not come. That page is read again alone,
in a fresh process, and the rest of the unit goes back to the others. The second crash ends the part. Whatever ends it,
the pages that are under way are read to their end, and given over, before the error is raised.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Container

from alfrd_events.model import Page, Part
from alfrd_events.reading.conversation import (
    Clock,
    Conversation,
    Failed,
    PartClosed,
    key_of,
    nonsense,
    refusal,
    too_much_text,
)
from alfrd_events.reading.frames import UnreadPage, page_of, sheet_of
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.pool import Child, Pool
from alfrd_events.sandbox.turns import current_turn

UNIT_SECONDS = 0.5
"""No page is begun in a unit after so long."""
UNIT_PAGES = 32
"""So many at most, however quick they are."""
JOIN_AFTER_SECONDS = 0.15
"""The first process opens the part and reads that long before others join it."""
LONG_PAGES = 8
"""A part that has more pages to be read than that for each process takes long, once it is seen that they are slow."""
UNTAKEN_PAGES = 32
"""Pages that may wait for the caller; then no further ones are begun."""


class SharedReading:
    """One part, and the processes that read it.

    :param kind: ``read``, or ``prepare``.
    :param processes: how many read it at the same time; with one the pages come in their order.
    """

    def __init__(self, pool: Pool, part: Part, limits: ReaderLimits, kind: str, *, processes: int) -> None:
        self._pool = pool
        self._part = part
        self._limits = limits
        self._kind = kind
        self._processes = processes
        self._turn = current_turn()
        self._clock = Clock(limits.part_seconds)
        self._characters = 0
        self._missing: deque[int] | None = None
        """In order, those that no process has; ``None`` until the part was opened."""
        self._suspect: int | None = None
        """The page at which a process crashed."""
        self._has_failed = False
        self._unit_pages = 1
        self._out: asyncio.Queue[Page | UnreadPage | None] = asyncio.Queue()
        """Pages as they come; ``None``: a worker has ended."""
        self._room = asyncio.Event()
        self._room.set()
        self._workers: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.Task[None]] = set()
        """Those of the workers that wait for a process."""
        self._error: BaseException | None = None
        self._joining: asyncio.Handle | None = None

    async def pages(
        self, skip: Container[int] = (), at_most: int | None = None
    ) -> AsyncGenerator[Page | UnreadPage]:
        """Yield the pages as they come. Leaving early kills the work.

        :param skip: numbers of pages that are not to be read.
        :param at_most: so many of the others, from the first.
        :raise Unreadable: it is refused, or at fault for two crashes.
        :raise Transient: a process was killed or too slow.
        """
        try:
            self._begin_worker(skip, at_most)
            while self._workers or not self._out.empty():
                page = await self._out.get()
                if self._out.qsize() < UNTAKEN_PAGES:
                    self._room.set()
                if page is not None:
                    yield page
            if self._error is not None:
                raise self._error
        finally:
            if self._joining is not None:
                self._joining.cancel()
            while self._workers:
                for worker in self._workers:
                    worker.cancel()
                await asyncio.wait(self._workers)

    # --- workers -------------------------------------------------------------------------------------

    def _begin_worker(self, skip: Container[int] = (), at_most: int | None = None) -> None:
        worker = asyncio.create_task(self._work(skip, at_most))
        self._workers.add(worker)
        worker.add_done_callback(self._ended)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        self._out.put_nowait(None)
        if not worker.cancelled() and (error := worker.exception()) is not None and self._error is None:
            self._error = error
            self._end_idle_workers()

    def _end_idle_workers(self) -> None:
        for worker in self._idle:
            worker.cancel()

    def _join(self) -> None:
        """Let the other processes help."""
        if self._error is not None or not self._missing:
            return
        if self._kind == "read" and len(self._missing) > LONG_PAGES * self._processes:
            self._turn.takes_long()
        for _ in range(min(self._processes - len(self._workers), len(self._missing))):
            self._begin_worker()

    async def _work(self, skip: Container[int], at_most: int | None) -> None:
        this = asyncio.current_task()
        assert this is not None
        key = key_of(self._part)
        is_fresh = False
        while self._has_more(is_fresh):
            self._idle.add(this)
            try:
                await self._room.wait()
                async with self._pool.child(turn=self._turn, fresh=is_fresh, holds=key) as child:
                    self._idle.discard(this)
                    await self._lend(child, key, skip, at_most, is_fresh)
            except Failed as failure:
                if self._has_failed:
                    raise refusal(self._part, failure) from None
                self._has_failed = is_fresh = True
            except PartClosed:
                continue
            finally:
                self._idle.discard(this)

    async def _lend(
        self, child: Child, key: int, skip: Container[int], at_most: int | None, is_fresh: bool
    ) -> None:
        """Use a process until no page is left, or it is another's turn."""
        conversation = Conversation(child, self._part, self._limits, self._clock)
        if child.holds != key or self._missing is None:
            info = await conversation.open()
            if self._missing is None:
                numbers = (number for number in range(1, info.page_count + 1) if number not in skip)
                self._missing = deque(list(numbers)[:at_most])
                loop = asyncio.get_running_loop()
                self._joining = loop.call_later(JOIN_AFTER_SECONDS, self._join)
        while unit := self._next_unit(is_fresh):
            await self._read_unit(conversation, unit)
            if self._pool.line.is_others_turn(self._turn) or not self._room.is_set():
                return

    # --- units ---------------------------------------------------------------------------------------

    def _has_more(self, is_fresh: bool) -> bool:
        if self._error is not None:
            return False
        return self._missing is None or bool(self._missing) or (is_fresh and self._suspect is not None)

    def _next_unit(self, is_fresh: bool) -> list[int]:
        """The pages to be read next, from now on this worker's; none: there are no more."""
        if not self._has_more(is_fresh):
            return []
        assert self._missing is not None
        if is_fresh and self._suspect is not None:
            unit, self._suspect = [self._suspect], None
        else:
            fair = math.ceil(len(self._missing) / self._processes)
            unit = [self._missing.popleft() for _ in range(min(self._unit_pages, fair))]
        self._pool.line.count_unit(self._turn)
        if not self._missing and self._suspect is None:
            self._end_idle_workers()
        return unit

    async def _read_unit(self, conversation: Conversation, unit: list[int]) -> None:
        assert self._missing is not None
        clock = asyncio.get_running_loop().time
        began = clock()
        left = deque(unit)
        try:
            await conversation.ask({"kind": self._kind, "pages": unit, "seconds": UNIT_SECONDS})
            while (frame := await conversation.receive())["kind"] in ("page", "sheet"):
                if frame["kind"] == "page":
                    self._take(page_of(frame, self._part), left)
                else:
                    self._take(await sheet_of(frame, self._part, conversation), left)
            if len(left) == len(unit):
                raise nonsense(self._part)
            if left:
                self._joining = asyncio.get_running_loop().call_soon(self._join)
            self._unit_pages = self._fitting(clock() - began, len(unit) - len(left))
        except Failed:
            if left:
                self._suspect = left.popleft()
            raise
        finally:
            self._missing.extendleft(reversed(left))

    def _take(self, page: Page | UnreadPage, expected: deque[int]) -> None:
        """Give a page over, if it is the one that has to come now."""
        if not expected or page.number != expected[0]:
            raise nonsense(self._part)
        if isinstance(page, Page):
            self._characters += len(page.text)
            if self._characters > self._limits.max_part_characters:
                raise too_much_text(self._part, self._limits)
        expected.popleft()
        self._out.put_nowait(page)
        if self._out.qsize() >= UNTAKEN_PAGES:
            self._room.clear()

    @staticmethod
    def _fitting(seconds: float, pages: int) -> int:
        """How many pages make a unit, as the last ones went."""
        return max(1, min(UNIT_PAGES, int(UNIT_SECONDS * pages / max(seconds, 1e-6))))
