"""How many tasks of each step a worker could start now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SHARED_FROM = 32
"""Of that many slots or more, one exchange may fill half."""


class Slots:
    """The slots of one worker.

    Two exchanges may be in flight. Half of many slots is left to the other one: the next steps of what it hands in
    start in it.

    :param slots: tasks at once, per step that is served.
    """

    def __init__(self, slots: Mapping[str, int]) -> None:
        self._slots = dict(slots)
        self._offered: Counter[str] = Counter()
        """Slots that exchanges in flight may fill, per step."""

    @property
    def steps(self) -> list[str]:
        """The steps that are served."""
        return list(self._slots)

    def of(self, step: str) -> int:
        """How many tasks of a step run at once."""
        return self._slots[step]

    def free(self, running: Counter[str], quarantined: Counter[str]) -> dict[str, int]:
        """Step -> how many tasks could be started now, beside those that exchanges in flight may claim.

        :param running: tasks that run, per step. What is finished needs no slot,
        :param quarantined: unless more of it than there are slots waits to be handed in alone.
        """
        return {
            step: max(slots - running[step] - self._offered[step] - max(quarantined[step] - slots, 0), 0)
            for step, slots in self._slots.items()
        }

    @contextmanager
    def offer(self, running: Counter[str], quarantined: Counter[str]) -> Iterator[dict[str, int]]:
        """Step -> how many tasks one exchange may claim; they count as taken until its end."""
        capacity = {
            step: min(free, slots // 2) if (slots := self._slots[step]) >= SHARED_FROM else free
            for step, free in self.free(running, quarantined).items()
        }
        self._offered.update(capacity)
        try:
            yield capacity
        finally:
            self._offered.subtract(capacity)
