"""A set-up in which documents would be passed over is named, and a worker does not begin where it would be blind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.server import Server
from tests.cli.program import Program, bill

FORCE = "alter table alfrd.documents enable row level security, force row level security"
POLICY = "create policy tenant on alfrd.documents using (owner = current_setting('app.tenant', true))"


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: roles belong to all databases of one."""
    server = Server()
    server.sql("create role own login createrole")
    yield server
    server.remove()


@pytest.fixture
def owned(lone: Server) -> tuple[Program, Program]:
    """The program as the owner, who is no superuser, and as a worker's login, on a database that is migrated."""
    lone.sql("drop database if exists papers with (force)")
    lone.sql("create database papers owner own")
    owner = Program(lone.url("papers").replace("postgres@", "own@"))
    owner.inside("migrate")
    if not lone.sql("select 1 from pg_roles where rolname = 'mill'"):
        lone.sql("create role mill login in role alfrd_worker")
    return owner, Program(lone.url("papers").replace("postgres@", "mill@"))


def _as(lone: Server, statement: str) -> None:
    lone.sql(statement, "papers")


def test_nothing_is_wrong_with_a_fresh_database(owned: tuple[Program, Program]) -> None:
    for program in owned:
        assert program.json("status")["complaints"] == []
        assert {"check": "access", "good": True} in [
            {"check": one["check"], "good": one["good"]} for one in program.json("doctor")
        ]


def test_rows_that_are_forced_away_from_the_engine_stop_it(
    lone: Server, owned: tuple[Program, Program], tmp_path: Path
) -> None:
    owner, _ = owned
    owner.inside("add", bill(tmp_path))
    _as(lone, FORCE)
    _as(lone, POLICY)

    for program in owned:
        _, error = program.inside("run", "--once", exit_code=1)
        assert "row level security hides rows of alfrd.documents from the engine itself" in error
        assert "no force row level security" in error
    assert "hides rows of alfrd.documents" in owner.inside("status")[0]
    assert (
        "✗ access: row level security hides rows of alfrd.documents" in owner.inside("doctor", exit_code=1)[0]
    )

    _as(lone, "alter table alfrd.documents no force row level security")
    assert "1 completed" in owner.inside("run", "--once")[0]


def test_rows_that_are_hidden_from_a_login_are_told_of(
    lone: Server, owned: tuple[Program, Program], tmp_path: Path
) -> None:
    owner, worker = owned
    owner.inside("add", bill(tmp_path))
    _as(lone, "alter table alfrd.documents enable row level security")

    out, _ = worker.inside("status")
    assert "0 documents" in out
    assert "row level security may hide rows of alfrd.documents from mill" in out
    assert "from mill" in worker.inside("doctor", exit_code=1)[0]
    _, log = worker.inside("run", "--once")
    assert "may hide rows of alfrd.documents from mill" in log


def test_a_session_in_which_triggers_do_not_fire_does_no_work(
    lone: Server, owned: tuple[Program, Program]
) -> None:
    lone.sql("alter database papers set session_replication_role = replica")

    _, error = owned[0].inside("run", "--once", exit_code=1)

    assert "session_replication_role is replica for own: triggers do not fire" in error
    assert "session_replication_role" in owned[0].inside("doctor", exit_code=1)[0]


def test_a_login_without_rights_is_told_which_it_lacks(lone: Server, owned: tuple[Program, Program]) -> None:
    if not lone.sql("select 1 from pg_roles where rolname = 'wall'"):
        lone.sql("create role wall login in role alfrd_reader")
    reader = Program(owned[0].environment["ALFRD_DATABASE_URL"].replace("own@", "wall@"))

    _, error = reader.inside("run", "--once", exit_code=1)

    assert "wall may not work here" in error
    assert "grant alfrd_worker to wall" in error
    assert reader.json("status")["complaints"] == []


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("alter table alfrd.documents disable trigger all", "triggers are disabled: "),
        (
            "alter table alfrd.documents disable trigger documents_inserted",
            "documents_inserted on alfrd.documents",
        ),
        ("alter table alfrd.files enable replica trigger files_updated", "files_updated on alfrd.files"),
        ("grant execute on function alfrd.pause(text, text) to public", "not what the last migration left"),
        ("drop function alfrd.usage_by(text)", "not what the last migration left"),
        ("alter function alfrd.notify(text[]) reset all", None),
        ("alter database papers set synchronous_commit = off", "synchronous_commit is off"),
        (
            "alter table alfrd.pages replica identity nothing; create publication everything for all tables",
            "a publication covers alfrd.pages, which has no replica identity",
        ),
    ],
)
def test_what_was_changed_by_hand_is_named_and_mended_by_migrate(
    lone: Server, owned: tuple[Program, Program], harm: str, told: str | None
) -> None:
    owner, _ = owned
    for statement in harm.split("; "):
        _as(lone, statement)

    if told is not None:
        assert told in owner.inside("doctor", exit_code=1)[0]
        assert told in owner.inside("status")[0]
    for undo in ("alter database papers reset all", "drop publication if exists everything"):
        lone.sql(undo, "papers")
    _as(lone, "alter table alfrd.documents enable trigger all")
    owner.inside("migrate")
    owner.inside("migrate")
    _as(lone, "alter table alfrd.pages replica identity default")
    assert owner.json("status")["complaints"] == []
