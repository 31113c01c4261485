"""Workers that are killed, frozen and told to stop: real processes, real signals."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from testing.harness import Harness
from tests.faults.processes import ALL_ENDED, each_step_was_committed_once, fleet, insert, until

TWENTY_RUN = "count(*) >= 20 from alfrd.tasks where state = 'running'"


async def test_after_kill_9_another_worker_has_the_tasks_within_seconds(db: Harness, tmp_path: Path) -> None:
    await until(db, "now() - pg_postmaster_start_time() > interval '10 seconds'")  # see alfrd.rescue
    with fleet(db.url, tmp_path) as workers:
        first = workers.start(delay=30)
        await until(db, "exists (select from alfrd.workers where locked)")
        await insert(db, 20)
        await until(db, TWENTY_RUN)
        gone = await db.one("select id from alfrd.workers")
        second = workers.start(delay=0.1)
        await until(db, "count(*) = 2 from alfrd.workers where locked")

        first.kill()
        seconds = await until(db, f"not exists (select from alfrd.tasks where worker_id = {gone})")
        await until(db, ALL_ENDED)

        assert second.alive
    assert seconds < 8  # on a busy machine; tests/faults/rescue_times.py measures it
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 20
    assert await db.one("select count(*) from alfrd.events where kind = 'lost'") == 20
    await each_step_was_committed_once(db)


async def test_a_frozen_worker_is_rescued_and_its_late_results_are_refused(
    db: Harness, tmp_path: Path
) -> None:
    with fleet(db.url, tmp_path) as workers:
        frozen = workers.start(delay=1.5, lease_seconds=2, slots=5)
        await insert(db, 5)
        await frozen.has_logged("reading shop", times=5)
        frozen.signal(signal.SIGSTOP)

        workers.start(lease_seconds=2)
        await until(db, ALL_ENDED)
        frozen.signal(signal.SIGCONT)
        await until(db, "count(*) = 5 from alfrd.events where kind = 'stale'")

        assert frozen.alive
    assert await db.one("select count(*) from alfrd.events where kind = 'lost'") == 5
    assert await db.one("select count(*) from alfrd.usage where outcome = 'stale'") == 5
    await each_step_was_committed_once(db)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_running_steps_finish_and_claims_nothing_more(
    db: Harness, tmp_path: Path, number: signal.Signals
) -> None:
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(delay=1, slots=5)
        await insert(db, 8)
        await until(db, "count(*) = 5 from alfrd.tasks where state = 'running'")
        worker.signal(number)
        code = worker.wait(20)

    assert code == 3
    assert await db.one("select count(*) from alfrd.events where kind = 'completed'") == 5
    states = await db.sql("select state, step, count(*) from alfrd.tasks group by 1, 2 order by 2")
    assert [(row["state"], row["step"], row["count"]) for row in states] == [
        ("ready", "classify", 5),
        ("ready", "ocr", 3),
    ]
    assert await db.one("select count(*) from alfrd.workers") == 0


@pytest.mark.parametrize("twice", [True, False])
async def test_what_does_not_finish_in_time_is_given_back_uncounted(
    db: Harness, tmp_path: Path, twice: bool
) -> None:
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(delay=60, slots=5, drain_seconds=60 if twice else 0.5)
        await insert(db, 5)
        await until(db, "count(*) = 5 from alfrd.tasks where state = 'running'")
        worker.signal(signal.SIGINT)
        if twice:
            await worker.has_logged("stopping")
            worker.signal(signal.SIGINT)
        code = worker.wait(20)

    assert code == 3
    rows = await db.sql("select distinct state, attempt, max_attempts, worker_id from alfrd.tasks")
    assert rows == [{"state": "ready", "attempt": 1, "max_attempts": 6, "worker_id": None}]
    assert await db.one("select count(*) from alfrd.workers") == 0


async def test_a_document_that_kills_its_worker_each_time_is_dead_and_the_others_go_on(
    db: Harness, tmp_path: Path
) -> None:
    await db.sql("update alfrd.routes set max_attempts = 3")
    await insert(db, 1, name="die")
    with fleet(db.url, tmp_path) as workers:
        deaths = 0
        worker = workers.start(lease_seconds=1)
        while await db.one("select count(*) from alfrd.documents where status = 'pending'"):
            if not worker.alive:
                deaths += 1
                worker = workers.start(lease_seconds=1)
            await until(db, "true")
        await insert(db, 3)
        await until(db, ALL_ENDED)

    assert deaths == 3
    error = await db.one("select error from alfrd.documents where status = 'failed'")
    assert error.startswith("gave up after 3 attempts: worker ")
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 3


async def test_what_runs_beside_a_document_that_kills_its_worker_does_not_die_with_it(
    db: Harness, tmp_path: Path
) -> None:
    await insert(db, 1, name="die")
    await insert(db, 15)
    with fleet(db.url, tmp_path) as workers:
        wishes = {"lease_seconds": 1, "delay": 0.05, "settings": {"alfrd.backoff_seconds": "2"}}
        worker = workers.start(**wishes)
        while await db.one(
            "select count(*) from alfrd.documents where status not in ('completed', 'failed')"
        ):
            if not worker.alive:
                worker = workers.start(**wishes)
            await asyncio.sleep(0.05)

    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 15
    assert await db.one("select filename from alfrd.documents where status = 'failed'") == "die1-1.txt"


async def test_a_handler_that_hangs_is_stopped_by_its_time_limit(db: Harness, tmp_path: Path) -> None:
    await db.sql("update alfrd.routes set max_attempts = 2")
    await insert(db, 1, name="hang")
    await insert(db, 5)
    with fleet(db.url, tmp_path) as workers:
        workers.start(step_seconds=0.5, settings={"alfrd.backoff_seconds": "0.1"})
        await until(db, ALL_ENDED)

    error = await db.one("select error from alfrd.documents where status = 'failed'")
    assert error == "gave up after 2 attempts: ocr took longer than 0.5 s (ALFRD_STEP_SECONDS)"
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 5


async def test_transient_errors_are_outlived(db: Harness, tmp_path: Path) -> None:
    await insert(db, 10, name="stumble")
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(until_quiet=True, settings={"alfrd.backoff_seconds": "0.1"})
        assert worker.wait() == 0

    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 10
    assert await db.one("select count(*) from alfrd.events where kind = 'retry'") == 10
