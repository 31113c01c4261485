"""Say what a worker waits for that is to end when all is done."""

from __future__ import annotations

import time
from collections.abc import Sequence

from alfrd_events.db.queue import Backlog
from alfrd_events.observe import Log

log = Log("worker")

_FIRST_AFTER_SECONDS = 1.0
_AGAIN_AFTER_SECONDS = 60.0


class Waits:
    """The wait of one worker: in a line after a second, and again each minute."""

    def __init__(self) -> None:
        self._tell_at: float | None = None

    def over(self) -> None:
        """Take note that it works."""
        self._tell_at = None

    def still(self, backlog: Backlog) -> None:
        """Take note that nothing can be done now."""
        now = time.monotonic()
        if self._tell_at is None:
            self._tell_at = now + _FIRST_AFTER_SECONDS
        elif now >= self._tell_at:
            self._tell_at = now + _AGAIN_AFTER_SECONDS
            log.info(f"waiting for {in_words(backlog)}")


def in_words(backlog: Backlog) -> str:
    """What is left, in words."""
    parts: list[str] = []
    if backlog.scheduled:
        when = "" if backlog.next_due is None else f", the next in {max(backlog.next_due, 0):.0f} s"
        parts.append(f"{_tasks(backlog.scheduled)} to be tried again later{when}")
    if backlog.running:
        parts.append(f"{_tasks(backlog.running)} that other workers run")
    if backlog.waiting:
        parts.append(f"{_tasks(backlog.waiting)} that a limit holds back")
    return f"{', '.join(parts)} ({_names(backlog.steps)})"


def _tasks(number: int) -> str:
    return "1 task" if number == 1 else f"{number} tasks"


def _names(steps: Sequence[str]) -> str:
    return ", ".join(steps)
