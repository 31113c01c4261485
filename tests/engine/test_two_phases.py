"""Documents that are inserted in a transaction of two phases."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import psycopg
import pytest

from alfrd_events.db.migrate import migrate
from testing.server import CONFIGURATION, Server
from tests.cli.program import Program

INSERT = "insert into alfrd.documents (filename, content) values ('2pc.txt', 'Invoice, total 12.50 EUR')"


@pytest.fixture(scope="module")
def two_phase() -> Iterator[Server]:
    """A server that prepares transactions, with a role whose applications do."""
    server = Server(CONFIGURATION + "max_prepared_transactions = 5\n")
    asyncio.run(migrate(server.url("postgres")))
    server.sql("create role bank login in role alfrd_app")
    yield server
    server.remove()


def _prepare(server: Server, name: str) -> None:
    with psycopg.connect(server.url("postgres").replace("postgres@", "bank@"), autocommit=True) as connection:
        connection.execute("begin")
        connection.execute(INSERT)
        connection.execute(f"prepare transaction '{name}'")  # type: ignore[call-overload]


def test_a_role_that_never_notifies_commits_in_two_phases(two_phase: Server) -> None:
    two_phase.sql("delete from alfrd.documents")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="cannot PREPARE a transaction"):
        _prepare(two_phase, "loud")
    two_phase.sql("alter role bank set alfrd.notify = off")

    _prepare(two_phase, "quiet")
    program = Program(two_phase.url("postgres"))
    assert (
        "0 read" in program.inside("run", "--once")[0]
    )  # what is not committed is not there, and holds up no worker
    two_phase.sql("commit prepared 'quiet'")
    program.inside("run", "--once")

    assert two_phase.sql("select status from alfrd.documents") == [("completed",)]


def test_what_nobody_was_notified_of_is_found_by_the_poll_of_a_sleeping_worker(two_phase: Server) -> None:
    two_phase.sql("delete from alfrd.documents")
    two_phase.sql("alter role bank set alfrd.notify = off")
    program = Program(two_phase.url("postgres"), ALFRD_POLL_SECONDS="1")
    with program.started("run"):
        _until(two_phase, "select 1 from alfrd.workers where waiting_for <> '{}'")
        _prepare(two_phase, "later")
        two_phase.sql("commit prepared 'later'")
        _until(two_phase, "select 1 from alfrd.documents where status = 'completed'")


def _until(server: Server, query: str) -> None:
    """Until it has a row: what is tested is that no event tells of it."""
    ends = time.monotonic() + 60
    while not server.sql(query):
        assert time.monotonic() < ends, query
        time.sleep(0.1)
