"""Two workers with different code: a newer program migrates the database under an older worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alfrd_events.db.migrate import migrate
from alfrd_events.errors import DatabaseUnavailable
from alfrd_events.model import Outcome
from testing.harness import Harness
from tests.faults.processes import ALL_ENDED, ROOT, each_step_was_committed_once, fleet, insert, until

NEWER = "99.0.0"
MIGRATE_AS_A_NEWER_ONE = f"""
import asyncio, sys
import alfrd_events
alfrd_events.__version__ = "{NEWER}"
from alfrd_events.db.migrate import migrate
asyncio.run(migrate(sys.argv[1]))
"""


def _migrate_as_a_newer_one(url: str) -> None:
    subprocess.run([sys.executable, "-c", MIGRATE_AS_A_NEWER_ONE, url], check=True, cwd=ROOT)


async def test_an_older_worker_finishes_what_runs_claims_nothing_more_and_says_why(
    db: Harness, tmp_path: Path
) -> None:
    with fleet(db.url, tmp_path) as workers:
        older = workers.start(delay=1.5, slots=5)
        await insert(db, 20)
        await until(db, "count(*) = 5 from alfrd.tasks where state = 'running'")
        _migrate_as_a_newer_one(db.url)
        begun = await db.one(
            "select (select count(*) from alfrd.tasks where state = 'running')"
            "     + (select count(*) from alfrd.events where kind = 'completed')"
        )
        code = older.wait(30)

        assert code != 0
        assert older.lines("claiming nothing more")
        assert older.lines(f"alfrd-events {NEWER} has migrated the database, and this is")
        assert await db.one("select count(*) from alfrd.events where kind = 'completed'") == begun
        assert await db.one("select count(*) from alfrd.documents where status = 'pending'") > 0
        assert await db.one("select count(*) from alfrd.tasks where state = 'running'") == 0

        workers.start(delay=0.05, version=NEWER)
        await until(db, ALL_ENDED)
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 20
    await each_step_was_committed_once(db)


async def test_who_comes_too_late_is_told_so_at_once(db: Harness) -> None:
    _migrate_as_a_newer_one(db.url)
    document = await db.given_document()
    newer = await db.one("select alfrd.register_worker('new', '', 1, %s, '{ocr}', 30)", NEWER)
    older = await db.one("select alfrd.register_worker('old', '', 1, '0.0.1', '{ocr}', 30)")

    for worker, claims in ((older, 0), (newer, 1)):
        answer = await db.one(
            'select reply from alfrd.exchange(%s, \'{"outcomes": [], "capacity": {"ocr": 5}, "woken_by": "poll"}\')',
            worker,
        )
        assert len(answer["claimed"] or ()) == claims
        assert answer["superseded_by"] == ("" if claims else NEWER)
    assert await db.status_of(document) == "pending"


async def test_what_an_older_worker_hands_in_is_still_taken(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    await db.sql("update alfrd.workers set superseded_by = '99.0.0'")

    assert await db.complete(task)
    assert await db.status_of(document) == "ocr_completed"
    assert await db.claim("classify") is None


async def test_an_exchange_waits_for_a_migration_and_none_runs_on_half_of_each(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    migrating = await db.session()
    await migrating.execute("begin")
    await migrating.execute("lock table alfrd.route_cache in access exclusive mode")

    with pytest.raises(Exception, match="lock timeout"):
        await db.hand_in(Outcome(task, "released"))
    await migrating.execute("rollback")
    await migrating.close()
    assert await db.complete(task)
    assert await db.status_of(document) == "ocr_completed"


async def test_a_migration_waits_for_the_exchanges_in_flight(db: Harness) -> None:
    async with await db.session() as exchanging:
        await exchanging.execute("begin")
        await exchanging.execute(
            'select alfrd.exchange(%s, \'{"outcomes": [], "capacity": {}, "woken_by": "poll"}\')',
            [await db.worker("a")],
        )
        await db.sql("update alfrd.migrations set checksum = '' where name = 'functions'")
        with pytest.raises(DatabaseUnavailable, match="holds a lock on its tables"):
            await migrate(db.url, patience=0.1)
    assert await migrate(db.url) == ["functions"]


async def test_no_role_may_hold_what_exchanges_and_migrations_wait_for(
    db: Harness, signed_in: dict[str, str]
) -> None:
    for login in signed_in:
        assert not await db.one("select has_table_privilege(%s, 'alfrd.route_cache', 'select')", login)
