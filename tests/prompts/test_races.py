"""Many workers, one trial, and death at any moment."""

from __future__ import annotations

import pytest
from psycopg.errors import LockNotAvailable

from alfrd_events.db.database import Database
from alfrd_events.db.trials import Trials
from alfrd_events.errors import AlfrdError
from alfrd_events.model.inputs import FamilyInput
from alfrd_events.steps.evolving import evolve_prompt
from testing.evolving import Loop
from testing.harness import Harness
from testing.pgbouncer import PgBouncer, past
from testing.races import race


async def test_sixteen_workers_and_random_kills_leave_one_active_version(db: Harness) -> None:
    seen = await race(db.url, workers=16, rounds=6)
    assert seen.kills > 20
    assert seen.calls > 50
    assert seen.snapshots > 100
    assert (seen.duplicates, seen.wrong_snapshots, seen.locks_during_calls) == (0, 0, 0)


async def test_a_prompt_improves_through_a_pooler(pooler: PgBouncer, database: str, db: Harness) -> None:
    async with Loop(pooler.url(database), 1) as loop:
        while (await loop.active())["version"] == 1:
            await loop.documents(10)
            await loop.settle()
    held = await db.one(
        "select count(*) from pg_locks where locktype = 'advisory' and granted and objsubid = 1"
    )
    assert held == 0


async def test_the_lock_is_the_familys(db: Harness) -> None:
    """Whoever holds it is waited for; another family's is free meanwhile."""
    holder, session = await db.session(), await db.session()
    await holder.execute("begin")
    await holder.execute(
        "select pg_advisory_xact_lock(hashtextextended('alfrd:prompt:summarizer:utility_bill', 0))"
    )
    family = "(select id from alfrd.prompt_families where kind = 'summarizer' and document_type = %s)"
    begin = f"select alfrd.begin_trial({family}, 0)"
    await session.execute("set lock_timeout = '50ms'")

    await session.execute(begin, [""])  # type: ignore[arg-type]
    with pytest.raises(LockNotAvailable):
        await session.execute(begin, ["utility_bill"])  # type: ignore[arg-type]

    await holder.close()
    await session.close()


async def test_a_worker_tries_prompts_with_a_workers_rights(db: Harness) -> None:
    async with Loop(db.url, 1) as loop:
        loop.evolves = False
        await loop.documents(40)
        await loop.settle()
        await db.sql("set client_min_messages = error")
        if not await db.sql("select rolname from pg_roles where rolname = 'mill'"):
            await db.sql("create role mill login in role alfrd_worker")
        family = await db.one(
            "select id from alfrd.prompt_families where kind = 'summarizer' and document_type = 'utility_bill'"
        )
        url = past(db.url).replace("postgres@", "mill@")
        async with Database(url, settings=loop.database.settings) as database:
            tools = loop.tools_on(Trials(database))
            while (await evolve_prompt(FamilyInput(family), tools)).again:
                pass
            with pytest.raises(AlfrdError, match="permission denied"):
                await database.execute("update alfrd.prompts set is_active = true")
        (trial,) = await loop.trials()
        assert trial["phase"] in ("testing", "shadow")
