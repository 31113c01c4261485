"""A session that listens inside a long transaction: the server's queue of notifications, which all share, runs full."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from alfrd_events.db.database import Database
from alfrd_events.db.migrate import migrate
from alfrd_events.errors import DatabaseUnavailable
from testing.harness import Harness
from testing.server import CONFIGURATION, Server
from tests.faults.processes import all_asleep, each_step_was_committed_once, fleet, insert, until

HOW_FULL = "pg_notification_queue_usage()"


@pytest.fixture
def url_with_a_small_queue(server: Server) -> Iterator[str]:
    """A migrated database on a server whose queue holds half a megabyte, and not eight gigabytes."""
    if int(server.sql("show server_version_num")[0][0]) < 170000:
        pytest.skip("the size of the queue can be set from PostgreSQL 17 on")
    own = Server(CONFIGURATION + "max_notify_queue_pages = 64\n")
    try:
        own.sql("create database alfrd")
        asyncio.run(migrate(own.url("alfrd")))
        yield own.url("alfrd")
    finally:
        own.remove()


def insert_and_end(url: str, count: int) -> None:
    """Insert documents that need no work, each in a transaction of its own: a notification each."""
    with psycopg.connect(url, autocommit=True) as app:
        for _ in range(count):
            app.execute(
                "insert into alfrd.documents (filename, content, status) values ('a', 'a', 'cancelled')"
            )


def fill(url: str) -> None:
    """What another application may do: notify, until the queue takes no more."""
    with psycopg.connect(url, autocommit=True) as app:
        while True:
            app.execute("select pg_notify('elsewhere', repeat('x', 7000))")


async def test_commits_go_on_while_the_notification_queue_is_full(
    url_with_a_small_queue: str, tmp_path: Path
) -> None:
    url = url_with_a_small_queue
    with fleet(url, tmp_path) as workers:
        worker = workers.start(poll_seconds=0.5, probe_seconds=0.5, watch_seconds=0.5)
        async with Harness(url) as db:
            await until(db, "exists (select from alfrd.workers where locked)")
            sitter = await db.session()
            await sitter.execute("set application_name = 'forgotten psql'")
            await sitter.execute("listen anything")
            await sitter.execute("begin")
            await sitter.execute("select 1")

            await asyncio.to_thread(insert_and_end, url, 6000)
            by_us_alone = await db.one(f"select {HOW_FULL}")
            with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="NOTIFY queue"):
                await asyncio.to_thread(fill, url)
            with pytest.raises(DatabaseUnavailable):
                async with Database(url) as database:
                    await database.execute("select pg_notify('elsewhere', repeat('x', 7000))")
            for _ in range(20):
                await insert(db, 1)
            await until(db, "count(*) = 20 from alfrd.documents where status = 'completed'")
            stayed_full = await db.one(f"select {HOW_FULL}")
            await worker.has_logged("the notification queue is")

            await sitter.close()
            await until(db, f"{HOW_FULL} < 0.1")
            await all_asleep(db)
            await insert(db, 1)
            await until(db, "count(*) = 21 from alfrd.documents where status = 'completed'")
            await each_step_was_committed_once(db)
            assert (
                await db.one("select woken_by from alfrd.events where step = 'ocr' order by id desc limit 1")
                == "notify"
            )
        (warning,) = worker.lines("warning")

    assert 0.7 < by_us_alone < 0.8
    assert stayed_full > 0.9
    assert "forgotten psql" in warning
