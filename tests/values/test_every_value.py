"""Whatever a column holds, every command that looks answers, and workers go on.

For each table in turn: all its columns get the ends of what their types hold, so far as the checks of the table let
them, as they might have been written before those checks were there, or with triggers off. Then everything that looks
is run.
"""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from testing.harness import Harness
from tests.values.conftest import work
from tests.values.extremes import EXTREMES, MOST, extreme
from tests.values.looking import FORMS, look_at_everything

KEYS = {"id", "only_row"}
"""A row keeps its name: else nothing would find it, and nothing would be tried."""
GROUPS = [
    ["documents", "routes", "step_results", "prompt_activations"],
    ["files", "corrections", "held", "transitions"],
    ["series", "scores", "limits", "migrations"],
    ["pages", "usage", "pauses", "provider_jobs"],
    ["document_parts", "tasks", "prices", "prompt_families"],
    ["tags", "events", "spending", "prompt_kinds"],
    ["document_types", "workers", "reply_cache", "trials"],
    ["type_suggestions", "prompts", "route_cache", "reference_version", "readings"],
    ["answer_keys", "evaluations", "lessons", "reviews", "series_versions"],
    ["series_rhythms", "series_alerts", "series_aliases", "changed_series", "series_changes"],
    ["bulk_changes", "console_views", "series_fields", "series_views", "series_renewals", "type_fields"],
    [
        "payments",
        "payables",
        "statement_rows",
        "credit_notes",
        "first_documents",
        "series_questions",
        "mail_messages",
    ],
    ["document_words", "renamed_documents", "words", "language_words", "search_languages", "index_turn"],
]
"""Tables that are tried together, since each look costs time."""
UNCHANGING = {"index_turn", "renamed_documents"}
"""The one row of the first has one value; those of the second are gone when a worker has indexed them."""


async def test_no_table_is_left_out(odd: Harness) -> None:
    rows = await odd.sql(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'alfrd'::regnamespace order by 1"
    )
    assert [row["relname"] for row in rows] == sorted(table for group in GROUPS for table in group)


@pytest.mark.parametrize("tables", GROUPS, ids=" ".join)
async def test_whatever_a_row_holds_everything_that_looks_answers(odd: Harness, tables: list[str]) -> None:
    columns = {
        (table, column): kind for table in tables for column, kind in (await _columns(odd, table)).items()
    }
    planted = set()
    for number in range(MOST):
        for (table, column), kind in columns.items():
            if await _plant(odd, table, column, extreme(kind, number)):
                planted.add(table)
        await look_at_everything(odd.database, FORMS[number % len(FORMS)])
    assert planted == set(tables) - UNCHANGING


@pytest.mark.parametrize("table", ["documents", "document_parts", "files"])
async def test_whatever_an_application_writes_a_worker_completes_the_others(odd: Harness, table: str) -> None:
    """Only what applications may write: what is the engine's own, an owner writes at his own risk."""
    rows = await odd.sql(
        "select column_name from information_schema.column_privileges where grantee = 'alfrd_app'"
        "   and table_schema = 'alfrd' and table_name = %s and privilege_type in ('INSERT', 'UPDATE')",
        table,
    )
    writable = {row["column_name"] for row in rows} - {"status", "owner", "tags"}
    assert writable
    await odd.sql("update alfrd.routes set max_attempts = 1, delay = '0'")
    bill = await odd.one("select id from alfrd.documents where filename = 'bill-2.txt'")
    for number in range(MOST):
        for column, kind in (await _columns(odd, table)).items():
            if column in writable:
                await _plant(odd, table, column, extreme(kind, number))
        await odd.sql("update alfrd.documents set status = 'pending' where id = %s", bill)
        await odd.sql("select alfrd.replay(true)")
        await work(odd.url)

        assert await odd.sql("select status, error from alfrd.documents where id = %s", bill) == [
            {"status": "completed", "error": ""}
        ]
        if table == "documents":
            assert await odd.one("select status from alfrd.files where title = 'Home'") == "generated"


async def _columns(db: Harness, table: str) -> dict[str, str]:
    """Column -> type, of those that are written."""
    rows = await db.sql(
        "select column_name, udt_name from information_schema.columns where table_schema = 'alfrd' and table_name = %s"
        "   and is_generated = 'NEVER' and is_identity = 'NO'",
        table,
    )
    assert {row["udt_name"] for row in rows} <= set(EXTREMES), "a type that no extremes are known of"
    return {
        row["column_name"]: row["udt_name"]
        for row in rows
        if row["column_name"] not in KEYS and not row["column_name"].endswith("_id")
    }


async def _plant(db: Harness, table: str, column: str, value: str) -> bool:
    """Write a value past all triggers; whether the checks of the table let it."""
    statement = sql.SQL(
        "update alfrd.{table} set {column} = %s where ctid = (select max(ctid) from alfrd.{table})"
    )
    async with db.database.connection() as connection:
        try:
            async with connection.transaction():
                await connection.execute("set local session_replication_role = replica")
                await connection.execute(
                    statement.format(table=sql.Identifier(table), column=sql.Identifier(column)), [value]
                )
        except (psycopg.errors.IntegrityError, psycopg.DataError, psycopg.errors.ProgramLimitExceeded):
            return False
    return True
