"""Start a worker and take it down again.

SIGTERM or Ctrl-C once: nothing new is claimed, running steps get ``drain_seconds``, the rest is given
back. Twice: everything is given back at once. Given back means that it does not count as an attempt.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from alfrd_events import __version__
from alfrd_events.db.database import Database
from alfrd_events.errors import AlfrdError, SchemaTooNew
from alfrd_events.metrics.vitals import Vitals
from alfrd_events.model import Outcome
from alfrd_events.observe import Log
from alfrd_events.steps.step import Step, Tools
from alfrd_events.worker.budget_releaser import ReleaseHeld, release_forever, release_once
from alfrd_events.worker.cancellation import cancel_all
from alfrd_events.worker.cycle import Cycle, Tally
from alfrd_events.worker.indexer import Indexer
from alfrd_events.worker.last_resort import MARGIN_SECONDS, LastResort
from alfrd_events.worker.listener import Listener
from alfrd_events.worker.registration import Registration
from alfrd_events.worker.rescuer import Rescuer
from alfrd_events.worker.runner import Runner
from alfrd_events.worker.wake import Wake

log = Log("worker")

_OBJECTS_UNTIL_COLLECTED = 50_000


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker behaves; durations in seconds."""

    slots: Mapping[str, int]
    """Tasks at once, for each step that it serves."""
    lease_seconds: float = 30
    drain_seconds: float = 20
    poll_seconds: float = 30
    probe_seconds: float = 15
    rescue_seconds: float = 1
    reconcile_seconds: float = 300
    watch_seconds: float = 30
    release_seconds: float = 20
    step_seconds: float = 900
    listen_url: str | None = None
    """Where to LISTEN; ``None``: not at all, new work is found by the poll."""
    until_quiet: bool = False
    """Drain the queue and return, instead of waiting for more."""
    only: tuple[UUID, ...] | None = None
    """Serve nothing but these documents and files."""


@dataclass(frozen=True)
class Report:
    """How a run ended."""

    tally: Tally
    interrupted: bool
    """A signal ended it."""


async def run_worker(
    database: Database,
    steps: Mapping[str, Step],
    tools: Tools,
    options: WorkerOptions,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
    release_held: ReleaseHeld | None = None,
    last_resort: LastResort | None = None,
    vitals: Vitals | None = None,
) -> Report:
    """Work until a signal comes, or until nothing is left if ``until_quiet``.

    :param on_outcome: called for each outcome that the database has accepted.
    :param release_held: called every ``release_seconds``: lets tasks go on that were held for money; returns how many.
    :param last_resort: ends the process when a signal does not; ``None``: it may take as long as a step holds it.
    :param vitals: what it notes of itself, for those who watch it.
    :raise SchemaTooNew: a newer release migrated the database meanwhile; what ran was finished first.
    """
    signals = _Signals(last_resort, options.drain_seconds)
    vitals = vitals or Vitals()
    worker = _Worker(database, steps, tools, options, signals, on_outcome, release_held, vitals)
    with signals.caught(), collecting_rarely():
        await worker.run()
    return Report(worker.cycle.tally, interrupted=signals.stop.is_set())


class _Collecting:
    """How many workers of this process ask to collect rarely, and what held before the first of them."""

    workers = 0
    before = (0, 0, 0)


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for cyclic garbage when much is alive that was not before, and never among what was loaded at the start.

    Hundreds of tasks in flight are a few ten thousand objects, and none of them is garbage of that kind: to look at
    them again every 700 allocations took a sixth of a worker's processor time.

    The thresholds are the process's: the last of several workers in it puts them back.
    """
    if not _Collecting.workers:
        _Collecting.before = gc.get_threshold()
        gc.freeze()
        gc.set_threshold(_OBJECTS_UNTIL_COLLECTED, *_Collecting.before[1:])
    _Collecting.workers += 1
    try:
        yield
    finally:
        _Collecting.workers -= 1
        if not _Collecting.workers:
            gc.set_threshold(*_Collecting.before)
            gc.unfreeze()


class _Signals:
    """The first signal asks to stop, the second to stop now."""

    def __init__(self, last_resort: LastResort | None, drain_seconds: float) -> None:
        self._last_resort = last_resort
        self._drain_seconds = drain_seconds
        self._caught = 0
        self.stop = asyncio.Event()
        self.now = asyncio.Event()

    @contextmanager
    def caught(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._receive)
            if self._last_resort is not None:
                # Beside the loop's own, which reads its wake-up pipe: this one runs also while a step blocks the loop.
                signal.signal(number, self._set_the_clock)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _set_the_clock(self, *_: object) -> None:
        assert self._last_resort is not None
        self._caught += 1
        drain = self._drain_seconds if self._caught == 1 else 0
        self._last_resort.within(drain + MARGIN_SECONDS)

    def _receive(self) -> None:
        if self.stop.is_set():
            self.now.set()
        self.stop.set()


class _Worker:
    """The parts of a worker, put together; from signing on to signing off."""

    def __init__(
        self,
        database: Database,
        steps: Mapping[str, Step],
        tools: Tools,
        options: WorkerOptions,
        signals: _Signals,
        on_outcome: Callable[[Outcome], None],
        release_held: ReleaseHeld | None,
        vitals: Vitals,
    ) -> None:
        self._release_held = release_held
        self._vitals = vitals
        vitals.slots = options.slots
        vitals.listens = options.listen_url is not None
        self._database = database
        self._options = options
        self._signals = signals
        self._wake = Wake()
        self._indexer = Indexer(database)
        database.patience = options.lease_seconds / 3
        self._listening: asyncio.Task[None] | None = None
        self._retired: asyncio.Task[object] | None = None
        """Ends the listener of an id that this worker has no more."""
        self._registration = Registration(
            database, list(options.slots), options.lease_seconds, self._listen_anew
        )
        self._runner = Runner(
            database,
            steps,
            tools,
            lambda outcome: self.cycle.finished(outcome),
            options.step_seconds,
            lambda task: self.cycle.takes_long(task),
        )
        self.cycle = Cycle(
            database,
            self._registration,
            options.slots,
            self._wake,
            self._runner.start,
            poll_seconds=min(options.poll_seconds, options.lease_seconds / 3),
            beat_seconds=options.lease_seconds / 3,
            only=options.only,
            listens=options.listen_url is not None,
            on_outcome=self._taken(on_outcome),
            vitals=vitals,
        )

    def _taken(self, on_outcome: Callable[[Outcome], None]) -> Callable[[Outcome], None]:
        def taken(outcome: Outcome) -> None:
            self._runner.taken(outcome)
            self._indexer.taken(outcome)
            on_outcome(outcome)

        return taken

    async def run(self) -> None:
        await self._registration.register()
        log.info("worker started", worker=self._registration.id, steps=",".join(self._options.slots))
        background = [
            _background(
                Rescuer(
                    self._database,
                    self.cycle.any_running,
                    self._options.rescue_seconds,
                    self._options.reconcile_seconds,
                    self._options.watch_seconds,
                    self._vitals,
                ).run(),
                "rescuer",
            ),
            _background(self._drain_on_signal(), "drain"),
            _background(self._indexer.run(), "indexer"),
        ]
        if self._release_held is not None:
            await release_once(
                self._release_held
            )  # before the first look at the queue: this worker's caps may be new
            background.append(
                _background(
                    release_forever(self._release_held, self._options.release_seconds), "budget releaser"
                )
            )
        try:
            await self.cycle.run(until_quiet=self._options.until_quiet)
        finally:
            await self._runner.stop()
            await cancel_all([*background, *([self._listening] if self._listening else [])])
        if self._options.until_quiet:
            await self._indexer.finish()
        try:
            await self._registration.deregister()
        except AlfrdError as error:
            log.warning("could not deregister; others will notice", error=error)
        log.info("worker stopped", worker=self._registration.id)
        if self.cycle.superseded_by:
            raise SchemaTooNew(
                f"alfrd-events {self.cycle.superseded_by} has migrated the database, and this is {__version__}: "
                f"upgrade it"
            )

    def _listen_anew(self) -> None:
        """A listener for the id that the worker has now: its lock and its probe channel carry it."""
        if self._options.listen_url is None:
            return
        if self._listening is not None:
            self._retired = asyncio.create_task(cancel_all([self._listening]))
        listener = Listener(
            self._database,
            self._options.listen_url,
            self._registration.id,
            self._options.slots,
            self._wake,
            self._options.probe_seconds,
            self._vitals,
        )
        self._listening = _background(listener.run(), "listener")

    async def _drain_on_signal(self) -> None:
        await self._signals.stop.wait()
        log.info(
            "stopping: claiming nothing more",
            running=self.cycle.running,
            drain_seconds=self._options.drain_seconds,
        )
        self.cycle.stop_claiming()
        try:
            async with asyncio.timeout(self._options.drain_seconds):
                await self._signals.now.wait()
        except TimeoutError:
            log.info("time is up: giving back what still runs", running=self.cycle.running)
        await self._runner.stop()
        self.cycle.give_up()


def _background(coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Run beside the cycle; should it end by an error, that is a bug and told at once."""

    def told(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a background duty ended with an error", duty=name, error=repr(error))

    task = asyncio.create_task(coroutine, name=name)
    task.add_done_callback(told)
    return task
