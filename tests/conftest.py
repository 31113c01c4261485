"""A real server for each test process, and a database of its own for each test.

The database is cloned from a template that was migrated once, so that tests can run side by side.
``async def`` tests run under ``asyncio.run``, with their ``db`` opened in the same loop.

The way to the server can be another one: see ``tests/support/routes.py``.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import psycopg
import pytest

from alfrd_events.db.migrate import migrate
from tests.support.harness import Harness
from tests.support.pgbouncer import NOT_INSTALLED, PROGRAM, PgBouncer
from tests.support.routes import ROUTE, ROUTES
from tests.support.server import Server

_numbers = count(1)
LOGINS = {"shop": "alfrd_app", "mill": "alfrd_worker", "wall": "alfrd_reader"}


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a route that nobody knows, and name our marker."""
    if ROUTE not in ROUTES:
        raise pytest.UsageError(f"ALFRD_TEST_ROUTE: there is no route {ROUTE!r}")
    config.addinivalue_line("markers", "not_by_route(route, reason): what it tests is not to be had that way")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what the chosen route cannot do."""
    for marker in item.iter_markers("not_by_route"):
        if marker.args[0] == ROUTE:
            pytest.skip(f"not by {ROUTE}: {marker.kwargs['reason']}")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server that this process's tests share; a test that stops it starts one of its own."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def pooler(server: Server) -> Iterator[PgBouncer]:
    """A PgBouncer in transaction mode before it."""
    if PROGRAM is None:
        pytest.skip(NOT_INSTALLED)
    pooler = PgBouncer(server)
    yield pooler
    pooler.stop()


@pytest.fixture(scope="session")
def entrance(server: Server, request: pytest.FixtureRequest) -> Server | PgBouncer:
    """Where pools connect to."""
    return request.getfixturevalue("pooler") if ROUTE == "pgbouncer" else server


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """A migrated database to clone."""
    _administer(server, "create database alfrd_template")
    asyncio.run(migrate(server.url("alfrd_template")))
    return "alfrd_template"


@pytest.fixture
def signed_in(server: Server, template: str) -> dict[str, str]:
    """Logins of the three roles."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for login, role in LOGINS.items():
            if not connection.execute("select 1 from pg_roles where rolname = %s", [login]).fetchone():
                connection.execute(f"create role {login} login in role {role}")  # type: ignore[call-overload]
    return LOGINS


@pytest.fixture
def empty_database_url(server: Server, entrance: Server | PgBouncer) -> Iterator[str]:
    """A database without anything in it."""
    name = f"test_{next(_numbers)}"
    _administer(server, f"create database {name}")
    yield entrance.url(name)
    _administer(server, f"drop database {name} with (force)")


@pytest.fixture
def database(server: Server, template: str) -> Iterator[str]:
    """The name of a migrated database."""
    name = f"test_{next(_numbers)}"
    _administer(server, f"create database {name} template {template}")
    yield name
    _administer(server, f"drop database {name} with (force)")


@pytest.fixture
def database_url(database: str, entrance: Server | PgBouncer) -> str:
    """A migrated database."""
    return entrance.url(database)


@pytest.fixture
def db(database_url: str) -> Harness:
    """A migrated database with handles on the engine."""
    return Harness(database_url)


@pytest.fixture
def empty_copy(server: Server, entrance: Server | PgBouncer, template: str) -> Iterator[Harness]:
    """Another migrated database, to compare with."""
    name = f"test_{next(_numbers)}"
    _administer(server, f"create database {name} template {template}")
    yield Harness(entrance.url(name))
    _administer(server, f"drop database {name} with (force)")


def _administer(server: Server, statement: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests, and open their harness in the loop that they run in."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in wanted}

    async def run() -> None:
        async with AsyncExitStack() as stack:
            for value in arguments.values():
                if isinstance(value, Harness):
                    await stack.enter_async_context(value)
            await pyfuncitem.obj(**arguments)

    asyncio.run(run())
    return True
