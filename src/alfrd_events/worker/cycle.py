"""One loop that exchanges with the database: results in, new claims out, in one round trip.

While one exchange is in flight, finished steps gather for the next: latency is low when the worker is
idle, and batches grow by themselves under load.

An outcome leaves this process only when the exchange that carries it has committed; until then it is
handed in again. Should the commit have succeeded unseen, the second hand-in is recognised by its event and
does nothing.

Before it sleeps it asks to be rung for, and looks again until nobody can have missed that (see ``sql/functions/
exchange.sql``). While it is awake nobody needs to ring, and a busy system sends no notifications at all.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.db.errors import Doubtful, Interrupted, NoAnswer, WorkerUnknown
from alfrd_events.errors import AlfrdError, DatabaseUnavailable, Refused
from alfrd_events.model import Outcome, Task
from alfrd_events.observe import Log
from alfrd_events.worker.endings import cancel_all
from alfrd_events.worker.fronts import Fronts
from alfrd_events.worker.outbox import Outbox, backoff
from alfrd_events.worker.refused import tell_of_refused
from alfrd_events.worker.registration import Registration
from alfrd_events.worker.slots import Slots
from alfrd_events.worker.waits import Waits
from alfrd_events.worker.wake import Reason, Wake

log = Log("worker")

_RETRY_AT_MOST = 1.0
_DOZE_SECONDS = 0.003
"""How long a worker without anything to do stays awake."""
_NAP_AT_MOST = 0.5
"""How often it looks while somebody's transaction may have missed that it sleeps."""


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
    :param start: starts claimed tasks, with what came with them; each must come back through :meth:`finished`.
    :param poll_seconds: look at the queue this often although nothing woke us.
    :param beat_seconds: the same while tasks run, since an exchange is the heartbeat.
    :param only: serve nothing but these documents and files.
    :param listens: it hears bells, and may sleep.
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
    ) -> None:
        self._database = database
        self._registration = registration
        self._slots = Slots(slots)
        self._wake = wake
        self._start = start
        self._poll_seconds = poll_seconds
        self._beat_seconds = beat_seconds
        self._only = only
        self._listens = listens
        self._wants_more = False
        """As many were claimed as were offered, and slots are free for more."""
        self._alone = False
        """No other worker lives, as far as this one knows."""
        self._at_it = False
        """An exchange of the loop's own is in flight."""
        self._beside: asyncio.Task[None] | None = None
        """A second exchange that is in flight."""
        self._may_go = asyncio.Event()
        """Set when a second exchange has ended, or is worth making."""
        self._naps: int | None = None
        """Looks since it asked to be rung for; ``None``: it has not asked."""
        self._telling: set[asyncio.Task[None]] = set()
        """Finds out why outcomes were refused."""
        self._waits = Waits()
        self._on_outcome = on_outcome
        self._running: set[Task] = set()
        self._busy: Counter[str] = Counter()
        """Of these, per step, those that have no outcome yet."""
        self._outbox = Outbox()
        self._fronts = Fronts()
        self._stopping = False
        self._given_up = False
        self._in_doubt = False
        """An exchange failed, and may have committed all the same: the next one tells what this worker knows."""
        self.superseded_by = ""
        """The newer release that has migrated the database: from then on this worker claims nothing."""
        self.tally = Tally()
        self.stirring = asyncio.Event()
        """Set while anyone's task runs, as far as this worker knows: somebody could die with it."""

    def finished(self, outcome: Outcome) -> None:
        """Take an outcome from the runner."""
        self._outbox.put(outcome)
        self._busy[outcome.task.step] -= 1
        self._wake.set("handoff")
        if self._outbox.is_all_of(len(self._running)):
            self._may_go.set()
            self._go_beside()

    def stop_claiming(self) -> None:
        """Let what runs come to its end, and claim nothing more."""
        self._stopping = True
        self._wake.set("handoff")

    def give_up(self) -> None:
        """What the database does not take now, end without."""
        self._given_up = True
        self._wake.set("handoff")

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
            if self._beside is not None:
                await cancel_all([self._beside])
            if self._telling:
                await asyncio.wait(self._telling, timeout=1)
                await cancel_all(self._telling)

    async def _run(self, until_quiet: bool) -> None:
        reason: Reason = "start"
        while True:
            answer = await self._answer_the_bell(reason) or await self._turn(reason)
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
            await self._other_half()

    async def _other_half(self) -> None:
        """While another exchange is in flight, one more is worth it only for all that could still go with it."""
        while self._beside is not None and not self._outbox.is_all_of(len(self._running)):
            self._may_go.clear()
            await self._may_go.wait()

    async def _rest(self, answer: queue.Exchange, idle: float, otherwise: Reason) -> Reason:
        """Wait for the next reason to look: asleep for as long as it may be, else for a moment only."""
        if self._outbox.is_waiting or self._wants_more:
            self._naps = None
            self._wants_more = False
            return "handoff"
        if answer.claimed or self._stopping or not self._listens:
            self._naps = None
        if self._stopping or not self._listens:
            return await self._wake.wait(idle, otherwise)
        if not answer.asleep:
            nap = _DOZE_SECONDS if self._naps is None else min(_NAP_AT_MOST, 0.0005 * 2**self._naps)
            if nap < idle:
                idle, otherwise = nap, "awake"
        reason = await self._wake.wait(idle, otherwise)
        if reason == "awake":
            self._naps = 0 if self._naps is None else self._naps + 1
        elif not answer.asleep:
            self._naps = None
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
        except (DatabaseUnavailable, Interrupted, Doubtful) as error:
            log.debug("cannot tell what is left to do", error=error)
            return False
        if not backlog.empty:
            self._waits.still(backlog)
        return backlog.empty

    async def _answer_the_bell(self, reason: Reason) -> queue.Exchange | None:
        """Claim the short way where a bell is all there is; an exchange follows in a moment.

        :return: ``None``: an exchange has the say, at once.
        """
        quiet = self._outbox.is_empty and self._beside is None and not self._in_doubt and not self._stopping
        if reason != "notify" or not quiet or len(self._wake.rung) != 1 or self._only is not None:
            return None
        (step,) = self._wake.rung
        offer = self._slots.offer(self._busy, self._outbox.apart_per_step)
        try:
            if not offer.room[step]:
                return None
            answer = await queue.take(self._database, self._registration.id, step, offer.room[step])
        except AlfrdError as error:
            self._in_doubt = True
            log.debug("the short way was none", error=error)
            return None
        finally:
            self._slots.close(offer)
        self._fronts.took(answer.claimed, answer.seen)
        if not answer.claimed:
            return None
        self._wants_more |= offer.asks_for_more(answer.claimed)
        self._take([], replace(answer, alone=self._alone), reason)
        return answer

    async def _turn(self, reason: Reason) -> queue.Exchange:
        """What goes alone until one will not, then all the rest with the claims."""
        while (alone := self._outbox.next_apart()) is not None:
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
                    alone.strike(error)
                return answer
            except WorkerUnknown:
                break  # as the exchange will find, too
            else:
                self._take([alone.outcome], answer, reason)
        answer, _ = await self._exchange(reason)
        return answer

    async def _exchange(self, reason: Reason) -> tuple[queue.Exchange, int]:
        """All that goes together, and the claims; again and again while the database cannot work.

        :return: the answer, and how often the database could not work, whatever was handed in.
        """
        failures = 0
        while True:
            batch = self._outbox.send(len(self._running))
            self._at_it = True
            self._go_beside()
            try:
                answer = await self._claim(batch, reason, may_sleep=self._naps is not None)
            except WorkerUnknown:
                self._outbox.came_back(batch)
                log.warning("others took this worker for dead and have its tasks; it signs on again")
                await self._sign_on_again()
            except (Interrupted, Doubtful, Refused, DatabaseUnavailable) as error:
                if batch and (isinstance(error, NoAnswer) or not isinstance(error, DatabaseUnavailable)):
                    log.debug("exchange rolled back, doing it again one by one", error=error)
                    self._outbox.set_apart(batch)  # one of them may be at fault
                    continue
                self._outbox.came_back(batch)
                failures += 1
                self._complain(error, failures)
            else:
                if failures > 1:
                    log.info("exchange went through", after_failures=failures)
                return answer, failures
            finally:
                self._at_it = False
            await asyncio.sleep(backoff(failures, _RETRY_AT_MOST))

    def _go_beside(self) -> None:
        """Begin a second exchange while the first is in flight, if all that it does not carry is finished.

        A commit waits for the disk; this process and the other processor need not. Where other workers live, theirs
        is the time: more exchanges would wait for each other, for the files that their documents share.
        """
        if (
            self._at_it
            and self._alone
            and self._beside is None
            and not self._in_doubt
            and self._outbox.is_all_of(len(self._running))
        ):
            self._beside = asyncio.create_task(self._exchange_beside(), name="exchange")

    async def _exchange_beside(self) -> None:
        """One try. What fails goes again with the loop's next exchange, which knows how to go on."""
        batch = self._outbox.send(len(self._running))
        try:
            answer = await self._claim(batch, "handoff")
            if answer.superseded_by and not self.superseded_by:
                self._step_down(answer.superseded_by)
        except (WorkerUnknown, Interrupted, Doubtful, Refused, DatabaseUnavailable) as error:
            self._outbox.came_back(batch)
            log.debug("a second exchange failed; the next one carries it all", error=error)
        finally:
            self._beside = None
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
        self, batch: Sequence[Outcome], reason: Reason, *, may_sleep: bool = False
    ) -> queue.Exchange:
        """Hand in a batch, claim what there is room for, and start it."""
        if self._stopping:
            answer = await self._hand_in(batch, {}, reason)
            self._take(batch, answer, reason)
            return answer
        offer = self._slots.offer(self._busy, self._outbox.apart_per_step)
        try:
            answer = await self._hand_in(batch, offer.room, reason, may_sleep=may_sleep)
        finally:
            self._slots.close(offer)
        self._wants_more |= offer.asks_for_more(answer.claimed)
        self._take(batch, answer, reason)
        return answer

    async def _hand_in(
        self, batch: Sequence[Outcome], room: Mapping[str, int], reason: Reason, *, may_sleep: bool = False
    ) -> queue.Exchange:
        doubted = self._in_doubt
        if doubted and self._beside is not None and self._beside is not asyncio.current_task():
            await asyncio.wait([self._beside])  # what it claims is not in doubt
        owned = list(self._running - {outcome.task for outcome in batch}) if doubted else None
        waiting = [step for step, slots in room.items() if slots] if may_sleep else None
        from_ = self._fronts.look_from(reason)
        started = time.monotonic()
        try:
            answer = await queue.exchange(
                self._database,
                self._registration.id,
                batch,
                room,
                reason,
                self._only,
                owned,
                waiting,
                from_,
                self._fronts.seen(from_),
            )
        except BaseException:
            self._in_doubt = True
            raise
        self._fronts.looked(from_, answer.reached, answer.seen, time.monotonic() - started)
        if doubted:
            self._in_doubt = False
        return answer

    async def _sign_on_again(self) -> None:
        # What runs goes on: a paid call is paid whether or not we hear its answer. Its result will be refused as
        # stale, and its cost recorded.
        try:
            await self._registration.sign_on()
        except AlfrdError as error:
            log.debug("cannot sign on yet", error=error)

    def _take(self, batch: Sequence[Outcome], answer: queue.Exchange, reason: Reason) -> None:
        self._alone = answer.alone
        self._outbox.taken(batch)
        self._running -= {outcome.task for outcome in batch}
        for outcome in batch:
            if outcome.task.id in answer.stale:
                self.tally.stale += 1
                continue
            if outcome.kind == "done":
                self.tally.done[outcome.task.step] += 1
            elif outcome.kind == "failed":
                self.tally.failed.append(outcome)
            self._on_outcome(outcome)
        if answer.stale and (refused := [each for each in batch if each.task.id in answer.stale]):
            telling = asyncio.create_task(tell_of_refused(self._database, refused))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)
        if answer.claimed or answer.others_running:
            self.stirring.set()
        elif not self._running and reason != "notify":
            # After a bell that brought nothing, another worker has just taken what it rang for.
            self.stirring.clear()
        if answer.claimed:
            if reason in ("poll", "reconnect"):
                self.tally.claimed_by_poll += len(answer.claimed)
            self._waits.over()
            self._running.update(answer.claimed)
            self._busy.update(task.step for task in answer.claimed)
            self._start(self._registration.id, answer.claimed, answer.inputs)
        log.debug("exchanged", handed_in=len(batch), claimed=len(answer.claimed), woken_by=reason)
