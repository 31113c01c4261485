"""Where the next claims begin in each queue, so that a busy worker does not begin at their front each time.

While a long transaction keeps vacuum away, all tasks that were finished since are still at the front of the queue,
dead, and each claim steps over them. After the last claim there are none. But a task may become ready before it: an
earlier transaction commits later, a rescue gives one back. So the front of one step after the other is looked at again,
each once a second, more rarely if that takes long; and all of them before the worker parks, and whenever there is
another reason to look than its own results.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from alfrd_events.worker.wake import Reason

_ALL_FRONTS_SECONDS = 1.0
_ONE_FRONT_AT_LEAST_EVERY_SECONDS = 2.0
_SHARE = 10
"""What looks at the front take longer than others may be a tenth of all time."""


class QueueCursors:
    """One worker's cursors: the position in each step's queue after which it claims next."""

    def __init__(self) -> None:
        self._cursors: dict[str, int] = {}
        self._turn = 0
        self._front_due = 0.0
        self._usually = 0.0
        """Seconds that the last look took that began at no front."""

    def next(self, reason: Reason) -> Mapping[str, int]:
        """Step -> the position after which to claim; a step that is missing is claimed from its front."""
        if reason != "handoff" or not self._cursors:
            return {}
        if time.monotonic() < self._front_due:
            return self._cursors
        self._turn = (self._turn + 1) % len(self._cursors)
        front = list(self._cursors)[self._turn]
        return {step: position for step, position in self._cursors.items() if step != front}

    def moved(self, from_: Mapping[str, int], to: Mapping[str, int], seconds: float) -> None:
        """Remember how far a look has come.

        :param from_: where it began.
        :param to: step -> where the next one may begin; empty if nothing was looked at.
        :param seconds: how long it took.
        """
        if not to:
            return
        if self._cursors and from_.keys() == self._cursors.keys():
            self._usually = seconds
        else:
            pause = max(_ALL_FRONTS_SECONDS / len(to), _SHARE * (seconds - self._usually))
            self._front_due = time.monotonic() + min(pause, _ONE_FRONT_AT_LEAST_EVERY_SECONDS)
        self._cursors = dict(to)
