"""Tell open pages what has changed: one LISTEN connection for all of them.

A change of a status arrives on channel ``alfrd_status``; a task that begins or ends is seen by a look at what runs,
once a second while any page is open. What comes within a quarter of a second is sent as one message with ids, and under
steady change a message goes out every 0.7 seconds; a page fetches what of it that it shows. A page that is slow to read
gets all it has missed as one message, too, so nothing piles up.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from uuid import UUID

from alfrd_events.db import console
from alfrd_events.db.database import Database
from alfrd_events.db.feed import StatusFeed
from alfrd_events.errors import AlfrdError
from alfrd_events.observe import Log

log = Log("console")

DEBOUNCE_SECONDS = 0.25
_LEAST_SECONDS = 0.7
"""Between two messages: fifty pages that fetch as often are still current within a second, and cost little."""
_LOOK_SECONDS = 1.0
_QUIET_SECONDS = 15.0
_LISTEN_SECONDS = 3600.0
_LONGEST_BACKOFF_SECONDS = 30.0
_MOST_IDS = 200
"""In one message; of more, it says that anything may have changed."""


@dataclass(slots=True)
class Change:
    """What has changed since the last message."""

    ids: set[UUID] = field(default_factory=set)
    anything: bool = False
    """So much changed, or so little is known, that ids do not tell."""

    def add(self, ids: Collection[UUID] | None) -> None:
        """Note further ids; ``None``: anything."""
        if ids is None or len(self.ids) + len(ids) > _MOST_IDS:
            self.anything = True
            self.ids.clear()
        elif not self.anything:
            self.ids.update(ids)

    def __bool__(self) -> bool:
        return self.anything or bool(self.ids)


class Subscription:
    """One open page."""

    def __init__(self) -> None:
        self._change = Change()
        self._came = asyncio.Event()
        self._is_over = False

    def add(self, change: Change) -> None:
        """Have something sent."""
        self._change.add(None if change.anything else change.ids)
        self._came.set()

    def end(self) -> None:
        """Send no more."""
        self._is_over = True
        self._came.set()

    async def messages(self) -> AsyncIterator[str]:
        """Server-sent events, until :meth:`end`; a comment now and then shows that the way is open."""
        yield "retry: 2000\n\n"
        while not self._is_over:
            try:
                async with asyncio.timeout(_QUIET_SECONDS):
                    await self._came.wait()
            except TimeoutError:
                yield ": nothing new\n\n"
                continue
            self._came.clear()
            change, self._change = self._change, Change()
            if change:
                told = {"anything": change.anything, "ids": sorted(map(str, change.ids))}
                yield f"event: change\ndata: {json.dumps(told)}\n\n"


class Live:
    """Hears of changes and passes them on.

    :param listen_url: ``None``: without LISTEN, as behind a pool of connections; then only the look at what runs tells.
    :param on_change: called before pages are told.
    """

    def __init__(
        self, database: Database, listen_url: str | None, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self._on_change = on_change
        self._database = database
        self._listen_url = listen_url
        self.version = 0
        """Grows with each change that is sent."""
        self._open: set[Subscription] = set()
        self._change = Change()
        self._came = asyncio.Event()
        self._somebody = asyncio.Event()
        self._is_over = False

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return len(self._open)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deliver())
            group.create_task(self._look())
            if self._listen_url is not None:
                group.create_task(self._listen(self._listen_url))

    def end(self) -> None:
        """End the streams of all pages, and let none begin."""
        self._is_over = True
        for subscription in self._open:
            subscription.end()

    @contextmanager
    def subscribed(self, since: str | None = None) -> Iterator[Subscription]:
        """A page that is open as long as this lasts.

        :param since: the version that it shows; if another is current, it is sent at once.
        """
        subscription = Subscription()
        if since is not None and since != str(self.version):
            subscription.add(Change(anything=True))
        if self._is_over:
            subscription.end()
        self._open.add(subscription)
        self._somebody.set()
        try:
            yield subscription
        finally:
            self._open.discard(subscription)
            if not self._open:
                self._somebody.clear()

    def note(self, ids: Collection[UUID] | None) -> None:
        """Something changed; ``None``: anything may have."""
        self._change.add(ids)
        if self._change:
            self._on_change()
            self._came.set()

    async def _deliver(self) -> None:
        sent = -inf
        while True:
            await self._came.wait()
            # What comes close together is one message; each lets every page fetch what it shows, so they are not dense.
            await asyncio.sleep(max(DEBOUNCE_SECONDS, sent + _LEAST_SECONDS - time.monotonic()))
            sent = time.monotonic()
            self._came.clear()
            change, self._change = self._change, Change()
            self.version += 1
            for subscription in self._open:
                subscription.add(change)

    async def _listen(self, url: str) -> None:
        backoff = 1.0
        is_away = False
        while True:
            try:
                async with StatusFeed(url) as feed:
                    self.note(None)  # what was said while we did not listen
                    backoff = 1.0
                    is_away = False
                    while True:
                        async for ids in feed.changes(_LISTEN_SECONDS):
                            self.note(ids)
            except AlfrdError as error:
                if not is_away:
                    log.warning("pages hear of no changes until PostgreSQL is back", error=str(error))
                is_away = True
            await asyncio.sleep(backoff * random.uniform(0.5, 1))
            backoff = min(2 * backoff, _LONGEST_BACKOFF_SECONDS)

    async def _look(self) -> None:
        seen: set[tuple[int, int, UUID]] = set()
        while True:
            await self._somebody.wait()
            try:
                running = await console.running(self._database)
            except AlfrdError as error:
                log.debug("what runs cannot be seen", error=str(error))
            else:
                self.note({subject for _, _, subject in running ^ seen})
                seen = running
            await asyncio.sleep(_LOOK_SECONDS)
