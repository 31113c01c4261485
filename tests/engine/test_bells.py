"""Bells ring for those who sleep, for nobody else, and never too late."""

from __future__ import annotations

import asyncio
import json
import random
from uuid import UUID

import psycopg
import pytest

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.model import Outcome
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from tests.support.harness import RESULTS, Harness
from tests.support.noop import noop_tools, options

INSERT = "insert into alfrd.documents (filename, content) values ('a.txt', 'x')"


async def _ear(db: Harness, *channels: str) -> psycopg.AsyncConnection[dict[str, object]]:
    ear = await db.session()
    for channel in channels:
        await ear.execute(f"listen {channel}")  # type: ignore[arg-type]
    return ear


async def _heard(ear: psycopg.AsyncConnection[dict[str, object]]) -> list[str]:
    return [notify.payload async for notify in ear.notifies(timeout=1)]


async def _look(db: Harness, worker: str, waiting: list[str] | None, **capacity: int) -> queue.Exchange:
    return await queue.exchange(
        db.database, await db.worker(worker), [], capacity, "awake", None, None, waiting
    )


async def test_where_nobody_works_everybody_is_told(db: Harness) -> None:
    ear = await _ear(db, "alfrd_work", "alfrd_status")
    await db.sql(INSERT)
    assert len(await _heard(ear)) == 2
    await ear.close()


async def test_where_nobody_works_a_flood_is_told_of_now_and_then(db: Harness) -> None:
    ear = await _ear(db, "alfrd_work")
    for _ in range(100):
        await db.sql(INSERT)
    assert len(await _heard(ear)) == 100
    # A flood of hours, all of it in this moment.
    flood = "select count(*) from generate_series(1, 10000) where alfrd.unheard_bell_is_due()"
    rung = await db.one(flood)
    assert 0 < rung < 2000, "forty a second, and what the last seconds left"
    await db.sql(
        "select setval('alfrd.unheard_bell_free_at', (extract(epoch from clock_timestamp()) * 1000)::bigint + 4500)"
    )
    await db.sql(INSERT)
    assert await _heard(ear) == []
    assert await db.one("select count(*) from alfrd.tasks where not announced") == 1
    await db.sql("select setval('alfrd.unheard_bell_free_at', 9999999999999)")  # and the clock was set back
    await db.sql(INSERT)
    assert len(await _heard(ear)) == 1
    await ear.close()


async def test_nobody_is_notified_while_the_workers_are_awake(db: Harness) -> None:
    await db.worker("a")
    ear = await _ear(db, "alfrd_work", "alfrd_status")

    await db.sql(INSERT)

    assert await _heard(ear) == []
    await ear.close()


async def test_the_feed_tells_of_a_quiet_insert_with_its_claim_and_once(db: Harness) -> None:
    await db.worker("a")
    ear = await _ear(db, "alfrd_status")
    await db.sql(INSERT)
    document = await db.one("select id from alfrd.documents")

    task = await db.claim("ocr", worker="a")
    assert task is not None
    assert [json.loads(told) for told in await _heard(ear)] == [
        {"entity": "document", "id": str(document), "status": "pending"}
    ]
    await db.complete(task)
    assert [json.loads(told)["status"] for told in await _heard(ear)] == ["ocr_completed"]
    await ear.close()


async def test_one_who_sleeps_is_rung_for_what_it_sleeps_for(db: Harness) -> None:
    await db.worker("awake")
    await db.sleeps_for("a", "classify")
    ear = await _ear(db, "alfrd_work")
    await db.sql(INSERT)
    assert await _heard(ear) == []

    await db.sleeps_for("a", "ocr")
    await db.sql(INSERT)
    assert await _heard(ear) == ["ocr"]
    await ear.close()


async def test_falling_asleep_takes_a_look_after_the_asking(db: Harness) -> None:
    asked = await _look(db, "a", ["ocr"], ocr=5)
    assert not asked.asleep
    assert await db.one("select waiting_for from alfrd.workers") == ["ocr"]

    assert (await _look(db, "a", ["ocr"], ocr=5)).asleep
    assert (await _look(db, "a", ["ocr"], ocr=5)).asleep  # a poll, say: it sleeps on

    await db.given_document()
    found = await _look(db, "a", ["ocr"], ocr=5)
    assert len(found.claimed) == 1
    assert not found.asleep


async def test_one_that_little_comes_to_is_rung_for_while_it_is_awake(db: Harness) -> None:
    """So that it need not write each time that it is awake, and that it sleeps."""
    for _ in range(2):
        await _look(db, "a", ["ocr"], ocr=5, classify=5)
    await db.given_document()
    (task,) = (await _look(db, "a", None, ocr=5, classify=5)).claimed
    ear = await _ear(db, "alfrd_work")

    await db.sql(INSERT)
    assert await _heard(ear) == ["ocr"]
    await db.exchange("a", [Outcome(task, "done", result=RESULTS["ocr"], made_by="test")], ocr=5, classify=5)
    await db.sql(INSERT)
    assert await _heard(ear) == ["ocr"]
    await ear.close()


@pytest.mark.parametrize(
    ("waiting", "slots"), [(9, 20), (1, 0)], ids=["much comes to it", "its slots are full"]
)
async def test_one_that_is_busy_is_not_rung_for(db: Harness, waiting: int, slots: int) -> None:
    for _ in range(2):
        await _look(db, "a", ["ocr"], ocr=5)
    for _ in range(waiting):
        await db.given_document()
    await _look(db, "a", None, ocr=slots)
    ear = await _ear(db, "alfrd_work")

    await db.sql(INSERT)

    assert await _heard(ear) == []
    await ear.close()


async def test_one_who_cannot_have_seen_that_it_sleeps_keeps_it_awake(db: Harness) -> None:
    """The race: an insert looks who sleeps, then the worker asks to be rung for, then the insert commits."""
    await db.worker("a")
    inserting = await db.session()
    ear = await _ear(db, "alfrd_work")
    await inserting.execute("begin")
    await inserting.execute(INSERT)

    assert not (await _look(db, "a", ["ocr"], ocr=5)).asleep  # asks
    for _ in range(3):
        assert not (await _look(db, "a", ["ocr"], ocr=5)).asleep  # and looks, and finds nothing yet
    await inserting.execute("commit")

    assert await _heard(ear) == []
    assert len((await _look(db, "a", ["ocr"], ocr=5)).claimed) == 1
    await inserting.close()
    await ear.close()


async def test_a_transaction_that_sees_the_past_rings_in_any_case(db: Harness) -> None:
    await db.worker("a")
    inserting = await db.session()
    ear = await _ear(db, "alfrd_work")
    await inserting.execute("begin isolation level repeatable read")
    await inserting.execute("select 1 from alfrd.workers")
    await inserting.execute(INSERT)
    await inserting.execute("commit")

    assert await _heard(ear) == ["ocr"]
    await inserting.close()
    await ear.close()


@pytest.mark.not_by_route("deaf", reason="a worker that does not listen hears no bell")
async def test_no_insert_is_overlooked_by_workers_that_fall_asleep_all_the_time(db: Harness) -> None:
    """Inserts at random moments around the naps of two workers, whose poll would come after hours."""
    chance = random.Random(11)

    async def insert(session: psycopg.AsyncConnection[dict[str, object]]) -> None:
        for _ in range(40):
            async with session.transaction():
                await session.execute(INSERT)
                if chance.random() < 0.5:
                    await asyncio.sleep(chance.uniform(0, 0.004))
            await asyncio.sleep(chance.choice([0, 0.002, 0.006, 0.02]))

    async with Database(db.url) as first, Database(db.url) as second:
        workers = [
            asyncio.create_task(
                run_worker(
                    database,
                    BUILT_IN,
                    noop_tools(),
                    options(
                        db.url, until_quiet=False, poll_seconds=3600, lease_seconds=7200, probe_seconds=3600
                    ),
                )
            )
            for database in (first, second)
        ]
        while await db.one("select count(*) from alfrd.workers where waiting_for <> '{}'") < 2:
            await asyncio.sleep(0.02)
        sessions = [await db.session() for _ in range(4)]
        await asyncio.gather(*map(insert, sessions))
        async with asyncio.timeout(20):
            while await db.one("select count(*) from alfrd.documents where status <> 'completed'"):
                await asyncio.sleep(0.02)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for session in sessions:
            await session.close()

    ids: list[UUID] = [row["id"] for row in await db.sql("select id from alfrd.documents")]
    assert len(ids) == 160
    woken = await db.sql("select distinct woken_by from alfrd.events where step = 'ocr'")
    assert {row["woken_by"] for row in woken} <= {"notify", "awake", "handoff", "start"}
