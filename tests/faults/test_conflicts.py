"""Transactions that the server rolls back because of others: serialization failures and deadlocks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from testing.harness import Harness
from tests.faults.processes import ALL_ENDED, each_step_was_committed_once, fleet, insert, until

ALL_COMPLETED = "not exists (select from alfrd.documents where status <> 'completed')"
OF_THIS_DATABASE = "from pg_stat_database where datname = current_database()"


class Person:
    """Somebody who tags documents, many in one transaction, and tries again when that is rolled back."""

    def __init__(self, db: Harness) -> None:
        self._db = db
        self.rolled_back = 0

    async def tag(self, tag: str) -> None:
        """Go on until cancelled, against the order in which workers lock."""
        async with await self._db.session() as session:
            for turn in range(1_000_000):
                try:
                    async with session.transaction():
                        cursor = await session.execute("select id from alfrd.documents order by id desc")
                        found = [row["id"] for row in await cursor.fetchall()]
                        for document in found[random.randrange(20) :: random.randint(1, 7)][:8]:
                            await session.execute(
                                "update alfrd.documents set tags = tags || %s::text where id = %s",
                                [f"{tag}-{turn % 3}", document],
                            )
                            await asyncio.sleep(0.002)
                except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                    self.rolled_back += 1
                await asyncio.sleep(0.02)


@asynccontextmanager
async def tagging(db: Harness, *tags: str) -> AsyncIterator[Person]:
    """A person at work, in as many windows as there are tags."""
    person = Person(db)
    windows = [asyncio.create_task(person.tag(tag)) for tag in tags]
    try:
        yield person
        for window in windows:
            assert not window.done(), window.exception()
    finally:
        for window in windows:
            window.cancel()
        await asyncio.gather(*windows, return_exceptions=True)


async def everything_is_completed(db: Harness, count: int) -> None:
    """Nothing failed, nothing was tried twice, and each file knows its members."""
    rows = await db.sql("select status, count(*) from alfrd.documents group by 1")
    assert [(row["status"], row["count"]) for row in rows] == [("completed", count)]
    assert await db.one("select count(*) from alfrd.events where kind in ('retry', 'dead', 'lost')") == 0
    await each_step_was_committed_once(db)


@pytest.mark.parametrize("isolation", ["serializable", "repeatable read"])
async def test_a_stricter_isolation_costs_time_and_no_document(
    db: Harness, tmp_path: Path, isolation: str
) -> None:
    database = await db.one("select current_database()")
    await db.sql(f"alter database {database} set default_transaction_isolation = '{isolation}'")
    await db.sql(f"alter database {database} set deadlock_timeout = '20ms'")
    with fleet(db.url, tmp_path) as workers:
        members = [workers.start(delay=0.02, slots=10) for _ in range(2)]
        await until(db, "count(*) = 2 from alfrd.workers where locked")
        async with tagging(db, "home", "tax") as person:
            for _ in range(12):
                await insert(db, 10)
                await asyncio.sleep(0.1)
            await until(db, ALL_COMPLETED, timeout=120)
        await until(db, ALL_ENDED)
        await until(db, f"xact_rollback > {person.rolled_back} {OF_THIS_DATABASE}")  # so workers were, too
        complaints = [
            line for member in members for line in member.lines() if "warning" in line or "error" in line
        ]

    assert person.rolled_back > 0
    assert len(complaints) <= 6, "\n".join(complaints)
    await everything_is_completed(db, 120)


async def test_deadlocks_with_a_person_cost_time_and_no_document(db: Harness, tmp_path: Path) -> None:
    database = await db.one("select current_database()")
    await db.sql(f"alter database {database} set deadlock_timeout = '20ms'")
    with fleet(db.url, tmp_path) as workers:
        members = [workers.start(delay=0.05, slots=20) for _ in range(2)]
        await until(db, "count(*) = 2 from alfrd.workers where locked")
        async with tagging(db, "home", "tax") as person:
            for _ in range(10):
                await insert(db, 15)
                await asyncio.sleep(0.1)
            await until(db, ALL_COMPLETED, timeout=120)
        await until(db, ALL_ENDED)
        await until(
            db, f"deadlocks > {person.rolled_back} {OF_THIS_DATABASE}"
        )  # so workers were victims, too
        complaints = [
            line for member in members for line in member.lines() if "warning" in line or "error" in line
        ]

    assert len(complaints) <= 4, "\n".join(complaints)
    await everything_is_completed(db, 150)
