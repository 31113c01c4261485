"""How far the queues were looked through, so that a busy worker does not begin at their front each time.

While a long transaction keeps vacuum away, all tasks that were finished since stand at the front of the queue, dead,
and each look steps over them. Behind the last claim there are none. But a task may come to stand before it: an earlier
transaction commits later, a rescue gives one back. So the front is looked at again every second, more rarely if that
takes long, and always before the worker sleeps and when there is another reason to look than the worker's own results.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from alfrd_events.worker.wake import Reason

_FRONT_EVERY_SECONDS = 1.0
_FRONT_AT_LEAST_EVERY_SECONDS = 5.0
_SHARE = 10
"""Exchanges that look at the front may take a tenth of all time."""


class Fronts:
    """Where one worker's next claims begin."""

    def __init__(self) -> None:
        self._reached: dict[str, int] = {}
        self._front_due = 0.0

    def look_from(self, reason: Reason) -> Mapping[str, int]:
        """Step -> the place behind which to look; a step that is missing is looked at from its front."""
        if reason != "handoff" or time.monotonic() >= self._front_due:
            return {}
        return self._reached

    def looked(self, from_: Mapping[str, int], reached: Mapping[str, int], took: float) -> None:
        """Remember how far a look has come.

        :param from_: where it began.
        :param reached: step -> where the next look may begin.
        :param took: seconds.
        """
        self._reached = dict(reached)
        if not from_:
            self._front_due = time.monotonic() + min(
                max(_FRONT_EVERY_SECONDS, _SHARE * took), _FRONT_AT_LEAST_EVERY_SECONDS
            )
