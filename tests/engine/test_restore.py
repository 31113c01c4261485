"""A dump that is restored: with roles, without them, without privileges, data alone; and a copy that is replicated."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from testing.server import CONFIGURATION, Server, binaries
from tests.cli.program import Program, bill

ROLES = ("alfrd_app", "alfrd_worker", "alfrd_reader")
LOGICAL = CONFIGURATION + "wal_level = logical\n"


@pytest.fixture(scope="module")
def other() -> Iterator[Server]:
    """Another cluster, which knows none of our roles at first."""
    server = Server(LOGICAL)
    yield server
    server.remove()


@pytest.fixture
def target(other: Server) -> Iterator[str]:
    """An empty database in it."""
    for role in ROLES:
        assert not other.sql(f"select 1 from pg_roles where rolname = '{role}'")
    other.sql("create database copy")
    yield other.url("copy")
    other.sql("drop database copy with (force)")
    for role in ROLES:
        other.sql(f"drop role if exists {role}")


@pytest.fixture
def worked_on(database: str, server: Server, tmp_path: Path) -> Program:
    """A database in which a document was completed, one waits, and one was corrected."""
    program = Program(server.url(database))
    program.inside("add", bill(tmp_path, 10), bill(tmp_path, 11))
    program.inside("run", "--once")
    server.sql("update alfrd.documents set entity = 'Corrected' where filename = 'bill-10.txt'", database)
    program.inside("add", bill(tmp_path, 12))
    return program


def _dump(server: Server, database: str, tmp_path: Path, *options: str) -> Path:
    dump = tmp_path / "dump"
    command = [str(binaries() / "pg_dump"), "-Fc", *options, "-f", str(dump), server.url(database)]
    subprocess.run(command, check=True, capture_output=True)
    return dump


def _restore(dump: Path, url: str, *options: str) -> str:
    command = [str(binaries() / "pg_restore"), *options, "-d", url, str(dump)]
    return subprocess.run(command, capture_output=True, text=True).stderr


def _rights(url: str) -> list[tuple[object, ...]]:
    """Who may do what, PUBLIC among them; an object without a list has PostgreSQL's defaults."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select name, coalesce(r.rolname, 'public') as grantee, privilege_type from ("
            " select nspname::text as name, (aclexplode(coalesce(nspacl, acldefault('n', nspowner)))).*"
            "   from pg_namespace where nspname = 'alfrd'"
            " union all select relname || '', (aclexplode(coalesce(relacl, acldefault('r', relowner)))).*"
            "   from pg_class where relnamespace = 'alfrd'::regnamespace and relkind in ('r', 'v')"
            " union all select c.relname || '.' || attname, (aclexplode(attacl)).*"
            "   from pg_attribute a join pg_class c on c.oid = attrelid where relnamespace = 'alfrd'::regnamespace"
            " union all select proname || pronargs, (aclexplode(coalesce(proacl, acldefault('f', proowner)))).*"
            "   from pg_proc where pronamespace = 'alfrd'::regnamespace) as a left join pg_roles r on r.oid = grantee"
            " order by 1, 2, 3"
        ).fetchall()


def _all_is_there(program: Program, url: str) -> None:
    """What waits is done, nothing is done twice, and doctor finds all well."""
    assert program.json("status")["complaints"] == []
    with psycopg.connect(url) as connection:
        before = connection.execute("select count(*), max(id) from alfrd.events").fetchone()
    program.inside("run", "--once")
    rows = {row["filename"]: (row["status"], row["entity"]) for row in program.json("documents")}
    assert {name: status for name, (status, _) in rows.items()} == {
        f"bill-{day}.txt": "completed" for day in (10, 11, 12)
    }
    assert rows["bill-10.txt"][1] == "Corrected"
    with psycopg.connect(url) as connection:
        (twice,) = connection.execute(
            "select count(*) from (select from alfrd.events where kind = 'completed' and step = 'ocr'"
            "  group by subject_id having count(*) > 1) as s"
        ).fetchone() or (None,)
    assert before is not None
    assert twice == 0


@pytest.mark.parametrize(
    "options",
    [["--no-owner"], ["--no-owner", "--no-privileges"], ["--no-owner", "--no-acl", "--exit-on-error"]],
    ids=" ".join,
)
def test_migrate_brings_back_what_a_restore_without_roles_loses(
    worked_on: Program, database: str, server: Server, target: str, tmp_path: Path, options: list[str]
) -> None:
    _restore(_dump(server, database, tmp_path), target, *options)
    restored = Program(target)
    assert "✗" in restored.inside("doctor", exit_code=1)[0]

    assert "applied functions" in restored.inside("migrate")[0]
    assert "up to date" in restored.inside("migrate")[0]

    assert _rights(target) == _rights(server.url(database))
    _all_is_there(restored, target)


def test_rights_that_are_granted_after_a_restore_leave_nothing_to_everybody(
    worked_on: Program, database: str, server: Server, target: str, other: Server, tmp_path: Path
) -> None:
    for role in ROLES:
        other.sql(f"create role {role}")
    other.sql("create role wall_there login in role alfrd_reader")
    try:
        _restore(_dump(server, database, tmp_path), target, "--no-owner", "--no-privileges")
        other.sql("select alfrd.grant_rights()", "copy")

        assert _rights(target) == _rights(server.url(database))
        with (
            psycopg.connect(target.replace("postgres@", "wall_there@")) as wall,
            pytest.raises(InsufficientPrivilege),
        ):
            wall.execute("select alfrd.pause('ocr', 'mine')")
    finally:
        other.sql("drop role wall_there")


def test_data_alone_is_restored_into_a_migrated_schema_that_was_emptied(
    worked_on: Program, database: str, server: Server, target: str, tmp_path: Path
) -> None:
    """As docs/postgresql.md says."""
    dump = _dump(server, database, tmp_path)
    restored = Program(target)
    restored.inside("migrate")
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute(
            "do $$ begin execute (select 'truncate ' || string_agg(format('alfrd.%I', tablename), ', ')"
            " from pg_tables where schemaname = 'alfrd' and tablename <> 'migrations'); end $$"
        )
        connection.execute("truncate alfrd.route_cache")  # a trigger has filled it again
    errors = _restore(
        dump,
        target,
        "--data-only",
        "--disable-triggers",
        "--schema=alfrd",
        "-L",
        _without_bookkeeping(dump, tmp_path),
    )

    assert errors == ""
    _all_is_there(restored, target)


def _without_bookkeeping(dump: Path, tmp_path: Path) -> str:
    listed = subprocess.run(
        [binaries() / "pg_restore", "-l", dump], capture_output=True, text=True, check=True
    )
    contents = tmp_path / "contents"
    contents.write_text(
        "".join(
            f"{line}\n" for line in listed.stdout.splitlines() if "TABLE DATA alfrd migrations" not in line
        )
    )
    return str(contents)


def test_every_table_has_a_key_by_which_its_rows_are_replicated(database: str, server: Server) -> None:
    without = server.sql(
        "select relname from pg_class c where relnamespace = 'alfrd'::regnamespace and relkind in ('r', 'p')"
        " and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)"
        " and relreplident not in ('f', 'i')",
        database,
    )

    assert without == []


def test_a_publication_for_all_tables_hinders_nothing_and_its_copy_is_whole(
    other: Server, target: str, tmp_path: Path
) -> None:
    program = Program(target)
    program.inside("migrate")
    other.sql("create database replica")
    try:
        Program(other.url("replica")).inside("migrate")
        other.sql(
            "do $$ begin execute (select 'truncate ' || string_agg(format('alfrd.%I', tablename), ', ')"
            " from pg_tables where schemaname = 'alfrd'); end $$",
            "replica",
        )
        other.sql("create publication everything for all tables", "copy")
        # Within one server the slot has to be made first, or the subscription waits for itself.
        other.sql("select pg_create_logical_replication_slot('copied', 'pgoutput')", "copy")
        other.sql(
            f"create subscription copied connection '{_keywords(other, 'copy')}' publication everything"
            " with (create_slot = false, slot_name = 'copied')",
            "replica",
        )

        program.inside("add", bill(tmp_path, 10), bill(tmp_path, 11))
        program.inside("run", "--once")
        other.sql("update alfrd.documents set entity = 'Corrected' where filename = 'bill-10.txt'", "copy")
        program.inside("run", "--once")
        other.sql("delete from alfrd.documents where filename = 'bill-11.txt'", "copy")
        other.sql("update alfrd.events set at = at - interval '9 days'", "copy")
        assert "forgot" in program.inside("prune", "--older-than", "1")[0]
        assert other.sql("select count(*) from alfrd.events", "copy") == [(0,)]

        _until_applied(other)
        for table in ("documents", "pages", "events", "tasks", "scores", "series", "files"):
            rows = f"select md5(string_agg(t::text, '' order by t::text)), count(*) from alfrd.{table} t"
            assert other.sql(rows, "replica") == other.sql(rows, "copy"), table
    finally:
        other.sql("alter subscription copied disable", "replica")
        other.sql("alter subscription copied set (slot_name = none)", "replica")
        other.sql("drop subscription copied", "replica")
        other.sql("select pg_terminate_backend(active_pid) from pg_replication_slots where active", "copy")
        other.sql("drop database replica with (force)")
        _drop_slot(other)


def _keywords(server: Server, database: str) -> str:
    return f"host={server.directory} port={server.port} user=postgres dbname={database}"


def _until_applied(server: Server) -> None:
    """Until the subscriber has confirmed what is written now."""
    (end,) = server.sql("select pg_current_wal_insert_lsn()", "copy")[0]
    ends = time.monotonic() + 60
    slot = "pg_replication_slots where slot_name = 'copied'"
    query = f"select coalesce(bool_and(confirmed_flush_lsn >= '{end}'), false) from {slot}"
    ready = "select bool_and(srsubstate = 'r') from pg_subscription_rel"
    while server.sql(query, "copy") != [(True,)] or server.sql(ready, "replica") != [(True,)]:
        assert time.monotonic() < ends, server.sql("select * from pg_subscription_rel", "replica")
        time.sleep(0.2)


def _drop_slot(server: Server) -> None:
    ends = time.monotonic() + 20
    while server.sql("select 1 from pg_replication_slots where slot_name = 'copied' and active"):
        assert time.monotonic() < ends
        time.sleep(0.1)
    server.sql("select pg_drop_replication_slot('copied')")
