"""A claim does not wait for the disk: what becomes of it when the server crashes before it got there."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest

from alfrd_events.db.migrate import migrate
from alfrd_events.model import Outcome
from testing.harness import RESULTS, Harness
from testing.server import CONFIGURATION, Server


@pytest.fixture
def slow_to_write() -> Iterator[Server]:
    """A server that takes to the disk only what somebody waits for."""
    server = Server(CONFIGURATION + "wal_writer_delay = 10s\nwal_writer_flush_after = 1GB\n")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("create database alfrd")
    asyncio.run(migrate(server.url("alfrd")))
    yield server
    server.remove()


def _power_fails(server: Server) -> None:
    server.stop("immediate")
    server.start()


def _a_session_is_killed(server: Server) -> None:
    """The server ends all sessions and recovers; it answers as before until it has found out."""
    with psycopg.connect(server.url("alfrd"), autocommit=True) as witness:
        with psycopg.connect(server.url("alfrd")) as victim:
            os.kill(victim.info.backend_pid, signal.SIGKILL)
        with suppress(psycopg.OperationalError):
            while True:
                witness.execute("select 1")
                time.sleep(0.01)
    while True:
        with suppress(psycopg.OperationalError):
            server.sql("select 1", "alfrd")
            return
        time.sleep(0.01)


@pytest.mark.parametrize("crash", [_power_fails, _a_session_is_killed])
async def test_a_claim_that_a_crash_has_lost_keeps_its_number_to_itself(
    slow_to_write: Server, crash: Callable[[Server], None]
) -> None:
    url = slow_to_write.url("alfrd")
    async with Harness(url) as db:
        await db.worker("before")
        await db.worker("after")
        document = await db.given_document()
        lost = await db.claim("ocr", worker="before")
        assert lost is not None
        workers = db.workers

    await asyncio.to_thread(crash, slow_to_write)

    async with Harness(url, workers) as db:
        assert await db.tasks_of(document) == {"ocr": "ready"}
        claimed = await db.claim("ocr", worker="after")
        assert claimed is not None
        assert claimed.id == lost.id
        assert claimed.attempt == lost.attempt + 1
        assert claimed.max_attempts == lost.max_attempts + 1

        # This one is on the disk, and the next one skips nothing.
        await asyncio.to_thread(crash, slow_to_write)

    async with Harness(url, workers) as db:
        assert await db.tasks_of(document) == {"ocr": "running"}
        result = Outcome(lost, "done", result=RESULTS["ocr"], made_by="test")
        assert not await db.hand_in(result, "before")
        assert await db.complete(claimed, "after")
        next_one = await db.claim("classify", worker="after")
        assert next_one is not None
        assert next_one.attempt == 1


async def test_a_server_whose_clock_is_behind_gives_no_number_twice(slow_to_write: Server) -> None:
    """A replica, say, that was promoted."""
    url = slow_to_write.url("alfrd")
    async with Harness(url) as db:
        await db.worker("a")
        await db.advance_clock(60)
        await db.given_document()
        lost = await db.claim("ocr")
        assert lost is not None
        workers = db.workers

    await asyncio.to_thread(_power_fails, slow_to_write)

    async with Harness(url, workers) as db:
        claimed = await db.claim("ocr")
        assert claimed is not None
        assert (claimed.id, claimed.attempt) == (lost.id, lost.attempt + 1)


async def test_what_is_handed_in_is_on_the_disk_and_its_claim_with_it(slow_to_write: Server) -> None:
    url = slow_to_write.url("alfrd")
    async with Harness(url) as db:
        first, second = await db.given_document(), await db.given_document()
        claimed = await db.claim("ocr", subject=first)
        running = await db.claim("ocr", subject=second)
        assert claimed is not None
        assert running is not None
        assert await db.complete(claimed)

    await asyncio.to_thread(_power_fails, slow_to_write)

    async with Harness(url) as db:
        assert await db.status_of(first) == "ocr_completed"
        assert await db.tasks_of(second) == {"ocr": "running"}


async def test_after_a_crash_routes_limits_and_pauses_hold_as_before(slow_to_write: Server) -> None:
    url = slow_to_write.url("alfrd")
    async with Harness(url) as db:
        await db.sql("select alfrd.pause('classify', 'a test')")
        await db.sql("insert into alfrd.limits values ('ocr', 1)")
        for _ in range(2):
            await db.given_document()
        noted = await db.sql("select * from alfrd.route_cache")

    await asyncio.to_thread(_power_fails, slow_to_write)

    async with Harness(url) as db:
        answer = await db.exchange("a", [], ocr=5, classify=5)
        assert [task.step for task in answer.claimed] == ["ocr"]
        assert [{**row, "crashed_at": None} for row in await db.sql("select * from alfrd.route_cache")] == [
            {**row, "crashed_at": None} for row in noted
        ]
