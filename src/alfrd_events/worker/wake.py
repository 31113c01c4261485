"""What wakes the cycle, and why."""

from __future__ import annotations

import asyncio
from typing import Literal

Reason = Literal["start", "notify", "timer", "poll", "reconnect", "handoff", "recheck"]
"""``start``: the first look; ``notify``: a notification; ``timer``: a scheduled task fell due; ``poll``: the slow look
that finds work of which no notification came; ``reconnect``: the look after the listener reconnected; ``handoff``: own
work was finished; ``recheck``: the look of a worker that is about to park."""


class Wake:
    """An event that remembers why it was set.

    It is cleared *before* the queue is looked at (by :meth:`wait`), so that what arrives during the look
    causes another one. A notification outranks a hand-off, since only it says that work came from outside.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._reason: Reason = "handoff"

    def set(self, reason: Reason) -> None:
        """Wake the cycle."""
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
        return self._reason
