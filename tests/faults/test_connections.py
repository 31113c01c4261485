"""Connections that are cut, go deaf or have no server at the other end."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alfrd_events.db.database import Database
from alfrd_events.db.errors import TimedOut
from alfrd_events.db.listen import ListenConnection
from alfrd_events.db.migrate import migrate
from alfrd_events.worker.cancellation import cancel_all
from alfrd_events.worker.listener import Listener
from alfrd_events.worker.wake import Wake
from testing.harness import Harness
from testing.server import CONFIGURATION, Server
from tests.faults.processes import ALL_ENDED, all_asleep, each_step_was_committed_once, fleet, insert, until
from tests.faults.proxy import Proxy


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server of the test's own, to be stopped as it likes."""
    server = Server(CONFIGURATION + "track_commit_timestamp = on\n")
    yield server
    server.remove()


@pytest.fixture
def own_url(own_server: Server) -> str:
    """A migrated database on it."""
    with psycopg.connect(own_server.url("postgres"), autocommit=True) as connection:
        connection.execute("create database alfrd")
    asyncio.run(migrate(own_server.url("alfrd")))
    return own_server.url("alfrd")


async def test_terminated_backends_delay_no_document_and_lose_none(own_url: str, tmp_path: Path) -> None:
    async with Harness(own_url) as db:
        with fleet(db.url, tmp_path) as workers:
            workers.start(delay=0.02)
            await until(db, "exists (select from alfrd.workers where locked)")
            chance = random.Random(7)
            for round_ in range(100):
                victims = chance.choice(["alfrd-events listener", "alfrd-events", "alfrd-events%"])
                await insert(db, 1, name=f"round{round_}-")
                await asyncio.sleep(chance.uniform(0, 0.15))
                await _cut(db, victims)
                seen = await db.one("select coalesce(max(id), 0) from alfrd.events")
                await until(db, f"{ALL_ENDED} or exists (select from alfrd.events where id > {seen})")
            await until(db, ALL_ENDED)

        delays = await _delays(db)
        print(
            f"seconds from insert to completion: p50 {delays[50]:.2f}, p95 {delays[95]:.2f}, max {delays[-1]:.2f}"
        )
        assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 100
        assert delays[-1] < 5, "2 s on a quiet machine"
        await each_step_was_committed_once(db)


async def _cut(db: Harness, application: str) -> None:
    """End every session of an application in the database; a pattern, as for LIKE."""
    await db.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name like %s and datname = current_database() and pid <> pg_backend_pid()",
        application,
    )


async def _delays(db: Harness) -> list[float]:
    """Seconds from the insert of each document to the commit of its last step, by the server's clock; in order."""
    rows = await db.sql(
        "select extract(epoch from pg_xact_commit_timestamp(e.xmin) - d.created_at)::float as seconds"
        "  from alfrd.documents d join alfrd.events e on e.subject_id = d.id"
        " where e.kind = 'completed' and e.step = 'extract' order by 1"
    )
    return [row["seconds"] for row in rows]


async def test_connections_that_were_cut_while_idle_fail_no_statement(db: Harness) -> None:
    async with Database(db.url, max_size=4) as database:
        for _ in range(3):
            assert await asyncio.gather(*(database.value("select 1 from pg_sleep(0.2)") for _ in range(4)))
            await _cut(db, "alfrd-events")
            await until(db, "count(*) = 1 from pg_stat_activity where datname = current_database()")
            assert await asyncio.gather(*(database.value("select 1") for _ in range(8))) == [1] * 8


async def test_notifications_are_received_at_once_also_after_a_probe(db: Harness) -> None:
    wake = Wake()
    worker = await db.worker("a")
    listener = asyncio.create_task(Listener(db.database, db.url, worker, ["ocr"], wake, 0.2).run())
    try:
        assert await wake.wait(5, "poll") == "start"
        for _ in range(20):
            await db.sql("notify alfrd_work, 'ocr'")
            assert await wake.wait(0.1, "poll") == "notify"
            await asyncio.sleep(0.07)
    finally:
        await cancel_all([listener])


async def test_the_connection_that_was_used_last_is_used_next(db: Harness) -> None:
    """The pool would give each in turn, and a session that has waited for the others begins with cold caches."""
    async with Database(db.url, max_size=4) as pool:
        used = [await pool.value("select pg_backend_pid()") for _ in range(4)]
        beside = await asyncio.gather(
            *(pool.value("select pg_backend_pid() from pg_sleep(0.1)") for _ in range(3))
        )

    assert len(set(used)) == 1
    assert len(set(beside)) == 3


async def test_whoever_waits_for_a_connection_gets_the_next_that_is_free(db: Harness) -> None:
    async with Database(db.url, max_size=1) as pool:
        pids = await asyncio.gather(
            *(pool.value("select pg_backend_pid() from pg_sleep(0.1)") for _ in range(5))
        )

    assert len(set(pids)) == 1


async def test_a_connection_whose_statement_was_cancelled_is_not_used_again_as_it_is(db: Harness) -> None:
    async with Database(db.url, max_size=2) as pool:
        await pool.value("select 1")
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await pool.value("select pg_sleep(10)")
            assert await pool.value("select 1") == 1


async def test_a_limit_that_was_lifted_holds_for_no_connection_any_more(db: Harness) -> None:
    name = await db.one("select current_database()")
    await db.sql(f"alter database {name} set statement_timeout = '50ms'")
    async with Database(db.url, max_size=2) as pool:
        await db.sql(f"alter database {name} reset statement_timeout")
        with pytest.raises(TimedOut):
            await pool.value("select 1 from pg_sleep(0.2)")
        for _ in range(4):
            assert await pool.value("select 1 from pg_sleep(0.2)") == 1


async def test_a_statement_that_was_prepared_outlives_a_change_of_its_columns(db: Harness) -> None:
    await db.sql("create table public.changing as select 1 as one")
    async with Database(db.url, max_size=1) as pool:
        for _ in range(5):
            await pool.rows("select * from public.changing")
        prepared = await pool.value("select count(*) from pg_prepared_statements")
        await db.sql("alter table public.changing add column two integer default 2")
        rows = await pool.rows("select * from public.changing")

    assert prepared == 1
    assert rows == [{"one": 1, "two": 2}]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_server_that_stops_and_starts_again_costs_no_document(
    own_server: Server, own_url: str, tmp_path: Path, mode: str
) -> None:
    outages, in_mid_run = 5, 0
    with fleet(own_url, tmp_path) as workers:
        members = [workers.start(delay=0.03, slots=5) for _ in range(2)]
        async with Harness(own_url) as db:
            await until(db, "count(*) = 2 from alfrd.workers where locked")
        for _ in range(outages):
            async with Harness(own_url) as db:
                seen = await db.one("select coalesce(max(id), 0) from alfrd.events")
                await insert(db, 30)
                await until(db, f"count(*) > 20 from alfrd.events where id > {seen}")
                in_mid_run += await db.one("select count(*) > 0 from alfrd.tasks where state = 'running'")
            await asyncio.to_thread(own_server.stop, mode)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(own_server.start)
        async with Harness(own_url) as db:
            await until(db, ALL_ENDED, timeout=90)
            assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 150
            await each_step_was_committed_once(db)

        assert in_mid_run >= 3
        for member in members:
            assert member.alive
            told = [line for line in member.lines() if re.match(r"\d\d:\d\d:\d\d (?!debug)", line)]
            assert len(told) <= 1 + 5 * outages, "\n".join(told)


async def test_lost_notifications_are_found_by_the_poll_and_counted(db: Harness, tmp_path: Path) -> None:
    await db.sql(
        "create or replace function alfrd.notify(p_steps text[]) returns boolean language sql as 'select true'"
    )
    with fleet(db.url, tmp_path) as workers:
        workers.start(poll_seconds=0.5)
        await all_asleep(db)
        await insert(db, 5)
        await until(db, ALL_ENDED)

    woken = await db.sql("select distinct woken_by from alfrd.events where step = 'ocr'")
    assert [row["woken_by"] for row in woken] == ["poll"]


async def test_without_listen_the_poll_bounds_the_wait(db: Harness, tmp_path: Path) -> None:
    with fleet(db.url, tmp_path) as workers:
        workers.start(listen=False, poll_seconds=0.5)
        await until(db, "exists (select from alfrd.workers)")
        await insert(db, 5)
        seconds = await until(db, ALL_ENDED)

    assert seconds < 25
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 5


async def test_a_deaf_listener_notices_and_connects_again(
    server: Server, db: Harness, tmp_path: Path
) -> None:
    async with Proxy(server.port) as proxy:
        with fleet(db.url, tmp_path) as workers:
            worker = workers.start(
                listen_url=server.tcp_url(_name(db), proxy.port),
                probe_seconds=0.5,
                lease_seconds=3600,
                poll_seconds=3600,
            )
            await all_asleep(db)
            proxy.mood = "deaf"
            await insert(db, 1)
            # probe_seconds, 5 s for the answer, and the rest for a busy machine
            await worker.has_logged("hears nothing, not even itself", timeout=60)
            proxy.mood = "fine"
            await until(db, ALL_ENDED)
            await all_asleep(db)
            await insert(db, 1)
            await until(db, "count(*) = 2 from alfrd.documents where status = 'completed'")

    assert proxy.accepted >= 2
    woken = await db.sql("select woken_by from alfrd.events where step = 'ocr' order by id")
    assert [row["woken_by"] for row in woken] == ["reconnect", "notify"]


async def test_a_pool_that_goes_deaf_takes_no_listener_with_it(
    server: Server, db: Harness, tmp_path: Path
) -> None:
    async with Proxy(server.port) as proxy:
        with fleet(db.url, tmp_path) as workers:
            worker = workers.start(
                pool_url=server.tcp_url(_name(db), proxy.port), probe_seconds=0.5, lease_seconds=3
            )
            await until(db, "exists (select from alfrd.workers where locked)")
            listener = await _listener(db)
            proxy.mood = "deaf"
            await insert(db, 1)
            await worker.has_logged("the database cannot work now")
            await asyncio.sleep(2)  # some probes long
            proxy.mood = "fine"
            await until(db, ALL_ENDED)
            assert await _listener(db) == listener

    assert worker.lines("listener") == []


async def test_resets_are_outlived(server: Server, db: Harness, tmp_path: Path) -> None:
    async with Proxy(server.port) as proxy:
        with fleet(server.tcp_url(_name(db), proxy.port), tmp_path) as workers:
            workers.start(delay=0.02)
            await until(db, "exists (select from alfrd.workers where locked)")
            await insert(db, 30)
            for _ in range(5):
                await asyncio.sleep(0.2)
                proxy.reset()
            await until(db, ALL_ENDED)

    assert proxy.accepted > 5
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 30
    await each_step_was_committed_once(db)


async def test_a_way_of_2_seconds_is_not_taken_for_a_dead_one(
    server: Server, db: Harness, tmp_path: Path
) -> None:
    async with Proxy(server.port, delay=2) as proxy:
        with fleet(server.tcp_url(_name(db), proxy.port), tmp_path) as workers:
            worker = workers.start(delay=0.02, probe_seconds=1)
            await until(db, "exists (select from alfrd.workers where locked)")
            listener = await _listener(db)
            proxy.mood = "slow"
            before = proxy.accepted
            await insert(db, 10)
            await until(db, "count(*) = 10 from alfrd.events where step = 'ocr'")
            assert await _listener(db) == listener
            proxy.mood = "fine"
            await until(db, ALL_ENDED)
            complaints = worker.lines("warning")

    assert complaints == []
    assert proxy.accepted - before <= 5  # the pool grows to six; nothing is connected anew
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 10
    assert (
        await db.sql(
            "select kind, step, detail from alfrd.events where kind <> 'completed' and subject_type <> 'series'"
        )
        == []
    )


async def test_a_listener_connects_over_a_way_of_2_seconds(server: Server, db: Harness) -> None:
    async with Proxy(server.port, delay=2) as proxy:
        proxy.mood = "slow"
        ear = await ListenConnection.connect(server.tcp_url(_name(db), proxy.port), await db.worker("a"))
        await ear.probe(db.database, "?")
        heard = [await ear.next(timeout=20)]
        await ear.close()

    assert ear.locked
    assert [found is not None and ear.is_probe(found) for found in heard] == [True]


def _name(db: Harness) -> str:
    """The name of the harness's database."""
    return db.url.split("@/")[1].split("?")[0]


async def _listener(db: Harness) -> list[dict[str, Any]]:
    """The sessions that listen."""
    return await db.sql(
        "select pid from pg_stat_activity"
        " where application_name = 'alfrd-events listener' and datname = current_database()"
    )
