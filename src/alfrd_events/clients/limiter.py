"""How many calls a worker has under way at one provider: more while they go well, fewer when it throttles.

Additive increase, multiplicative decrease, as TCP finds the width of a road that it shares: several workers that do
this come to equal shares without knowing of each other. One burst of refusals is one sign: calls that were under way
already when the limit was cut do not cut it again.
"""

from __future__ import annotations

import asyncio
from collections import deque

from alfrd_events.observe import Log

log = Log("limiter")

_DECREASE = 0.7
_WAIT_AT_MOST = 60.0


class Limiter:
    """A semaphore whose size follows the provider. First come, first served.

    :param most: where it begins, and never goes beyond.
    :param patience: seconds that a call waits for its turn at most.
    """

    def __init__(self, provider: str, most: int, patience: float = _WAIT_AT_MOST) -> None:
        self._provider = provider
        self._most = most
        self._patience = patience
        self._size = float(most)
        self._cuts = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.running = 0

    @property
    def limit(self) -> int:
        """How many calls may be under way now."""
        return int(self._size)

    async def acquire(self) -> int:
        """Wait for a turn; :meth:`release` gives it back.

        :return: what :meth:`throttled` wants to know of it.
        :raise TimeoutError: patience ended.
        """
        if self._waiting or self.running >= self.limit:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                async with asyncio.timeout(self._patience):
                    await turn
            except BaseException:
                if turn.done() and not turn.cancelled():
                    self.release()  # it was given at the same moment
                elif turn in self._waiting:
                    self._waiting.remove(turn)
                raise
        else:
            self.running += 1
        return self._cuts

    def release(self) -> None:
        """Give a turn back, to who has waited longest."""
        self.running -= 1
        self._let_in()

    def succeeded(self) -> None:
        """One more at once for each limit's worth of calls that went well."""
        self._size = min(self._size + 1 / self._size, float(self._most))
        self._let_in()

    def throttled(self, turn: int) -> None:
        """Three tenths fewer, unless the call began before the last cut."""
        if turn == self._cuts:
            self._cuts += 1
            self._size = max(self._size * _DECREASE, 1.0)
            log.debug("throttled: fewer calls at once", provider=self._provider, limit=self.limit)

    def _let_in(self) -> None:
        while self._waiting and self.running < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.running += 1
                turn.set_result(None)
