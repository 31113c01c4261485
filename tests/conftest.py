"""A real server for each test process, and a database of its own for each test.

The database is cloned from a template that was migrated once, so that tests can run side by side.
``async def`` tests run under ``asyncio.run``, with their ``db`` opened in the same loop.
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
from tests.support.server import Server

_numbers = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server that this process's tests share; a test that stops it starts one of its own."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """A migrated database to clone."""
    _administer(server, "create database alfrd_template")
    asyncio.run(migrate(server.url("alfrd_template")))
    return "alfrd_template"


@pytest.fixture
def empty_database_url(server: Server) -> Iterator[str]:
    """A database without anything in it."""
    name = f"test_{next(_numbers)}"
    _administer(server, f"create database {name}")
    yield server.url(name)
    _administer(server, f"drop database {name} with (force)")


@pytest.fixture
def database_url(server: Server, template: str) -> Iterator[str]:
    """A migrated database."""
    name = f"test_{next(_numbers)}"
    _administer(server, f"create database {name} template {template}")
    yield server.url(name)
    _administer(server, f"drop database {name} with (force)")


@pytest.fixture
def db(database_url: str) -> Harness:
    """A migrated database with handles on the engine."""
    return Harness(database_url)


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
