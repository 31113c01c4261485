"""How far the queues were looked through, so that a busy worker does not begin at their front each time.

While a long transaction keeps vacuum away, all tasks that were finished since stand at the front of the queue, dead,
and each look steps over them. Behind the last claim there are none. But a task may come to stand before it: an earlier
transaction commits later, a rescue gives one back. So the front of one step after the other is looked at again, each
once a second, more rarely if that takes long; and all of them before the worker sleeps, and whenever there is another
reason to look than its own results.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from alfrd_events.model import Task
from alfrd_events.worker.wake import Reason

_ALL_FRONTS_SECONDS = 1.0
_ONE_FRONT_AT_LEAST_EVERY_SECONDS = 2.0
_SHARE = 10
"""What looks at the front take longer than others may be a tenth of all time."""


class Fronts:
    """Where one worker's next claims begin."""

    def __init__(self) -> None:
        self._reached: dict[str, int] = {}
        self._seen: int | None = None
        self._turn = 0
        self._front_due = 0.0
        self._usually = 0.0
        """Seconds that the last look took that began at no front."""

    def look_from(self, reason: Reason) -> Mapping[str, int]:
        """Step -> the place behind which to look; a step that is missing is looked at from its front."""
        if reason != "handoff" or not self._reached:
            return {}
        if time.monotonic() < self._front_due:
            return self._reached
        self._turn = (self._turn + 1) % len(self._reached)
        front = list(self._reached)[self._turn]
        return {step: place for step, place in self._reached.items() if step != front}

    def seen(self, from_: Mapping[str, int]) -> int | None:
        """The last task that was made when nothing waited, for a look that begins at no front."""
        return self._seen if self._is_behind_all(from_) else None

    def took(self, tasks: Collection[Task], last: int | None) -> None:
        """If nothing else was made than these tasks since nothing waited, nothing waits now.

        :param last: the last task that was made.
        """
        seen = self._seen
        if (
            seen is None
            or last is None
            or last - seen != len(tasks)
            or any(task.id <= seen for task in tasks)
        ):
            self._seen = None
        else:
            self._seen = last

    def _is_behind_all(self, from_: Mapping[str, int]) -> bool:
        return bool(self._reached) and from_.keys() == self._reached.keys()

    def looked(
        self, from_: Mapping[str, int], reached: Mapping[str, int], seen: int | None, took: float
    ) -> None:
        """Remember how far a look has come.

        :param from_: where it began.
        :param reached: step -> where the next look may begin; empty: nothing was looked at.
        :param seen: the last task that was made, if nothing waits.
        :param took: seconds.
        """
        self._seen = seen if reached else None
        if not reached:
            return
        if self._is_behind_all(from_):
            self._usually = took
        else:
            pause = max(_ALL_FRONTS_SECONDS / max(len(reached), 1), _SHARE * (took - self._usually))
            self._front_due = time.monotonic() + min(pause, _ONE_FRONT_AT_LEAST_EVERY_SECONDS)
        self._reached = dict(reached)
