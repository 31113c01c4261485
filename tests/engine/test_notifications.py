"""Notifications: for the workers that are parked, for no others, and never too late."""

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
from testing.harness import RESULTS, Harness
from testing.noop import noop_tools, options

INSERT = "insert into alfrd.documents (filename, content) values ('a.txt', 'x')"


async def _listening(db: Harness, *channels: str) -> psycopg.AsyncConnection[dict[str, object]]:
    listening = await db.session()
    for channel in channels:
        await listening.execute(f"listen {channel}")  # type: ignore[arg-type]
    return listening


async def _received(listening: psycopg.AsyncConnection[dict[str, object]]) -> list[str]:
    return [notify.payload async for notify in listening.notifies(timeout=1)]


async def _look(db: Harness, worker: str, waiting: list[str] | None, **capacity: int) -> queue.ExchangeReply:
    return await queue.exchange(
        db.database, await db.worker(worker), [], capacity, "recheck", waiting_for=waiting
    )


async def test_a_step_that_no_worker_serves_is_notified_of(db: Harness) -> None:
    listening = await _listening(db, "alfrd_work", "alfrd_status")
    await db.sql(INSERT)
    assert len(await _received(listening)) == 2
    await listening.close()


async def test_a_flood_of_a_step_that_no_worker_serves_is_notified_of_now_and_then(db: Harness) -> None:
    listening = await _listening(db, "alfrd_work")
    for _ in range(100):
        await db.sql(INSERT)
    assert len(await _received(listening)) == 100
    # A flood of hours, all of it in this moment.
    flood = "select count(*) from generate_series(1, 10000) where alfrd.unserved_notification_is_due()"
    notified = await db.one(flood)
    assert 0 < notified < 2000, "forty a second, and what the last seconds left"
    await db.sql(
        "select setval('alfrd.unserved_notification_free_at',"
        " (extract(epoch from clock_timestamp()) * 1000)::bigint + 4500)"
    )
    await db.sql(INSERT)
    assert await _received(listening) == []
    assert await db.one("select count(*) from alfrd.tasks where not announced") == 1
    await db.sql(
        "select setval('alfrd.unserved_notification_free_at', 9999999999999)"
    )  # and the clock was set back
    await db.sql(INSERT)
    assert len(await _received(listening)) == 1
    await listening.close()


async def test_no_worker_is_notified_while_all_look_by_themselves(db: Harness) -> None:
    await db.worker("a")
    listening = await _listening(db, "alfrd_work", "alfrd_status")

    await db.sql(INSERT)

    assert await _received(listening) == []
    await listening.close()


async def test_a_quiet_insert_is_announced_with_its_claim_and_once(db: Harness) -> None:
    await db.worker("a")
    listening = await _listening(db, "alfrd_status")
    await db.sql(INSERT)
    document = await db.one("select id from alfrd.documents")

    task = await db.claim("ocr", worker="a")
    assert task is not None
    assert [json.loads(told) for told in await _received(listening)] == [
        {"subject_type": "document", "id": str(document), "status": "pending"}
    ]
    await db.complete(task)
    assert [json.loads(told)["status"] for told in await _received(listening)] == ["ocr_completed"]
    await listening.close()


async def test_a_parked_worker_is_notified_of_what_it_waits_for(db: Harness) -> None:
    await db.worker("idle")
    await db.sleeps_for("a", "classify")
    listening = await _listening(db, "alfrd_work")
    await db.sql(INSERT)
    assert await _received(listening) == []

    await db.sleeps_for("a", "ocr")
    await db.sql(INSERT)
    assert await _received(listening) == ["ocr"]
    await listening.close()


async def test_a_worker_looks_once_more_before_it_parks(db: Harness) -> None:
    asked = await _look(db, "a", ["ocr"], ocr=5)
    assert not asked.parked
    assert await db.one("select waiting_for from alfrd.workers") == ["ocr"]

    assert (await _look(db, "a", ["ocr"], ocr=5)).parked
    assert (await _look(db, "a", ["ocr"], ocr=5)).parked  # a poll, say: it stays parked

    await db.given_document()
    found = await _look(db, "a", ["ocr"], ocr=5)
    assert len(found.claimed) == 1
    assert not found.parked


async def test_a_worker_with_little_to_do_stays_to_be_notified(db: Harness) -> None:
    """So that it need not write each time that it looks by itself, and that it parks."""
    for _ in range(2):
        await _look(db, "a", ["ocr"], ocr=5, classify=5)
    await db.given_document()
    (task,) = (await _look(db, "a", None, ocr=5, classify=5)).claimed
    listening = await _listening(db, "alfrd_work")

    await db.sql(INSERT)
    assert await _received(listening) == ["ocr"]
    await db.exchange("a", [Outcome(task, "done", result=RESULTS["ocr"], made_by="test")], ocr=5, classify=5)
    await db.sql(INSERT)
    assert await _received(listening) == ["ocr"]
    await listening.close()


async def test_an_urgent_next_step_without_a_slot_is_notified_of(db: Harness) -> None:
    """Its position is before the cursor of the worker that made it, and another worker is parked for it."""
    first = await _look(db, "a", None, ocr=1, classify=1)
    assert first.cursors.keys() == {"ocr", "classify"}
    await db.given_document(priority=5)
    (task,) = (await _look(db, "a", None, ocr=1)).claimed
    await db.sleeps_for("b", "classify")
    listening = await _listening(db, "alfrd_work")

    answer = await queue.exchange(
        db.database,
        await db.worker("a"),
        [Outcome(task, "done", result=RESULTS["ocr"], made_by="test")],
        {"ocr": 1, "classify": 0},
        "handoff",
        cursors=first.cursors,
    )

    assert answer.claimed == ()
    assert await _received(listening) == ["classify"]
    await listening.close()


async def test_what_waits_for_a_superseded_twin_is_notified_of_when_that_ends(db: Harness) -> None:
    """A worker that is parked has looked at it, and could not claim it while its twin ran."""
    document = await db.given_document("ocr_completed")
    task = await db.claim("classify", worker="a")
    assert task is not None
    await db.sql("update alfrd.documents set status = 'ocr_completed' where id = %s", document)
    assert (await _look(db, "b", ["classify"], classify=1)).claimed == ()
    assert (await _look(db, "b", ["classify"], classify=1)).parked
    listening = await _listening(db, "alfrd_work")

    assert not await db.complete(task)  # by a worker that stops, and claims nothing more

    assert await _received(listening) == ["classify"]
    assert len((await _look(db, "b", ["classify"], classify=1)).claimed) == 1
    await listening.close()


@pytest.mark.parametrize(
    ("waiting", "slots"), [(9, 20), (1, 0)], ids=["much comes to it", "its slots are full"]
)
async def test_a_busy_worker_is_not_notified(db: Harness, waiting: int, slots: int) -> None:
    for _ in range(2):
        await _look(db, "a", ["ocr"], ocr=5)
    for _ in range(waiting):
        await db.given_document()
    await _look(db, "a", None, ocr=slots)
    listening = await _listening(db, "alfrd_work")

    await db.sql(INSERT)

    assert await _received(listening) == []
    await listening.close()


async def test_an_open_insert_that_has_not_seen_it_keeps_a_worker_from_parking(db: Harness) -> None:
    """The race: an insert looks which workers wait, then the worker asks to be notified, then the insert commits."""
    await db.worker("a")
    inserting = await db.session()
    listening = await _listening(db, "alfrd_work")
    await inserting.execute("begin")
    await inserting.execute(INSERT)

    assert not (await _look(db, "a", ["ocr"], ocr=5)).parked  # asks
    for _ in range(3):
        assert not (await _look(db, "a", ["ocr"], ocr=5)).parked  # and looks, and finds nothing yet
    await inserting.execute("commit")

    assert await _received(listening) == []
    assert len((await _look(db, "a", ["ocr"], ocr=5)).claimed) == 1
    await inserting.close()
    await listening.close()


async def test_a_transaction_that_sees_the_past_notifies_in_any_case(db: Harness) -> None:
    await db.worker("a")
    inserting = await db.session()
    listening = await _listening(db, "alfrd_work")
    await inserting.execute("begin isolation level repeatable read")
    await inserting.execute("select 1 from alfrd.workers")
    await inserting.execute(INSERT)
    await inserting.execute("commit")

    assert await _received(listening) == ["ocr"]
    await inserting.close()
    await listening.close()


@pytest.mark.not_by_route("deaf", reason="a worker that does not listen receives no notification")
async def test_no_insert_is_overlooked_by_workers_that_park_all_the_time(db: Harness) -> None:
    """Inserts at random moments around the pauses of two workers, whose poll would come after hours."""
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
    assert {row["woken_by"] for row in woken} <= {"notify", "recheck", "handoff", "start"}
