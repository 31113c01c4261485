"""The program on a fresh, migrated database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testing.server import Server
from tests.cli.papers import Papers
from tests.cli.program import Program


@pytest.fixture
def program(database_url: str) -> Program:
    return Program(database_url)


@pytest.fixture
def papers(database_url: str) -> Papers:
    """What is in the program's database."""
    return Papers(database_url)


@pytest.fixture
def copy(server: Server, template: str) -> Iterator[Program]:
    """The program on another database."""
    with server.database(template) as name:
        yield Program(server.url(name))


@pytest.fixture
def copied(copy: Program) -> Papers:
    """What is in that one."""
    return Papers(copy.environment["ALFRD_DATABASE_URL"])
