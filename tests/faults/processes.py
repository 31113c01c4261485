"""Worker processes to be killed, stopped, frozen and thawed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from testing.harness import Harness

ROOT = Path(__file__).resolve().parents[2]


class WorkerProcess:
    """One worker, in a process of its own.

    :param environment: variables beside those of the test.
    """

    def __init__(
        self, url: str, log: Path, /, environment: Mapping[str, str] | None = None, **wishes: Any
    ) -> None:
        self.log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.worker_process", url, json.dumps(wishes)],
                cwd=ROOT,
                stderr=file,
                env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", **(environment or {})},
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL: no clean-up of any kind."""
        self._process.kill()
        self._process.wait()

    def wait(self, timeout: float = 180) -> int:
        """The exit code, once it has ended by itself."""
        return self._process.wait(timeout)

    @property
    def alive(self) -> bool:
        """It has not ended yet."""
        return self._process.poll() is None

    async def has_logged(self, text: str, *, times: int = 1, timeout: float = 120) -> None:
        """Wait until so many log lines hold the text."""
        async with asyncio.timeout(timeout):
            while len(self.lines(text)) < times:
                await asyncio.sleep(0.02)

    def end(self) -> None:
        """Make sure that it is gone."""
        if self.alive:
            self.signal(signal.SIGCONT)
            self.kill()

    def lines(self, text: str = "") -> list[str]:
        """What it has logged that holds the text."""
        return [line for line in self.log.read_text().splitlines() if text in line]


class Fleet:
    """The worker processes of one test."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self._directory = directory
        self._members: list[WorkerProcess] = []

    def start(self, **wishes: Any) -> WorkerProcess:
        """Start a worker; ``wishes`` as in ``tests.support.worker_process``."""
        wishes.setdefault("until_quiet", False)
        member = WorkerProcess(
            wishes.pop("url", self.url), self._directory / f"{len(self._members)}.log", **wishes
        )
        self._members.append(member)
        return member

    def lines(self, text: str) -> list[str]:
        """What any of them has logged that holds the text."""
        return [line for member in self._members for line in member.lines(text)]

    def end(self) -> None:
        """End all of them."""
        for member in self._members:
            member.end()


@contextmanager
def fleet(url: str, directory: Path) -> Iterator[Fleet]:
    """Worker processes that are gone when the test is."""
    members = Fleet(url, directory)
    try:
        yield members
    finally:
        members.end()


async def insert(db: Harness, count: int, name: str = "shop", names: int = 3) -> None:
    """Insert documents in one statement; ``name`` says how the worker fares with them."""
    await db.sql(
        "insert into alfrd.documents (filename, content)"
        " select %s || (number %% %s) || '-' || number || '.txt', convert_to('text ' || number, 'utf8')"
        "   from generate_series(1, %s) as number",
        name,
        names,
        count,
    )


async def all_asleep(db: Harness, workers: int = 1) -> None:
    """Wait until so many workers listen, and are parked until they are notified."""
    await until(db, f"count(*) = {workers} from alfrd.workers where locked and waiting_for <> '{{}}'")
    await asyncio.sleep(0.2)  # their last look before they sleep leaves no trace


async def until(db: Harness, condition: str, timeout: float = 180) -> float:
    """Wait until an SQL condition holds; how many seconds it took."""
    started = time.monotonic()
    while not await db.one(f"select {condition}"):
        if time.monotonic() - started > timeout:
            tasks = await db.sql(
                "select step, state, attempt, worker_id, error from alfrd.tasks order by id limit 5"
            )
            workers = await db.sql("select id, heartbeat_at, locked from alfrd.workers")
            raise AssertionError(f"after {timeout} s not: {condition}\ntasks: {tasks}\nworkers: {workers}")
        await asyncio.sleep(0.02)
    return time.monotonic() - started


ALL_ENDED = (
    "not exists (select from alfrd.documents where status not in ('completed', 'failed'))"
    " and not exists (select from alfrd.tasks where state <> 'dead')"
)


async def each_step_was_committed_once(db: Harness) -> None:
    """No two results for one step of one document."""
    twice = await db.sql(
        "select subject_id, step, count(*) from alfrd.events"
        " where kind = 'completed' and subject_type = 'document' group by 1, 2 having count(*) > 1"
    )
    assert twice == []
