"""A worker as a process of its own, with providers that cost nothing and misbehave on request.

    python -m tests.support.worker_process URL '{"slots": 20, "delay": 0.5, "until_quiet": true}'

What it does to a document is said by the document's filename: ``hang``, ``die`` (the process kills itself),
``refuse`` (a permanent error), ``stumble`` (one transient error for each document in this process), ``doubt`` (its
total is in doubt, so that it needs review).

With ``"answer_seconds": 0.1`` each question to the analyst takes so long.

With ``"local": {"memory_bytes": 600000000}`` it reads with the real reader, in two processes under these limits.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Container
from contextlib import aclosing
from typing import Any

from alfrd_events import __version__
from alfrd_events.db.database import Database
from alfrd_events.errors import Permanent, Transient
from alfrd_events.model import AnalystResult, Page, Part, PartInfo, Summary
from alfrd_events.model.findings import Doubt
from alfrd_events.model.jobs import AnalysisJob, ResultT, Summarize
from alfrd_events.observe import configure_logging
from alfrd_events.reading.local import LocalReader
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.steps.registry import BUILT_IN, CALENDAR
from alfrd_events.worker import registration
from alfrd_events.worker.run import run_worker
from testing.noop import NoopAnalyst, NoopReader, noop_tools, options

STEPS = {**BUILT_IN, **CALENDAR}


class FaultyReader(NoopReader):
    """Reads after a while, or does what the filename says."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._stumbled: set[str] = set()

    async def inspect(self, part: Part) -> PartInfo:
        print(f"reading {part.filename}", file=sys.stderr, flush=True)
        await asyncio.sleep(self._delay)
        if part.filename.startswith("hang"):
            await asyncio.sleep(3600)
        if part.filename.startswith("die"):
            os.kill(os.getpid(), signal.SIGKILL)
        if part.filename.startswith("refuse"):
            raise Permanent(f"{part.filename}: refused by design")
        if part.filename.startswith("stumble") and part.filename not in self._stumbled:
            self._stumbled.add(part.filename)
            raise Transient(f"{part.filename}: once, by design")
        return await super().inspect(part)

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
        async for page in super().read(part, skip=skip):
            yield page


class SlowAnalyst(NoopAnalyst):
    """Answers after a while, and is unsure of what the filename says."""

    def __init__(self, delay: float, answer_seconds: float) -> None:
        super().__init__(delay)
        self._answer_seconds = answer_seconds

    async def run(self, job: AnalysisJob[ResultT]) -> ResultT:
        await asyncio.sleep(self._answer_seconds)
        return await super().run(job)

    def answer(self, job: AnalysisJob[Any]) -> AnalystResult:
        answer = super().answer(job)
        if isinstance(job, Summarize) and job.document.filename.startswith("doubt"):
            assert isinstance(answer, Summary)
            doubt = Doubt(field="total_amount", reason="the total is unsure", confidence=0.5)
            return answer.model_copy(update={"doubts": (doubt,)})
        return answer


async def main(url: str, wishes: dict[str, Any]) -> int:
    """Run until quiet or until a signal; exit code 3 when a signal ended it."""
    configure_logging(wishes.pop("log", "info"), "text")
    slots = dict.fromkeys(STEPS, wishes.pop("slots", 20))
    delay = wishes.pop("delay", 0)
    analyst = SlowAnalyst(delay, wishes.pop("answer_seconds", 0))
    limits = wishes.pop("local", None)
    reader = FaultyReader(delay) if limits is None else LocalReader(ReaderLimits(**limits), processes=2)
    database = Database(wishes.pop("pool_url", url), settings=wishes.pop("settings", None))
    vars(registration)["__version__"] = wishes.pop("version", __version__)
    listen_url = wishes.pop("listen_url", url) if wishes.pop("listen", True) else None
    async with database, aclosing(reader):
        report = await run_worker(
            database,
            STEPS,
            noop_tools(analyst, reader),
            options(listen_url, slots=slots, **wishes),
        )
    return 3 if report.interrupted else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {})))
