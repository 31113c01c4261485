"""Documents that crash, freeze and bloat the process that parses them, in a worker that reads for real."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from PIL import Image

from testing.harness import Harness
from tests.faults.processes import (
    ALL_ENDED,
    WorkerProcess,
    each_step_was_committed_once,
    fleet,
    insert,
    until,
)
from tests.readers.reader_inputs import children_of, encoded, tiff


async def test_a_document_that_crashes_its_parser_fails_and_the_others_go_on(
    db: Harness, tmp_path: Path
) -> None:
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(local={})
        await _insert_bad(db, _many_pages())
        first = await _parser(worker)
        await insert(db, 10)
        os.kill(first, signal.SIGSEGV)
        os.kill(await _parser(worker, not_=first), signal.SIGSEGV)
        await until(db, ALL_ENDED)

        assert worker.alive
    assert await _error(db) == (
        "bad: makes the program that decodes it crash or run out of memory (SIGSEGV), twice in fresh processes;"
        " the file may be damaged: print it to a new PDF, or scan it again"
    )
    await _the_others_completed(db)


async def test_a_document_that_freezes_its_parser_fails_and_the_others_go_on(
    db: Harness, tmp_path: Path
) -> None:
    await db.sql("update alfrd.routes set max_attempts = 2")
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(
            local={"page_seconds": 5}, step_seconds=20, settings={"alfrd.backoff_seconds": "0.1"}
        )
        await _insert_bad(db, _many_pages())
        await _parser(worker)
        await insert(db, 10)
        frozen: set[int] = set()
        while not await db.one("select exists (select from alfrd.documents where status = 'failed')"):
            # All that read it, in each attempt.
            for pid in filter(_recognizes, children_of(worker.pid) - frozen):
                os.kill(pid, signal.SIGSTOP)
                frozen.add(pid)
            await asyncio.sleep(0.02)
        await until(db, ALL_ENDED)

        assert worker.alive
    assert (await _error(db)).startswith("gave up after 2 attempts: bad: no answer for 5 seconds")
    await _the_others_completed(db)


async def test_a_document_that_eats_memory_fails_and_the_others_go_on(db: Harness, tmp_path: Path) -> None:
    white = Image.new("1", (20_000, 20_000), 1)
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(local={"memory_bytes": 600_000_000, "max_pixels": 500_000_000})
        await _insert_bad(db, encoded(white))
        await insert(db, 10)
        await until(db, ALL_ENDED)

        assert worker.alive
    assert (await _error(db)).startswith("bad: needs more memory than the limit of 600,000,000 bytes, twice")
    await _the_others_completed(db)


def _many_pages() -> bytes:
    """A scan that takes far longer to read than a test."""
    return tiff([[f"Page {number}"] for number in range(200)])


async def _insert_bad(db: Harness, content: bytes) -> None:
    await db.sql("insert into alfrd.documents (filename, content) values ('bad', %s)", content)


async def _parser(worker: WorkerProcess, not_: int = 0) -> int:
    """The process that recognizes a page: no other has the library loaded."""
    async with asyncio.timeout(60):
        while True:
            for pid in children_of(worker.pid) - {not_}:
                if _recognizes(pid):
                    return pid
            await asyncio.sleep(0.02)


def _recognizes(pid: int) -> bool:
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False  # it has just ended
    return "onnxruntime" in maps or "openvino" in maps


async def _error(db: Harness) -> str:
    return str(await db.one("select error from alfrd.documents where filename = 'bad' and status = 'failed'"))


async def _the_others_completed(db: Harness) -> None:
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 10
    await each_step_was_committed_once(db)
