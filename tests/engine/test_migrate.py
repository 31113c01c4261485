"""Migrations: once, all or nothing, by any number of processes, never backwards."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import Any

import psycopg
import pytest

from alfrd_events.db import migrate as module
from alfrd_events.db.migrate import check_schema, functions, migrate, migrations
from alfrd_events.errors import DatabaseUnavailable, Refused, SchemaOutdated, SchemaTooNew


def _sql(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


async def _unprepared(url: str, **options: Any) -> psycopg.AsyncConnection[Any]:
    """A session that prepares no statement: behind a pooler the next transaction may have another one."""
    return await psycopg.AsyncConnection.connect(url, prepare_threshold=None, **options)


def test_a_second_run_finds_nothing_to_do(empty_database_url: str) -> None:
    first = asyncio.run(migrate(empty_database_url))
    second = asyncio.run(migrate(empty_database_url))

    assert first == [*(script.name for script in migrations()), "functions"]
    assert second == []
    asyncio.run(check_schema(empty_database_url))


def test_ten_processes_migrate_at_once(empty_database_url: str) -> None:
    program = (
        "import asyncio, sys; from alfrd_events.db.migrate import migrate;"
        "print(len(asyncio.run(migrate(sys.argv[1]))))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty_database_url], stdout=subprocess.PIPE, text=True
        )
        for _ in range(10)
    ]
    counts = [int(process.communicate(timeout=240)[0]) for process in running]

    assert [process.returncode for process in running] == [0] * 10
    assert sorted(counts) == [0] * 9 + [len(migrations()) + 1]


def test_a_database_that_is_newer_is_refused(database_url: str) -> None:
    _sql(database_url, "insert into alfrd.migrations (name, checksum) values ('9999_future.sql', 'x')")

    for touch in (migrate, check_schema):
        with pytest.raises(SchemaTooNew, match=r"9999_future\.sql.*upgrade alfrd-events"):
            asyncio.run(touch(database_url))


def test_an_older_program_does_not_put_its_functions_back(database_url: str) -> None:
    _sql(database_url, "update alfrd.migrations set checksum = '99.0.0' where name = 'program'")

    for touch in (migrate, check_schema):
        with pytest.raises(SchemaTooNew, match=r"99\.0\.0 has migrated the database.*upgrade it"):
            asyncio.run(touch(database_url))


def test_an_applied_migration_whose_text_changed_is_refused(database_url: str) -> None:
    _sql(database_url, "update alfrd.migrations set checksum = 'x' where name like '0001%'")

    with pytest.raises(Refused, match=r"0001_documents\.sql was applied with another text"):
        asyncio.run(migrate(database_url))


def test_changed_functions_are_replaced(database_url: str) -> None:
    _sql(database_url, "update alfrd.migrations set checksum = 'old' where name = 'functions'")
    with pytest.raises(SchemaOutdated, match="run alfrd-events migrate"):
        asyncio.run(check_schema(database_url))

    assert asyncio.run(migrate(database_url)) == ["functions"]


def test_a_database_of_the_previous_release_keeps_its_data(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sql(
        database_url, "insert into alfrd.documents (filename, content, tags) values ('a.txt', 'a', '{home}')"
    )
    newer = module.Script(
        "9999_next.sql", "alter table alfrd.documents add column shelf text not null default '';"
    )
    released = migrations()
    monkeypatch.setattr(module, "migrations", lambda: [*released, newer])
    _sql(database_url, "update alfrd.migrations set checksum = 'old' where name = 'functions'")

    assert asyncio.run(migrate(database_url)) == ["9999_next.sql", "functions"]

    with psycopg.connect(database_url) as connection:
        kept = connection.execute(
            "select d.filename, d.status, d.shelf, t.step, t.state, g.tag from alfrd.documents d"
            "  join alfrd.tasks t on t.subject_id = d.id join alfrd.tags g on g.document_id = d.id"
        ).fetchall()
    assert kept == [("a.txt", "pending", "", "ocr", "ready", "home")]


def test_a_database_of_before_lessons_were_tried_keeps_them_and_makes_no_words_of_its_pages(
    empty_database_url: str,
) -> None:
    pages = 300
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("create schema alfrd")
        connection.execute("create table alfrd.migrations (name text primary key, checksum text not null)")
        for script in migrations():
            if script.name < "0021":
                connection.execute(script.statements)
                connection.execute(
                    "insert into alfrd.migrations values (%s, %s)", [script.name, script.checksum]
                )
        connection.execute("alter table alfrd.migrations add column applied_at timestamptz default now()")
        connection.execute(
            "create function alfrd.lessons_changed() returns trigger language plpgsql as 'begin return null; end'"
        )
        connection.execute(  # which waits for the commit, as it did then
            "create constraint trigger lessons_counted after insert or update or delete on alfrd.lessons"
            " deferrable initially deferred for each row execute function alfrd.lessons_changed()"
        )
        connection.execute("insert into alfrd.documents (filename, content) values ('a.txt', 'a')")
        connection.execute(
            "insert into alfrd.pages (document_id, number, part, text, language)"
            " select id, n, 1, (select string_agg('wort' || 100 * n + i, ' ') from generate_series(1, 100) as i),"
            " 'german' from alfrd.documents, generate_series(1, %s) as n",
            [pages],
        )
        connection.execute(
            "insert into alfrd.lessons (owner, kind, sender, field, found, value)"
            " values ('', 'company', 'Acme', 'entity', 'Acm', 'Acme')"
        )
    asyncio.run(migrate(empty_database_url))

    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        lessons = connection.execute("select sender, active, tried_at = taught_at from alfrd.lessons")
        assert lessons.fetchall() == [("Acme", True, True)]
        waiting = connection.execute("select count(*) from alfrd.pages where language is null").fetchone()
        assert waiting == (pages,)
        size = connection.execute(
            "select pg_relation_size('alfrd.pages_words') <= 3 * current_setting('block_size')::integer"
        )
        assert size.fetchone() == (True,), "words were made of rows that nothing searches, under a lock"
        connection.execute("select alfrd.index_pages(%s)", [pages])
        found = connection.execute("select page from alfrd.search('wort4242')")
        assert found.fetchall() == [(42,)]


def test_a_migration_may_alter_a_table_whose_rows_it_has_changed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sql(
        database_url,
        "insert into alfrd.lessons (owner, kind, sender, field, found, value)"
        " values ('', 'company', 'Acme', 'entity', 'Acm', 'Acme')",
    )
    newer = module.Script(
        "9999_next.sql",
        "update alfrd.lessons set value = 'ACME'; alter table alfrd.lessons add column shelf text;",
    )
    released = migrations()
    monkeypatch.setattr(module, "migrations", lambda: [*released, newer])

    assert asyncio.run(migrate(database_url)) == ["9999_next.sql", "functions"]


def test_what_a_function_returned_before_does_not_hold_up_a_migration(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("drop function alfrd.searched_term(text, boolean, boolean)")
        connection.execute(
            "create function alfrd.searched_term(text, boolean, boolean, out query text, out is_phrase boolean)"
            " language sql as 'select $1, $2'"
        )
        connection.execute(
            "create function alfrd.claimed_tasks(bigint[]) returns json language sql as 'select null::json'"
        )

    assert asyncio.run(migrate(database_url)) == ["functions"]

    with psycopg.connect(database_url) as connection:
        gone = connection.execute("select to_regproc('alfrd.claimed_tasks') is null").fetchone()
    assert gone == (True,)


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = migrations()
    broken = [*good, module.Script("9999_broken.sql", "create table alfrd.half (); select 1/0;")]
    monkeypatch.setattr(module, "migrations", lambda: broken)

    with pytest.raises(Refused, match="DivisionByZero"):
        asyncio.run(migrate(empty_database_url))

    with psycopg.connect(empty_database_url) as connection:
        row = connection.execute("select count(*) from pg_namespace where nspname = 'alfrd'").fetchone()
    assert row == (0,)


async def test_behind_a_lock_it_lets_others_pass_and_says_who_holds_it(database_url: str) -> None:
    _sql(database_url, "update alfrd.migrations set checksum = 'old' where name = 'functions'")
    insert = "insert into alfrd.documents (filename, content) values ('a', 'a')"
    told: list[str] = []
    heard = asyncio.Event()

    def hear(what: str) -> None:
        told.append(what)
        heard.set()

    holder = await _unprepared(database_url, application_name="long import")
    # The number in the greeting may be a pooler's invention.
    cursor = await holder.execute("select pg_backend_pid()")
    (process,) = await cursor.fetchone() or (0,)
    await holder.execute(insert)
    migrating = asyncio.create_task(migrate(database_url, tell=hear))
    waits = []
    async with await _unprepared(database_url, autocommit=True) as other:
        await asyncio.wait_for(heard.wait(), 30)
        for _ in range(10):
            began = time.monotonic()
            await other.execute(insert)
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.2)
    assert not migrating.done()
    await holder.commit()
    await holder.close()

    assert await migrating == ["functions"]
    assert max(waits) < 30, "half of what the migration is patient for"
    assert len(told) == 1
    assert f"process {process} (long import, user postgres) holds a lock" in told[0]


async def test_behind_a_lock_that_stays_it_gives_up_and_changes_nothing(database_url: str) -> None:
    _sql(database_url, "update alfrd.migrations set checksum = 'old' where name = 'functions'")
    async with await psycopg.AsyncConnection.connect(database_url, application_name="long import") as holder:
        await holder.execute("lock table alfrd.documents in access share mode")
        await holder.execute("select * from alfrd.files for update")
        await holder.execute("insert into alfrd.documents (filename, content) values ('a', 'a')")

        with pytest.raises(DatabaseUnavailable, match=r"nothing was migrated: process \d+ \(long import,"):
            await migrate(database_url, patience=2)

    with psycopg.connect(database_url) as connection:
        row = connection.execute("select checksum from alfrd.migrations where name = 'functions'").fetchone()
    assert row == ("old",)


async def test_a_migration_that_another_one_holds_up_names_it(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(
        database_url, application_name="another migrate"
    ) as holder:
        await holder.execute("select pg_advisory_xact_lock(hashtextextended('alfrd:migrate', 0))")

        with pytest.raises(DatabaseUnavailable, match=r"another migrate, user postgres"):
            await migrate(database_url, patience=1)


def test_an_empty_database_is_told_to_migrate(empty_database_url: str) -> None:
    with pytest.raises(SchemaOutdated, match="no schema alfrd yet: run alfrd-events migrate"):
        asyncio.run(check_schema(empty_database_url))


def test_every_function_file_says_what_a_reader_must_know() -> None:
    for script in functions():
        assert script.text.startswith("-- "), f"{script.name} starts without a header"


async def test_the_fingerprint_does_not_depend_on_settings_of_the_session(database_url: str) -> None:
    found = set()
    for name, value in (
        ("search_path", "alfrd, public"),
        ("quote_all_identifiers", "on"),
        ("datestyle", "German"),
        ("intervalstyle", "iso_8601"),
        ("extra_float_digits", "-15"),
        ("bytea_output", "escape"),
        ("standard_conforming_strings", "off"),
    ):
        async with await psycopg.AsyncConnection.connect(database_url) as session:
            await session.execute("select set_config(%s, %s, false)", [name, value])
            cursor = await session.execute("select alfrd.fingerprint()")
            found.add(await cursor.fetchone())

    assert len(found) == 1
