"""What grows with the number of documents: ``python -m bench.scale [DOCUMENTS] [SERIES] [REPEATS]``.

Two databases: one with a hundred documents, one with as many as asked for (100,000 in 5,000 series of 20 owners, one
series with 2,000). One document of each is made by the engine, the others are copies of its rows
(:mod:`bench.background`). What is measured goes through the engine: exchanges, the loading of cases, the rules; only
reading does nothing, since a document's bytes are its text. The databases take turns, so that whatever else the
machine does slows both. Milliseconds are those of the clock. ``docs/performance.md`` has a copy of the table.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from alfrd_events.analysis.rules.analyst import RulesAnalyst
from alfrd_events.db import queries, queue
from alfrd_events.db.database import Database
from alfrd_events.db.migrate import migrate
from alfrd_events.model import Outcome
from alfrd_events.steps.registry import BUILT_IN, CALENDAR
from alfrd_events.worker.run import WorkerOptions, run_worker
from alfrd_events.worker.runner import Runner
from bench.background import OWNERS, Original, copy
from bench.console import _CONFIGURATION
from bench.measure import percentile
from bench.search import Corpus
from testing.noop import noop_tools
from testing.server import Server

WAY = ("ocr", "classify", "score_classification", "summarize", "score_summary", "file", "extract")
STEPS = {**BUILT_IN, **CALENDAR}
LONGEST = 2_000
"""Documents of the longest series."""
FEW = 100
IDLE_SECONDS = 60.0
BURST_SECONDS = 60
"""A file is told anew when a burst of documents has ended: the engine's clock is put ahead by so much."""
TEXT = """{entity}
Electricity bill
Invoice date: {day}
Billing period: one month. Usage: 575 kWh at $0.1320
Amount due: ${amount}
Payment is due in three weeks. Thank you for your payment.
"""
AMOUNT = "91.25"
MONTHS = 4
"""Documents of the series that is copied: after so many it has a rhythm, and a day to look at it again."""
_ADD = "insert into alfrd.documents (owner, filename, content) values (%s, %s, %s) returning id"
_ORIGINAL = """
select d.id as document, d.series_id as series, f.id as file, d.entity, s.kind
  from alfrd.documents d join alfrd.series s on s.id = d.series_id join alfrd.files f on f.series_id = s.id
 where d.id = %s
"""


class Engine:
    """One worker that takes one task at a time, and the time of each, from its claim to the commit of its result."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.worker = 0
        self._ahead = 0
        self._outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        self._runner = Runner(
            database, STEPS, noop_tools(RulesAnalyst()), self._outcomes.put_nowait, step_seconds=600
        )

    async def register(self) -> None:
        self.worker = await queue.register(
            self.database,
            name="scale",
            host="bench",
            process=0,
            version="",
            steps=list(STEPS),
            lease_seconds=3600,
        )

    async def run(self, step: str, subject: UUID) -> float:
        """Do a step; milliseconds."""
        began = time.perf_counter()
        claimed = await queue.exchange(self.database, self.worker, [], {step: 1}, "notify", only=[subject])
        (task,) = claimed.claimed
        self._runner.start(self.worker, [task], claimed.inputs)
        outcome = await self._outcomes.get()
        if outcome.kind != "done":
            raise RuntimeError(f"{step}: {outcome.error}")
        await queue.exchange(self.database, self.worker, [outcome], {}, "notify")
        return 1000 * (time.perf_counter() - began)

    async def run_later(self, step: str, subject: UUID) -> float:
        """Do a step that waits for the end of a burst."""
        self._ahead += BURST_SECONDS
        self.database.settings["alfrd.clock_offset"] = f"{self._ahead} seconds"
        return await self.run(step, subject)

    async def carry(
        self, owner: str, entity: str, *, months_ago: int = 0, amount: str = AMOUNT
    ) -> tuple[UUID, float]:
        """A new document, from its insert to its end; its id, and the milliseconds of step ``file``."""
        text = TEXT.format(entity=entity, day=said(months_ago), amount=amount)
        id = await self.database.value(_ADD, [owner, "bill.txt", text.encode()])
        taken = {step: await self.run(step, id) for step in WAY}
        return id, taken["file"]

    async def stop(self) -> None:
        await self._runner.stop()


@asynccontextmanager
async def filled(server: Server, names: Sequence[str], documents: int, longest: int) -> AsyncIterator[Engine]:
    """An engine on a database with so many documents."""
    with server.database() as name:
        url = server.url(name)
        await migrate(url)
        async with Database(url, max_size=3) as database:
            engine = Engine(database)
            await engine.register()
            for months_ago in range(MONTHS - 1, -1, -1):
                id, _ = await engine.carry("owner 0", names[0], months_ago=months_ago)
            row = await database.row(_ORIGINAL, [id])
            assert row is not None, "the engine has filed it into a series"
            await engine.run_later("summarize_file", row["file"])
            await engine.run_later("watch_series", row["series"])
            while await database.value("select alfrd.index_pages()"):
                pass
            with psycopg.connect(url, autocommit=True) as connection:
                copy(
                    connection,
                    Original(**row, day=said(0), amount=AMOUNT),
                    names[1:],
                    documents,
                    longest=longest,
                )
            yield engine
            await engine.stop()


async def filing(few: Engine, many: Engine, names: Mapping[Engine, Sequence[str]], repeats: int) -> None:
    """Step ``file`` in both databases by turns: of a company that is known, and of one that is not."""
    taken: dict[tuple[Engine, bool], list[float]] = defaultdict(list)
    corpus = Corpus(seed=3)
    for engine in (few, many):
        for owner in range(1, OWNERS):  # the first document of an owner loads the owner's series
            await engine.carry(f"owner {(1 + owner) % OWNERS}", names[engine][1 + owner])
    for number in range(repeats):
        owner = 1 + number % (OWNERS - 1)
        founder = f"{corpus.company()} Ltd"
        for engine in (few, many):
            for is_new, entity in ((False, names[engine][1 + owner]), (True, founder)):
                _, milliseconds = await engine.carry(f"owner {(1 + owner) % OWNERS}", entity)
                taken[engine, is_new].append(milliseconds)
    for is_new, what in ((False, "known"), (True, "new")):
        times, reference = taken[many, is_new], taken[few, is_new]
        ratio = percentile(times, 50) / percentile(reference, 50)
        line(
            f"file, a company that is {what}",
            times,
            f"{ratio:.2f} × (with {FEW}: {percentile(reference, 50):.1f})",
        )


async def long_series(engine: Engine, entity: str, repeats: int) -> None:
    """One more document of the longest series, and its file told anew; beside those of a short one."""
    filed, told = [], []
    for number in range(repeats):
        id, milliseconds = await engine.carry("owner 1", entity, amount=f"{90 + number}.10")
        row = await engine.database.row(_ORIGINAL, [id])
        assert row is not None
        filed.append(milliseconds)
        told.append(await engine.run_later("summarize_file", row["file"]))
    members = await engine.database.value("select max(member_count) from alfrd.files")
    line(f"file, the series of {members:,}", filed)
    line(f"summarize_file, its file of {members:,}", told)


async def idle(server: Server, database: Database) -> None:
    """What a worker asks that looks after all series, none of which is due."""
    name = await database.value("select current_database()")
    server.sql(f"alter database {name} set log_statement = 'all'")
    url = server.url(name)
    async with Database(url, max_size=3) as own:
        options = WorkerOptions(slots=dict.fromkeys(STEPS, 20), listen_url=url)
        worker = asyncio.create_task(run_worker(own, STEPS, noop_tools(RulesAnalyst()), options))
        await asyncio.sleep(5)
        log = server.directory / "log"
        begin = log.stat().st_size
        await asyncio.sleep(IDLE_SECONDS)
        said = _statements(log, begin)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    server.sql(f"alter database {name} reset log_statement")
    series = await database.value("select count(*) from alfrd.tasks where step = 'watch_series'")
    looking = sum(
        number for statement, number in said.items() if re.search(r"exchange|series|alerts", statement)
    )
    everything = ", ".join(f"{number} {statement}" for statement, number in said.items())
    print(
        f"alerts of {series:,} series: {looking} statements in {IDLE_SECONDS:g} s; all there were: {everything}",
        flush=True,
    )


def _statements(log: Path, begin: int) -> dict[str, int]:
    counted: dict[str, int] = defaultdict(int)
    with log.open("rb") as file:
        file.seek(begin)
        for found in re.finditer(rb"LOG:  (?:statement|execute [^:]*): (.*)", file.read()):
            counted[found[1].decode()[:60]] += 1
    return counted


async def looking(database: Database, names: Sequence[str], repeats: int) -> None:
    """What the commands of these names ask."""
    words = iter(names[10:])
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "documents --limit 100": lambda: queries.documents(database, limit=100),
        "documents --tag --limit 100": lambda: queries.documents(database, tag="electricity", limit=100),
        "series --limit 100": lambda: queries.series(database, 100, documents=False),
        "series": lambda: queries.series(database, documents=False),
        "files --limit 100": lambda: queries.files(database, 100),
        "files": lambda: queries.files(database),
        "search, a company": lambda: queries.search(database, next(words), 20),
        "search, what all pages have": lambda: queries.search(database, "payment usage ", 20),
        "search, a typing error": lambda: queries.search(database, "electrcity " + next(words), 20),
    }
    for name, ask in asked.items():
        await ask()
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            await ask()
            times.append(1000 * (time.perf_counter() - began))
        line(name, times)


def said(months_ago: int) -> str:
    """A day of about so many months ago, as a bill has it."""
    return f"{datetime.now(UTC).date() - timedelta(days=30 * months_ago):%B %-d, %Y}"


def line(name: str, times: Sequence[float], more: str = "") -> None:
    """Print a row of the table."""
    p50, p95 = (percentile(times, percent) for percent in (50, 95))
    print(f"{name:<44}{p50:>9.1f}{p95:>9.1f}  {more}", flush=True)


async def main(documents: int, series: int, repeats: int) -> None:
    """Print the table."""
    corpus = Corpus()
    names = list(dict.fromkeys(f"{corpus.company()} Cooperative" for _ in range(2 * series)))[: series + 1]
    server = Server(_CONFIGURATION)
    try:
        began = time.perf_counter()
        async with (
            filled(server, names[: OWNERS + 1], FEW, 0) as few,
            filled(server, names, documents, min(LONGEST, documents // 10)) as many,
        ):
            print(f"loaded in {time.perf_counter() - began:.0f} s")
            print(f"{f'{documents:,} documents, {series:,} series':<44}{'p50':>9}{'p95':>9}", flush=True)
            await filing(few, many, {few: names, many: names}, repeats)
            await long_series(many, names[1], repeats)
            await looking(many.database, names, repeats)
            await idle(server, many.database)
    finally:
        server.remove()


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(main(*(given + [100_000, 5_000, 50][len(given) :])))
