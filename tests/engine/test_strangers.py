"""What others may do to the database: nobody's lock, index, setting or row harms more than itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg
from psycopg.types.json import Jsonb

from alfrd_events.db import queue
from alfrd_events.errors import Refused
from alfrd_events.model import Outcome
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import RESULTS, Harness
from testing.noop import noop_tools, options
from testing.pgbouncer import past

YEARS = timedelta(days=365 * 120).total_seconds()
SETTINGS = {
    "alfrd.actor": "worker",
    "alfrd.clock_offset": "100 years",
}
"""What the engine reads of a session, as an application would forge it."""
ACTS = {
    "insert": "insert into alfrd.documents (id, filename, content, tags)"
    " values ('00000000-0000-0000-0000-000000000009', 'b.txt', 'x', '{mine}')",
    "again": "update alfrd.documents set status = 'pending'",
    "correct": "update alfrd.documents set entity = 'Other Co', document_type = 'insurance'",
    "retag": "update alfrd.documents set tags = '{gone}'",
    "cancel": "select alfrd.cancel(id) from alfrd.documents",
    "replay": "select * from alfrd.replay(true)",
    "a file": "insert into alfrd.files (tags) values ('{mine}')",
    "retag a file": "update alfrd.files set tags = '{gone}' where not tags && '{series:acme-power-electricity-bill}'",
}


@asynccontextmanager
async def _login(db: Harness, login: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    url = past(db.url.replace("postgres@", f"{login}@"))
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        yield connection


async def test_a_document_may_wait_for_longer_than_a_life(db: Harness) -> None:
    document = await db.given_document()
    await db.advance_clock(YEARS)
    task = await db.claim("ocr")
    assert task is not None
    assert await db.complete(task)

    assert await db.status_of(document) == "ocr_completed"
    waited = await db.one("select waited_ms from alfrd.events where kind = 'completed'")
    assert waited == pytest.approx(YEARS * 1000, rel=0.001)


async def test_a_task_may_run_for_longer_than_a_life_and_is_rescued(db: Harness) -> None:
    await db.given_document()
    assert await db.claim("ocr", worker="a")
    await db.advance_clock(YEARS)

    (rescued,) = await db.rescue()

    assert (rescued["outcome"], rescued["error"]) == ("lost", "")
    assert await db.one("select ran_ms from alfrd.events where kind = 'lost'") > 2**31


async def test_a_task_that_cannot_be_rescued_keeps_no_other_from_it(db: Harness) -> None:
    cursed, other = await db.given_document(), await db.given_document()
    for _ in range(2):
        assert await db.claim("ocr", worker="a")
    await db.sql(
        "create function public.refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'not this one'; end $$"
    )
    await db.sql(
        "create trigger refuse before insert on alfrd.events for each row"
        f" when (new.subject_id = '{cursed}') execute function public.refuse()"
    )
    await db.advance_clock(60)

    outcomes = {row["subject_id"]: (row["outcome"], row["error"]) for row in await db.rescue()}

    assert outcomes == {other: ("lost", ""), cursed: ("refused", "not this one")}
    assert await db.tasks_of(other) == {"ocr": "ready"}
    assert await db.tasks_of(cursed) == {"ocr": "running"}
    await db.sql("drop trigger refuse on alfrd.events")
    assert [row["outcome"] for row in await db.rescue()] == ["lost"], "later it goes"


async def test_a_person_who_holds_a_document_holds_up_no_rescue(db: Harness) -> None:
    held, other = await db.given_document(), await db.given_document()
    for _ in range(2):
        assert await db.claim("ocr", worker="a")
    async with await db.session() as person, person.transaction():
        await person.execute("select from alfrd.documents where id = %s for update", [held])
        await db.advance_clock(60)
        outcomes = {row["subject_id"]: row["outcome"] for row in await db.rescue()}
    assert outcomes == {other: "lost", held: "refused"}
    assert [row["outcome"] for row in await db.rescue()] == ["lost"]


@pytest.mark.parametrize("lease", [float("inf"), 1e300, float("nan"), 0.0, -1.0, 1e9])
async def test_a_lease_without_sense_is_refused(db: Harness, lease: float) -> None:
    with pytest.raises(Exception, match="workers_lease_is_a_week_at_most"):
        await db.worker("a", lease_seconds=lease)
    assert await db.given_document()


@pytest.mark.parametrize("version", ["9" * 40, "1.0." + "7" * 30, "", "not a version", "1..2"])
async def test_a_worker_of_an_odd_version_harms_no_other(db: Harness, version: str) -> None:
    await db.sql("select alfrd.register_worker('odd', '', 1, %s, '{ocr}', 30)", version)
    await db.sql("select alfrd.supersede('0.0.1')")
    await db.given_document("ocr_completed")


async def test_a_waiting_document_follows_its_priority(db: Harness) -> None:
    first = await db.given_document(priority=5)
    second = await db.given_document(priority=-10)
    await db.sql("update alfrd.documents set priority = 100 where id = %s", second)

    order = [task.subject_id for _ in range(2) if (task := await db.claim("ocr"))]

    assert order == [second, first]


async def test_a_priority_is_followed_behind_a_cursor_too(db: Harness) -> None:
    document = await db.given_document(priority=-10)
    worker = await db.worker("a")
    look = await queue.exchange(db.database, worker, [], {"classify": 1}, "notify")
    far = {"ocr": 2**62, **look.cursors}
    await db.sql("update alfrd.documents set priority = 7 where id = %s", document)
    answer = await queue.exchange(db.database, worker, [], {"ocr": 1}, "handoff", cursors=far)
    assert [task.subject_id for task in answer.claimed] == [document]


@pytest.mark.parametrize(
    "lock",
    [
        "pg_advisory_lock(alfrd.worker_lock_class(), 0)",
        "pg_advisory_lock_shared(alfrd.worker_lock_class(), 0)",
        "pg_advisory_lock(hashtextextended('alfrd:migrate', 0))",
        "pg_advisory_lock(hashtextextended('alfrd:series::acmepower:electricity bill', 0))",
    ],
)
async def test_an_advisory_lock_of_a_reader_holds_nobody_up(
    db: Harness, signed_in: dict[str, str], lock: str
) -> None:
    await db.sql("grant execute on function alfrd.worker_lock_class() to alfrd_reader")
    async with _login(db, "wall") as wall:
        await wall.execute(f"select {lock}")  # type: ignore[call-overload]
        db.database.settings["statement_timeout"] = "5s"
        document = await db.given_document("completed")
        del db.database.settings["statement_timeout"]
        assert await db.status_of(document) == "completed"
        assert await db.one("select count(*) from alfrd.series") == 1
        await db.sql("insert into alfrd.documents (filename, content) values ('b.txt', 'x')")
        report = await run_worker(db.database, BUILT_IN, noop_tools(), options(db.url))
        assert report.tally.done["ocr"] == 1


async def test_a_bell_that_is_held_rings_for_all(db: Harness, signed_in: dict[str, str]) -> None:
    """Whoever cannot tell who sleeps, rings: a hint too many, and no wake-up lost."""
    await db.worker("a")
    async with await db.session() as ear, _login(db, "wall") as wall:
        await ear.execute("listen alfrd_work")
        await wall.execute("select pg_advisory_lock(1634493042, 0)")
        await db.sql("insert into alfrd.documents (filename, content) values ('b.txt', 'x')")
        assert [notify.payload async for notify in ear.notifies(timeout=1, stop_after=1)] == ["ocr"]


async def test_submit_names_the_index_of_the_users_own(db: Harness) -> None:
    await db.sql("create unique index one_per_name on alfrd.documents (owner, filename) where filename <> ''")
    await db.sql("set statement_timeout = '5s'")
    submit = "select is_new from alfrd.submit(null, 'bill.txt', %s, %s)"
    assert await db.one(submit, b"x", "k1") is True
    with pytest.raises(Exception, match="one_per_name"):
        await db.one(submit, b"y", "k2")
    assert await db.one("select count(*) from alfrd.documents") == 1
    assert await db.one(submit, b"x", "k1") is False


async def test_submit_tells_of_a_document_that_is_hidden(db: Harness, signed_in: dict[str, str]) -> None:
    await db.sql("alter table alfrd.documents enable row level security")
    await db.sql(
        "create policy tenant on alfrd.documents to alfrd_app using (metadata ->> 'tenant' = current_user)"
    )
    await db.sql(
        "insert into alfrd.documents (filename, content, fingerprint, metadata)"
        " values ('other.txt', 'x', 'k9', '{\"tenant\": \"somebody\"}')"
    )
    async with _login(db, "shop") as shop:
        await shop.execute("set statement_timeout = '5s'")
        with pytest.raises(pg.DatabaseError, match="documents_fingerprint") as refusal:
            await shop.execute(
                "select * from alfrd.submit(null, 'mine.txt', 'x', 'k9', '{}', '{\"tenant\": \"shop\"}')"
            )
    assert refusal.value.sqlstate == "AL007"
    assert "row level security" in str(refusal.value.diag.message_hint)


async def test_tags_of_a_row_that_came_without_triggers_are_kept(db: Harness) -> None:
    await db.sql("set session_replication_role = replica")
    await db.sql("insert into alfrd.documents (filename, content, tags) values ('repl.txt', 'x', '{Home}')")
    await db.sql("reset session_replication_role")

    assert await queue.reconcile(db.database) == 1
    for step in ("ocr", "classify"):
        task = await db.claim(step)
        assert task is not None
        assert await db.complete(task)

    assert await db.one("select tags from alfrd.documents") == ["electricity", "home", "utility_bill"]
    assert await db.one("select source from alfrd.tags where tag = 'home'") == "user"


async def test_every_function_pins_its_search_path(db: Harness) -> None:
    """Or is parsed once, at its creation: a body that is no string."""
    open_ones = await db.sql(
        "select p.oid::regprocedure::text as name from pg_proc p"
        " where p.pronamespace = 'alfrd'::regnamespace and p.prosqlbody is null"
        "   and not coalesce(p.proconfig, '{}') @> '{\"search_path=pg_catalog, pg_temp\"}'"
    )
    assert [row["name"] for row in open_ones] == []


async def test_a_function_of_an_applications_own_is_no_trap(db: Harness) -> None:
    document = await db.given_document()
    await db.sql(
        "create function public.format(text, text, text, text, text) returns text language sql return 'trapped'"
    )
    await db.sql(
        "create function public.now() returns timestamptz language sql return '-infinity'::timestamptz"
    )
    await db.sql("set search_path = public, pg_catalog")
    assert "pending since" in await db.one("select alfrd.explain(%s)", document)
    await db.given_document("completed")
    assert await db.one("select count(*) from alfrd.events where not isfinite(at)") == 0


async def _world(db: Harness) -> dict[str, Any]:
    """All that follows from what was done, without times and numbers."""
    return {
        "documents": await db.sql(
            "select id, status, generation, document_type, entity, tags, corrected,"
            " created_at < now() + interval '1 day' as is_now from alfrd.documents order by id"
        ),
        "tasks": await db.sql(
            "select t.step, t.state, t.worker_id, t.attempt, t.generation, t.subject_type,"
            " t.run_at < now() + interval '1 day' as is_now from alfrd.tasks t order by 6, 1, 2, t.subject_id"
        ),
        "events": await db.sql("select kind, step, detail from alfrd.events order by id"),
        "tags": await db.sql("select tag, source, document_id from alfrd.tags order by 1, 2, 3"),
        "files": await db.sql("select tags, status, revision, member_count from alfrd.files order by tags"),
        "corrections": await db.sql("select field, corrected_by from alfrd.corrections order by id"),
    }


async def _what_comes_of(db: Harness, act: str, settings: dict[str, str]) -> dict[str, Any]:
    await db.worker("a")
    document = await db.given_document("completed", id="00000000-0000-0000-0000-000000000001", tags=["home"])
    await db.given_document(id="00000000-0000-0000-0000-000000000002", tags=["home"])
    await db.sql("insert into alfrd.files (tags) values ('{home}')")
    task = await db.claim("summarize_file")
    if task is not None:
        await db.complete(task, **RESULTS["summarize_file"])
    assert document
    async with _login(db, "shop") as shop:
        for name, value in settings.items():
            await shop.execute("select set_config(%s, %s, false)", [name, value])
        await shop.execute(ACTS[act])  # type: ignore[call-overload]
    return await _world(db)


@pytest.mark.parametrize("act", ACTS)
async def test_no_setting_of_an_application_is_believed(
    db: Harness, empty_copy: Harness, signed_in: dict[str, str], act: str
) -> None:
    honest = await _what_comes_of(db, act, {})
    forged = await _what_comes_of(empty_copy, act, SETTINGS)
    assert forged == honest


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("act", ["again", "cancel", "retag"])
async def test_no_single_setting_is_believed_after_set_role(
    db: Harness, empty_copy: Harness, signed_in: dict[str, str], act: str, setting: str
) -> None:
    """A superuser's session that has become an application's is one."""

    async def what_comes_of(world: Harness, settings: dict[str, str]) -> dict[str, Any]:
        await world.worker("a")
        await world.given_document(id="00000000-0000-0000-0000-000000000001", tags=["home"])
        async with await world.session() as session:
            await session.execute("set role shop")
            for name, value in settings.items():
                await session.execute("select set_config(%s, %s, false)", [name, value])
            await session.execute(ACTS[act])  # type: ignore[call-overload]
        return await _world(world)

    honest = await what_comes_of(db, {})
    forged = await what_comes_of(empty_copy, {setting: SETTINGS[setting]})
    assert forged == honest


async def test_nothing_is_open_to_everybody(db: Harness) -> None:
    """Also where a restore without privileges has opened it: one call closes it again."""
    everybody = (
        "select count(*) from pg_proc where pronamespace = 'alfrd'::regnamespace"
        " and has_function_privilege('wanderer', oid, 'execute')"
    )
    await db.sql("do $$ begin create role wanderer; exception when duplicate_object then null; end $$")
    assert await db.one(everybody) == 0
    await db.sql("grant execute on all functions in schema alfrd to public")
    await db.sql("grant usage, create on schema alfrd to public")
    await db.sql("grant select on all tables in schema alfrd to public")

    await db.sql("select alfrd.grant_rights()")

    assert await db.one(everybody) == 0
    assert await db.one("select has_schema_privilege('wanderer', 'alfrd', 'usage')") is False
    assert await db.one("select has_table_privilege('wanderer', 'alfrd.documents', 'select')") is False


async def test_a_replay_of_an_application_throws_nothing_away_that_was_read(
    db: Harness, signed_in: dict[str, str]
) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    page = RESULTS["ocr"]["pages"][0]
    assert await queue.save_progress(db.database, db.workers["a"], task, [page])
    await db.hand_in(Outcome(task, "failed", error="the reader broke"))
    async with _login(db, "shop") as shop:
        await shop.execute("select * from alfrd.replay(true)")

    assert await db.status_of(document) == "pending"
    assert await db.one("select generation from alfrd.documents") == 1
    assert await db.one("select count(*) from alfrd.pages") == 1
    async with _login(db, "shop") as shop:
        await shop.execute("update alfrd.documents set status = 'pending'")
    assert await db.one("select count(*) from alfrd.pages") == 0, "a person says: from the start"


@pytest.mark.parametrize(
    "outcomes",
    [
        ["done"],
        [{"task_id": 1, "attempt": 1, "outcome": "done"}],
        [[dict.fromkeys(("task_id", "attempt", "step", "subject_type", "subject_id", "outcome"), 1)]],
        {},
        None,
    ],
    ids=["a text", "keys are missing", "a list in the list", "an object", "nothing"],
)
async def test_an_exchange_refuses_outcomes_that_are_none(db: Harness, outcomes: object) -> None:
    worker = await db.worker("a")
    request = {"outcomes": outcomes, "capacity": {}, "woken_by": "start"}

    with pytest.raises(Refused, match="takes a worker and a request of outcomes"):
        await db.sql("select alfrd.exchange(%s, %s)", worker, Jsonb(request))
