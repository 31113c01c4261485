"""A real server for each test process, and a database of its own for each test.

The database is cloned from a template that was migrated once, so that tests can run side by side.

The way to the server can be another one (``testing/routes.py``), and a test's marks say what it needs
(``tests/support/tiers.py``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator

import psycopg
import pytest

from alfrd_events.db.migrate import migrate
from testing.harness import Harness
from testing.pgbouncer import NOT_INSTALLED, PROGRAM, PgBouncer
from testing.routes import ROUTE, ROUTES
from testing.server import Server
from tests.support import tiers

LOGINS = {"shop": "alfrd_app", "mill": "alfrd_worker", "wall": "alfrd_reader"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what a job of continuous integration asks for."""
    parser.addoption(
        "--no-skips", action="store_true", help="fail each test that skips itself, but for not_by_route"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a route that does not exist, and name our markers."""
    if ROUTE not in ROUTES:
        raise pytest.UsageError(f"ALFRD_TEST_ROUTE: there is no route {ROUTE!r}")
    config.addinivalue_line("markers", "not_by_route(route, reason): the route cannot do what this tests")
    for name, meaning in tiers.MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with what it needs, and leave out what the route has no bearing on."""
    for item in items:
        for name in tiers.needs(item):
            item.add_marker(name)
    if ROUTE:
        left = {item for item in items if not _is_on_the_route(item)}
        config.hook.pytest_deselected(items=list(left))
        items[:] = [item for item in items if item not in left]


def _is_on_the_route(item: pytest.Item) -> bool:
    """Whether the route makes a difference: a pool goes through the entrance, and only a worker listens."""
    assert isinstance(item, pytest.Function)
    starts_a_worker = "run_worker" in vars(item.module)
    return "entrance" in item.fixturenames and (ROUTE != "deaf" or starts_a_worker)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what the chosen route cannot do."""
    for marker in _left_out_by_route(item):
        pytest.skip(f"not by {ROUTE}: {marker.kwargs['reason']}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With ``--no-skips`` a test that skips itself fails: what is missing would not be seen otherwise."""
    report = yield
    if report.skipped and item.config.getoption("no_skips") and not _left_out_by_route(item):
        report.outcome = "failed"
        report.longrepr = f"skipped, which --no-skips forbids: {report.longrepr}"
    return report


def _left_out_by_route(item: pytest.Item) -> list[pytest.Mark]:
    return [marker for marker in item.iter_markers("not_by_route") if marker.args[0] == ROUTE]


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
    if ROUTE != "pgbouncer":
        return server
    pooler: PgBouncer = request.getfixturevalue("pooler")
    return pooler


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """A migrated database to clone."""
    server.sql("create database alfrd_template")
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
    with server.database() as name:
        yield entrance.url(name)


@pytest.fixture
def database(server: Server, template: str) -> Iterator[str]:
    """The name of a migrated database."""
    with server.database(template) as name:
        yield name


@pytest.fixture
def database_url(database: str, entrance: Server | PgBouncer) -> str:
    """A migrated database."""
    return entrance.url(database)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Harness]:
    """A migrated database with handles on the engine."""
    async with Harness(database_url) as harness:
        yield harness


@pytest.fixture
async def empty_copy(server: Server, entrance: Server | PgBouncer, template: str) -> AsyncIterator[Harness]:
    """Another migrated database, to compare with."""
    with server.database(template) as name:
        async with Harness(entrance.url(name)) as harness:
            yield harness
