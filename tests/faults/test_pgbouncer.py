"""Beside PgBouncer in transaction mode: the pool through it, the listener past it."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg

from alfrd_events.db.database import Database
from testing.harness import Harness
from testing.pgbouncer import PgBouncer
from tests.faults.processes import ALL_ENDED, each_step_was_committed_once, fleet, insert, until


async def test_a_worker_whose_pool_goes_through_pgbouncer_loses_nothing(
    db: Harness, database: str, pooler: PgBouncer, tmp_path: Path
) -> None:
    with fleet(db.url, tmp_path) as workers:
        members = [
            workers.start(
                pool_url=pooler.url(database),
                listen_url=db.url,
                delay=0.01,
                poll_seconds=3600,
                lease_seconds=3600,
            )
            for _ in range(2)
        ]
        await until(db, "count(*) = 2 from alfrd.workers where locked")
        for _ in range(10):
            await insert(db, 10)
        await until(db, ALL_ENDED)
        complaints = [
            line for member in members for line in member.lines() if "warning" in line or "error" in line
        ]

    assert complaints == []
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 100
    woken = await db.sql("select distinct woken_by from alfrd.events where step = 'ocr'")
    assert {row["woken_by"] for row in woken} <= {"start", "notify", "handoff", "recheck"}
    await each_step_was_committed_once(db)


def test_what_a_worker_marks_does_not_leak_to_others(database: str, pooler: PgBouncer) -> None:
    """A worker's transaction is marked as a worker's; the next user of the server connection is a person."""
    with psycopg.connect(pooler.url(database), autocommit=True, prepare_threshold=None) as connection:
        connection.execute("insert into alfrd.documents (filename, content) values ('a', 'x')")
        worker = connection.execute("select alfrd.register_worker('a', '', 0, '', '{ocr}', 30)").fetchone()
        assert worker is not None
        for _ in range(8):
            connection.execute(
                'select alfrd.exchange(%s, \'{"outcomes": [], "capacity": {}, "woken_by": "start"}\')', worker
            )
            connection.execute("update alfrd.documents set document_type = 'tax'")
            connection.execute("update alfrd.documents set document_type = 'receipt'")
        recorded = connection.execute("select count(*) from alfrd.corrections").fetchone()

    assert recorded == (16,)


async def test_nothing_is_prepared_where_the_next_transaction_may_have_another_session(
    db: Harness, database: str, pooler: PgBouncer
) -> None:
    count = "select count(*) from pg_prepared_statements"
    async with Database(db.url, max_size=1) as straight, Database(pooler.url(database), max_size=1) as pooled:
        prepared = [[await pool.value(count) for _ in range(5)] for pool in (straight, pooled)]

    assert prepared[0][-1] == 1
    assert prepared[1] == [0] * 5


async def test_a_silenced_status_feed_is_silent_and_nobody_elses_is(
    db: Harness, database: str, pooler: PgBouncer
) -> None:
    listener = await db.session()
    await listener.execute("listen alfrd_status")
    statement = "insert into alfrd.documents (filename, content) values (%s, 'x')"
    url = pooler.url(database)
    async with Database(url, status_feed=False) as silent, Database(url) as other:
        for _ in range(8):
            await silent.execute(statement, ["silent"])
            await other.execute(statement, ["told"])

    told = [json.loads(notify.payload)["id"] async for notify in listener.notifies(timeout=1)]
    await listener.close()
    expected = await db.sql("select id::text from alfrd.documents where filename = 'told'")
    assert sorted(told) == sorted(row["id"] for row in expected)
