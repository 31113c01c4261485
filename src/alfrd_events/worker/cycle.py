"""One loop that exchanges with the database: results in, new claims out, in one round trip.

While an exchange is in flight, finished steps gather for the next: latency is low when the worker is idle, and batches
grow by themselves under load. Where all that runs is finished meanwhile, nothing more can gather, and a second
exchange begins beside the first: the server works on one while it commits the other.

An outcome leaves this process only when the exchange that carries it has committed; until then it is handed in again.
If the commit succeeded and the reply was lost, the second hand-in is recognised by its event and does nothing.

Before the worker parks it asks to be notified, and looks again until no open transaction can have missed that (see
``sql/functions/exchange.sql``). While it looks by itself it needs no notification, and a busy system sends none.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.db.errors import Doubtful, Interrupted, NoAnswer, WorkerUnknown
from alfrd_events.errors import AlfrdError, DatabaseUnavailable, Refused
from alfrd_events.metrics.vitals import Vitals
from alfrd_events.model import Outcome, Task
from alfrd_events.observe import Log
from alfrd_events.worker.cancellation import cancel_all
from alfrd_events.worker.cursors import QueueCursors
from alfrd_events.worker.outbox import Outbox, backoff
from alfrd_events.worker.refused import log_refused
from alfrd_events.worker.registration import Registration
from alfrd_events.worker.slots import Slots
from alfrd_events.worker.waits import Waits
from alfrd_events.worker.wake import Reason, Wake

log = Log("worker")

_RETRY_AT_MOST = 1.0
_IDLE_GRACE_SECONDS = 0.003
"""How long a worker without anything to do goes on looking by itself."""
_LONG_PER_SLOT = 2
"""So many tasks for each slot of a step may give it back because they take long. Each holds its document in memory."""
_PAUSE_AT_MOST = 0.5
"""How often it looks while a transaction that is still open may not have seen what it waits for."""


@dataclass
class Tally:
    """What one worker has seen so far."""

    done: Counter[str] = field(default_factory=Counter)
    """Per step."""
    failed: list[Outcome] = field(default_factory=list)
    stale: int = 0
    claimed_by_poll: int = 0
    """Tasks found by the fallback poll or after a reconnect: notifications that were missed."""


class Cycle:
    """Claims for one worker, and hands in what its runner finishes.

    :param slots: tasks at once, per step that is served.
    :param start: starts claimed tasks, with what came with them; each must come back through :meth:`finished`.
    :param poll_seconds: look at the queue this often although nothing woke us.
    :param beat_seconds: the same while tasks run, since an exchange is the heartbeat.
    :param only: serve nothing but these documents and files.
    :param listens: it has a listen connection, and may park.
    """

    def __init__(
        self,
        database: Database,
        registration: Registration,
        slots: Mapping[str, int],
        wake: Wake,
        start: Callable[[int, Sequence[Task], str | None], None],
        *,
        poll_seconds: float,
        beat_seconds: float,
        only: Sequence[UUID] | None = None,
        listens: bool = True,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
        vitals: Vitals | None = None,
    ) -> None:
        self._vitals = vitals or Vitals()
        self._database = database
        self._registration = registration
        self._slots = Slots(slots)
        self._wake = wake
        self._start = start
        self._poll_seconds = poll_seconds
        self._beat_seconds = beat_seconds
        self._only = only
        self._listens = listens
        self._empty_polls: int | None = None
        """Looks since it asked to be notified; ``None``: it has not asked."""
        self._waits = Waits()
        self._on_outcome = on_outcome
        self._running: set[Task] = set()
        self._busy: Counter[str] = Counter()
        """Of these, per step, those that have no outcome yet."""
        self._long: set[Task] = set()
        """Those that hold no slot any more, because they take long."""
        self._outbox = Outbox()
        self._cursors = QueueCursors()
        self._in_flight = False
        """The loop's own exchange is on its way."""
        self._second: asyncio.Task[None] | None = None
        """The exchange beside it."""
        self._alone = False
        """No other worker was there at the last exchange."""
        self._may_go = asyncio.Event()
        """Set when the loop, which waits for the second exchange, may begin another one."""
        self._has_room = False
        """As much was claimed as was offered, and more could have been."""
        self._stopping = False
        self._given_up = False
        self._in_doubt = False
        """An exchange failed, and may have committed all the same: the next one says what this worker owns."""
        self.superseded_by = ""
        """The newer release that has migrated the database: from then on this worker claims nothing."""
        self.tally = Tally()
        self.any_running = asyncio.Event()
        """Set while any worker's task runs, as far as this one knows: its worker could die with it."""

    def finished(self, outcome: Outcome) -> None:
        """Take an outcome from the runner."""
        self._outbox.put(outcome)
        if outcome.task in self._long:
            self._long.discard(outcome.task)
        else:
            self._busy[outcome.task.step] -= 1
        self._wake.set("handoff")
        if self._outbox.is_all_of(len(self._running)):
            self._may_go.set()
            self._begin_second()

    def takes_long(self, task: Task) -> None:
        """A task needs its step's processes for long: another one may begin beside it, which may be a short one."""
        long = sum(each.step == task.step for each in self._long)
        if task in self._running and long < _LONG_PER_SLOT * self._slots.of(task.step):
            self._long.add(task)
            self._busy[task.step] -= 1
            self._wake.set("handoff")

    def stop_claiming(self) -> None:
        """Let what runs come to its end, and claim nothing more."""
        self._stopping = self._vitals.is_draining = True
        self._wake.set("handoff")

    def give_up(self) -> None:
        """What the database does not take now, end without."""
        self._given_up = True
        self._wake.set("handoff")
        self._may_go.set()

    @property
    def running(self) -> int:
        """Tasks that this worker owns, those with an outcome not handed in yet included."""
        return len(self._running)

    async def run(self, *, until_quiet: bool = False) -> None:
        """Exchange until told to stop and nothing is owned any more, or until nothing is left to do.

        :param until_quiet: return when no task of the served steps waits, is scheduled, or runs anywhere.
        """
        try:
            await self._run(until_quiet)
        finally:
            if self._second is not None:
                await cancel_all([self._second])

    async def _run(self, until_quiet: bool) -> None:
        reason: Reason = "start"
        while True:
            answer = await self._turn(reason)
            if answer.superseded_by and not self.superseded_by:
                self._step_down(answer.superseded_by)
            if self._stopping and not self._running:
                return
            if self._given_up and self._outbox.is_stuck:
                log.warning(
                    "stopping with results that would not go in; others will take over", tasks=self.running
                )
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
            if (due_in := self._outbox.due_in) is not None and due_in < idle:
                idle, otherwise = due_in, "handoff"
            reason = await self._rest(answer, idle, otherwise)
            # Beside a second exchange, another one is worth it only for all that could go with it.
            while self._second and not self._given_up and not self._outbox.is_all_of(len(self._running)):
                self._may_go.clear()
                await self._may_go.wait()

    async def _rest(self, answer: queue.ExchangeReply, idle: float, otherwise: Reason) -> Reason:
        """Wait for the next reason to look: parked for as long as it may be, else for a moment only."""
        if self._outbox.is_waiting or self._has_room:
            self._empty_polls = None
            self._has_room = False
            return "handoff"
        if answer.claimed or self._stopping or not self._listens:
            self._empty_polls = None
        if self._stopping or not self._listens:
            return await self._wake.wait(idle, otherwise)
        if not answer.parked:
            polls = self._empty_polls
            pause = _IDLE_GRACE_SECONDS if polls is None else min(_PAUSE_AT_MOST, 0.0005 * 2**polls)
            if pause < idle:
                idle, otherwise = pause, "recheck"
        reason = await self._wake.wait(idle, otherwise)
        if reason == "recheck":
            self._empty_polls = 0 if self._empty_polls is None else self._empty_polls + 1
        elif not answer.parked:
            self._empty_polls = None
        return reason

    def _step_down(self, release: str) -> None:
        """A newer program has migrated the database: what a task means by now, this one may not understand."""
        self.superseded_by = release
        log.error(
            "a newer release has migrated the database: claiming nothing more, and stopping when what runs is done",
            release=release,
            running=self.running,
        )
        self.stop_claiming()

    async def _is_quiet(self) -> bool:
        try:
            backlog = await queue.backlog(self._database, self._slots.steps, self._only)
            if backlog.scheduled and self._only is None:
                await queue.hasten_looks(self._database)
        except (DatabaseUnavailable, Interrupted, Doubtful) as error:
            log.debug("cannot tell what is left to do", error=error)
            return False
        if not backlog.empty:
            self._waits.still(backlog)
        return backlog.empty

    async def _turn(self, reason: Reason) -> queue.ExchangeReply:
        """What goes alone until one will not, then all the rest with the claims."""
        while (alone := self._outbox.next_alone()) is not None:
            started = time.monotonic()
            try:
                answer = await self._hand_in([alone.outcome], {}, reason)
            except Refused as error:
                alone.put_off(time.monotonic() - started)
                if self.superseded_by:
                    alone.give_back()  # the schema may want something else by now, and the document is not to blame
                else:
                    alone.give_up(error)
            except (Interrupted, Doubtful, DatabaseUnavailable) as error:
                alone.put_off(time.monotonic() - started)
                answer, failures = await self._exchange(reason)
                if not failures and isinstance(error, Doubtful | NoAnswer):
                    alone.failed_alone(error)
                return answer
            except WorkerUnknown:
                break  # as the exchange will find, too
            else:
                self._take([alone.outcome], answer, reason)
        answer, _ = await self._exchange(reason)
        return answer

    async def _exchange(self, reason: Reason) -> tuple[queue.ExchangeReply, int]:
        """All that goes together, and the claims; again and again while the database cannot work.

        :return: the answer, and how often the database could not work, whatever was handed in.
        """
        failures = 0
        while True:
            batch = self._outbox.next_batch(len(self._running))
            self._in_flight = True
            self._begin_second()
            try:
                answer = await self._claim(batch, reason, may_park=self._empty_polls is not None)
            except WorkerUnknown:
                self._outbox.came_back(batch)
                log.warning("others took this worker for dead and have its tasks; it registers again")
                await self._register_again()
            except (Interrupted, Doubtful, Refused, DatabaseUnavailable) as error:
                if batch and (isinstance(error, NoAnswer) or not isinstance(error, DatabaseUnavailable)):
                    log.debug("exchange rolled back, doing it again one by one", error=error)
                    self._outbox.quarantine(batch)  # one of them may be at fault
                    continue
                self._outbox.came_back(batch)
                failures += 1
                self._complain(error, failures)
            else:
                if failures > 1:
                    log.info("exchange went through", after_failures=failures)
                return answer, failures
            finally:
                self._in_flight = False
            await asyncio.sleep(backoff(failures, _RETRY_AT_MOST))

    def _begin_second(self) -> None:
        """Begin a second exchange while the first is in flight, if all that it does not carry is finished.

        Beside other workers it does not pay: more exchanges at once wait for each other, for the files and series that
        their documents share.
        """
        if (
            self._in_flight
            and self._alone
            and self._second is None
            and not self._in_doubt
            and self._outbox.is_all_of(len(self._running))
        ):
            self._second = asyncio.create_task(self._exchange_beside(), name="second exchange")

    async def _exchange_beside(self) -> None:
        """Try once. What fails goes again with the loop's next exchange, which knows how to go on."""
        batch = self._outbox.next_batch(len(self._running))
        try:
            answer = await self._claim(batch, "handoff")
            if answer.superseded_by and not self.superseded_by:
                self._step_down(answer.superseded_by)
        except (WorkerUnknown, Interrupted, Doubtful, Refused, DatabaseUnavailable) as error:
            self._outbox.came_back(batch)
            log.debug("the second exchange failed; the next one carries it all", error=error)
        finally:
            self._second = None
            self._may_go.set()
            self._wake.set("handoff")

    def _complain(self, error: AlfrdError, failures: int) -> None:
        if isinstance(error, Interrupted):
            log.debug("exchange rolled back, doing it again", error=error)
        elif self._given_up:
            log.warning("stopping without the database; others will take over", tasks=self.running)
            raise error
        elif failures == 1:
            log.warning(
                "the database cannot work now; finished work waits here",
                error=error,
                finished=len(self._outbox.tasks),
            )

    async def _claim(
        self, batch: Sequence[Outcome], reason: Reason, *, may_park: bool = False
    ) -> queue.ExchangeReply:
        """Hand in a batch, claim what there is room for, and start it."""
        if self._stopping:
            answer = await self._hand_in(batch, {}, reason)
            self._take(batch, answer, reason)
            return answer
        with self._slots.offer(self._busy, self._outbox.quarantined_per_step) as capacity:
            answer = await self._hand_in(batch, capacity, reason, may_park=may_park)
        self._take(batch, answer, reason)
        claimed = Counter(task.step for task in answer.claimed)
        if full := [step for step, number in capacity.items() if number and claimed[step] == number]:
            free = self._slots.free(self._busy, self._outbox.quarantined_per_step)
            self._has_room |= any(free[step] for step in full)
        return answer

    async def _hand_in(
        self, batch: Sequence[Outcome], capacity: Mapping[str, int], reason: Reason, *, may_park: bool = False
    ) -> queue.ExchangeReply:
        doubted = self._in_doubt
        if doubted and self._second is not None and self._second is not asyncio.current_task():
            await asyncio.wait([self._second])  # what it claims is not in doubt
        owned = list(self._running - {outcome.task for outcome in batch}) if doubted else None
        cursors = self._cursors.next(reason)
        started = time.monotonic()
        try:
            answer = await queue.exchange(
                self._database,
                self._registration.id,
                batch,
                capacity,
                reason,
                only=self._only,
                owned=owned,
                waiting_for=[step for step, free in capacity.items() if free] if may_park else None,
                cursors=cursors,
            )
        except BaseException:
            self._in_doubt = True
            raise
        self._cursors.moved(cursors, answer.cursors, time.monotonic() - started)
        if doubted:
            self._in_doubt = False
        return answer

    async def _register_again(self) -> None:
        # What runs goes on: a paid call is paid whether or not its answer arrives. Its result will be refused as
        # stale, and its cost recorded.
        try:
            await self._registration.register()
        except AlfrdError as error:
            log.debug("cannot register yet", error=error)

    def _take(self, batch: Sequence[Outcome], answer: queue.ExchangeReply, reason: Reason) -> None:
        self._alone = answer.alone
        self._outbox.taken(batch)
        self._running -= {outcome.task for outcome in batch}
        stale = answer.stale
        for outcome in batch:
            is_stale = outcome.task.id in stale
            self._vitals.handed_in(outcome, is_stale=is_stale)
            if is_stale:
                self.tally.stale += 1
                continue
            if outcome.kind == "done":
                self.tally.done[outcome.task.step] += 1
            elif outcome.kind == "failed":
                self.tally.failed.append(outcome)
            self._on_outcome(outcome)
        if stale:
            log_refused(batch, answer.refused)
        if answer.claimed or answer.others_running:
            self.any_running.set()
        elif not self._running and reason != "notify":
            # After a notification that brought nothing, another worker has just claimed what it was for.
            self.any_running.clear()
        if answer.claimed:
            if reason in ("poll", "reconnect"):
                self.tally.claimed_by_poll += len(answer.claimed)
                self._vitals.missed_notifications += len(answer.claimed)
            self._vitals.claimed(answer.claimed)
            self._waits.over()
            self._running.update(answer.claimed)
            self._busy.update(task.step for task in answer.claimed)
            self._start(self._registration.id, answer.claimed, answer.inputs)
        log.debug("exchanged", handed_in=len(batch), claimed=len(answer.claimed), woken_by=reason)
