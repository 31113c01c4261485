"""Whose fault a failure is: a document's own, or the moment's. Users' triggers, statement timeouts, locks."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from alfrd_events.db.database import Database
from alfrd_events.db.errors import Doubtful, Interrupted, TimedOut
from alfrd_events.errors import AlfrdError, DatabaseUnavailable, Refused, SchemaOutdated
from testing.harness import Harness
from tests.faults.processes import ALL_ENDED, each_step_was_committed_once, fleet, insert, until

QUICKLY = {"alfrd.backoff_seconds": "0.1"}


async def given_a_trigger(db: Harness, action: str, condition: str = "new.status <> 'failed'") -> None:
    """A user's own trigger, which does something to documents whose filename begins with ``odd``."""
    await db.sql(
        "create function public.check_total() returns trigger language plpgsql as $$ begin"
        f" if new.filename like 'odd%%' and {condition} then {action}; end if; return null; end $$"
    )
    await db.sql(
        "create trigger check_total after update on alfrd.documents"
        " for each row execute function public.check_total()"
    )


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("P0001", Refused),
        ("23514", Refused),
        ("38000", Refused),
        ("39P01", Refused),
        ("HV000", Refused),
        ("MY001", Refused),
        ("42P01", Refused),
        ("57014", TimedOut),
        ("40001", Interrupted),
        ("55P03", Interrupted),
        ("XX001", Doubtful),
        ("53100", DatabaseUnavailable),
        ("25006", DatabaseUnavailable),
    ],
)
async def test_what_a_users_function_raises_is_told_without_its_words(
    db: Harness, state: str, error: type[AlfrdError]
) -> None:
    await db.sql(
        "create function public.check_total() returns void language plpgsql as"
        f" $$ begin raise exception 'Dear Mr Miller' using errcode = '{state}'; end $$"
    )

    async with Database(db.url) as database:
        with pytest.raises(error) as raised:
            await database.execute("select public.check_total()")

    assert type(raised.value) is error
    assert f"SQLSTATE {state} in function check_total" in str(raised.value)
    assert "Miller" not in str(raised.value)


@pytest.mark.parametrize(
    ("statement", "error", "text"),
    [
        ("select 1 / 0", Refused, "DivisionByZero, SQLSTATE 22012"),
        ("select 'Miller'::integer", Refused, "InvalidTextRepresentation, SQLSTATE 22P02"),
        ("select from alfrd.nowhere", SchemaOutdated, "run alfrd-events migrate"),
        ("select alfrd.exchange('x')", SchemaOutdated, "run alfrd-events migrate"),
        ("selec", Doubtful, "syntax error"),
        ("insert into alfrd.limits values ('ocr', 1), ('ocr', 2)", Doubtful, "duplicate key"),
    ],
)
async def test_what_the_server_refuses_is_told_without_values(
    db: Harness, statement: str, error: type[AlfrdError], text: str
) -> None:
    async with Database(db.url) as database:
        with pytest.raises(error, match=text) as raised:
            await database.execute(statement)  # type: ignore[arg-type]

    assert type(raised.value) is error
    assert "Miller" not in str(raised.value)


async def test_a_users_trigger_that_raises_fails_its_own_document_only(db: Harness, tmp_path: Path) -> None:
    await given_a_trigger(db, "raise exception 'the total of %% is odd', new.filename")
    await insert(db, 1, name="odd")
    await insert(db, 10)
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(until_quiet=True)
        assert await asyncio.to_thread(worker.wait) == 0

    rows = await db.sql(
        "select status, count(*), max(error) as error from alfrd.documents group by 1 order by 1"
    )
    assert [(row["status"], row["count"]) for row in rows] == [("completed", 10), ("failed", 1)]
    assert rows[1]["error"] == (
        "ocr: the database refused its result: PostgreSQL refused:"
        " RaiseException, SQLSTATE P0001 in function public.check_total"
    )
    assert len(worker.lines("the database refused its result")) == 1
    assert worker.lines("warning") == []


@pytest.mark.parametrize("setting", ["statement_timeout", "transaction_timeout"])
async def test_a_result_that_always_times_out_ends_dead_with_the_reason_and_holds_up_nobody(
    db: Harness, tmp_path: Path, setting: str
) -> None:
    if not await db.one("select exists (select from pg_settings where name = %s)", setting):
        pytest.skip(f"this server knows no {setting}")
    await db.sql("update alfrd.routes set max_attempts = 2")
    await given_a_trigger(db, "perform pg_sleep(30)")
    await db.sql(f"alter database {await db.one('select current_database()')} set {setting} = '500ms'")
    await insert(db, 1, name="odd")
    await insert(db, 20)
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(slots=1, settings=QUICKLY)
        await until(db, "count(*) = 20 from alfrd.documents where status = 'completed'")
        await until(db, ALL_ENDED)
        assert worker.alive

    (odd,) = await db.sql("select status, error from alfrd.documents where filename like 'odd%%'")
    assert odd["status"] == "failed"
    assert odd["error"].startswith(
        "gave up after 2 attempts: ocr: the database could not take its result in time: "
    )
    assert len(worker.lines("warning") + worker.lines("error")) < 12
    await each_step_was_committed_once(db)


async def test_a_document_that_cannot_even_fail_in_time_leaves_a_dead_task_with_the_reason(
    db: Harness, tmp_path: Path
) -> None:
    await db.sql("update alfrd.routes set max_attempts = 1 where step = 'ocr'")
    await given_a_trigger(db, "perform pg_sleep(30)", condition="true")
    await db.sql(
        f"alter database {await db.one('select current_database()')} set statement_timeout = '500ms'"
    )
    await insert(db, 1, name="odd")
    await insert(db, 5)
    with fleet(db.url, tmp_path) as workers:
        workers.start(settings=QUICKLY)
        await until(db, "count(*) = 5 from alfrd.documents where status = 'completed'")
        await until(db, "exists (select from alfrd.tasks where state = 'dead')")

    (dead,) = await db.sql("select state, step, error from alfrd.tasks where state = 'dead'")
    assert "ocr: the database could not take its result in time" in dead["error"]


async def test_a_timeout_too_small_for_anything_costs_no_document_once_it_is_lifted(
    db: Harness, tmp_path: Path
) -> None:
    database = await db.one("select current_database()")
    kick = (
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await db.sql("update alfrd.routes set max_attempts = 2")
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(delay=0.5, slots=10, settings=QUICKLY)
        await insert(db, 20)
        await worker.has_logged("reading shop", times=10)
        await db.sql(
            "create function public.dawdle() returns trigger language plpgsql as"
            " $$ begin perform pg_sleep(30); return null; end $$"
        )
        await db.sql("create trigger dawdle after update on alfrd.tasks execute function public.dawdle()")
        await db.sql(f"alter database {database} set statement_timeout = '50ms'")
        await db.sql(kick)
        await worker.has_logged("the database cannot work now")
        await asyncio.sleep(3)  # time enough to give up on everything, were a worker to do that
        await db.sql(f"alter database {database} reset statement_timeout")
        await db.sql("drop trigger dawdle on alfrd.tasks")
        await until(db, ALL_ENDED)
        complaints = [line for line in worker.lines() if "warning" in line or "error" in line]

    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 20
    assert await db.one("select count(*) from alfrd.events where kind in ('retry', 'dead')") == 0
    assert len(complaints) < 12, "\n".join(complaints)
    await each_step_was_committed_once(db)


async def test_rows_that_a_person_holds_hold_up_no_other_document_and_no_stopping(
    db: Harness, tmp_path: Path
) -> None:
    with fleet(db.url, tmp_path) as workers:
        worker = workers.start(delay=0.2, slots=3, drain_seconds=2)
        await insert(db, 3, name="held")
        await worker.has_logged("reading held", times=3)
        person = await db.session()
        await person.execute("begin")
        await person.execute("select from alfrd.documents where filename like 'held%' for update")
        await insert(db, 10)
        await until(db, "count(*) = 10 from alfrd.documents where status = 'completed'")
        held = await db.one("select count(*) from alfrd.documents where status = 'pending'")
        worker.signal(signal.SIGTERM)
        code = await asyncio.to_thread(worker.wait, 30)
        await person.close()
        workers.start(until_quiet=True)
        await until(db, ALL_ENDED)

    assert held == 3
    assert code == 3
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 13
    await each_step_was_committed_once(db)


async def test_what_cannot_be_loaded_because_somebody_holds_a_table_costs_no_attempt(
    db: Harness, tmp_path: Path
) -> None:
    documents = [await db.given_document("ocr_completed") for _ in range(3)]
    await db.sql(f"alter database {await db.one('select current_database()')} set lock_timeout = '100ms'")
    person = await db.session()
    await person.execute("begin")
    await person.execute("lock table alfrd.pages in access exclusive mode")
    with fleet(db.url, tmp_path) as workers:
        workers.start()
        await until(db, "count(*) >= 3 from alfrd.events where kind = 'throttled' and step = 'classify'")
        await person.close()
        await until(db, ALL_ENDED)

    assert {await db.status_of(document) for document in documents} == {"completed"}
    assert await db.one("select count(*) from alfrd.events where kind = 'retry'") == 0


async def test_what_can_never_be_loaded_in_time_fails_with_the_reason(db: Harness, tmp_path: Path) -> None:
    await db.sql("update alfrd.routes set max_attempts = 1")
    document = await db.given_document("ocr_completed")
    await db.sql(
        f"alter database {await db.one('select current_database()')} set statement_timeout = '200ms'"
    )
    person = await db.session()
    await person.execute("begin")
    await person.execute("set statement_timeout = 0")
    await person.execute("lock table alfrd.pages in access exclusive mode")
    with fleet(db.url, tmp_path) as workers:
        workers.start()
        await until(db, "exists (select from alfrd.documents where status = 'failed')")
    await person.close()

    error = await db.one("select error from alfrd.documents where id = %s", document)
    assert error == "gave up after 1 attempts: classify: canceling statement due to statement timeout"


async def test_a_result_that_outlasts_our_patience_holds_up_nobody(db: Harness, tmp_path: Path) -> None:
    await db.sql("update alfrd.routes set max_attempts = 1 where step = 'ocr'")
    await given_a_trigger(db, "perform pg_sleep(30)")
    # So that the server stops working for whom it has lost, and the transaction never comes to its end.
    database = await db.one("select current_database()")
    await db.sql(f"alter database {database} set client_connection_check_interval = '100ms'")
    await insert(db, 1, name="odd")
    await insert(db, 10)
    with fleet(db.url, tmp_path) as workers:
        workers.start(lease_seconds=1.5, settings=QUICKLY)
        await until(db, "count(*) = 10 from alfrd.documents where status = 'completed'")
        await until(db, ALL_ENDED)

    error = await db.one("select error from alfrd.documents where status = 'failed'")
    assert error == (
        "gave up after 1 attempts: ocr: the database could not take its result in time:"
        " no answer from PostgreSQL within 0.5 s"
    )
