"""Measure how soon all is right that depends on a corrected value: ``python -m devtools.following --corrections 20``.

A worker sleeps beside a database of papers that are filed in series and in one file. Each correction sets another total
and company; what follows is the sentence, the scores, the series, its fields, its alerts, and the file. It is over when
nothing is left that is to be done now. Beside the seconds, it is counted how often each step was done for a subject.

A series that a person's correction changes is looked at as soon as its document has gone its way again, but not twice
within five seconds: so a correction waits here until the last looks are as old. Their alerts are measured separately.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from statistics import median
from typing import Any, LiteralString

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.cli.wiring import CommandContext, context
from alfrd_events.db.database import Database
from alfrd_events.steps.registry import BUILT_IN, CALENDAR
from alfrd_events.worker.run import run_worker
from devtools.lessons import PickledPages, made_up, pickled
from testing.noop import noop_tools, options

STEPS = {**BUILT_IN, **CALENDAR}
_LEFT = (
    "from alfrd.tasks where (state in ('ready', 'running')"
    " or state = 'scheduled' and run_at < alfrd.now() + interval '30 seconds')"
)
_DONE = f"select not exists (select {_LEFT})"
_DONE_BUT_ALERTS = f"select not exists (select {_LEFT} and step <> 'watch_series')"
_IDLE = "select not exists (select from alfrd.series_rhythms where watched_at > alfrd.now() - interval '5 seconds')"
_RUNS = (
    "select step, max(times) as times from (select step, count(*) as times from alfrd.events"
    " where kind = 'completed' and id > %s group by step, subject_id) as each group by step"
)


async def measure(opened: CommandContext, corrections: int, random: Random) -> dict[str, Any]:
    """Correct one document after the other, each when all that followed from the last one is done."""
    database = opened.database
    await database.execute("insert into alfrd.files (tags, title) values ('{home}', 'Home')")
    ids = [
        await database.value(
            "insert into alfrd.documents (filename, content, tags) values ('paper.txt', %s, '{home}') returning id",
            [pickled(paper)],
        )
        for of_sender in made_up(5, random)
        for paper in of_sender
    ]
    seconds: list[float] = []
    with_alerts: list[float] = []
    most: Counter[str] = Counter()
    async with Database(database.url) as of_worker:
        tools = noop_tools(RulesAnalyst(), PickledPages())
        wishes = options(database.url, until_quiet=False, slots=dict.fromkeys(STEPS, 20))
        worker = asyncio.create_task(run_worker(of_worker, STEPS, tools, wishes))
        try:
            await _until(database, _DONE)
            for number in range(corrections):
                await _until(database, _IDLE)
                seen = await database.value("select coalesce(max(id), 0) from alfrd.events")
                values = {"total": f"{number + 1}000.25", "entity": f"Corrected {number % 3} Ltd"}
                corrected = [random.choice(ids), json.dumps(values)]
                started = time.perf_counter()
                await database.rows("select * from alfrd.correct(%s, %s::jsonb)", corrected)
                await _until(database, _DONE_BUT_ALERTS)
                seconds.append(time.perf_counter() - started)
                await _until(database, _DONE)
                with_alerts.append(time.perf_counter() - started)
                for row in await database.rows(_RUNS, [seen]):
                    most[row["step"]] = max(most[row["step"]], row["times"])
        finally:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker
    return {
        "corrections": corrections,
        "seconds": _told(seconds),
        "seconds_with_the_alerts_of_series": _told(with_alerts),
        "most_often_done_for_one": dict(most),
    }


def _told(seconds: Sequence[float]) -> dict[str, float]:
    return {"median": round(median(seconds), 2), "most": round(max(seconds), 2)}


async def _until(database: Database, condition: LiteralString) -> None:
    while not await database.value(condition):
        await asyncio.sleep(0.005)


async def _run(corrections: int, seed: int) -> None:
    async with context() as opened:
        print(json.dumps(await measure(opened, corrections, Random(seed)), indent=2))


def main() -> None:
    """Measure on an embedded server of its own, unless ``ALFRD_DATABASE_URL`` names an empty database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrections", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="following-") as directory:
        os.environ.setdefault("ALFRD_DATA_DIR", directory)
        asyncio.run(_run(arguments.corrections, arguments.seed))


if __name__ == "__main__":
    main()
