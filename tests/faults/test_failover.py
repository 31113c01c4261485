"""A primary that is lost, and the replica that takes its place: one URL with both hosts, and no help for workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from alfrd_events.db.database import Database
from alfrd_events.db.migrate import migrate
from alfrd_events.db.session import keepalives
from testing.harness import Harness
from testing.server import Server
from tests.faults.processes import (
    ALL_ENDED,
    WorkerProcess,
    all_asleep,
    each_step_was_committed_once,
    fleet,
    insert,
    until,
)
from tests.faults.proxy import Proxy


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary with a migrated database, and a replica without which it commits nothing."""
    primary = Server()
    replica: Server | None = None
    try:
        primary.sql("create database alfrd")
        asyncio.run(migrate(primary.url("alfrd")))
        replica = Server(follows=primary)
        primary.sql("alter system set synchronous_standby_names = '*'")
        primary.sql("select pg_reload_conf()")
        while primary.sql("select sync_state from pg_stat_replication") != [("sync",)]:
            pass
        yield primary, replica
    finally:
        primary.remove()
        if replica is not None:
            replica.remove()


def whichever_takes_writes(*ports: int, database: str = "alfrd") -> str:
    """A URL with several hosts."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"postgresql://postgres@{hosts}/{database}?target_session_attrs=read-write"


class Person:
    """Somebody who inserts one document after the other, whatever happens to the server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.acknowledged: list[UUID] = []

    async def insert(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=2
                ) as connection:
                    while True:
                        document = uuid4()
                        await connection.execute(
                            "insert into alfrd.documents (id, filename, content) values (%s, 'shop.txt', 'text')",
                            [document],
                        )
                        self.acknowledged.append(document)
                        await asyncio.sleep(0.05)
            except psycopg.Error:
                await asyncio.sleep(0.1)

    async def has_inserted(self, count: int, timeout: float = 60) -> None:
        """Wait until so many more were acknowledged."""
        count += len(self.acknowledged)
        async with asyncio.timeout(timeout):
            while len(self.acknowledged) < count:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def inserting(url: str) -> AsyncIterator[Person]:
    """A person at work."""
    person = Person(url)
    work = asyncio.create_task(person.insert())
    try:
        yield person
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def complaints(worker: WorkerProcess) -> list[str]:
    """What the worker has to say of it."""
    return [line for line in worker.lines() if "warning" in line or "error" in line]


@pytest.mark.parametrize(
    ("synchronous_commit", "lose"),
    [("on", Server.kill), ("remote_apply", lambda server: server.stop("immediate"))],
    ids=["on, killed", "remote_apply, stopped at once"],
)
async def test_workers_go_on_by_themselves_with_all_that_was_committed(
    pair: tuple[Server, Server], tmp_path: Path, synchronous_commit: str, lose: Callable[[Server], None]
) -> None:
    primary, replica = pair
    primary.sql(f"alter database alfrd set synchronous_commit = '{synchronous_commit}'")
    url = whichever_takes_writes(primary.port, replica.port)
    with fleet(url, tmp_path) as workers:
        members = [workers.start(delay=0.1, slots=10) for _ in range(2)]
        async with inserting(url) as person:
            async with Harness(replica.url("alfrd")) as db:
                await until(
                    db, "now() - pg_postmaster_start_time() > interval '10 seconds'"
                )  # see alfrd.rescue
            await person.has_inserted(50)
            await asyncio.to_thread(lose, primary)
            await asyncio.sleep(1)
            before = len(person.acknowledged)
            await asyncio.to_thread(replica.promote)
            await person.has_inserted(50)
        async with Harness(replica.url("alfrd")) as db:
            await until(db, ALL_ENDED)
            completed = await db.sql("select id from alfrd.documents where status = 'completed'")
            # The bell is heard from the new primary, too.
            await until(db, "count(*) = 2 from pg_locks where locktype = 'advisory' and objsubid = 2")
            await all_asleep(db, 2)
            await insert(db, 1)
            await until(db, ALL_ENDED)
            woken_by = await db.one(
                "select woken_by from alfrd.events where step = 'ocr' order by id desc limit 1"
            )
            await each_step_was_committed_once(db)
            lost = await db.one("select count(*) from alfrd.events where kind in ('lost', 'stale')")
        for member in members:
            assert member.alive
            assert len(complaints(member)) <= 8, "\n".join(complaints(member))

    assert before >= 50
    assert set(person.acknowledged) <= {row["id"] for row in completed}
    assert lost == 0  # nobody was taken for dead
    assert woken_by == "notify"


async def test_hosts_that_swallow_every_byte_are_passed_over(
    server: Server, db: Harness, tmp_path: Path
) -> None:
    database = await db.one("select current_database()")
    async with Proxy(server.port) as first, Proxy(server.port) as second:
        first.mood = second.mood = "deaf"
        url = whichever_takes_writes(first.port, second.port, server.port, database=database)
        with fleet(url + "&connect_timeout=2", tmp_path) as workers:
            worker = workers.start(lease_seconds=3600, poll_seconds=3600)
            await all_asleep(db)
            await insert(db, 1)
            await until(db, ALL_ENDED)
            assert complaints(worker) == []

    assert await db.one("select woken_by from alfrd.events where step = 'ocr'") == "notify"
    assert first.accepted >= 3  # the first connection, the pool's and the listener's


async def test_what_the_url_says_is_not_overruled(db: Harness) -> None:
    url = f"{db.url}&connect_timeout=7&options=-c%20statement_timeout%3D8s"
    async with Database(url, status_feed=False) as database:
        assert await database.value("show statement_timeout") == "8s"
        assert await database.value("show alfrd.status_feed") == "off"
    assert "connect_timeout" not in keepalives(url)
