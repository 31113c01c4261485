"""Run the handlers of claimed tasks, and turn whatever happens into outcomes.

No connection is held while a handler works: what it needs is loaded before, for all tasks of a claim
together, and what it gives is handed in with the next exchange.

Each task that was started comes back through exactly one outcome. A handler that goes on although it was cancelled
is left to itself: its task ends without it, and what it does later counts for nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from alfrd_events import tracing
from alfrd_events.clients.calls import Caller, caller
from alfrd_events.db.cases import Cases
from alfrd_events.db.database import Database
from alfrd_events.db.errors import Interrupted
from alfrd_events.errors import AlfrdError, DatabaseUnavailable
from alfrd_events.model import AnalystResult, JsonObject, Outcome, Prompt, Task
from alfrd_events.model.inputs import DocumentInput, StepInput
from alfrd_events.observe import Log, bind
from alfrd_events.sandbox.turns import Turn, turn
from alfrd_events.steps.step import Step, Tools
from alfrd_events.worker.about import facts_of, metadata_of, name_of
from alfrd_events.worker.cancellation import cancel_all
from alfrd_events.worker.pages import Pages, expect_pages, pages_of_attempt, save_page
from alfrd_events.worker.verdict import Judge, Verdict, packed

log = Log("runner")

_LOAD_WITHIN_SECONDS = 1.0
_LOAD_PAUSE_SECONDS = 0.05
_STARTED_TOGETHER = 25
_THROTTLED_SECONDS = 1.0
"""How long tasks wait that could not be loaded."""
_GOES_ON_SECONDS = 1.0
"""How long a reading waits before it goes on that was ended at its time limit."""
_LETTING_GO_SECONDS = 2.0
"""How long a handler that was cancelled may take to clean up, before its task ends without it."""
_FAILURES = {"retry", "failed", "abandoned"}


class Runner:
    """Runs handlers concurrently.

    :param finished: called with each outcome, from the event loop.
    :param step_seconds: the longest that one attempt may take.
    :param takes_long: called with a task that needs the processes of its step for long.
    """

    def __init__(
        self,
        database: Database,
        steps: Mapping[str, Step],
        tools: Tools,
        finished: Callable[[Outcome], None],
        step_seconds: float,
        takes_long: Callable[[Task], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._steps = steps
        self._tools = replace(tools, save_page=save_page, expect_pages=expect_pages)
        self._finished = finished
        self._step_seconds = step_seconds
        self._takes_long = takes_long
        kinds = {name: step.input for name, step in steps.items()}
        self._cases = Cases(database, kinds, tools.analyst.prompt_prefixes, tools.analyst.learns_from)
        self._judge = Judge()
        self._owed: set[Task] = set()
        """Started, and no outcome given yet."""
        self._running: set[asyncio.Task[None]] = set()
        self._overdue: set[asyncio.Task[None]] = set()
        self._stopping = False

    def start(self, worker: int, tasks: Sequence[Task], inputs: str | None = None) -> None:
        """Load what the tasks need and run them; returns at once. After :meth:`stop` they are released unrun.

        :param inputs: what of it came with the claim, in JSON.
        """
        self._owed.update(tasks)
        if self._stopping:  # the exchange that claimed them was in flight then
            self._release(tasks)
            return
        batch = asyncio.create_task(self._run_batch(worker, tasks, inputs))
        self._running.add(batch)
        batch.add_done_callback(self._running.discard)

    def taken(self, outcome: Outcome) -> None:
        """The database has written this outcome: what was read need not be loaded for the next step."""
        if outcome.task.step == "ocr" and isinstance(outcome.result, dict):
            self._cases.keep(outcome.task.subject_id, outcome.generation, outcome.result)

    async def stop(self) -> None:
        """Cancel what runs; each task ends with a ``released`` outcome, also one whose handler goes on all the same."""
        self._stopping = True
        await cancel_all(self._running)

    def _hand_over(self, outcome: Outcome) -> None:
        """Give a task's outcome, unless it has one already."""
        if outcome.task in self._owed:
            self._owed.discard(outcome.task)
            self._finished(outcome)

    async def _run_batch(self, worker: int, tasks: Sequence[Task], inputs: str | None = None) -> None:
        try:
            loaded = await self._load(tasks, inputs)
        except asyncio.CancelledError:
            self._release(tasks)
            raise
        except (DatabaseUnavailable, Interrupted) as error:
            # Nothing was tried, so nothing is counted; but not at once again, or it would spin.
            for task in tasks:
                self._hand_over(Outcome(task, "throttled", error=str(error), retry_after=_THROTTLED_SECONDS))
            return
        except Exception as error:  # noqa: BLE001 - whatever one row holds, the other tasks must go on
            if len(tasks) > 1:
                await asyncio.gather(*(self._run_batch(worker, [task]) for task in tasks))
                return
            verdict = self._judge.verdict(tasks[0], error)
            prefix = f"{tasks[0].step}: " if isinstance(error, AlfrdError) else ""
            self._hand_over(Outcome(tasks[0], "retry", error=prefix + verdict.error))
            return
        await self._run_loaded(worker, tasks, loaded)

    async def _run_loaded(self, worker: int, tasks: Sequence[Task], loaded: Mapping[int, StepInput]) -> None:
        runs: dict[asyncio.Task[None], Task] = {}
        left = _Countdown(len(tasks))
        create_task = asyncio.get_running_loop().create_task
        try:
            for task in tasks:
                attempt = self._run_one(worker, task, loaded.get(task.id), left)
                runs[create_task(attempt, name=task.step)] = task
                if len(runs) % _STARTED_TOGETHER == 0:
                    await asyncio.sleep(0)  # the exchange has its turn, too
            # One time limit for all: they start together, and a timer for each costs as much as the cheapest steps.
            if not await left.is_nothing_within(self._step_seconds):
                await self._end_overdue({run: task for run, task in runs.items() if not run.done()})
        except asyncio.CancelledError:
            for run in await cancel_all(runs, within=_LETTING_GO_SECONDS):
                _tell_of_stubborn(runs[run])
            self._release(tasks)
            raise

    async def _end_overdue(self, overdue: Mapping[asyncio.Task[None], Task]) -> None:
        self._overdue |= overdue.keys()
        for run in await cancel_all(overdue, within=_LETTING_GO_SECONDS):
            task = overdue[run]
            _tell_of_stubborn(task)
            error = f"{self._too_long(task)}, and does not end when it is cancelled"
            self._hand_over(Outcome(task, "retry", error=error))
        self._overdue -= overdue.keys()

    def _release(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self._hand_over(Outcome(task, "released", error="the worker was stopped"))

    async def _load(self, tasks: Sequence[Task], inputs: str | None) -> Mapping[int, StepInput]:
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

    async def _run_one(self, worker: int, task: Task, given: StepInput | None, left: _Countdown) -> None:
        try:
            with tracing.attempt(task, metadata_of(given)) as span:
                outcome = await self._attempt(worker, task, given)
                span.note(is_error=outcome.kind in _FAILURES, outcome=outcome.kind)
            self._hand_over(outcome)
        finally:
            left.one_less()

    async def _attempt(self, worker: int, task: Task, given: StepInput | None) -> Outcome:
        if given is None:
            return Outcome(task, "failed", error=f"{task.subject_type} {task.subject_id} is gone")
        name = name_of(given)
        bind(lambda: facts_of(task, name))
        tools = self._tools
        made_by = tools.reader.name if task.step == "ocr" else tools.analyst.name
        pages = Pages(self._database, worker, task)
        pages_of_attempt.set(pages)
        caller.set(Caller(worker, task))
        waited = Turn(lambda: self._takes_long(task) if task in self._owed else None)
        turn.set(waited)
        payload: JsonObject | bytes | None = None
        verdict = Verdict("done", "")
        prompt: Prompt | None = getattr(given, "prompt", None)
        prompt_id = prompt.id if prompt else None
        try:
            result = await self._steps[task.step].handler(given, tools)
            payload = packed(task.step, result, pages.unsaved)
            self._judge.is_done(task.step)
            if isinstance(result, AnalystResult) and (signed := result.provenance) is not None:
                made_by, prompt_id = signed.made_by, signed.prompt_id
        except BaseException as error:  # noqa: BLE001 - whatever a handler does, its task must end, and no more than that
            verdict = self._what_it_comes_to(task, error, waited, pages)
        return Outcome(
            task,
            verdict.kind,
            payload,
            verdict.error,
            verdict.retry_after,
            made_by,
            prompt_id,
            # What it cost is handed in whatever became of it.
            () if tools.reader.is_paid else pages.usage(made_by),
            given.generation if isinstance(given, DocumentInput) else 0,
            name,
        )

    def _what_it_comes_to(self, task: Task, error: BaseException, waited: Turn, pages: Pages) -> Verdict:
        """Tell a stop and a time-out from what the handler did itself."""
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            if asyncio.current_task() in self._overdue:
                if waited.seconds > self._step_seconds / 2:
                    return Verdict(
                        "throttled",
                        f"{task.step} waited {waited.seconds:.0f} s of its {self._step_seconds:g} s "
                        "(ALFRD_STEP_SECONDS) until a process was free",
                    )
                if pages.saved:  # it has so many fewer to read: that comes to an end
                    return Verdict(
                        "throttled",
                        f"{task.step} has saved {pages.saved} pages in {self._step_seconds:g} s "
                        "(ALFRD_STEP_SECONDS), and goes on with the others",
                        _GOES_ON_SECONDS,
                    )
                return Verdict("retry", self._too_long(task))
            if self._stopping:
                return Verdict("released", "the worker was stopped")
        return self._judge.verdict(task, error)

    def _too_long(self, task: Task) -> str:
        return f"{task.step} took longer than {self._step_seconds:g} s (ALFRD_STEP_SECONDS)"


def _tell_of_stubborn(task: Task) -> None:
    log.error(
        "a step goes on although it was cancelled; it is left to itself until this process ends. Let it raise "
        "CancelledError",
        **facts_of(task),
    )


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
