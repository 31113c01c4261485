"""The pages of one part are read by all processes, fairly by pages, each once. The processes and signals are real."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from alfrd_events.errors import Transient, Unreadable
from alfrd_events.model import Page, Part
from alfrd_events.reading import spread
from alfrd_events.reading.spread import UNTAKEN_PAGES, SharedReading
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.pool import Pool
from alfrd_events.sandbox.turns import Turn, turn
from tests.readers.reader_inputs import children_of, part

PAGE_SECONDS = 0.3
"""Long enough that the machine's own doings do not count, and that other processes join."""


class Read(NamedTuple):
    """A page that was read."""

    number: int
    process: int
    began: float


@pytest.fixture(autouse=True)
def _paced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


@asynccontextmanager
async def a_pool(size: int = 2, **limits: Any) -> AsyncIterator[Pool]:
    """Processes that read paced parts, warm; none of them may outlive the pool."""
    before = children_of(os.getpid())
    pool = Pool(size, ReaderLimits(**limits), "tests.readers.paced_child")
    try:
        async with pool.child(), pool.child() if size > 1 else pool.child(turn=Turn()):
            pass
        yield pool
    finally:
        await pool.aclose()
        assert children_of(os.getpid()) <= before, "processes are left behind"


def paced(pages: int, seconds: float = PAGE_SECONDS, **more: Any) -> Part:
    return part(json.dumps({"pages": pages, "seconds": seconds, **more}).encode(), f"{pages}.paced")


async def read(pool: Pool, given: Part, into: list[Read] | None = None, **options: Any) -> list[Read]:
    """All pages as they come; as an attempt of its own."""
    turn.set(Turn())
    found = [] if into is None else into
    shared = SharedReading(pool, given, ReaderLimits(), "read", processes=2)
    async with aclosing(shared.pages(**options)) as pages:
        async for page in pages:
            assert isinstance(page, Page)
            process, began = page.text.split()
            found.append(Read(page.number, int(process), float(began)))
    return found


async def test_two_processes_share_the_pages_of_one_part() -> None:
    async with a_pool() as pool:
        found = await read(pool, paced(8))

    assert sorted(page.number for page in found) == list(range(1, 9))
    shares = [sum(page.process == process for page in found) for process in {page.process for page in found}]
    assert len(shares) == 2
    assert min(shares) >= 3


async def test_only_pages_that_are_missing_are_read() -> None:
    async with a_pool() as pool:
        found = await read(pool, paced(9), skip={1, 2, 3, 5, 8})

    assert sorted(page.number for page in found) == [4, 6, 7, 9]


async def test_a_short_text_is_opened_by_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "JOIN_AFTER_SECONDS", 20)  # this machine may be slow today
    async with a_pool() as pool:
        found = await read(pool, paced(40, seconds=0.0005))

    assert [page.number for page in found] == list(range(1, 41))
    assert len({page.process for page in found}) == 1


async def test_a_page_that_comes_later_waits_for_pages_and_not_for_documents() -> None:
    async with a_pool() as pool:
        long: list[Read] = []
        reading = asyncio.create_task(read(pool, paced(200), long))
        while len(long) < 4:
            await asyncio.sleep(PAGE_SECONDS / 10)
        came = time.monotonic()
        (short,) = await read(pool, paced(1))
        pages_before = [page for page in long if came <= page.began < short.began]
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    assert short.number == 1
    assert len(pages_before) <= 3


async def test_two_long_parts_get_as_many_pages_each() -> None:
    async with a_pool() as pool:
        first, second = await asyncio.gather(read(pool, paced(20)), read(pool, paced(20)))

    middle = sorted(page.began for page in (*first, *second))[20]
    before = [sum(page.began < middle for page in found) for found in (first, second)]
    assert min(before) >= 7


async def test_short_parts_do_not_starve_a_long_one() -> None:
    async with a_pool() as pool:
        long: list[Read] = []
        reading = asyncio.create_task(read(pool, paced(100), long))
        while not long:
            await asyncio.sleep(PAGE_SECONDS / 10)
        short = await asyncio.gather(*(read(pool, paced(3, seconds=0.1)) for _ in range(6)))
        ended = max(page.began for found in short for page in found)
        meanwhile = sum(page.began < ended for page in long)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    assert meanwhile >= 3, "six others of three pages each: it has its turn for each page of theirs"


async def test_a_page_that_kills_its_process_once_is_read_again_alone(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.write(theirs, b"!")
    async with a_pool() as pool:
        pipe = f"/proc/{os.getpid()}/fd/{ours}"
        found = await read(pool, paced(60, seconds=0.02, once=[20], pipe=pipe))
    os.close(ours)
    os.close(theirs)

    numbers = [page.number for page in found]
    assert sorted(numbers) == list(range(1, 61))
    assert len(set(numbers)) == 60, "a page was read twice"
    (again,) = (page for page in found if page.number == 20)
    assert again.process not in {page.process for page in found if page.number < 20}


async def test_a_page_that_kills_each_process_is_refused_and_the_others_stay() -> None:
    found: list[Read] = []
    async with a_pool() as pool:
        with pytest.raises(Unreadable, match=r"20\.paced: .* \(SIGSEGV\), twice in fresh processes"):
            await read(pool, paced(20, deadly=[3]), found)
        numbers = {page.number for page in found}
        assert 3 not in numbers
        assert {1, 2, 4} <= numbers

        assert len(await read(pool, paced(2))) == 2, "others are read as before"


async def test_what_is_under_way_is_read_to_its_end_before_an_error() -> None:
    found: list[Read] = []
    async with a_pool() as pool:
        reading = asyncio.create_task(read(pool, paced(30), found))
        while len(found) < 4:
            await asyncio.sleep(PAGE_SECONDS / 10)
        victim, survivor = {page.process for page in found}
        began = len(found)
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(Transient, match="ended from outside"):
            await reading

    assert [page.process for page in found[began:]].count(survivor) >= 1


async def test_a_cancelled_read_frees_all_places() -> None:
    async with a_pool() as pool:
        reading = asyncio.create_task(read(pool, paced(30, seconds=30)))
        while len(children_of(os.getpid())) < 2 or not pool.line.is_full:
            await asyncio.sleep(0.02)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

        async with asyncio.timeout(60):
            assert len(await read(pool, paced(4))) == 4


async def test_a_caller_who_does_not_take_the_pages_keeps_no_process() -> None:
    async with a_pool() as pool:
        shared = SharedReading(pool, paced(400, seconds=0.0005), ReaderLimits(), "read", processes=2)
        async with aclosing(shared.pages()) as pages:
            taken = [await anext(pages)]
            async with asyncio.timeout(60):
                assert len(await read(pool, paced(4))) == 4
                taken += [page async for page in pages]

    assert len(taken) == 400 > 2 * UNTAKEN_PAGES


async def test_waiting_counts_only_while_no_process_works_for_the_attempt() -> None:
    async with a_pool() as pool:
        alone = Turn()
        turn.set(alone)
        shared = SharedReading(pool, paced(6), ReaderLimits(), "read", processes=2)
        async for _ in shared.pages():
            pass
        assert alone.seconds < PAGE_SECONDS

        both = [pool.child(turn=Turn()), pool.child(turn=Turn())]
        for lease in both:
            await lease.__aenter__()
        behind = Turn()
        waiting = asyncio.create_task(pool.line.enter(behind))
        await asyncio.sleep(0.2)
        assert behind.seconds >= 0.15
        for lease in both:
            await lease.__aexit__(None, None, None)
        await waiting
        pool.line.leave(behind)


async def test_a_long_part_says_so() -> None:
    told: list[str] = []
    async with a_pool() as pool:
        for pages in (3, 40):
            turn.set(Turn(lambda pages=pages: told.append(f"{pages} pages")))  # type: ignore[misc]
            shared = SharedReading(pool, paced(pages, seconds=0.2), ReaderLimits(), "read", processes=2)
            async with aclosing(shared.pages()) as found:
                async for page in found:
                    if page.number >= 3:
                        break

    assert told == ["40 pages"]
