"""Workers that are gone, and those that were taken for it."""

from __future__ import annotations

import asyncio

import pytest

from alfrd_events.db import queue
from alfrd_events.db.errors import WorkerUnknown
from testing.harness import Harness


async def test_a_worker_whose_lease_ran_out_has_to_register_again(db: Harness) -> None:
    await db.worker("a")
    await db.advance_clock(60)
    await db.rescue()

    with pytest.raises(WorkerUnknown):
        await db.exchange("a", [], ocr=1)


async def test_a_heartbeat_keeps_the_lease(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr", worker="a")
    for _ in range(5):
        await db.advance_clock(20)
        await db.exchange("a", [])
        assert await db.rescue() == []
    assert task is not None
    assert await db.complete(task, worker="a")


async def test_a_task_that_kills_its_worker_each_time_ends_as_dead(db: Harness) -> None:
    document = await db.given_document()
    for attempt in range(1, 6):
        task = await db.claim("ocr", worker=f"worker {attempt}")
        assert task is not None
        assert task.attempt == attempt
        await db.advance_clock(60)
        await db.rescue()
        # Twice it may be the fault of the worker. From then on each comes back at its own time.
        assert await db.tasks_of(document) == {
            "ocr": "dead" if attempt == 5 else "ready" if attempt <= 2 else "scheduled"
        }
        await db.advance_clock(60)

    assert await db.claim("ocr", worker="last") is None
    assert await db.status_of(document) == "failed"
    error = await db.one("select error from alfrd.documents where id = %s", document)
    assert error.startswith("gave up after 5 attempts: worker worker 5 stopped")


async def test_a_killed_session_is_noticed_by_its_lock(db: Harness) -> None:
    await db.given_document()
    await db.claim("ocr", worker="a")
    worker = await db.worker("a")
    session = await db.session()
    await session.execute("select pg_advisory_lock(alfrd.worker_lock_class(), %s)", [worker])
    await queue.set_locked(db.database, worker, True)
    await db.advance_clock(15)  # past the time that a fresh server gives its workers to come back
    assert await db.rescue() == []

    await session.close()
    ours = "database = (select oid from pg_database where datname = current_database())"
    async with asyncio.timeout(60):  # the server ends a session a moment after its client
        while await db.one(f"select count(*) from pg_locks where locktype = 'advisory' and {ours}"):
            await asyncio.sleep(0.01)
    assert await db.rescue() == []  # the first look suspects
    await db.advance_clock(1)
    (rescued,) = await db.rescue()  # the second, a second later, is sure

    assert (rescued["step"], rescued["outcome"]) == ("ocr", "lost")


async def test_a_claim_of_a_worker_that_was_just_taken_for_dead_is_refused(db: Harness) -> None:
    await db.given_document()
    worker = await db.worker("a")
    await db.sql("delete from alfrd.workers")

    with pytest.raises(WorkerUnknown):
        await queue.exchange(db.database, worker, [], {"ocr": 1}, "notify")
    assert await db.one("select count(*) from alfrd.tasks where state = 'ready'") == 1


async def test_an_exchange_that_a_rescue_has_overtaken_names_its_worker(db: Harness) -> None:
    """The lock of its listener was missing, so its row goes although its heartbeat is not due yet."""
    worker = await db.worker("a")
    rescuing, watching = await db.session(), await db.session()
    await rescuing.execute("begin")
    await rescuing.execute("select from alfrd.workers where id = %s for update", [worker])
    exchange = asyncio.create_task(db.exchange("a", [], ocr=1))
    waits = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with asyncio.timeout(60):
        while not (await watching.execute(waits)).rowcount:
            await asyncio.sleep(0.01)

    await rescuing.execute("delete from alfrd.workers where id = %s", [worker])
    await rescuing.execute("commit")

    with pytest.raises(WorkerUnknown, match=f"worker {worker} is not registered"):
        await exchange
    await rescuing.close()
    await watching.close()


async def test_tasks_of_workers_without_a_trace_are_rescued_by_a_thorough_look(db: Harness) -> None:
    await db.given_document()
    assert await db.claim("ocr") is not None
    await db.sql("delete from alfrd.workers")

    assert await queue.rescue(db.database, thoroughly=False) == []
    assert len(await queue.rescue(db.database)) == 1
