"""A line or two that stay at the bottom of the terminal while documents go through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from alfrd_events.errors import AlfrdError
from alfrd_events.escape import visible
from alfrd_events.terminal.values import STATUS_STYLES, ago, many

MILESTONES = ("pending", "ocr_completed", "classified", "summarized", "filed", "completed")
_SHORT = {"pending": "waiting", "ocr_completed": "read", "completed": "done"}
_ENDS = ("completed", "failed", "cancelled")


class Progress:
    """What the database says about the documents, drawn."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._at_start: int | None = None
        self._seen: Mapping[str, Any] = {"documents": {}, "running": [], "waiting": 0}
        self._spinner = Spinner("dots", style="cyan")

    def update(self, seen: Mapping[str, Any]) -> None:
        """Take the latest answer of ``db.queries.progress``."""
        self._seen = seen
        if self._at_start is None:
            self._at_start = self._done

    @property
    def _done(self) -> int:
        return sum(self._seen["documents"].get(status, 0) for status in _ENDS)

    def __rich__(self) -> Group:
        total = sum(self._seen["documents"].values())
        fresh = self._done - (self._at_start or 0)
        seconds = time.monotonic() - self._started
        head = Table.grid(padding=(0, 1))
        rate = f"{fresh / seconds * 60:.0f} per minute" if fresh and seconds > 2 else ago(seconds)
        head.add_row(
            self._spinner,
            Text(f"{self._done:,} of {many(total, 'document')}"),
            ProgressBar(total=max(total, 1), completed=self._done, width=28),
            Text(rate, style="dim"),
        )
        return Group(head, self._milestones(), self._running())

    def _milestones(self) -> Text:
        """How many there are at each; failures first, so that a narrow terminal does not cut them off."""
        seen = self._seen["documents"]
        line = Text("  ")
        if failed := seen.get("failed"):
            line.append(f"failed {failed}", style=STATUS_STYLES["failed"])
            line.append(" · ", style="dim")
        for place, status in enumerate(filter(seen.get, MILESTONES)):
            if place:
                line.append(" ▸ ", style="dim")
            line.append(
                f"{_SHORT.get(status, visible(status))} {seen[status]}",
                style=STATUS_STYLES.get(status, "cyan"),
            )
        line.no_wrap = True
        line.overflow = "ellipsis"
        return line

    def _running(self) -> Text:
        names = [
            " ".join(filter(None, (step, visible(name or ""), *how_far)))
            for step, name, *how_far in self._seen["running"]
        ]
        line = Text("  now: " + ", ".join(names) if names else "  ", style="dim")
        line.no_wrap = True
        line.overflow = "ellipsis"
        return line


class Sending:
    """How many files were handed over, drawn."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self._spinner = Spinner("dots", style="cyan")

    def expect(self, files: int) -> None:
        """So many more are to be handed over."""
        self.total += files

    def __rich__(self) -> Table:
        line = Table.grid(padding=(0, 1))
        # Of a bucket it is not known before how many there are.
        of = f"{self.done:,} of {many(self.total, 'file')}" if self.total else many(self.done, "file")
        line.add_row(
            self._spinner, Text(of), ProgressBar(total=max(self.total, 1), completed=self.done, width=28)
        )
        return line


@contextmanager
def sending(is_drawn: bool) -> Iterator[Sending]:
    """Draw on standard error how far the files are, as long as the block lasts; other lines pass above it.

    :param is_drawn: whether a person looks at it.
    """
    bar = Sending()
    if not is_drawn:
        yield bar
        return
    with Live(bar, console=Console(stderr=True), refresh_per_second=8, transient=True):
        yield bar


@asynccontextmanager
async def shown(
    look: Callable[[], Awaitable[Mapping[str, Any]]], every_seconds: float = 0.4
) -> AsyncIterator[None]:
    """Draw progress on standard error for as long as the block lasts; log lines pass above it.

    :param look: asks the database. While that is away the picture does not change, and the block says so.
    """
    progress = Progress()
    progress.update(await look())
    with Live(progress, console=Console(stderr=True), refresh_per_second=8, transient=True):
        drawing = asyncio.create_task(_keep(progress, look, every_seconds))
        try:
            yield
        finally:
            # Again and again: before Python 3.12 wait_for(), which psycopg waits with, can lose a cancellation.
            while not drawing.done():
                drawing.cancel()
                await asyncio.wait([drawing], timeout=0.5)


async def _keep(
    progress: Progress, look: Callable[[], Awaitable[Mapping[str, Any]]], every_seconds: float
) -> None:
    pause = every_seconds
    while True:
        await asyncio.sleep(pause)
        asked = time.monotonic()
        with suppress(AlfrdError):
            progress.update(await look())
        # Among a million documents the question is not free: it may keep the database busy for a tenth of the time.
        pause = max(every_seconds, 10 * (time.monotonic() - asked))
