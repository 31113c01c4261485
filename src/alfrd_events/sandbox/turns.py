"""How long an attempt has waited for its turn: until one of a few processes was free to work for it.

A document pays for its own work, not for the time that others hold the queue.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Turn:
    """The waits of one attempt."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = 0.0


turn: ContextVar[Turn | None] = ContextVar("turn", default=None)
"""Set by the runner around each handler; ``None`` outside of tasks (``eval``, ``doctor``)."""


@contextmanager
def waiting() -> Iterator[None]:
    """Count the time until the end of the block as waiting, also if it ends by a cancellation."""
    started = time.monotonic()
    try:
        yield
    finally:
        if (mine := turn.get()) is not None:
            mine.seconds += time.monotonic() - started
