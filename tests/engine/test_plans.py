"""The plans of what runs all the time: the rows that they read grow with the work that is done, not with what waits.

Pinned by what is read, not by the text of a plan: ``pg_stat_xact_user_tables`` counts this transaction's rows exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from alfrd_events.db import queue
from alfrd_events.db.json import jsonb
from alfrd_events.model import Outcome, Task
from testing.harness import RESULTS, Harness

WAITING = 20_000
EXCHANGE = """select alfrd.exchange(%s,
    jsonb_build_object('outcomes', '[]'::jsonb, 'capacity', %s::jsonb, 'woken_by', 'notify'))"""
READ = (
    "select relname, seq_tup_read, coalesce(idx_tup_fetch, 0) as idx_tup_fetch from pg_stat_xact_user_tables"
    " where schemaname = 'alfrd' and relname in ('tasks', 'documents')"
)


@dataclass
class RowsRead:
    """Of ``alfrd.tasks`` and ``alfrd.documents`` together."""

    by_sequential_scans: int
    by_indexes: int


async def _read_by(db: Harness, statement: str, *parameters: object) -> RowsRead:
    session = await db.session()
    async with session.transaction():
        await session.execute(statement, parameters)
        rows = await (await session.execute(READ)).fetchall()
    return RowsRead(
        sum(row["seq_tup_read"] for row in rows),
        sum(row["idx_tup_fetch"] for row in rows),
    )


async def _given_backlog(db: Harness, statistics: str) -> None:
    """Many documents wait, and the planner thinks what ``statistics`` says.

    Their ids are in order, so that with fresh statistics every index seems as good as the one of the queue.
    """
    if statistics == "of an empty table":
        await db.sql("analyze alfrd.tasks, alfrd.documents")
    await db.sql("alter table alfrd.tasks set (autovacuum_enabled = off)")
    await db.sql(
        "insert into alfrd.documents (id, filename, content)"
        " select ('00000000-0000-0000-0000-' || lpad(number::text, 12, '0'))::uuid, 'x', 'x'"
        "   from generate_series(1, %s) as number",
        WAITING,
    )
    if statistics == "fresh":
        await db.sql("analyze alfrd.tasks, alfrd.documents")


@pytest.mark.parametrize("statistics", ["none", "of an empty table", "fresh"])
async def test_a_claim_reads_what_it_claims(db: Harness, statistics: str) -> None:
    await _given_backlog(db, statistics)
    worker = await db.worker("a")

    for _ in range(7):  # plans are made anew for the first five times, and then perhaps kept
        read = await _read_by(db, EXCHANGE, worker, jsonb({"ocr": 10, "classify": 10}))

        assert read.by_sequential_scans == 0
        assert read.by_indexes <= 100


@pytest.mark.parametrize("statistics", ["none", "of an empty table", "fresh"])
async def test_a_rescue_reads_what_was_lost(db: Harness, statistics: str) -> None:
    await _given_backlog(db, statistics)
    for name in ("dead", "alive"):
        await db.sql(EXCHANGE, await db.worker(name), jsonb({"ocr": 20}))
    await db.sql("update alfrd.workers set heartbeat_at = now() - interval '1 hour' where name = 'dead'")

    read = await _read_by(db, "select alfrd.rescue()")

    assert await db.one("select count(*) from alfrd.tasks where state = 'running'") == 20
    assert read.by_sequential_scans == 0
    assert read.by_indexes <= 400


@pytest.mark.parametrize("statistics", ["none", "of an empty table", "fresh"])
async def test_an_idle_look_reads_next_to_nothing(db: Harness, statistics: str) -> None:
    await _given_backlog(db, statistics)
    worker = await db.worker("a")

    read = await _read_by(db, EXCHANGE, worker, jsonb({"extract": 10, "summarize_file": 2}))

    assert read.by_sequential_scans == 0
    assert read.by_indexes <= 5, "the planner looks at the ends of an index"


async def test_a_busy_worker_does_not_step_over_what_was_finished_under_an_old_transaction(
    db: Harness,
) -> None:
    finished, claimed = 3_000, 10
    await db.sql("alter table alfrd.tasks set (autovacuum_enabled = off)")
    await db.sql(
        "insert into alfrd.documents (filename, content) select 'x', 'x' from generate_series(1, 4000)"
    )
    old = await db.session()
    await old.execute("begin isolation level repeatable read")
    await old.execute("select 1 from alfrd.documents limit 1")
    worker = await db.worker("a")
    whole = {"ocr": 0}
    while finished > 0:
        answer = await queue.exchange(db.database, worker, [], {"ocr": 1000}, "handoff")
        await db.sql("delete from alfrd.tasks where state = 'running'")
        finished -= len(answer.claimed)
        whole = dict(answer.cursors)

    async def entries_read(from_: dict[str, int] | None, done: Sequence[Outcome] = ()) -> int:
        async def so_far() -> int:
            await db.sql("select pg_stat_force_next_flush()")
            return int(await db.one("select pg_stat_get_tuples_returned('alfrd.tasks_ready'::regclass)"))

        before = await so_far()
        answer = await queue.exchange(db.database, worker, done, {"ocr": claimed}, "handoff", cursors=from_)
        assert len(answer.claimed) == claimed
        running.extend(answer.claimed)
        return await so_far() - before

    running: list[Task] = []

    assert await entries_read(None) >= 3_000
    assert await entries_read(whole) <= 3 * claimed
    done = [Outcome(running[0], "done", result=RESULTS["ocr"], made_by="test")]
    assert 3_000 <= await entries_read(None, done) <= 3_000 + 10 * claimed, "once, also with a result"
    await old.close()
