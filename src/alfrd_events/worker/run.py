"""Start a worker and take it down again.

SIGTERM or Ctrl-C once: nothing new is claimed, running steps get ``drain_seconds``, the rest is given
back. Twice: everything is given back at once. Given back means that it does not count as an attempt.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from alfrd_events import __version__
from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.db.errors import WorkerUnknown
from alfrd_events.errors import DatabaseUnavailable
from alfrd_events.model import Outcome
from alfrd_events.observe import Log
from alfrd_events.steps.registry import Handler, Tools
from alfrd_events.worker.cycle import Cycle, Tally
from alfrd_events.worker.listener import Listener
from alfrd_events.worker.rescuer import rescue_forever
from alfrd_events.worker.runner import Runner
from alfrd_events.worker.wake import Wake

log = Log("worker")


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
    handlers: Mapping[str, Handler],
    tools: Tools,
    options: WorkerOptions,
    on_outcome: Callable[[Outcome], None] = lambda _: None,
) -> Report:
    """Work until a signal comes, or until nothing is left if ``until_quiet``.

    :param on_outcome: called for each outcome that the database has accepted.
    """
    signals = _Signals()
    tally = Tally()
    with signals.caught():
        while True:
            worker = _Worker(database, handlers, tools, options, signals, tally, on_outcome)
            try:
                await worker.run()
            except WorkerUnknown:
                if not signals.stop.is_set():
                    log.warning("others took this worker for dead and have its tasks; it registers again")
                    continue
            return Report(tally, interrupted=signals.stop.is_set())


class _Signals:
    """The first signal asks to stop, the second to stop now."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.now = asyncio.Event()

    @contextmanager
    def caught(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._receive)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _receive(self) -> None:
        if self.stop.is_set():
            self.now.set()
        self.stop.set()


class _Worker:
    """One registration in ``alfrd.workers``, from signing on to signing off."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        tools: Tools,
        options: WorkerOptions,
        signals: _Signals,
        tally: Tally,
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._tools = tools
        self._options = options
        self._signals = signals
        self._tally = tally
        self._on_outcome = on_outcome

    async def run(self) -> None:
        options = self._options
        worker = await queue.register(
            self._database,
            name=f"{socket.gethostname()}:{os.getpid()}",
            host=socket.gethostname(),
            process=os.getpid(),
            version=__version__,
            steps=list(options.slots),
            lease_seconds=options.lease_seconds,
        )
        wake = Wake()
        runner = Runner(
            self._database,
            self._handlers,
            self._tools,
            lambda outcome: cycle.finished(outcome),
            options.step_seconds,
        )
        cycle = Cycle(
            self._database,
            worker,
            options.slots,
            wake,
            runner.start,
            poll_seconds=min(options.poll_seconds, options.lease_seconds / 3),
            beat_seconds=options.lease_seconds / 3,
            only=options.only,
            on_outcome=self._on_outcome,
        )
        cycle.tally = self._tally
        background: list[asyncio.Task[None]] = [
            asyncio.create_task(rescue_forever(self._database, options.rescue_seconds), name="rescuer"),
            asyncio.create_task(self._drain_on_signal(cycle, runner), name="drain"),
        ]
        if options.listen_url is not None:
            listener = Listener(
                self._database, options.listen_url, worker, options.slots, wake, options.probe_seconds
            )
            background.append(asyncio.create_task(listener.run(), name="listener"))
        log.info("worker started", worker=worker, steps=",".join(options.slots))
        try:
            await cycle.run(until_quiet=options.until_quiet)
        finally:
            await runner.stop()
            await _end(background)
        try:
            await queue.leave(self._database, worker)
        except DatabaseUnavailable as error:
            log.warning("could not sign off; others will notice", error=error)
        log.info("worker stopped", worker=worker)

    async def _drain_on_signal(self, cycle: Cycle, runner: Runner) -> None:
        await self._signals.stop.wait()
        log.info(
            "stopping: claiming nothing more",
            running=cycle.running,
            drain_seconds=self._options.drain_seconds,
        )
        cycle.stop_claiming()
        try:
            async with asyncio.timeout(self._options.drain_seconds):
                await self._signals.now.wait()
        except TimeoutError:
            log.info("time is up: giving back what still runs", running=cycle.running)
        await runner.stop()


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            log.error("a background task of the worker ended with an error", error=result)
