"""What a worker has finished and the database has not taken yet.

All of it goes together, in the next exchange. One outcome that cannot be written would spoil that for the others, so
after a failure that may be the fault of one, each is set apart and goes alone. Those that do not go alone either
are tried less and less often, and the others go on meanwhile.

A failure that is in doubt counts as a strike only if an exchange without the outcome goes through right after: then
it is not the database that is slow or ill. After three such failures, what goes in its place is the news that it could
not be written.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from alfrd_events.db.errors import NoAnswer, TimedOut
from alfrd_events.errors import AlfrdError, Refused
from alfrd_events.model import Outcome, Task
from alfrd_events.observe import Log
from alfrd_events.worker.about import facts_of

log = Log("worker")

_FAILURES_ALONE = 3
HALVED_FROM = 32
"""Fewer results than that are sent as they are."""
_AGAIN_AFTER_AT_MOST = 5.0


@dataclass(eq=False)
class Quarantined:
    """An outcome that goes alone."""

    outcome: Outcome
    tries: int = 0
    failures_alone: int = 0
    due: float = 0.0
    """When it is tried next, as ``time.monotonic()``."""

    def put_off(self, took: float) -> None:
        """It did not go; later. What keeps waiting for a lock or a limit may cost the others a tenth of their time."""
        self.tries += 1
        self.due = time.monotonic() + max(
            min(self.tries, 10) * took, backoff(self.tries, _AGAIN_AFTER_AT_MOST)
        )

    def failed_alone(self, error: AlfrdError) -> None:
        """Count a failure while others went through: the outcome itself may be at fault."""
        self.failures_alone += 1
        if self.failures_alone >= _FAILURES_ALONE:
            self.give_up(error)

    def give_back(self) -> None:
        """Hand in no result at all: another worker shall do it."""
        self.outcome = Outcome(
            self.outcome.task,
            "released",
            error="the worker was too old for the schema",
            usage=self.outcome.usage,
        )

    def give_up(self, error: AlfrdError) -> None:
        """Hand in the news instead: a failure if it was refused, a failed attempt if there is doubt.

        If not even the news can be written, the task ends without a word to its document.
        """
        task, kind = self.outcome.task, self.outcome.kind
        if kind == "abandoned":
            return
        if isinstance(error, Refused):
            what = f"{task.step}: the database refused its result: {error}"
        elif isinstance(error, TimedOut | NoAnswer):
            what = f"{task.step}: the database could not take its result in time: {error}"
        else:
            what = f"{task.step}: the database could not take its result: {error}"
        log.error(what, task=task.id, **facts_of(task, self.outcome.name))
        news: Literal["failed", "retry"] = "failed" if isinstance(error, Refused) else "retry"
        self.outcome = Outcome(
            task, "abandoned" if kind in (news, "failed") else news, error=what, usage=self.outcome.usage
        )
        self.tries = self.failures_alone = 0


class Outbox:
    """Outcomes on their way; those of one task stay in order."""

    def __init__(self) -> None:
        self._together: list[Outcome] = []
        self._sent: list[Sequence[Outcome]] = []
        """What the exchanges that are in flight carry, as :meth:`next_batch` gave it."""
        self._quarantined: list[Quarantined] = []

    def put(self, outcome: Outcome) -> None:
        """Add what a task has come to."""
        self._together.append(outcome)

    def next_batch(self, running: int) -> list[Outcome]:
        """What the next exchange carries, until it is taken, comes back, or is quarantined.

        Where all that is owned is finished, half of it: the other half goes with a second exchange, or while the next
        steps of the first half run. Without that, the worker and the server wait for each other.

        :param running: tasks owned, those that are finished included.
        """
        size = len(self._together)
        if HALVED_FROM <= size == running:
            size //= 2
        batch, self._together = self._together[:size], self._together[size:]
        self._sent.append(batch)
        return batch

    def is_all_of(self, running: int) -> bool:
        """Whether every owned task is finished, and those that no exchange carries are worth one.

        :param running: tasks owned, those that are finished included.
        """
        waiting = len(self._together)
        return waiting >= HALVED_FROM // 2 and waiting + sum(map(len, self._sent)) == running

    def came_back(self, batch: Sequence[Outcome]) -> None:
        """The database has not taken these, and they are not to blame."""
        self._remove(batch)
        self._together[:0] = batch

    @property
    def is_waiting(self) -> bool:
        """Something can go together at once."""
        return bool(self._together)

    def quarantine(self, batch: Sequence[Outcome]) -> None:
        """From now on these go alone."""
        self._remove(batch)
        self._quarantined += map(Quarantined, batch)

    def next_alone(self) -> Quarantined | None:
        """One that is to be tried alone now."""
        now = time.monotonic()
        return next((each for each in self._quarantined if each.due <= now), None)

    def taken(self, batch: Sequence[Outcome]) -> None:
        """The database has these."""
        self._remove(batch)

    def _remove(self, batch: Sequence[Outcome]) -> None:
        self._sent = [sent for sent in self._sent if sent is not batch]
        if self._quarantined:
            tasks = {outcome.task for outcome in batch}
            self._quarantined = [each for each in self._quarantined if each.outcome.task not in tasks]

    @property
    def tasks(self) -> set[Task]:
        """The tasks whose outcomes these are."""
        outcomes = chain(self._together, *self._sent, (each.outcome for each in self._quarantined))
        return {outcome.task for outcome in outcomes}

    @property
    def quarantined_per_step(self) -> Counter[str]:
        """How many go alone, per step."""
        return Counter(each.outcome.task.step for each in self._quarantined)

    @property
    def is_stuck(self) -> bool:
        """Nothing is left but what was tried alone, without success."""
        return not self._together and not any(self._sent) and all(each.tries for each in self._quarantined)

    @property
    def due_in(self) -> float | None:
        """Seconds until one is to be tried alone; ``None``: there is none."""
        if not self._quarantined:
            return None
        return max(min(each.due for each in self._quarantined) - time.monotonic(), 0.0)


def backoff(failures: int, at_most: float) -> float:
    """Seconds to wait after so many failures in a row: exponential, with jitter."""
    return min(at_most, 0.02 * float(2 ** min(failures, 10))) * random.uniform(0.5, 1)
