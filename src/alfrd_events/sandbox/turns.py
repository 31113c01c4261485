"""The turn of one attempt at a few processes: what it has had of them, and how long it had none.

A document pays for its own work, not for the time that others hold the processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar


class Turn:
    """What one attempt has had of a pool of processes.

    :param is_long: called once, when the attempt turns out to need the processes for long.
    """

    __slots__ = ("_at", "_is_long", "_seconds", "_waiting", "_working", "units")

    def __init__(self, is_long: Callable[[], None] | None = None) -> None:
        self.units = 0
        """Units of work that processes were given for it; one that joins late starts with as many as the others."""
        self._is_long = is_long
        self._working = 0
        self._waiting = 0
        self._seconds = 0.0
        self._at = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it waited while no process worked for it."""
        self._note()
        return self._seconds

    @property
    def is_in_line(self) -> bool:
        """It has a process, or waits for one."""
        return bool(self._working or self._waiting)

    def waits(self, change: int) -> None:
        """So many more of its claims to a process wait."""
        self._note()
        self._waiting += change

    def works(self, change: int) -> None:
        """So many more processes work for it."""
        self._note()
        self._working += change

    def takes_long(self) -> None:
        """Say that it needs the processes for long: whoever gives out work may begin something beside it."""
        if self._is_long is not None:
            self._is_long()
            self._is_long = None

    def _note(self) -> None:
        now = time.monotonic()
        if self._waiting and not self._working:
            self._seconds += now - self._at
        self._at = now


turn: ContextVar[Turn | None] = ContextVar("turn", default=None)
"""Set by the runner around each handler; ``None`` outside of tasks (``eval``, ``doctor``)."""


def current_turn() -> Turn:
    """The turn of the attempt that runs; outside of tasks a new one."""
    return turn.get() or Turn()
