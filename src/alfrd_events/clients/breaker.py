"""A circuit breaker: send no calls to a provider that is down.

Closed, everything passes. After several failures in a row, or when most of the last ones failed, it opens: nothing is
sent, and tasks wait without losing attempts. When its time is over one call is let through as a probe; if that goes
well everything passes again, else it stays open for twice as long.

Where many calls are under way, those that fail come back before those that are worked on: a handful of failures in a
few milliseconds is no row. So a row has to last.

A failure is a call without an answer, or an answer that reports a broken server. Throttling and refusals are answers.

An outage writes a few log lines, however many documents wait: one when it begins, one now and then while it lasts, and
one when it ends.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable

from alfrd_events.observe import Log

log = Log("breaker")

_IN_A_ROW = 5
_FOR_SECONDS = 1.0
_OF_THE_LAST = 20
_SHARE = 0.5
_OPEN_SECONDS = 5.0
_OPEN_AT_MOST = 60.0
_TELL_EVERY_SECONDS = 600.0
_PARDON_SECONDS = 3600.0


class Breaker:
    """One provider's, in one worker. What :meth:`enter` returns is given to :meth:`leave`."""

    def __init__(self, provider: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._provider = provider
        self._clock = clock
        self._last: deque[bool] = deque(maxlen=_OF_THE_LAST)
        self._in_a_row = 0
        self._since = 0.0
        """When the first failure of the row was."""
        self._seconds = _OPEN_SECONDS
        self._open_until: float | None = None
        self._openings = 0
        self._probing = False
        self._began = self._told = 0.0
        """When the outage began, and when it was last logged."""
        self.why = ""
        """What the last failure said of itself."""

    @property
    def is_open(self) -> bool:
        """Whether the provider is taken to be away."""
        return self._open_until is not None

    @property
    def pardons(self) -> bool:
        """Whether a probe that fails now is the provider's fault alone, and costs its task nothing.

        Not for ever: a server that breaks at one document and is asked about no other looks the same as one that is
        away, and that document has to come to an end.
        """
        return self._open_until is not None and not self.blames_all

    @property
    def blames_all(self) -> bool:
        """Whether an outage has lasted so long that each call that fails in it counts as its task's failure."""
        return self._open_until is not None and self._clock() - self._began >= _PARDON_SECONDS

    @property
    def held_back(self) -> float | None:
        """``None`` if a call may be sent; else the seconds after which to ask again, not the same for all."""
        if self._open_until is None:
            return None
        left = self._open_until - self._clock()
        if left <= 0 and not self._probing:
            return None
        return max(left, 1.0) * random.uniform(1, 1.25)

    def enter(self) -> int:
        """Register a call; while the breaker is open, the call is the probe."""
        if self._open_until is not None:
            self._probing = True
            log.debug("asking a provider again that was not there", provider=self._provider)
        return self._openings

    def leave(self, entered: int, well: bool | None, why: str = "") -> None:
        """Register how a call ended: the provider works, fails, or neither is known.

        :param why: the provider's error message.
        """
        if entered != self._openings:
            return  # it began before the breaker opened, and says nothing about now
        if well is False:
            self.why = why
        if self._open_until is not None:
            self._probing = False
            if well is not None:
                self._judge_probe(well)
            return
        if well is None:
            return
        self._last.append(well)
        self._in_a_row = 0 if well else self._in_a_row + 1
        if self._in_a_row == 1:
            self._since = self._clock()
        most_failed = len(self._last) == _OF_THE_LAST and self._last.count(False) >= _SHARE * _OF_THE_LAST
        lasts = self._in_a_row >= _IN_A_ROW and self._clock() - self._since >= _FOR_SECONDS
        if not well and (lasts or most_failed):
            self._open()

    def _judge_probe(self, well: bool) -> None:
        if not well:
            self._seconds = min(self._seconds * 2, _OPEN_AT_MOST)
            self._open()
            return
        self._open_until = None
        self._seconds = _OPEN_SECONDS
        self._in_a_row = 0
        self._last.clear()
        log.info(
            "the provider is there again",
            provider=self._provider,
            after_seconds=round(self._clock() - self._began),
        )

    def _open(self) -> None:
        """Begin an outage, or go on with it."""
        now = self._clock()
        if self._open_until is None:
            self._began = self._told = now
            log.warning(
                "a provider is not there: its tasks wait, and lose no attempt",
                provider=self._provider,
                error=self.why,
            )
        elif now - self._told >= _TELL_EVERY_SECONDS:
            self._told = now
            log.warning(
                "the provider is still not there",
                provider=self._provider,
                minutes=round((now - self._began) / 60),
                error=self.why,
            )
        self._openings += 1
        self._open_until = now + self._seconds
