"""A server that cannot work now, results that cannot be written, and workers that have to stop all the same."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import psycopg

from alfrd_events.db.database import Database
from alfrd_events.db.migrate import migrate
from alfrd_events.model import AnalystResult
from alfrd_events.model.jobs import AnalysisJob, Classify
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.steps.step import Step
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import NoopAnalyst, noop_tools, options
from testing.server import Server
from tests.faults.processes import ALL_ENDED, each_step_was_committed_once, fleet, insert, until
from tests.faults.proxy import Proxy


async def test_a_read_only_server_fails_no_document(db: Harness, tmp_path: Path) -> None:
    database = await db.one("select current_database()")
    kick = (
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(delay=0.3, slots=10)
        await insert(db, 20)
        await worker.has_logged("reading shop", times=5)
        await db.sql(f"alter database {database} set default_transaction_read_only = on")
        await db.sql(kick)
        await worker.has_logged("the database cannot work now")
        await asyncio.sleep(1)  # long enough to flood a log, had it a mind to
        await db.sql("set default_transaction_read_only = off")
        await db.sql(f"alter database {database} reset default_transaction_read_only")
        await until(db, ALL_ENDED)
        complaints = [line for line in worker.lines() if "warning" in line or "error" in line]

    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 20
    assert len(complaints) < 12, "\n".join(complaints)
    await each_step_was_committed_once(db)


async def test_a_tag_too_large_for_its_index_fails_its_own_document_only(db: Harness) -> None:
    class Talkative(NoopAnalyst):
        def answer(self, job: AnalysisJob[Any]) -> AnalystResult:
            found = super().answer(job)
            if isinstance(job, Classify) and job.document.text == "text 3":
                return found.model_copy(update={"tags": ("".join(chr(0x4E00 + n) for n in range(9000)),)})
            return found

    await insert(db, 10)
    async with Database(db.url) as database:
        await run_worker(database, BUILT_IN, noop_tools(Talkative()), options(db.url))

    rows = await db.sql("select status, count(*) from alfrd.documents group by 1 order by 1")
    assert [(row["status"], row["count"]) for row in rows] == [("completed", 9), ("failed", 1)]


async def test_a_malformed_row_costs_its_own_document_only(db: Harness) -> None:
    documents = [await db.given_document("ocr_completed") for _ in range(4)]
    await db.sql("""update alfrd.pages set layout = '{"lines": [{}]}' where document_id = %s""", documents[0])
    await db.sql("update alfrd.tasks set max_attempts = 1")

    async with Database(db.url) as database:
        await run_worker(database, BUILT_IN, noop_tools(), options(db.url))

    assert [await db.status_of(document) for document in documents] == ["failed"] + ["completed"] * 3
    error = await db.one("select error from alfrd.documents where id = %s", documents[0])
    assert "unexpected KeyError; the worker's log tells where" in error


async def test_a_route_that_cannot_even_fail_is_dead_and_holds_up_nobody(db: Harness) -> None:
    await db.sql("insert into alfrd.transitions values ('document', 'completed', 'exported')")
    await db.sql("insert into alfrd.routes values ('document', 'completed', 'export', 'exported')")
    await db.sql("delete from alfrd.transitions where from_status = 'completed' and to_status = 'failed'")

    async def export(given: object, tools: object) -> AnalystResult:
        from alfrd_events.errors import Permanent

        raise Permanent("no printer")

    await insert(db, 2)
    steps = {**BUILT_IN, "export": Step("export", export)}
    async with Database(db.url) as database:
        await run_worker(database, steps, noop_tools(), options(db.url, slots=dict.fromkeys(steps, 5)))

    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 2
    assert await db.one("select count(*) from alfrd.tasks where state = 'dead'") == 2


async def test_a_worker_stops_although_the_database_is_down(tmp_path: Path) -> None:
    server = await asyncio.to_thread(Server)
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("create database alfrd")
        await migrate(server.url("alfrd"))
        with fleet(server.url("alfrd"), tmp_path) as workers:
            worker = workers.start(delay=30, slots=3, drain_seconds=1)
            async with Harness(server.url("alfrd")) as db:
                await insert(db, 3)
                await worker.has_logged("reading shop", times=3)
            await asyncio.to_thread(server.stop)
            worker.signal(signal.SIGTERM)
            code = await asyncio.to_thread(worker.wait, 30)
            await asyncio.to_thread(server.start)
            async with Harness(server.url("alfrd")) as db:
                workers.start(lease_seconds=2, until_quiet=True)
                await db.sql("update alfrd.workers set lease_seconds = 2")
                await until(db, ALL_ENDED)
                assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 3
        assert code != 0
    finally:
        await asyncio.to_thread(server.remove)


async def test_a_pool_that_went_deaf_is_left_behind(server: Server, db: Harness, tmp_path: Path) -> None:
    database = await db.one("select current_database()")
    async with Proxy(server.port) as proxy:
        with fleet(db.url, tmp_path) as workers:
            workers.start(pool_url=server.tcp_url(database, proxy.port), delay=0.05, lease_seconds=3)
            await until(db, "exists (select from alfrd.workers where locked)")
            await insert(db, 10)
            proxy.mood = "deaf"
            await asyncio.sleep(3)
            proxy.mood = "fine"
            await insert(db, 5, name="later")
            await until(db, ALL_ENDED)

    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 15
    await each_step_was_committed_once(db)
