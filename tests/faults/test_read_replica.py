"""Pages and search come from a streaming replica while it is fit; where it lags, dies or is none, from the primary."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from alfrd_events.db.database import Database
from alfrd_events.db.migrate import migrate
from alfrd_events.db.replica import AWAY_SECONDS, LAG_SECONDS, ReadReplica
from testing.server import Server
from tests.cli.program import Program
from tests.console.conftest import pages_of, site_of
from tests.money.test_breaker import Clock

ON_REPLICA = "select pg_is_in_recovery()"


@pytest.fixture
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary with a migrated database, and its replica."""
    primary = Server()
    replica: Server | None = None
    try:
        primary.sql("create database alfrd")
        asyncio.run(migrate(primary.url("alfrd")))
        replica = Server(follows=primary)
        yield primary, replica
    finally:
        primary.remove()
        if replica is not None:
            replica.remove()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(pair: tuple[Server, Server]) -> AsyncIterator[Database]:
    async with Database(pair[0].url("alfrd")) as opened:
        yield opened


@pytest.fixture
async def reads(pair: tuple[Server, Server], database: Database, clock: Clock) -> AsyncIterator[ReadReplica]:
    async with ReadReplica(database, pair[1].url("alfrd"), clock=lambda: clock.now) as opened:
        yield opened


async def _answered_by_replica(reads: ReadReplica, clock: Clock) -> None:
    """Look until it is fit; each look is a moment later."""
    while not await reads.value(ON_REPLICA):
        clock.now += 0.01


def _insert(server: Server) -> None:
    server.sql("insert into alfrd.documents (filename, content) values ('a.txt', 'text')", "alfrd")


async def test_a_replica_that_has_caught_up_answers(reads: ReadReplica, clock: Clock) -> None:
    await _answered_by_replica(reads, clock)
    assert reads.complaint == ""


async def test_a_replica_that_lags_is_passed_by_and_used_again_later(
    pair: tuple[Server, Server], reads: ReadReplica, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    primary, replica = pair
    await _answered_by_replica(reads, clock)
    replica.sql("select pg_wal_replay_pause()")
    _insert(primary)

    clock.now += LAG_SECONDS - 1
    assert await reads.value(ON_REPLICA)  # as old as it may be
    clock.now += 2
    with caplog.at_level(logging.WARNING):
        assert await reads.value("select count(*) from alfrd.documents") == 1
        assert not await reads.value(ON_REPLICA)
    assert len(caplog.records) == 1
    assert "behind" in reads.complaint

    replica.sql("select pg_wal_replay_resume()")
    await _answered_by_replica(reads, clock)
    assert await reads.value("select count(*) from alfrd.documents") == 1
    assert reads.complaint == ""


async def test_what_was_just_changed_is_seen(
    pair: tuple[Server, Server], reads: ReadReplica, clock: Clock
) -> None:
    primary, replica = pair
    await _answered_by_replica(reads, clock)
    replica.sql("select pg_wal_replay_pause()")
    _insert(primary)
    clock.now += 0.1
    reads.outdated()
    assert await reads.value("select count(*) from alfrd.documents") == 1
    assert reads.complaint == ""  # it is behind by a moment, which is no fault
    replica.sql("select pg_wal_replay_resume()")
    await _answered_by_replica(reads, clock)
    assert await reads.value("select count(*) from alfrd.documents") == 1


async def test_a_replica_that_dies_costs_no_answer_and_comes_back(
    pair: tuple[Server, Server], reads: ReadReplica, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    _, replica = pair
    await _answered_by_replica(reads, clock)
    replica.stop("immediate")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await reads.value(ON_REPLICA) is False
    assert [record.message for record in caplog.records if record.name == "alfrd_events.replica"] == [
        "the replica of ALFRD_READ_URL is not asked, the primary answers"
    ]
    replica.start()
    clock.now += AWAY_SECONDS
    await _answered_by_replica(reads, clock)


async def test_a_replica_answers_while_the_primary_is_away(
    pair: tuple[Server, Server], reads: ReadReplica, clock: Clock
) -> None:
    primary, _ = pair
    await _answered_by_replica(reads, clock)
    primary.stop("immediate")
    clock.now += 2 * LAG_SECONDS
    assert await reads.value(ON_REPLICA) is True


async def test_a_server_that_takes_writes_is_no_replica(
    pair: tuple[Server, Server], database: Database, clock: Clock
) -> None:
    async with ReadReplica(database, pair[0].url("alfrd"), clock=lambda: clock.now) as reads:
        assert await reads.value(ON_REPLICA) is False
    assert "no streaming replica" in reads.complaint


class _Counted(Database):
    """A primary that counts how often it is asked."""

    times = 0

    async def _once(self, statement, parameters, take):  # type: ignore[no-untyped-def]
        self.times += 1
        return await super()._once(statement, parameters, take)


async def test_what_is_asked_at_once_costs_one_look(pair: tuple[Server, Server], clock: Clock) -> None:
    primary, replica = pair
    async with (
        _Counted(primary.url("alfrd")) as database,
        ReadReplica(database, replica.url("alfrd"), clock=lambda: clock.now) as reads,
    ):
        await _answered_by_replica_only(reads, clock)
        for is_fit in (True, False):
            clock.now += 2
            database.times = 0
            assert await asyncio.gather(*(reads.is_fit() for _ in range(10))) == [is_fit] * 10
            assert database.times == 1
            if is_fit:
                replica.stop("immediate")


class _OnlyItsPlace(Database):
    """A primary that is asked for nothing but how far its log is."""

    async def _once(self, statement, parameters, take):  # type: ignore[no-untyped-def]
        assert "pg_current_wal_lsn" in statement, statement
        return await super()._once(statement, parameters, take)


async def test_no_page_writes_and_none_asks_the_primary(pair: tuple[Server, Server], clock: Clock) -> None:
    primary, replica = pair
    _insert(primary)
    ((document,),) = primary.sql("select id from alfrd.documents", "alfrd")
    async with (
        _OnlyItsPlace(primary.url("alfrd")) as database,
        ReadReplica(database, replica.url("alfrd"), clock=lambda: clock.now) as reads,
    ):
        await _answered_by_replica_only(reads, clock)
        site = site_of(database)
        site.console.reads = reads
        async with site.client:
            for path in [
                *pages_of(document),
                "/documents?q=text",
                "/api/documents",
                f"/api/documents/{document}",
            ]:
                await site.get(path)
    assert reads.complaint == ""


async def _answered_by_replica_only(reads: ReadReplica, clock: Clock) -> None:
    while not await reads.is_fit():
        clock.now += 0.01


def test_search_says_which_server_answers(pair: tuple[Server, Server]) -> None:
    primary, replica = pair
    program = Program(primary.url("alfrd"), ALFRD_READ_URL=replica.url("alfrd"))
    assert "replica" not in program("search", "rent").stderr
    assert "it has what was committed a moment ago" in program("doctor", exit_code=None).stdout
    replica.stop()
    assert "see to the replica" in program("doctor", exit_code=1).stdout
    told = program("search", "rent").stderr
    assert told.count("the replica of ALFRD_READ_URL is not asked, the primary answers: ") == 1
