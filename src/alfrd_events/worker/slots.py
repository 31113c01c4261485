"""How many tasks of each step a worker could start now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alfrd_events.model import Task

HALVED_FROM = 32
"""Of as many slots or more, or as many results, half go with one exchange."""


@dataclass(frozen=True)
class Offer:
    """What one exchange may claim."""

    room: Mapping[str, int]
    """Step -> tasks."""
    kept_back: frozenset[str]
    """Steps with more free slots than that."""

    def asks_for_more(self, claimed: Iterable[Task]) -> bool:
        """As many were claimed as were offered, and slots are free for others.

        Of a first step the database leaves an eighth: see ``alfrd.exchange``.
        """
        per_step = Counter(task.step for task in claimed)
        return any(per_step[step] >= self.room[step] - self.room[step] // 8 for step in self.kept_back)


class Slots:
    """The slots of one worker.

    Of many free slots half are offered at a time: while one half's results are with the database, the other half runs,
    and the next steps of either always find room.

    :param slots: tasks at once, per step that is served.
    """

    def __init__(self, slots: Mapping[str, int]) -> None:
        self._slots = dict(slots)
        self._offers: list[Offer] = []

    @property
    def steps(self) -> list[str]:
        """The steps that are served."""
        return list(self._slots)

    def offer(self, busy: Counter[str], apart: Counter[str]) -> Offer:
        """What an exchange may claim; :meth:`close` it when its answer is there.

        :param busy: tasks that run, per step. What is finished needs no slot,
        :param apart: unless very much of it waits to go alone.
        """
        room, kept_back = {}, set()
        for step, slots in self._slots.items():
            offered = sum(offer.room[step] for offer in self._offers)
            free = max(slots - busy[step] - offered - max(apart[step] - slots, 0), 0)
            room[step] = min(free, slots // 2) if slots >= HALVED_FROM else free
            if free > room[step]:
                kept_back.add(step)
        offer = Offer(room, frozenset(kept_back))
        self._offers.append(offer)
        return offer

    def close(self, offer: Offer) -> None:
        """It was taken up, or came to nothing."""
        self._offers.remove(offer)
