"""Settings of server, database, role and environment: the same documents come out whatever they say."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from alfrd_events.db.database import Database
from alfrd_events.db.session import STATED, Session
from testing.pgbouncer import PgBouncer
from testing.server import Server
from tests.cli.program import Program

ALONE = {
    "client_encoding": ["LATIN1", "SQL_ASCII"],
    "DateStyle": ["German", "SQL, DMY", "Postgres, MDY"],
    "TimeZone": ["<+03>-03"],
    "standard_conforming_strings": ["off"],
    "search_path": ["hostile, pg_catalog"],
    "exit_on_error": ["on"],
}
"""Each of these broke something, or would."""
TOGETHER = {
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "TimeZone": "Asia/Kathmandu",
    "backslash_quote": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "row_security": "off",
    "gin_fuzzy_search_limit": "1",
    "client_min_messages": "debug5",
    "idle_session_timeout": "900ms",
    "idle_in_transaction_session_timeout": "900ms",
    "xmloption": "document",
    "xmlbinary": "hex",
    "default_text_search_config": "pg_catalog.german",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "plan_cache_mode": "force_generic_plan",
    "check_function_bodies": "off",
    "enable_seqscan": "off",
    "enable_indexscan": "off",
    "from_collapse_limit": "1",
    "work_mem": "64",
    "jit_above_cost": "0",
    "log_parameter_max_length_on_error": "-1",
}
HOSTILE = [{name: value} for name, values in ALONE.items() for value in values]
WORST = {**TOGETHER, **{name: values[0] for name, values in ALONE.items()}}

BILL = """Stadtwerke Köln GmbH
Rechnung
Rechnungsdatum: 05.03.2024
Fällig am: 19.03.2024
Gesamtbetrag: 1.234,50 €
"""
COLUMNS = "filename, status, document_type, entity, document_date, due_date, total_amount, currency, summary"


@pytest.fixture
def known_good(database: str, server: Server, tmp_path: Path) -> dict[str, Any]:
    """What comes out with the settings that PostgreSQL starts with."""
    program = Program(server.url(database))
    came_out = _all_commands(program, tmp_path, server.url(database))
    with psycopg.connect(server.url(database), autocommit=True) as connection:
        connection.execute("delete from alfrd.documents")
        connection.execute("delete from alfrd.series")
    return came_out


def _all_commands(program: Program, tmp_path: Path, url: str) -> dict[str, Any]:
    """Put a bill through the pipeline and look at it by each command; the answers without ids and times."""
    file = tmp_path / "請求書-Köln.txt"
    file.write_text(BILL)
    program.inside("add", file)
    _, complaints = program.inside("run", "--once")
    (document,) = program.json("documents")
    found = program.json("search", "köln")
    shown = program.json("show", document["id"], "--text")
    program.inside("status")
    program.inside("events", document["id"])
    program.inside("explain", document["id"])
    with psycopg.connect(url, client_encoding="UTF8") as connection:
        stored = connection.execute("select string_agg(text, '' order by number) from alfrd.pages").fetchone()
    return {
        "complaints": [line for line in complaints.splitlines() if "warning" in line or "error" in line],
        "document": {name: document[name] for name in COLUMNS.split(", ")},
        "found": [row["filename"] for row in found],
        "text": [page["text"] for page in shown["pages"]],
        "values": shown["structured_data"],
        "scores": [(row["step"], row["score"]) for row in shown["scores"]],
        "stored": stored,
    }


@pytest.mark.parametrize("settings", [*HOSTILE, TOGETHER], ids=lambda given: ", ".join(list(given)[:1]))
def test_settings_of_the_database_change_nothing(
    known_good: dict[str, Any], database: str, server: Server, tmp_path: Path, settings: dict[str, str]
) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as administrator:
        for name, value in settings.items():
            administrator.execute(f"alter database {database} set {name} = {_literal(value)}")  # type: ignore[call-overload]

    url = server.url(database)
    assert _all_commands(Program(url), tmp_path, url) == known_good


def test_settings_of_the_role_change_nothing(
    known_good: dict[str, Any], database: str, server: Server, tmp_path: Path
) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as administrator:
        administrator.execute("create role odd login superuser")
        for name, value in WORST.items():
            administrator.execute(f"alter role odd set {name} = {_literal(value)}")  # type: ignore[call-overload]
    try:
        url = server.url(database)
        assert _all_commands(Program(url.replace("postgres@", "odd@")), tmp_path, url) == known_good
    finally:
        server.sql("drop role odd")


@pytest.mark.parametrize(
    "environment",
    [
        {"PGCLIENTENCODING": "LATIN1"},
        {"PGDATESTYLE": "German", "PGTZ": "<+03>-03"},
        {"PGOPTIONS": "-c datestyle=German -c client_encoding=LATIN1 -c extra_float_digits=-15"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_variables_of_libpq_change_nothing(
    known_good: dict[str, Any], database: str, server: Server, tmp_path: Path, environment: dict[str, str]
) -> None:
    url = server.url(database)
    assert _all_commands(Program(url, **environment), tmp_path, url) == known_good


def test_options_of_the_url_hold_where_we_need_nothing_else(database: str, server: Server) -> None:
    async def asked() -> tuple[Any, ...]:
        url = f"{server.url(database)}&options=-c%20datestyle%3DGerman%20-c%20work_mem%3D7MB"
        async with Database(url, max_size=1) as pool:
            return (await pool.value("show datestyle"), await pool.value("show work_mem"))

    assert asyncio.run(asked()) == ("ISO, MDY", "7MB")


def test_what_is_stated_outlives_a_reset(database: str, server: Server) -> None:
    for name, value in WORST.items():
        server.sql(f"alter database {database} set {name} = {_literal(value)}")

    async def after_reset() -> dict[str, str]:
        async with await Session.connect(server.url(database), autocommit=True) as session:
            await session.execute("discard all")
            found = {}
            for name in (*STATED, "client_encoding"):
                cursor = await session.execute("select current_setting(%s)", [name])
                (found[name],) = await cursor.fetchone() or ("",)
            return found

    assert asyncio.run(after_reset()) == {**STATED, "client_encoding": "UTF8"}


def test_through_pgbouncer_they_change_nothing_either(
    known_good: dict[str, Any], database: str, server: Server, pooler: PgBouncer, tmp_path: Path
) -> None:
    """It refuses start-up options, and gives each transaction another session."""
    for name, value in WORST.items():
        server.sql(f"alter database {database} set {name} = {_literal(value)}")

    url = server.url(database)
    assert _all_commands(Program(pooler.url(database), ALFRD_LISTEN_URL=url), tmp_path, url) == known_good


def test_what_we_set_through_pgbouncer_does_not_leak_to_others(
    database: str, server: Server, pooler: PgBouncer
) -> None:
    server.sql(f"alter database {database} set extra_float_digits = '-15'")
    server.sql(f"alter database {database} set datestyle = 'German'")

    async def look() -> None:
        async with Database(pooler.url(database), max_size=1) as pool:
            seen = [
                await pool.value("select 0.1::float8 + 0.2::float8 || ' ' || date '2024-03-05'")
                for _ in range(3)
            ]
        assert seen == ["0.30000000000000004 2024-03-05"] * 3

    asyncio.run(look())
    with psycopg.connect(pooler.url(database), autocommit=True, prepare_threshold=None) as other:
        for _ in range(8):
            row = other.execute(
                "select current_setting('extra_float_digits'), date '2024-03-05'::text"
            ).fetchone()
            assert row == ("-15", "05.03.2024")


@pytest.mark.parametrize("settings", [{"DateStyle": "German"}, {"client_encoding": "LATIN1"}, WORST], ids=str)
def test_a_database_with_odd_settings_is_migrated_like_any_other(
    empty_database_url: str, server: Server, settings: dict[str, str]
) -> None:
    name = empty_database_url.split("@/")[-1].split("?")[0].rsplit("/", 1)[-1]
    for setting, value in settings.items():
        server.sql(f"alter database {name} set {setting} = {_literal(value)}")

    Program(empty_database_url).inside("migrate")
    with psycopg.connect(server.url(name), client_encoding="UTF8") as connection:
        odd = connection.execute(
            "select string_agg(prosrc, '' order by proname, oid) from pg_proc"
            " where pronamespace = 'alfrd'::regnamespace"
        ).fetchone()
    server.sql(f"alter database {name} reset all")
    with psycopg.connect(server.url("alfrd_template")) as connection:
        usual = connection.execute(
            "select string_agg(prosrc, '' order by proname, oid) from pg_proc"
            " where pronamespace = 'alfrd'::regnamespace"
        ).fetchone()
    assert odd is not None
    assert usual is not None
    assert sorted(odd[0]) == sorted(usual[0])


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "WIN1252", "EUC_JP"])
def test_a_database_of_another_encoding_is_refused_in_a_line(
    server: Server, tmp_path: Path, encoding: str
) -> None:
    server.sql(f"create database narrow template template0 encoding '{encoding}' lc_collate 'C' lc_ctype 'C'")
    try:
        program = Program(server.url("narrow"))
        for command in (["migrate"], ["run", "--once"], ["status"], ["doctor"]):
            out, err = program.inside(*command, exit_code=1)
            (line,) = [line for line in (out + err).splitlines() if encoding in line]
            assert "database narrow has the encoding" in line
            assert "createdb --encoding=UTF8" in line
            assert "unexpected" not in out + err
    finally:
        server.sql("drop database narrow with (force)")


def _literal(value: str) -> str:
    return value if value.startswith("hostile") else f"'{value}'"


def test_an_idle_worker_is_not_cut_off_by_a_limit_on_idle_sessions(
    database: str, server: Server, tmp_path: Path
) -> None:
    server.sql(f"alter database {database} set idle_session_timeout = '1s'")
    program = Program(server.url(database))
    listening = (
        f"select pid from pg_stat_activity where datname = '{database}' and application_name like '%listener'"
    )
    with program.started("run") as worker:
        first = _rows(server, listening)
        time.sleep(3)  # longer than the limit, which is what is tested
        assert _rows(server, listening) == first
        worker.terminate()
        out, err = worker.communicate(timeout=30)

    assert "warning" not in out + err


def _rows(server: Server, query: str) -> list[tuple[Any, ...]]:
    ends = time.monotonic() + 30
    while not (rows := server.sql(query)):
        assert time.monotonic() < ends, query
        time.sleep(0.1)
    return rows
