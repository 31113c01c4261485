"""Give back the tasks of workers that are gone, make those that are missing, and tell what is wrong with the server.

Every worker does it; there is no leader. While any task runs it looks every ``rescue_seconds``. In an
idle system, where no worker can die with a task in hand, it looks rarely; new work is notified, and
the exchange that follows says that others are running.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

from alfrd_events.db import operate, queue
from alfrd_events.db.database import Database
from alfrd_events.db.errors import Interrupted
from alfrd_events.errors import AlfrdError, DatabaseUnavailable
from alfrd_events.metrics.vitals import Vitals
from alfrd_events.observe import Log

log = Log("rescuer")

_IDLE_SECONDS = 15.0
_RETURN_SECONDS = 15.0
_DUTIES = {
    "rescue": "the tasks of workers that are gone could not be given back",
    "make_missing": "documents without a task could not be looked for",
    "complain": "what is wrong with the server could not be asked",
}
"""What it means that a duty failed."""


class Rescuer:
    """The duties that are not about a worker's own tasks.

    :param any_running: set while tasks run somewhere.
    :param rescue_seconds: how often to look for workers that are gone, while any task runs.
    :param reconcile_seconds: how often to look for documents and files whose task is missing.
    :param watch_seconds: how often to ask what is wrong with the server.
    """

    def __init__(
        self,
        database: Database,
        any_running: asyncio.Event,
        rescue_seconds: float,
        reconcile_seconds: float,
        watch_seconds: float,
        vitals: Vitals | None = None,
    ) -> None:
        self._vitals = vitals or Vitals()
        self._database = database
        self._any_running = any_running
        self._rescue_seconds = rescue_seconds
        self._reconcile = _Every(reconcile_seconds)
        self._thorough = _Every(reconcile_seconds)
        self._watch = _Every(watch_seconds)
        self._complaints: set[str] = set()
        self._refused: set[tuple[int, str]] = set()
        self._failures: dict[str, str] = {}
        """Duty -> why it failed the last time."""

    async def run(self) -> None:
        """Look every so often, until cancelled. A database that is away is the cycle's to report."""
        while True:
            try:
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._any_running.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(self._rescue_seconds * random.uniform(0.9, 1.1))
            await self._others_are_back()
            for duty in (self._rescue, self._make_missing, self._complain):
                await self._do(duty)

    async def _do(self, duty: Callable[[], Awaitable[None]]) -> None:
        """One duty that fails keeps no other from being done, and is logged once for as long as it fails alike."""
        name = duty.__name__.strip("_")
        try:
            await duty()
        except (DatabaseUnavailable, Interrupted) as error:
            log.debug("not this time", duty=name, error=error)
        except Exception as error:  # noqa: BLE001 - the next look may go well, and the other duties have to go on
            text = str(error) if isinstance(error, AlfrdError) else type(error).__name__
            tell = log.debug if self._failures.get(name) == text else log.warning
            self._failures[name] = text
            tell(f"{_DUTIES[name]}; it is tried again every {self._rescue_seconds:g} s or so", error=text)
        else:
            if self._failures.pop(name, None):
                log.info("that goes well again", duty=name)

    async def _others_are_back(self) -> None:
        """After the server was lost, wait until the others had time to find it, or the one that took its place.

        Until their listeners hold their locks again, live workers look dead. On a network that never rests, do not wait
        for ever.
        """
        patience_ends = time.monotonic() + 4 * _RETURN_SECONDS
        while time.monotonic() < min(self._database.cut_at + _RETURN_SECONDS, patience_ends):
            await asyncio.sleep(1)

    async def _rescue(self) -> None:
        thoroughly = self._thorough.due()
        try:
            lost = await queue.rescue(self._database, thoroughly=thoroughly)
        except BaseException:
            if thoroughly:
                self._thorough.now()
            raise
        if rescued := [task for task in lost if task["outcome"] != "refused"]:
            self._vitals.rescued += len(rescued)
            log.warning(
                "rescued tasks of workers that are gone; their events tell which",
                tasks=len(rescued),
                workers=sorted({task["worker_id"] for task in rescued}),
            )
        for task in lost:
            if task["outcome"] == "refused":
                self._tell_refused(task)

    async def _make_missing(self) -> None:
        if self._reconcile.due() and (missing := await queue.reconcile(self._database)):
            log.warning("made tasks that were missing; see alfrd.replay", count=missing)

    async def _complain(self) -> None:
        if self._watch.due():
            self._tell(await operate.complaints(self._database))

    def _tell_refused(self, task: dict[str, Any]) -> None:
        """Once for each error of a task: it is tried again at each look."""
        refusal = (task["task_id"], task["error"])
        if refusal not in self._refused:
            self._refused.add(refusal)
            log.warning(
                "a task of a worker that is gone cannot be rescued",
                step=task["step"],
                subject=task["subject_id"],
                task=task["task_id"],
                error=task["error"],
            )

    def _tell(self, complaints: list[operate.Complaint]) -> None:
        """Each when it comes up, and not again until it has gone away."""
        for complaint in complaints:
            if complaint.kind not in self._complaints:
                log.warning(complaint.what, cause=complaint.cause, remedy=complaint.remedy)
        self._complaints = {complaint.kind for complaint in complaints}


class _Every:
    """A duty that falls due every so many seconds, give or take half of them: workers need not do it all at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._put_off()

    def due(self) -> bool:
        if time.monotonic() < self._at:
            return False
        self._put_off()
        return True

    def now(self) -> None:
        """It was not done: it is due at once."""
        self._at = time.monotonic()

    def _put_off(self) -> None:
        self._at = time.monotonic() + self._seconds * random.uniform(0.5, 1.5)
