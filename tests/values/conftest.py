"""A database in which something has happened in each table, and copies of it to spoil."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from psycopg import sql

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.db.database import Database
from alfrd_events.steps.registry import BUILT_IN, CALENDAR
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from testing.server import Server
from tests.cli.program import BILL, Program

MONTHS = 5
STEPS = {**BUILT_IN, **CALENDAR}
ROWS = {
    "alfrd.step_results": "insert into {} (subject_type, subject_id, step, result)"
    " select 'document', id, 'mine', '{{}}'"
    " from alfrd.documents limit 1",
    "alfrd.type_suggestions": "insert into {} (name, document_id) select 'odd', id from alfrd.documents limit 1",
    "alfrd.limits": "insert into {} (step, provider, max_running, rate) values ('', 'bedrock', 3, 2)",
    "alfrd.pauses": "insert into {} (step, paused_by) values ('mine', 'me')",
    "alfrd.reply_cache": "insert into {} (provider, operation, model, key, reply) values ('a', 'b', 'c', 'd', '{{}}')",
    "alfrd.spending": "insert into {} (scope) values ('day:' || to_char(now() at time zone 'UTC', 'YYYY-MM-DD'))",
    "alfrd.held": "insert into {} (task_id, attempt, scope) select id, attempt, 'day' from alfrd.tasks limit 1",
    "alfrd.provider_jobs": "insert into {} (document_id, part, provider, request, pages, job_id)"
    " select id, 1, 'textract', 'r', '{{1}}', 'j' from alfrd.documents limit 1",
    "alfrd.readings": "insert into {} select id, 1, 1, 0, 1, 2, now(), now() from alfrd.documents limit 1",
    "alfrd.document_parts": "insert into {} (document_id, number) select id, 2 from alfrd.documents limit 1",
    "alfrd.corrections": "insert into {} (document_id, field) select id, 'entity' from alfrd.documents limit 1",
    "alfrd.lessons": "insert into {} (owner, kind, sender, field, found, value)"
    " values ('', 'type', 'Acme', 'document_type', 'invoice', 'receipt')",
    "alfrd.reviews": "insert into {} (document_id, reviewer, verdict) select id, 'me', 'accepted'"
    " from alfrd.documents limit 1",
    "alfrd.answer_keys": "insert into {} (document_id, document_type, facts, split, sampled, text_hash, made_by)"
    " select id, 'invoice', '[]', 'train', true, '', '' from alfrd.documents limit 1",
    "alfrd.trials": "insert into {} (family_id, champion_id) select f.id, p.id from alfrd.prompt_families f"
    " join alfrd.prompts p using (kind, document_type) where kind = 'classifier' and p.is_active limit 1",
    "alfrd.evaluations": "insert into {} (prompt_id, document_id, source, output)"
    " select p.id, d.id, 'production', '{{}}' from alfrd.prompts p, alfrd.documents d"
    " where p.kind = 'classifier' limit 1",
    "alfrd.changed_series": "insert into {} (transaction, series_id, is_first) values ('1', gen_random_uuid(), false)",
    "alfrd.series_alerts": "insert into {} (series_id, kind, key, detail, expected, expected_from, expected_to)"
    " select id, 'missing', 'a', 'a', '2024-03-05', '2024-03-01', '2024-03-09' from alfrd.series limit 1",
    "alfrd.series_aliases": "insert into {} select owner, 'a', kind, '', id from alfrd.series limit 1",
    "alfrd.series_changes": "insert into {} (kind, series_id, made_by)"
    " select 'rename', id, 'me' from alfrd.series limit 1",
    "alfrd.series_questions": "insert into {} (document_id, place, candidates)"
    " select d.id, '{{}}', array[s.id, s.id] from alfrd.documents d, alfrd.series s limit 1",
    "alfrd.series_fields": "insert into {} (series_id, column_name, name, type, position)"
    " select id, 'kwh', 'kwh', 'numeric', 99 from alfrd.series limit 1",
    "alfrd.series_views": "insert into {} (series_id, view_name, slug) select id, 'a', slug from alfrd.series limit 1",
    "alfrd.series_renewals": "insert into {} (series_id, version) select id, 1 from alfrd.series limit 1",
    "alfrd.payables": "insert into {} select id, series_id, owner, 1, 'USD', '2024-01-01', '2024-01-02', 'Acme',"
    " '{{}}', 'A1', 1 from alfrd.documents where series_id is not null limit 1",
    "alfrd.credit_notes": "insert into {} select id, series_id, owner, 1, 'USD', '2024-01-01', 'Acme', '{{}}', '{{}}'"
    " from alfrd.documents where series_id is not null limit 1",
    "alfrd.statement_rows": "insert into {} select id, 0, series_id, owner, 1, 'USD', '2024-01-01', 'Acme', '{{}}'"
    " from alfrd.documents where series_id is not null limit 1",
    "alfrd.payments": "insert into {} (document_id, amount, paid_on, confidence)"
    " select id, 1, '2024-01-01', 0.5 from alfrd.documents limit 1",
    "alfrd.first_documents": "insert into {} select id, '', 'acme', 'purchases' from alfrd.documents limit 1",
    "alfrd.bulk_changes": "insert into {} (tag, is_removal, document_ids, made_by)"
    " values ('home', false, '{{}}', 'me')",
    "alfrd.console_views": "insert into {} (name, query, made_by) values ('Home', 'tag=home', 'me')",
    "alfrd.mail_messages": "insert into {} (mailbox, uidvalidity, uid, digest, document_ids)"
    " values ('imaps://me@mail.example:993/INBOX', 1, 1, 'a', '{{}}')",
    "alfrd.renamed_documents": "insert into {} (document_id) select id from alfrd.documents limit 1",
    "alfrd.usage": "insert into {} (step, provider, outcome, document_id) select 'ocr', 'bedrock', 'ok', id"
    " from alfrd.documents limit 1",
}
"""A row for the tables that are empty after five bills."""


@pytest.fixture
def program(database_url: str) -> Program:
    """The program with a database of its own."""
    return Program(database_url)


CHECKS_OF_VALUES = (
    "select conrelid::regclass, conname from pg_constraint where contype = 'c'"
    "   and conname ~ '_(is_short|is_money|is_in_years_1_to_9999|are_a_plain_list)$'"
)


@pytest.fixture(scope="session")
def worked(server: Server, template: str) -> Iterator[str]:
    """A database with a series of bills, a document that waits, and a row in each table."""
    server.sql(f"create database odd_template template {template}")
    with psycopg.connect(server.url("odd_template"), autocommit=True) as connection:
        for month in range(1, MONTHS + 1):
            text = BILL.format(day=10).replace(
                "March", ["", *["January", "February", "March", "April", "May"]][month]
            )
            connection.execute(
                "insert into alfrd.documents (filename, content, tags) values (%s, %s, '{home}')",
                [f"bill-{month}.txt", text.encode()],
            )
        connection.execute("insert into alfrd.files (tags, title) values ('{home}', 'Home')")
    asyncio.run(work(server.url("odd_template")))
    with psycopg.connect(server.url("odd_template"), autocommit=True) as connection:
        connection.execute("insert into alfrd.documents (filename, content) values ('waits.txt', 'text')")
        connection.execute(
            "select alfrd.register_worker('w', 'h', 1, '0', '{ocr}', 30);"
            "update alfrd.documents set entity = entity || '!' where filename = 'bill-1.txt'"
        )
        for table, insert in ROWS.items():
            name = sql.SQL(table)
            is_empty = sql.SQL("select not exists (select from {})").format(name)
            if connection.execute(is_empty).fetchone() == (True,):
                connection.execute(sql.SQL(insert).format(name))
        tables = connection.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'alfrd'::regnamespace"
        )
        for (table,) in tables.fetchall():
            some = connection.execute(sql.SQL("select from alfrd.{} limit 1").format(sql.Identifier(table)))
            assert some.fetchone() is not None, f"no row in {table} to try values in"
    yield "odd_template"
    server.sql("drop database odd_template with (force)")


@pytest.fixture
async def odd(server: Server, worked: str) -> AsyncIterator[Harness]:
    """A copy of it, as it was before values were checked: rows from then are still there."""
    server.sql(f"create database odd template {worked}")
    for table, check in server.sql(CHECKS_OF_VALUES, "odd"):
        server.sql(f'alter table {table} drop constraint "{check}"', "odd")
    async with Harness(server.url("odd")) as harness:
        yield harness
    server.sql("drop database odd with (force)")


async def work(url: str) -> None:
    """Let a worker with the rules analyst do what there is to do."""
    async with Database(url) as database:
        await run_worker(
            database, STEPS, noop_tools(RulesAnalyst()), options(url, slots=dict.fromkeys(STEPS, 20))
        )
