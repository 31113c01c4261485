"""``make lint-functions`` finds what no test has run, and says so where it cannot look."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from alfrd_events.db.migrate import migrate
from testing.server import Server
from tools import lint_functions

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A migrated database on a server that can load plpgsql_check."""
    if not lint_functions.is_installed(lint_functions.PROGRAMS):
        pytest.skip(f"{lint_functions.PACKAGE} is not installed")
    server = Server(programs=lint_functions.PROGRAMS)
    asyncio.run(migrate(server.url("postgres")))
    yield server.url("postgres")
    server.remove()


def test_our_functions_have_no_error(url: str) -> None:
    assert lint_functions.complaints(url) == []


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (
            "create function alfrd.zz_broken(p boolean) returns void language plpgsql as"
            " $$ begin if p then perform no_such_column from alfrd.documents; end if; end $$",
            'alfrd.zz_broken(boolean):1: error: column "no_such_column" does not exist',
        ),
        (
            "create function alfrd.zz_broken() returns trigger language plpgsql as"
            " $$ begin perform from those_rows; return null; end $$;"
            "create trigger zz_broken after insert on alfrd.documents referencing new table as new_rows"
            " for each statement execute function alfrd.zz_broken()",
            'alfrd.zz_broken():1: error: relation "those_rows" does not exist',
        ),
        (
            "create function alfrd.zz_broken(p text) returns void language plpgsql as"
            " $$ begin execute 'select ' || p; end $$",
            "alfrd.zz_broken(text):1: security: text type variable is not sanitized",
        ),
    ],
    ids=["a column", "a transition table", "an injection"],
)
def test_a_broken_function_is_found(url: str, function: str, says: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(function)  # type: ignore[call-overload]
        try:
            found = lint_functions.complaints(url)
        finally:
            connection.execute("drop function alfrd.zz_broken cascade")
    assert [complaint for complaint in found if complaint.startswith(says)] == found != []


def test_without_the_package_it_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.lint_functions", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout == (
        f"functions are not checked: {lint_functions.PACKAGE} is not installed for {tmp_path}\n"
    )
