"""The program on a fresh, migrated database."""

from __future__ import annotations

import pytest

from tests.cli.program import Program


@pytest.fixture
def program(database_url: str) -> Program:
    return Program(database_url)
