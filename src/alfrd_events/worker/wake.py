"""What wakes the cycle, and why."""

from __future__ import annotations

import asyncio
from typing import Literal

Reason = Literal["start", "notify", "timer", "poll", "reconnect", "handoff", "awake"]
"""``start``: the first look; ``notify``: a bell; ``timer``: a scheduled task fell due; ``poll``: the slow look that
finds what no bell told; ``reconnect``: the look after the listener was deaf; ``handoff``: own work was finished;
``awake``: the look of a worker that is about to sleep."""


class Wake:
    """An event that remembers why it was set.

    It is cleared *before* the queue is looked at (by :meth:`wait`), so that what arrives during the look
    causes another one. A bell outranks a hand-off, since only the bell says that work came from outside.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._reason: Reason = "handoff"
        self._rung: set[str] = set()
        self.rung: frozenset[str] = frozenset()
        """The steps for which bells rang until :meth:`wait` returned."""

    def set(self, reason: Reason, step: str | None = None) -> None:
        """Wake the cycle.

        :param step: for which a bell rang.
        """
        if step is not None:
            self._rung.add(step)
        if self._event.is_set() and reason != "notify":
            return
        self._reason = reason
        self._event.set()

    async def wait(self, timeout: float, otherwise: Reason) -> Reason:
        """Wait to be woken, at most ``timeout`` seconds; the reason, ``otherwise`` if time ran out."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return otherwise
        self._event.clear()
        self.rung, self._rung = frozenset(self._rung), set()
        return self._reason
