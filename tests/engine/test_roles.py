"""Three roles, each with what it needs and nothing more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from alfrd_events.db.database import Database
from alfrd_events.db.migrate import migrate
from alfrd_events.steps.registry import BUILT_IN, CALENDAR
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from testing.pgbouncer import past
from testing.server import Server

MONEY = [
    "insert into alfrd.usage (step, provider, outcome) values ('ocr', 'me', 'ok')",
    "update alfrd.usage set usd = 0",
    "update alfrd.prices set page = 0",
    "insert into alfrd.prices (provider) values ('mine')",
    "update alfrd.spending set usd = 0",
    "delete from alfrd.spending",
    "insert into alfrd.held values (1, 1, 'day')",
    "update alfrd.reply_cache set reply = '{}'",
    "delete from alfrd.reply_cache",
    "update alfrd.limits set rate = 1000",
    "select alfrd.within_caps('{}', now())",
    "select alfrd.forget_lost_calls()",
]
"""What only the owner may: the others spend, and write down, through functions."""
APP_MAY_NOT = [
    "insert into alfrd.tasks (step, subject_type, subject_id, status)"
    " values ('ocr', 'document', gen_random_uuid(), '')",
    "update alfrd.tasks set priority = 9",
    "delete from alfrd.tasks",
    "delete from alfrd.documents",
    "truncate alfrd.documents",
    "update alfrd.documents set generation = 1",
    "update alfrd.documents set corrected = '{}'",
    "update alfrd.documents set error = ''",
    "update alfrd.documents set owner = 'me'",
    "update alfrd.documents set content = ''",
    "insert into alfrd.documents (status) values ('completed')",
    "insert into alfrd.corrections (document_id, field, corrected_by) values (gen_random_uuid(), 'entity', 'you')",
    "insert into alfrd.events (subject_type, subject_id, kind) values ('document', gen_random_uuid(), 'completed')",
    "delete from alfrd.events",
    "update alfrd.pages set text = ''",
    "update alfrd.scores set score = 1",
    "delete from alfrd.usage",
    "update alfrd.files set summary = ''",
    "update alfrd.prompts set text = ''",
    "insert into alfrd.document_types (name) values ('love_letter')",
    "insert into alfrd.routes values ('document', 'completed', 'send_money')",
    "insert into alfrd.limits values ('ocr', 1)",
    "delete from alfrd.workers",
    "delete from alfrd.migrations",
    "create table alfrd.mine (id int)",
    "create function alfrd.mine() returns int language sql return 1",
    "alter table alfrd.documents disable trigger all",
    "select alfrd.exchange(1, '{}')",
    "select alfrd.register_worker('me', '', 1, '', '{}', 30)",
    "select alfrd.rescue()",
    "select alfrd.complete(null, '[]')",
    "select alfrd.record('classify', '{}')",
    "select alfrd.advance(null)",
    "select alfrd.pause('ocr')",
    "select alfrd.resume('ocr')",
    "select alfrd.prune('30 days')",
    "select alfrd.grant_rights()",
    "select alfrd.supersede('99')",
    *MONEY,
    "select alfrd.recall_replies('[]', '1 day')",
    "select alfrd.reserve_calls('[]')",
    "select alfrd.settle_calls('[]')",
    "select alfrd.release_held_calls('{}', '1 day')",
]
WORKER_MAY_NOT = [
    "insert into alfrd.documents (filename) values ('a.txt')",
    "update alfrd.documents set status = 'completed'",
    "delete from alfrd.documents",
    "update alfrd.tasks set state = 'dead'",
    "delete from alfrd.events",
    *MONEY,
    "update alfrd.workers set heartbeat_at = now()",
    "delete from alfrd.provider_jobs",
    "update alfrd.prompts set is_active = true",
    "insert into alfrd.pauses (step, paused_by) values ('ocr', 'you')",
    "insert into alfrd.routes values ('document', 'completed', 'send_money')",
    "select alfrd.complete(null, '[]')",
    "select alfrd.record('classify', '{}')",
    "create table alfrd.mine (id int)",
    "drop table alfrd.events",
]
READER_MAY_NOT = [
    *APP_MAY_NOT,
    "insert into alfrd.documents (filename) values ('a.txt')",
    "update alfrd.documents set tags = '{mine}'",
    "insert into alfrd.files (tags) values ('{mine}')",
    "select alfrd.submit(null, 'a.txt', '', '')",
    "select alfrd.cancel(gen_random_uuid())",
    "select alfrd.replay()",
]


def _url(db: Harness, login: str) -> str:
    return db.url.replace("postgres@", f"{login}@")


async def _as(db: Harness, login: str) -> psycopg.AsyncConnection[tuple[object, ...]]:
    return await psycopg.AsyncConnection.connect(past(_url(db, login)), autocommit=True)


@pytest.mark.parametrize(
    ("login", "statement"),
    [("shop", each) for each in APP_MAY_NOT]
    + [("mill", each) for each in WORKER_MAY_NOT]
    + [("wall", each) for each in READER_MAY_NOT],
)
def test_what_a_role_may_not_do_is_refused(
    shared_url: str, signed_in: dict[str, str], login: str, statement: str
) -> None:
    with (
        psycopg.connect(shared_url.replace("postgres@", f"{login}@")) as connection,
        pytest.raises(InsufficientPrivilege),
    ):
        connection.execute(statement)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def shared_url(server: Server, template: str) -> Iterator[str]:
    """One database for all refusals: none of them changes it."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"create database refusals template {template}")  # type: ignore[call-overload]
    yield server.url("refusals")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("drop database refusals with (force)")


async def test_an_application_and_a_worker_get_documents_done_with_their_own_rights(
    db: Harness, signed_in: dict[str, str]
) -> None:
    shop = await _as(db, "shop")
    await shop.execute("listen alfrd_status")
    cursor = await shop.execute(
        "insert into alfrd.documents (filename, content, tags) values ('shop-1.txt', 'milk', '{Home}') returning id"
    )
    (document,) = await cursor.fetchone() or ()
    assert isinstance(document, UUID)
    await shop.execute("insert into alfrd.files (tags, title) values ('{home}', 'Home')")
    await shop.execute("select alfrd.submit(null, 'shop-2.txt', 'bread', 'sha256:00')")

    async with Database(_url(db, "mill")) as database:
        report = await run_worker(
            database,
            BUILT_IN,
            noop_tools(),
            options(_url(db, "mill"), reconcile_seconds=0.1, watch_seconds=0.1),
        )

    assert not report.tally.failed
    for login in signed_in:
        looker = await _as(db, login)
        cursor = await looker.execute("select distinct status from alfrd.document_progress")
        assert await cursor.fetchall() == [("completed",)]
        cursor = await looker.execute("select alfrd.explain(%s)", [document])
        assert "Nothing is left to do." in str(await cursor.fetchone())
        cursor = await looker.execute("select count(*) from alfrd.files f, alfrd.file_members(f.id)")
        assert await cursor.fetchone() == (3,)  # one in Home, two in their series
        await looker.close()

    await shop.execute("update alfrd.documents set document_type = 'invoice' where id = %s", [document])
    await shop.execute("select alfrd.cancel(%s)", [document])
    await shop.execute("update alfrd.documents set status = 'pending' where id = %s", [document])
    await shop.execute("select alfrd.replay(true)")
    assert await db.one("select corrected_by from alfrd.corrections") == "shop"
    details = await db.sql("select detail from alfrd.events where kind in ('cancelled', 'resubmitted')")
    assert {row["detail"].rpartition(" by ")[2] for row in details} == {"shop"}
    await shop.close()


async def test_notifications_hold_ids_and_nothing_else(db: Harness) -> None:
    ear = await db.session()
    await ear.execute("listen alfrd_status")
    await ear.execute("listen alfrd_work")
    await db.sql(
        "insert into alfrd.documents (filename, content, tags) select 'secret.txt', 'secret', '{secret}'"
        "  from generate_series(1, 3)"
    )
    async with Database(db.url) as database:
        await run_worker(database, BUILT_IN, noop_tools(), options(db.url))

    heard = [notify async for notify in ear.notifies(timeout=0.5)]
    assert len(heard) > 3
    for notify in heard:
        if notify.channel == "alfrd_work":
            assert notify.payload in {**BUILT_IN, **CALENDAR}
        else:
            assert set(json.loads(notify.payload)) <= {"subject_type", "id", "ids", "count", "status"}
            assert "secret" not in notify.payload
    await ear.close()


async def test_nobody_passes_for_a_worker_by_saying_so(db: Harness, signed_in: dict[str, str]) -> None:
    document = await db.given_document("completed")
    shop = await _as(db, "shop")
    await shop.execute("set alfrd.actor = 'worker'")

    await shop.execute("update alfrd.documents set entity = 'Mine' where id = %s", [document])

    assert await db.one("select count(*) from alfrd.corrections where field = 'entity'") == 1
    assert await db.one("select corrected from alfrd.documents") == ["entity"]
    await shop.close()


async def test_a_search_path_of_ones_own_changes_nothing(db: Harness, signed_in: dict[str, str]) -> None:
    await db.sql("create schema trap; grant all on schema trap to alfrd_app")
    shop = await _as(db, "shop")
    await shop.execute(
        "create function trap.jsonb_object_keys(jsonb) returns setof text language plpgsql"
        " as $$ begin raise exception 'caught as %', current_user; end $$"
    )
    await shop.execute(
        "create function trap.array_agg(uuid[]) returns uuid[] language plpgsql"
        " as $$ begin raise exception 'caught as %', current_user; end $$"
    )
    await shop.execute("set search_path = trap, pg_catalog")
    await shop.execute("create temp table documents (id int)")

    await shop.execute("insert into alfrd.documents (filename, content) values ('a.txt', 'x')")
    await shop.execute("update alfrd.documents set entity = 'Acme'")

    rows = await db.sql("select step from alfrd.tasks order by step")
    assert [row["step"] for row in rows] == ["ocr", "try_lessons"]
    await shop.close()


async def test_only_what_must_runs_as_the_owner_and_with_a_pinned_search_path(db: Harness) -> None:
    definers = await db.sql(
        "select proname, proconfig from pg_proc where pronamespace = 'alfrd'::regnamespace and prosecdef"
    )
    assert {row["proname"] for row in definers} == {
        *(
            *(
                "correct_document",
                "delete_document",
                "document_reviewed",
                "lesson_taught",
                "lesson_believed",
                "lesson_deleted",
                "lessons_changed",
            ),
            "resubmit_document",
            "documents_inserted",
            "documents_updated",
            "documents_deleted",
            "documents_truncated",
        ),
        *("files_inserted", "files_updated", "files_deleted"),
        *(
            "hasten_looks",
            "register_worker",
            "heartbeat",
            "deregister_worker",
            "rescue",
            "exchange",
            "save_progress",
        ),
        *("save_job", "drop_job"),
        *("replay", "cancel", "resend", "pause", "resume", "prune", "complaints"),
        *("count_reference_change", "count_series_change"),
        "route_cache_outdated",
        *("document_renamed", "documents_called", "index_pages", "words_like"),
        *("document_changes_series", "documents_truncated_for_series", "watch_changed_series"),
        *("series_deleted", "alert_changed", "hasten_looks"),
        *("answer_series", "merge_series", "rename_series", "split_series", "undo_series_change"),
        *("keep_series", "refresh_views", "document_type_changed", "type_fields_changed"),
        *("link_payment", "unlink_payment", "answer_payment"),
        *("rename_series_field", "retype_series_field", "add_series_field"),
        *("import_document_type", "import_document", "import_series", "import_file", "import_lesson"),
        "import_payment",
        *("rename_tag", "merge_tags"),
        *(
            "tag_documents",
            "undo_bulk_change",
            "retry_documents",
            "delete_documents",
            "save_view",
            "forget_view",
        ),
        *("prompt_inserted", "prompt_activated", "note_activation", "correction_made"),
        *("activate_prompt", "import_prompt", "replay_prompt", "begin_trial", "add_candidates", "move_trial"),
        *("end_trial", "promote_challenger", "roll_back_challenger", "save_evaluation"),
        *("recall_replies", "reserve_calls", "settle_calls", "release_held_calls"),
    }
    assert all("search_path=pg_catalog, pg_temp" in row["proconfig"] for row in definers)


def test_who_may_not_make_roles_migrates_all_the_same() -> None:
    server = Server()
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("create role plain login")
            connection.execute("create database plain owner plain")
        url = server.url("plain").replace("postgres@", "plain@")
        asyncio.run(migrate(url))
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("select to_regrole('alfrd_app')").fetchone() == (None,)
            connection.execute("insert into alfrd.documents (filename, content) values ('a.txt', 'x')")

        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            for role in ("alfrd_app", "alfrd_worker", "alfrd_reader"):
                connection.execute(f"create role {role}")  # type: ignore[call-overload]
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("select alfrd.grant_rights()")
            right = "has_table_privilege('alfrd_app', 'alfrd.documents', 'select')"
            assert connection.execute(f"select {right}").fetchone() == (True,)  # type: ignore[call-overload]
    finally:
        server.remove()


async def test_an_application_teaches_and_a_worker_tries_with_their_own_rights(
    db: Harness, signed_in: dict[str, str]
) -> None:
    async def work() -> None:
        async with Database(_url(db, "mill")) as database:
            await run_worker(database, BUILT_IN, noop_tools(), options(_url(db, "mill")))

    shop = await _as(db, "shop")
    for number in range(2):
        await shop.execute(
            "insert into alfrd.documents (filename, content) values (%s, 'www.acme-power.example 4071229988')",
            [f"{number}.txt"],
        )
    await work()
    await db.sql("update alfrd.documents set needs_review = true, review_reason = 'The type is unsure.'")
    cursor = await shop.execute("select id from alfrd.documents order by filename")
    (one,), (two,) = await cursor.fetchall()

    await shop.execute("select * from alfrd.correct(%s, %s)", [one, '{"type": "tax", "company": "Acme"}'])
    cursor = await shop.execute("select alfrd.reviews_taught(%s), alfrd.apply_lessons(%s)", [one, one])
    assert await cursor.fetchone() == ([two], [two])
    await work()

    assert await db.one("select bool_and(active) and count(*) > 0 from alfrd.lessons")
    assert await db.one("select count(*) from alfrd.lessons where apply_to <> '{}'") == 0
    assert await db.one("select generation from alfrd.documents where id = %s", two) == 2
    await shop.close()
