"""An inbox whose clock the test moves on, so that waiting takes no time."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest

from alfrd_events.ingest.inbox import Inbox
from testing.harness import Harness

QUIET = 3.0


class Watched:
    """The inbox of a test, with the hands of its clock."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self._now = 1000.0
        self._inbox: Inbox | None = None
        clock = SimpleNamespace(monotonic=lambda: self._now, time=time.time)
        for module in ("inbox", "following"):
            monkeypatch.setattr(f"alfrd_events.ingest.{module}.time", clock)

    def restart(self) -> None:
        """Forget what the process knew."""
        self._inbox = None

    async def after(self, db: Harness, seconds: float) -> None:
        """Look, let time pass, and look again, also after what was taken."""
        if self._inbox is None:
            self._inbox = Inbox(db.database, self.directory, max_bytes=100_000, quiet_seconds=QUIET)
        for step in (0.0, seconds):
            self._now += step
            await self._inbox.scan()
            await self._inbox.follow(at_once=True)

    def names(self, place: str = ".") -> set[str]:
        """What lies there."""
        found = self.directory / place
        return (
            {entry.name for entry in found.iterdir()} - {"done", "rejected", "failed"}
            if found.is_dir()
            else set()
        )

    def text(self, name: str) -> str:
        return (self.directory / name).read_text()

    def open(self, name: str, mode: str) -> IO[Any]:
        """A file in it, for a writer that keeps it open."""
        return open(self.directory / name, mode)
