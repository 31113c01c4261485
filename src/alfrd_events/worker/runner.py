"""Run the handlers of claimed tasks, and turn whatever happens into outcomes.

No connection is held while a handler works: what it needs is loaded before, for all tasks of a claim
together, and what it gives is handed in with the next exchange.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace

from pydantic_core import PydanticSerializationError

from alfrd_events.db import queue
from alfrd_events.db.cases import Cases
from alfrd_events.db.database import Database
from alfrd_events.db.errors import Interrupted
from alfrd_events.errors import AlfrdError, DatabaseUnavailable, Permanent, StaleClaim, Throttled
from alfrd_events.model import Case, Finding, JsonObject, Kind, Outcome, Page, Task, Usage
from alfrd_events.observe import Log
from alfrd_events.providers.calls import Caller, caller
from alfrd_events.steps.registry import PROMPT_KINDS, Handler, Tools
from alfrd_events.worker.endings import cancel_all

log = Log("runner")

_SAVE_EVERY_SECONDS = 2.0
_SAVE_AT_PAGES = 20
_LOAD_WITHIN_SECONDS = 1.0
_LOAD_PAUSE_SECONDS = 0.05
_STARTED_TOGETHER = 25
_THROTTLED_SECONDS = 1.0
"""How long tasks wait that could not be loaded."""


class Runner:
    """Runs handlers concurrently.

    :param finished: called with each outcome, from the event loop.
    :param step_seconds: the longest that one attempt may take.
    """

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        tools: Tools,
        finished: Callable[[Outcome], None],
        step_seconds: float,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._tools = replace(tools, save_page=_save_page)
        self._finished = finished
        self._step_seconds = step_seconds
        self._cases = Cases(database, PROMPT_KINDS, tools.analyst.prompt_prefixes, tools.analyst.learns_from)
        self._running: set[asyncio.Task[None]] = set()
        self._overdue: set[asyncio.Task[None]] = set()

    def start(self, worker: int, tasks: Sequence[Task], inputs: str | None = None) -> None:
        """Load what the tasks need and run them; returns at once.

        :param inputs: what of it came with the claim, in JSON.
        """
        batch = asyncio.create_task(self._run_batch(worker, tasks, inputs))
        self._running.add(batch)
        batch.add_done_callback(self._running.discard)

    def taken(self, outcome: Outcome) -> None:
        """The database has written this outcome: what was read need not be loaded for the next step."""
        if outcome.task.step == "ocr" and isinstance(outcome.result, dict):
            self._cases.keep(outcome.task.subject_id, outcome.generation, outcome.result)

    async def stop(self) -> None:
        """Cancel what runs; each task ends with a ``released`` outcome."""
        await cancel_all(self._running)

    async def _run_batch(self, worker: int, tasks: Sequence[Task], inputs: str | None = None) -> None:
        try:
            loaded = await self._load(tasks, inputs)
        except asyncio.CancelledError:
            self._release(tasks)
            raise
        except (DatabaseUnavailable, Interrupted) as error:
            # Nothing was tried, so nothing is counted; but not at once again, or it would spin.
            for task in tasks:
                self._finished(Outcome(task, "throttled", error=str(error), retry_after=_THROTTLED_SECONDS))
            return
        except Exception as error:  # noqa: BLE001 - whatever one row holds, the other tasks must go on
            if len(tasks) > 1:
                await asyncio.gather(*(self._run_batch(worker, [task]) for task in tasks))
                return
            known = isinstance(error, AlfrdError)
            why = f"{tasks[0].step}: {error}" if known else _unforeseen(tasks[0], error)
            self._finished(Outcome(tasks[0], "retry", error=why))
            return
        runs: list[asyncio.Task[None]] = []
        left = _Countdown(len(tasks))
        create_task = asyncio.get_running_loop().create_task
        try:
            for task in tasks:
                run = self._run_one(worker, task, loaded.get(task.id), left)
                runs.append(create_task(run, name=task.step))
                if len(runs) % _STARTED_TOGETHER == 0:
                    await asyncio.sleep(0)  # the exchange has its turn, too
            # One time limit for all: they start together, and a timer for each costs as much as the cheapest steps.
            if not await left.is_nothing_within(self._step_seconds):
                await self._end_overdue({run for run in runs if not run.done()})
        except asyncio.CancelledError:
            await cancel_all(runs)
            self._release(tasks[len(runs) :])
            raise

    async def _end_overdue(self, overdue: set[asyncio.Task[None]]) -> None:
        self._overdue |= overdue
        await cancel_all(overdue)
        self._overdue -= overdue

    def _release(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self._finished(Outcome(task, "released", error="the worker was stopped"))

    async def _load(self, tasks: Sequence[Task], inputs: str | None) -> Mapping[int, Case]:
        """What the tasks need. A connection that was cut is no reason to give them back: another one may work."""
        give_up_at = time.monotonic() + _LOAD_WITHIN_SECONDS
        while True:
            try:
                return await self._cases.load(tasks, inputs)
            except DatabaseUnavailable as error:
                if time.monotonic() >= give_up_at:
                    raise
                log.debug("what the tasks need could not be loaded, trying again", error=error)
            await asyncio.sleep(_LOAD_PAUSE_SECONDS)

    async def _run_one(self, worker: int, task: Task, case: Case | None, left: _Countdown) -> None:
        try:
            self._finished(await self._attempt(worker, task, case))
        finally:
            left.one_less()

    async def _attempt(self, worker: int, task: Task, case: Case | None) -> Outcome:
        if case is None:
            return Outcome(task, "failed", error=f"{task.entity} {task.subject_id} is gone")
        tools = self._tools
        made_by = tools.reader.name if task.step == "ocr" else tools.analyst.name
        pages = _Pages(self._database, worker, task)
        _pages.set(pages)
        caller.set(Caller(worker, task))
        kind: Kind = "done"
        payload: JsonObject | bytes | None = None
        error_text, retry_after = "", None
        prompt_id = case.prompt.id if case.prompt else None
        try:
            result = await self._handlers[task.step](case, tools)
            if task.step == "ocr":
                payload = {**result.model_dump(mode="json", warnings="error"), "pages": pages.unsaved}
            else:
                payload = result.model_dump_json(warnings="error").encode()
            if isinstance(result, Finding) and (signed := result.provenance) is not None:
                made_by, prompt_id = signed.made_by, signed.prompt_id
                if signed.notes:
                    note = "; ".join(signed.notes)
                    payload = {**result.model_dump(mode="json", warnings="error"), "note": note}
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever a handler does, its task must end
            kind, error_text, retry_after = self._what_it_comes_to(task, error)
        return Outcome(
            task,
            kind,
            payload,
            error_text,
            retry_after,
            made_by,
            prompt_id,
            # What it cost is told whatever became of it.
            () if tools.reader.is_paid else pages.usage(made_by),
            case.generation,
        )

    def _what_it_comes_to(self, task: Task, error: BaseException) -> tuple[Kind, str, float | None]:
        """From an error to what becomes of the task: its kind, the text, and the seconds to wait."""
        match error:
            case Permanent():
                return "failed", str(error), None
            case Throttled():
                return "throttled", str(error), error.retry_after
            case StaleClaim() | DatabaseUnavailable() | Interrupted():
                # Pages could not be saved, and that is not the document's fault.
                return "released", str(error), None
            case asyncio.CancelledError() if asyncio.current_task() in self._overdue:
                return (
                    "retry",
                    f"{task.step} took longer than {self._step_seconds:g} s (ALFRD_STEP_SECONDS)",
                    None,
                )
            case asyncio.CancelledError():
                return "released", "the worker was stopped", None
            case AlfrdError():
                return "retry", str(error), None
            case PydanticSerializationError():
                return "failed", f"{task.step}: its result holds what JSON cannot", None
        return "retry", _unforeseen(task, error), None


def _unforeseen(task: Task, error: BaseException) -> str:
    """Tell of a bug, ours or of a user's step: the type, and in the log the place.

    Its message may hold anything, also a document's text, and stays in the process.
    """
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error(
        "a step failed in a way nobody foresaw",
        step=task.step,
        subject=task.subject_id,
        error=type(error).__name__,
        place=f"{place.filename}:{place.lineno}",
    )
    return f"{task.step}: unexpected {type(error).__name__}; the worker's log tells where"


class _Countdown:
    """Tells when so many have ended. ``asyncio.wait`` costs a turn of the loop for each of them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._nothing = asyncio.Event()

    def one_less(self) -> None:
        """One has ended."""
        self._count -= 1
        if not self._count:
            self._nothing.set()

    async def is_nothing_within(self, seconds: float) -> bool:
        """Wait until all have ended, at most so long; whether they have."""
        try:
            async with asyncio.timeout(seconds):
                await self._nothing.wait()
        except TimeoutError:
            return False
        return True


class _Pages:
    """Pages that a handler gave over, saved in small batches while it goes on."""

    __slots__ = ("_began", "_database", "_last_save", "_read", "_task", "_worker", "unsaved")

    def __init__(self, database: Database, worker: int, task: Task) -> None:
        self._database = database
        self._worker = worker
        self._task = task
        self._began = self._last_save = time.monotonic()
        self._read = 0
        self.unsaved: list[JsonObject] = []

    async def save(self, page: Page, part: int) -> None:
        """Take a page.

        :raise StaleClaim: the task belongs to somebody else by now.
        """
        self._read += 1
        self.unsaved.append(queue.page_row(page, number=page.number, part=part))
        overdue = time.monotonic() - self._last_save > _SAVE_EVERY_SECONDS
        if overdue or len(self.unsaved) >= _SAVE_AT_PAGES:
            if not await queue.save_progress(self._database, self._worker, self._task, self.unsaved):
                raise StaleClaim(self._task)
            self.unsaved = []
            self._last_save = time.monotonic()

    def usage(self, provider: str) -> tuple[Usage, ...]:
        """What the reading cost, for ``alfrd.usage``."""
        if not self._read:
            return ()
        spent = time.monotonic() - self._began
        return (Usage(provider=provider, pages=self._read, milliseconds=int(spent * 1000)),)


_pages: ContextVar[_Pages] = ContextVar("pages")
"""Those of the attempt that runs: so that all attempts share one set of tools."""


async def _save_page(page: Page, part: int) -> None:
    await _pages.get().save(page, part)
