"""A machine that cannot do the work now: no document pays for it, the worker says so once, and goes on when it can."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from alfrd_events.db.database import Database
from alfrd_events.errors import WorkerUnfit, no_process, shortage
from alfrd_events.reading.local import LocalReader
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.pool import Pool
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from tests.faults.processes import all_asleep, insert, until

COMPLETED = "exists (select from alfrd.documents where status = 'completed')"
THROTTLED = "exists (select from alfrd.events where kind = 'throttled' and step = 'ocr')"


@asynccontextmanager
async def a_worker(db: Harness) -> AsyncIterator[None]:
    """A worker that reads with the real reader."""
    reader = LocalReader(processes=1)
    async with Database(db.url) as database:
        tools = noop_tools(reader=reader)
        work = asyncio.create_task(run_worker(database, BUILT_IN, tools, options(db.url, until_quiet=False)))
        try:
            await all_asleep(db)
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await reader.aclose()


@contextmanager
def few_file_handles() -> Iterator[None]:
    """Leave this process three more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _no_attempt_was_counted(db: Harness) -> None:
    left = await db.one(
        "select bool_and(max_attempts - attempt >= 4) from alfrd.tasks where step = 'ocr' and state <> 'dead'"
    )
    assert left is not False
    kinds = await db.sql("select distinct kind from alfrd.events where step = 'ocr' and kind <> 'completed'")
    assert {row["kind"] for row in kinds} <= {"throttled", "created"}


def _complaints(caplog: pytest.LogCaptureFixture, text: str) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.levelno >= logging.ERROR and text in each.getMessage()]


async def test_a_worker_without_file_handles_waits_for_them(
    db: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_worker(db):
        with few_file_handles():
            await insert(db, 3)
            await until(db, THROTTLED)
            await _no_attempt_was_counted(db)
        await until(
            db, f"3 = (select count(*) from alfrd.documents where status = 'completed') or not {COMPLETED}"
        )
        await until(db, "3 = (select count(*) from alfrd.documents where status = 'completed')", timeout=180)

    (complaint,) = _complaints(caplog, "Too many open files")
    assert "ulimit -n" in complaint.getMessage()


async def test_a_reader_process_that_does_not_start_is_the_workers_fault(
    db: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "resource.py"
    broken.write_text("raise ImportError('no such library on this machine')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with a_worker(db):
        await insert(db, 2)
        await until(db, THROTTLED)
        await _no_attempt_was_counted(db)
        broken.unlink()
        await until(db, "2 = (select count(*) from alfrd.documents where status = 'completed')", timeout=180)

    (complaint,) = _complaints(caplog, "did not start")
    assert "ImportError: no such library on this machine" in complaint.getMessage()


async def test_nothing_is_written_to_a_directory_for_temporary_files(
    db: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "is not there"))
    async with a_worker(db):
        await insert(db, 1)
        await until(db, COMPLETED)


@pytest.mark.parametrize("limit", [resource.RLIMIT_NOFILE, resource.RLIMIT_AS], ids=["files", "memory"])
async def test_limits_that_are_lower_than_ours_are_kept(limit: int) -> None:
    """Those of a container or of systemd: to raise them is refused, and needs not be done."""
    lowest = {resource.RLIMIT_NOFILE: 40, resource.RLIMIT_AS: 2 << 30}[limit]
    pool = Pool(1, ReaderLimits())
    try:
        async with pool.child() as child:
            resource.prlimit(child.pid, limit, (lowest, lowest))
            assert await child.answers(10)
        program = f"import resource as r; r.setrlimit({limit}, ({lowest}, {lowest}));"
        program += "from alfrd_events.sandbox import expendable as e; e.limit_self(3 << 30);"
        program += f"print(r.getrlimit({limit}))"
        import sys

        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        assert said.decode().strip() == str((lowest, lowest))
    finally:
        await pool.aclose()


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (OSError(errno.EMFILE, "x"), "ulimit -n"),
        (OSError(errno.ENFILE, "x"), "file-max"),
        (OSError(errno.ENOMEM, "x"), "memory"),
        (OSError(errno.ENOSPC, "x"), "disk"),
        (OSError(errno.EAGAIN, "x"), "ulimit -u"),
        (RuntimeError("can't start new thread"), "ulimit -u"),
        (FileNotFoundError(errno.ENOENT, "x"), "can be run"),
    ],
)
def test_each_shortage_has_its_remedy(error: Exception, remedy: str) -> None:
    told = no_process(error, "/venv/bin/python")

    assert isinstance(told, WorkerUnfit)
    assert remedy in str(told)


def test_an_error_that_is_no_shortage_is_left_alone() -> None:
    assert shortage(FileNotFoundError(errno.ENOENT, "x")) is None
    assert shortage(RuntimeError("event loop is closed")) is None
