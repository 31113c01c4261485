"""Pages that a handler hands over before it ends, saved in small batches while it goes on."""

from __future__ import annotations

import time
from contextvars import ContextVar

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.errors import StaleClaim
from alfrd_events.model import JsonObject, Page, Task, Usage

_SAVE_EVERY_SECONDS = 2.0
_SAVE_AT_PAGES = 20


class Pages:
    """The pages of one attempt."""

    __slots__ = ("_began", "_database", "_last_save", "_read", "_task", "_worker", "unsaved")

    def __init__(self, database: Database, worker: int, task: Task) -> None:
        self._database = database
        self._worker = worker
        self._task = task
        self._began = self._last_save = time.monotonic()
        self._read = 0
        self.unsaved: list[JsonObject] = []

    async def save(self, page: Page, part: int) -> None:
        """Take a page.

        :raise StaleClaim: the task belongs to another worker by now.
        """
        self._read += 1
        self.unsaved.append(queue.page_row(page, number=page.number, part=part))
        overdue = time.monotonic() - self._last_save > _SAVE_EVERY_SECONDS
        if overdue or len(self.unsaved) >= _SAVE_AT_PAGES:
            if not await queue.save_progress(self._database, self._worker, self._task, self.unsaved):
                raise StaleClaim(self._task)
            self.unsaved = []
            self._last_save = time.monotonic()

    def usage(self, provider: str) -> tuple[Usage, ...]:
        """What the reading cost, for ``alfrd.usage``."""
        if not self._read:
            return ()
        spent = time.monotonic() - self._began
        return (Usage(provider=provider, pages=self._read, milliseconds=int(spent * 1000)),)


pages_of_attempt: ContextVar[Pages] = ContextVar("pages")
"""Those of the attempt that runs: so that all attempts share one set of tools."""


async def save_page(page: Page, part: int) -> None:
    """Save a page of the attempt that runs; see ``Tools.save_page``."""
    await pages_of_attempt.get().save(page, part)
