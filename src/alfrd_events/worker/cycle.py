"""One loop that exchanges with the database: results in, new claims out, in one round trip.

While one exchange is in flight, finished steps gather for the next: latency is low when the worker is
idle, and batches grow by themselves under load.

An outcome leaves this process only when the exchange that carries it has committed; until then it is
handed in again. Should the commit have succeeded unseen, the second hand-in is recognised by its event and
does nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.db.errors import Interrupted, WorkerUnknown
from alfrd_events.errors import AlfrdError, DatabaseUnavailable, Refused, StaleClaim
from alfrd_events.model import Outcome, Task
from alfrd_events.observe import Log
from alfrd_events.worker.registration import Registration
from alfrd_events.worker.wake import Reason, Wake

log = Log("worker")

_RETRY_AT_MOST = 5.0


@dataclass
class Tally:
    """What one worker has seen so far."""

    done: Counter[str] = field(default_factory=Counter)
    """Per step."""
    failed: list[Outcome] = field(default_factory=list)
    stale: int = 0
    claimed_by_poll: int = 0
    """Tasks found by the fallback poll or after a reconnect: bells that were missed."""


class Cycle:
    """Claims for one worker, and hands in what its runner finishes.

    :param slots: tasks at once, per step that is served.
    :param start: starts claimed tasks; each must come back through :meth:`finished`.
    :param poll_seconds: look at the queue this often although nothing woke us.
    :param beat_seconds: the same while tasks run, since an exchange is the heartbeat.
    :param only: serve nothing but these documents and files.
    """

    def __init__(
        self,
        database: Database,
        registration: Registration,
        slots: Mapping[str, int],
        wake: Wake,
        start: Callable[[int, Sequence[Task]], None],
        *,
        poll_seconds: float,
        beat_seconds: float,
        only: Sequence[UUID] | None = None,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._registration = registration
        self._slots = dict(slots)
        self._wake = wake
        self._start = start
        self._poll_seconds = poll_seconds
        self._beat_seconds = beat_seconds
        self._only = only
        self._on_outcome = on_outcome
        self._running: dict[int, Task] = {}
        self._finished: list[Outcome] = []
        self._stopping = False
        self._given_up = False
        self._in_doubt = False
        """An exchange failed, and may have committed all the same: the next one tells what this worker knows."""
        self.tally = Tally()
        self.stirring = asyncio.Event()
        """Set while anyone's task runs, as far as this worker knows: somebody could die with it."""

    def finished(self, outcome: Outcome) -> None:
        """Take an outcome from the runner."""
        self._finished.append(outcome)
        self._wake.set("handoff")

    def stop_claiming(self) -> None:
        """Let what runs come to its end, and claim nothing more."""
        self._stopping = True
        self._wake.set("handoff")

    def give_up(self) -> None:
        """If the database does not answer now, end without it."""
        self._given_up = True

    @property
    def running(self) -> int:
        """Tasks that this worker owns, those with an outcome not handed in yet included."""
        return len(self._running)

    async def run(self, *, until_quiet: bool = False) -> None:
        """Exchange until told to stop and nothing is owned any more, or until nothing is left to do.

        :param until_quiet: return when no task of the served steps waits, is scheduled, or runs anywhere.
        """
        reason: Reason = "start"
        while True:
            answer = await self._exchange(reason)
            if self._stopping and not self._running:
                return
            if until_quiet and not self._running and await self._is_quiet():
                return
            idle = self._poll_seconds
            otherwise: Reason = "poll"
            if until_quiet and not self._running:
                idle = 1.0  # others work, or something is scheduled: ask again soon
            if self._running:
                idle = self._beat_seconds
            if answer.next_due is not None and answer.next_due < idle and not self._stopping:
                idle, otherwise = answer.next_due + 0.001, "timer"
            reason = await self._wake.wait(idle, otherwise)

    async def _is_quiet(self) -> bool:
        try:
            return (await queue.backlog(self._database, list(self._slots), self._only)).empty
        except DatabaseUnavailable as error:
            log.debug("cannot tell what is left to do", error=error)
            return False

    async def _exchange(self, reason: Reason) -> queue.Exchange:
        """One exchange; while the database is away, again and again with what has gathered."""
        failures = 0
        while True:
            batch = list(self._finished)
            try:
                answer = await self._hand_in(batch, self._room(batch), reason)
            except Interrupted as error:
                log.debug("exchange rolled back, doing it again", error=error)
                failures += 1
                if len(batch) > 1:
                    await self._isolate(batch, reason)  # somebody holds one of their rows
            except WorkerUnknown:
                log.warning("others took this worker for dead and have its tasks; it signs on again")
                await self._sign_on_again()
            except Refused:
                if not batch:
                    raise
                await self._isolate(batch, reason)
                failures += 1
            except DatabaseUnavailable as error:
                failures += 1
                self._in_doubt = True
                if failures == 1:
                    log.warning(
                        "the database is away; finished work waits here", error=error, finished=len(batch)
                    )
                if self._given_up:
                    log.warning(
                        "stopping without the database; others will take over", tasks=len(self._running)
                    )
                    raise
            else:
                if failures > 1:
                    log.info("exchange went through", after_failures=failures)
                self._in_doubt = False
                del self._finished[: len(batch)]
                self._take(batch, answer, reason)
                return answer
            await asyncio.sleep(min(_RETRY_AT_MOST, 0.02 * 2 ** min(failures, 10)) * random.uniform(0.5, 1))

    async def _hand_in(
        self, batch: Sequence[Outcome], room: Mapping[str, int], reason: Reason
    ) -> queue.Exchange:
        owned = None
        if self._in_doubt:
            handed_in = {(outcome.task.id, outcome.task.attempt) for outcome in batch}
            owned = [task for task in self._running.values() if (task.id, task.attempt) not in handed_in]
        return await queue.exchange(
            self._database, self._registration.id, batch, room, reason, self._only, owned=owned
        )

    async def _sign_on_again(self) -> None:
        # What runs goes on: a paid call is paid whether or not we hear its answer. Its result will be refused as
        # stale, and its cost recorded.
        try:
            await self._registration.sign_on()
        except AlfrdError as error:
            log.debug("cannot sign on yet", error=error)

    async def _isolate(self, batch: Sequence[Outcome], reason: Reason) -> None:
        """One bad result must not hold up the others: hand them in one by one, and fail the bad ones.

        A refused one stays in the queue as the failure of its own task.
        """
        for outcome in batch:
            self._finished.remove(outcome)
            try:
                answer = await self._hand_in([outcome], {}, reason)
            except Refused as error:
                self._finished.append(_as_failure(outcome, error))
            except AlfrdError:
                self._in_doubt = True
                self._finished.append(outcome)
            else:
                self._in_doubt = False
                self._take([outcome], answer, reason)

    def _room(self, batch: Sequence[Outcome]) -> dict[str, int]:
        """Free slots per step, counting those that the outcomes in this batch free."""
        if self._stopping:
            return {}
        handed_in = {outcome.task.id for outcome in batch}
        busy = Counter(task.step for task in self._running.values() if task.id not in handed_in)
        return {step: max(slots - busy[step], 0) for step, slots in self._slots.items()}

    def _take(self, batch: Sequence[Outcome], answer: queue.Exchange, reason: Reason) -> None:
        for outcome in batch:
            self._running.pop(outcome.task.id, None)
            if outcome.task.id in answer.stale:
                self.tally.stale += 1
                continue
            if outcome.kind == "done":
                self.tally.done[outcome.task.step] += 1
            elif outcome.kind == "failed":
                self.tally.failed.append(outcome)
            self._on_outcome(outcome)
        if refused := [outcome.task for outcome in batch if outcome.task.id in answer.stale]:
            log.warning(str(StaleClaim(refused[0])), and_others=len(refused) - 1)
        if answer.claimed or answer.others_running:
            self.stirring.set()
        elif not self._running and reason != "notify":
            # After a bell that brought nothing, another worker has just taken what it rang for.
            self.stirring.clear()
        if answer.claimed:
            if reason in ("poll", "reconnect"):
                self.tally.claimed_by_poll += len(answer.claimed)
            self._running.update((task.id, task) for task in answer.claimed)
            self._start(self._registration.id, answer.claimed)
        log.debug("exchanged", handed_in=len(batch), claimed=len(answer.claimed), woken_by=reason)


def _as_failure(outcome: Outcome, error: Refused) -> Outcome:
    """What becomes of a task whose outcome the database refuses; even its failure may be refused."""
    text = f"{outcome.task.step}: the database refused its result: {error}"
    log.error(text, task=outcome.task.id, subject=outcome.task.subject_id)
    kind: Literal["failed", "buried"] = "buried" if outcome.kind == "failed" else "failed"
    return Outcome(outcome.task, kind, error=text, usage=outcome.usage)
