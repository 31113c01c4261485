"""What a worker notes of itself while it runs.

The worker writes it, and knows nothing of who reads it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from alfrd_events.model import Outcome, Task


@dataclass
class Vitals:
    """One worker's."""

    slots: Mapping[str, int] = field(default_factory=dict)
    """Step -> tasks that it may have in hand."""
    listens: bool = True
    """It has a listener; without one the poll finds all work."""
    is_listening: bool = False
    is_draining: bool = False
    connections: int = 0
    """How often its listener has connected."""
    rescued: int = 0
    stale: int = 0
    missed_notifications: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(step, how it ended) -> outcomes that the database has taken."""
    pages: Counter[str] = field(default_factory=Counter)
    """Provider -> pages."""
    running: Counter[str] = field(default_factory=Counter)
    on_done: Callable[[str, float], None] = lambda _step, _seconds: None
    """Called for each task that is done: its step, and the seconds since it was claimed."""
    _since: dict[int, float] = field(default_factory=dict)
    """Task -> when it was claimed, as ``time.monotonic()``."""

    def claimed(self, tasks: Iterable[Task]) -> None:
        """Note tasks that are in hand from now on."""
        now = time.monotonic()
        for task in tasks:
            self._since[task.id] = now
            self.running[task.step] += 1

    def handed_in(self, outcome: Outcome, *, is_stale: bool = False) -> None:
        """Note an outcome that the database has taken, or refused because it came too late."""
        step = outcome.task.step
        since = self._since.pop(outcome.task.id, None)
        if since is not None:
            self.running[step] -= 1
        if is_stale:
            self.stale += 1
            return
        self.outcomes[step, outcome.kind] += 1
        for usage in outcome.usage:
            self.pages[usage.provider] += usage.pages
        if outcome.kind == "done" and since is not None:
            self.on_done(step, time.monotonic() - since)
