"""Documents of many pages: what a crash, a time limit and others beside them cost. Worker and readers are real."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Container
from pathlib import Path
from uuid import UUID

from alfrd_events.db.database import Database
from alfrd_events.model import Page, Part, PartInfo
from alfrd_events.sandbox.turns import current_turn
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import NoopReader, noop_tools, options
from tests.faults.processes import fleet, until
from tests.readers.reader_inputs import tiff

QUICKLY = {"alfrd.backoff_seconds": "0.1"}


def scan(pages: int) -> bytes:
    return tiff([[f"Page {number} of a scan"] for number in range(1, pages + 1)])


async def given(db: Harness, content: bytes, filename: str) -> UUID:
    document: UUID = await db.one(
        "insert into alfrd.documents (filename, content) values (%s, %s) returning id", filename, content
    )
    return document


async def test_after_a_crash_only_the_pages_that_are_missing_are_read(db: Harness, tmp_path: Path) -> None:
    pages = 40
    with fleet(db.url, tmp_path) as workers:
        first = workers.start(local={}, slots=2)
        document = await given(db, scan(pages), "long.tiff")
        await until(db, "count(*) >= 4 from alfrd.pages")
        first.signal(signal.SIGKILL)
        first.wait()
        saved = {
            row["number"]: row["read_at"] for row in await db.sql("select number, read_at from alfrd.pages")
        }
        assert 4 <= len(saved) < pages
        second = workers.start(local={}, slots=2, until_quiet=True)
        await asyncio.to_thread(second.wait)

    assert await db.status_of(document) == "completed"
    after = {row["number"]: row["read_at"] for row in await db.sql("select number, read_at from alfrd.pages")}
    assert sorted(after) == list(range(1, pages + 1))
    assert {number: after[number] for number in saved} == saved, "a page that was saved was read again"
    assert await db.one("select sum(pages) from alfrd.usage where step = 'ocr'") == pages - len(saved)


async def test_a_short_document_passes_long_ones_that_have_all_slots(db: Harness, tmp_path: Path) -> None:
    with fleet(db.url, tmp_path) as workers:
        workers.start(local={}, slots=2)
        long = [await given(db, scan(300), f"long-{number}.tiff") for number in range(2)]
        await until(db, "count(distinct document_id) = 2 from alfrd.pages")
        short = await given(db, scan(1), "short.tiff")
        await until(db, f"status = 'completed' from alfrd.documents where id = '{short}'")

        assert [await db.status_of(each) for each in long] == ["pending", "pending"]
        assert await db.one("select count(*) from alfrd.reading_progress where pages_total = 300") == 2


class EndlessReader(NoopReader):
    """Says that each document takes long, and reads none before it may."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self._now = 0
        self.most = 0
        """Documents at once."""

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
        self._now += 1
        self.most = max(self.most, self._now)
        current_turn().takes_long()
        await self.go_on.wait()
        yield Page(number=1, text="at last", confidence=1.0, source="plain")
        self._now -= 1


class SlowReader(NoopReader):
    """Twelve pages, and half a second for each."""

    async def inspect(self, part: Part) -> PartInfo:
        return PartInfo("text/plain", 12)

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
        for number in range(1, 13):
            if number not in skip:
                await asyncio.sleep(0.5)  # what takes so long is not looked at here
                yield Page(number=number, text=f"page {number}", confidence=1.0, source="plain")


async def test_a_reading_that_gets_on_within_its_time_limit_is_no_failed_attempt(db: Harness) -> None:
    await db.sql("update alfrd.routes set max_attempts = 1 where step = 'ocr'")
    document = await db.given_document()
    async with Database(db.url, settings=QUICKLY) as database:
        await run_worker(database, BUILT_IN, noop_tools(reader=SlowReader()), options(db.url, step_seconds=3))

    assert await db.status_of(document) == "completed"
    events = await db.sql("select kind, detail from alfrd.events where step = 'ocr' order by id")
    kinds = [row["kind"] for row in events]
    assert kinds[-1] == "completed"
    assert len(kinds) >= 3
    assert set(kinds[:-1]) <= {"throttled", "created"}
    assert any("and goes on with the others" in row["detail"] for row in events)
    assert await db.one("select count(*) from alfrd.pages") == 12


async def test_a_task_that_takes_long_leaves_its_slot_to_others_up_to_a_bound(db: Harness) -> None:
    """Each holds a process until it is released; two slots, so two more for each may be beside them."""
    for _ in range(10):
        await db.given_document()
    reader = EndlessReader()
    async with Database(db.url) as database:
        tools = noop_tools(reader=reader)
        wishes = options(db.url, until_quiet=False, slots={"ocr": 2})
        work = asyncio.create_task(run_worker(database, BUILT_IN, tools, wishes))
        await until(db, "count(*) = 6 from alfrd.tasks where step = 'ocr' and state = 'running'")
        reader.go_on.set()
        await until(db, "count(*) = 10 from alfrd.documents where status = 'ocr_completed'")
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    assert reader.most == 6
