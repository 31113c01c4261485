"""Every function that a role may call, with values that nobody should send.

A call may be refused, by a code that says why: one of ours, a value that its type does not hold, a check of a table, a
missing right. It may not reach an internal error, wait without end, or change what its role may not change.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql

from testing.server import Server
from tests.values.extremes import CONTROL, JSONS, TURNED, extreme

SEED = 20240301
CALLS = 300
SECONDS = 5
REFUSALS = ("AL", "22P02", "22003", "22007", "22008", "23514", "42501")
"""A code of ours; text that its type does not read; a number or date out of range; a check of a table; a right."""
ROLES = {"shop": "alfrd_app", "mill": "alfrd_worker", "wall": "alfrd_reader"}

KINDS: dict[str, list[str | None]] = {
    "uuid": [None, "00000000-0000-0000-0000-000000000000"],
    "text": [
        None,
        "",
        "ocr",
        "classifier",
        "completed",
        "day",
        CONTROL,
        TURNED,
        "%s",
        "x" * 20_000,
        "-1",
        "NaN",
    ],
    "bool": [None, "t", "f"],
    "int2": [None, "-32768", "32767", "1"],
    "int4": [None, "-2147483648", "2147483647", "0", "1"],
    "int8": [None, "-9223372036854775808", "9223372036854775807", "0", "1"],
    "float4": [None, "NaN", "Infinity", "-1", "0.5"],
    "float8": [None, "NaN", "Infinity", "-Infinity", "1e300", "-1", "30"],
    "numeric": [None, "NaN", "Infinity", "1e130", "-1"],
    "interval": [None, "178000000 years", "-178000000 years", "0", "1 day"],
    "timestamptz": [None, "infinity", "-infinity", "0044-03-15 BC"],
    "bytea": [None, "", "\\x00ff"],
    "jsonb": [None, *JSONS, "[{}]", '[{"task_id": "x"}]', '{"ocr": "many"}', '{"ocr": 1}', '{"ocr": -1}'],
    "json": [None, *JSONS],
}
ARRAYS = {"_bytea", "_text", "_int4", "_int8", "_numeric", "_uuid"}


class Function(NamedTuple):
    name: str
    arguments: tuple[tuple[str, str], ...]
    """Name and type of each."""


@pytest.fixture(scope="module")
def target(server: Server, worked: str, signed_in_once: None) -> Iterator[str]:
    server.sql(f"create database hostile template {worked}")
    yield "hostile"
    server.sql("drop database hostile with (force)")


@pytest.fixture(scope="module")
def signed_in_once(server: Server, worked: str) -> None:
    for login, role in ROLES.items():
        server.sql(
            f"do $$ begin create role {login} login in role {role};"
            " exception when duplicate_object then null; end $$"
        )


@pytest.mark.parametrize("login", ROLES)
def test_hostile_values_reach_no_internal_error(server: Server, target: str, login: str) -> None:
    """Each call is rolled back, so that the next one meets the same rows."""
    chosen = random.Random(SEED)
    bad: dict[str, set[str]] = {}
    with psycopg.connect(server.url(target).replace("postgres@", f"{login}@")) as connection:
        connection.execute("select set_config('statement_timeout', %s, false)", [f"{SECONDS}s"])
        connection.commit()
        for function in _functions(connection):
            for values in _values(function, chosen, _ids(connection)):
                if problem := _problem(connection, function, values):
                    bad.setdefault(function.name, set()).add(problem)
    unexpected = {name: sorted(problems) for name, problems in bad.items()}
    assert not unexpected, _told(unexpected)


def test_a_reader_changes_nothing_whatever_it_calls(server: Server, target: str) -> None:
    chosen = random.Random(SEED + 1)
    before = _contents(server, target)
    url = server.url(target).replace("postgres@", "wall@")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select set_config('statement_timeout', %s, false)", [f"{SECONDS}s"])
        functions = _functions(connection)
        for function in functions:
            for values in _values(function, chosen, _ids(connection))[:40]:
                _problem(connection, function, values)

    assert functions
    assert _contents(server, target) == before


def _told(problems: dict[str, list[str]]) -> str:
    return "\n".join(f"{name}: {'; '.join(each)}" for name, each in sorted(problems.items()))


def _functions(connection: psycopg.Connection[Any]) -> list[Function]:
    """What the role that is signed in may call."""
    rows = connection.execute(
        "select p.proname, coalesce(p.proargnames[1:p.pronargs], '{}'),"
        "       array(select t.typname from unnest(p.proargtypes) with ordinality as a(type, place)"
        "               join pg_type t on t.oid = a.type order by a.place)"
        "  from pg_proc p where p.pronamespace = 'alfrd'::regnamespace and p.prokind = 'f'"
        "   and p.prorettype <> 'trigger'::regtype and has_function_privilege(p.oid, 'execute')"
        "   and has_schema_privilege('alfrd', 'usage') order by p.proname, p.oid"
    ).fetchall()
    connection.rollback()
    return [
        Function(name, tuple(zip(names or [""] * len(types), types, strict=False)))
        for name, names, types in rows
        if all(kind in KINDS or kind in ARRAYS for kind in types)
    ]


def _ids(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Names of rows that are there, so that calls get past the first look-up."""
    rows = connection.execute(
        "select 'uuid', id::text from alfrd.documents union all select 'uuid', id::text from alfrd.files"
        " union all select 'int8', id::text from alfrd.workers union all select 'int8', id::text from alfrd.tasks"
        " union all select 'int8', id::text from alfrd.prompts union all select 'int8', id::text from alfrd.trials"
    ).fetchall()
    connection.rollback()
    found: dict[str, list[str]] = {"uuid": [], "int8": []}
    for kind, id in rows:
        found[kind].append(id)
    return found


def _values(function: Function, chosen: random.Random, ids: dict[str, list[str]]) -> list[list[str | None]]:
    """So many lists of arguments; in one the odd value is alone, in another all are odd."""
    pools = [_pool(kind, ids) for _, kind in function.arguments]
    alone = [
        [
            chosen.choice(ids.get(kind) or pool)
            for (_, kind), pool in zip(function.arguments, pools, strict=True)
        ]
        for _ in range(CALLS if pools else 1)
    ]
    for number, values in enumerate(alone):
        for place in range(len(values)):
            if number % 3 == 0 or number % len(values) == place:
                values[place] = chosen.choice(pools[place])
    return alone


def _pool(kind: str, ids: dict[str, list[str]]) -> list[str | None]:
    if kind in ARRAYS:
        return [None, *(extreme(kind, number) for number in range(6))]
    return [*KINDS[kind], *ids.get(kind, [])]


def _problem(connection: psycopg.Connection[Any], function: Function, values: list[str | None]) -> str:
    """What is wrong with how a call ended; empty if nothing is."""
    arguments = sql.SQL(", ").join(  # type: ignore[call-overload]
        [sql.SQL("{}::{}").format(sql.Placeholder(), sql.SQL(_type(kind))) for _, kind in function.arguments]
    )
    statement = sql.SQL("select * from alfrd.{}({})").format(sql.Identifier(function.name), arguments)
    try:
        with connection.transaction(force_rollback=not connection.autocommit):
            connection.execute(statement, values)
    except psycopg.Error as error:
        if (error.sqlstate or "").startswith(REFUSALS):
            return ""
        return f"{error.sqlstate} {error.diag.message_primary}"[:120]
    return ""


def _type(kind: str) -> str:
    return f"{kind[1:]}[]" if kind.startswith("_") else kind


def _contents(server: Server, database: str) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of them."""
    tables = server.sql(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'alfrd'::regnamespace", database
    )
    return {
        table: server.sql(
            "select count(*), coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '')"
            f" from alfrd.{table} t",
            database,
        )[0]
        for (table,) in tables
    }
