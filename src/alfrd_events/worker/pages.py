"""Pages that a handler hands over before it ends, saved in small batches while it goes on."""

from __future__ import annotations

import time
from contextvars import ContextVar

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.errors import StaleClaim
from alfrd_events.model import JsonObject, Page, Task, Usage
from alfrd_events.observe import Log

log = Log("reading")

_SAVE_EVERY_SECONDS = 2.0
_SAVE_AT_PAGES = 20
_TELL_EVERY_SECONDS = 15.0


class Pages:
    """The pages of one attempt."""

    __slots__ = (
        "_began",
        "_database",
        "_last_save",
        "_last_told",
        "_read",
        "_task",
        "_worker",
        "before",
        "expected",
        "saved",
        "unsaved",
    )

    def __init__(self, database: Database, worker: int, task: Task) -> None:
        self._database = database
        self._worker = worker
        self._task = task
        self._began = self._last_save = self._last_told = time.monotonic()
        self._read = 0
        self.saved = 0
        """How many this attempt has saved."""
        self.before = 0
        """How many of them an earlier attempt has saved."""
        self.expected: int | None = None
        """How many the document has in all; ``None``: that is not known yet."""
        self.unsaved: list[JsonObject] = []

    async def save(self, page: Page, part: int) -> None:
        """Take a page.

        :raise StaleClaim: the task belongs to another worker by now.
        """
        self._read += 1
        self.unsaved.append(queue.page_row(page, number=page.number, part=part))
        overdue = time.monotonic() - self._last_save > _SAVE_EVERY_SECONDS
        if overdue or len(self.unsaved) >= _SAVE_AT_PAGES:
            pages, self.unsaved = self.unsaved, []
            if not await queue.save_progress(self._database, self._worker, self._task, pages, self.expected):
                raise StaleClaim(self._task)
            self.saved += len(pages)
            self._tell()
            self._last_save = time.monotonic()

    def _tell(self) -> None:
        """Log now and then how far a long reading is."""
        if self.expected is not None and time.monotonic() - self._last_told > _TELL_EVERY_SECONDS:
            self._last_told = time.monotonic()
            log.info(
                "reading", document=self._task.subject_id, page=self.before + self.saved, of=self.expected
            )

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


def expect_pages(total: int, saved: int) -> None:
    """Take note of how many pages the document of the attempt has; see ``Tools.expect_pages``."""
    pages = pages_of_attempt.get()
    pages.expected, pages.before = total, saved
