"""A series is looked after by the engine's clock: tasks, alerts, what people do to them, the calendar."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from alfrd_events.analysis.calendar.watching import watch
from alfrd_events.db import calendar, console, queries, queue
from alfrd_events.model import Outcome, Task
from alfrd_events.steps.registry import BUILT_IN, CALENDAR
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from testing.server import Server
from tests.values.test_tenants import policies

DAY = 86_400


async def bill(db: Harness, day: date, amount: str = "45.00") -> UUID:
    """A completed bill of Acme Power that arrives today."""
    document = await db.given_document("classified")
    values = {"document_date": day.isoformat(), "total_amount": amount}
    for step, changes in (("summarize", values), ("file", {}), ("extract", {})):
        task = await db.claim(step, subject=document)
        assert task is not None
        assert await db.complete(task, **changes)
    return document


async def look(db: Harness) -> bool:
    """Run the one watch_series that is due, as a worker does; ``False``: none is."""
    task = await db.claim("watch_series")
    if task is None:
        return False
    history = (await calendar.histories(db.database, [task.subject_id]))[task.subject_id]
    assert await db.complete(task, **watch(history).model_dump(mode="json"))
    return True


async def today(db: Harness) -> date:
    return (await db.one("select alfrd.now()::date")) or date.min


async def monthly(db: Harness, amounts: list[str]) -> list[UUID]:
    """Bills of every 30 days, the last of them of today, all looked at."""
    start = await today(db)
    documents = []
    for number, amount in enumerate(amounts):
        documents.append(await bill(db, start + timedelta(days=30 * number), amount))
        await db.advance_clock(5)
        assert await look(db)
        if number < len(amounts) - 1:
            await db.advance_clock(30 * DAY - 5)
    return documents


async def watches(db: Harness) -> list[dict[str, Any]]:
    return await db.sql(
        "select state, run_at - alfrd.now() as ahead from alfrd.tasks where step = 'watch_series'"
    )


async def open_alerts(db: Harness) -> list[str]:
    return [row["kind"] for row in await db.sql("select kind from alfrd.open_alerts order by kind")]


async def test_a_filed_document_makes_its_series_due_once(db: Harness) -> None:
    for _ in range(5):
        await db.given_document("completed")

    (waiting,) = await watches(db)
    assert waiting["state"] == "scheduled"
    assert waiting["ahead"] < timedelta(seconds=6)
    assert await db.one("select count(*) from alfrd.changed_series") == 0

    await db.advance_clock(5)
    assert await look(db)
    assert await watches(db) == [], "two documents are no rhythm, and nothing is due"


async def test_nothing_that_the_calendar_does_not_see_makes_a_series_due(db: Harness) -> None:
    document = await db.given_document("completed")
    await db.advance_clock(5)
    await look(db)

    await db.sql("update alfrd.documents set tags = '{home}', filename = 'b.txt' where id = %s", document)
    assert await watches(db) == []
    await db.sql("update alfrd.documents set total_amount = 13 where id = %s", document)
    assert len(await watches(db)) == 1
    await db.advance_clock(5)
    await look(db)
    await db.sql("delete from alfrd.documents where id = %s", document)
    assert len(await watches(db)) == 1


async def test_a_bill_that_does_not_come_is_told_once_and_resolved_when_it_comes(db: Harness) -> None:
    await monthly(db, ["45.00"] * 4)
    (next_look,) = await watches(db)
    assert timedelta(days=30) < next_look["ahead"] < timedelta(days=60)
    assert await open_alerts(db) == []

    session = await db.session()
    await session.execute("listen alfrd_alerts")
    await db.advance_clock(next_look["ahead"].total_seconds() + 1)
    assert await look(db)
    assert await open_alerts(db) == ["late"]
    alert = await db.one("select id from alfrd.open_alerts")
    (told,) = [note async for note in session.notifies(timeout=0.5)]
    assert json.loads(told.payload) == {"id": str(alert)}

    (again,) = await watches(db)
    await db.advance_clock(again["ahead"].total_seconds() + 1)
    assert await look(db)
    assert await open_alerts(db) == ["missing"], "the same alert: it was late, and is missing now"
    assert [note async for note in session.notifies(timeout=0.3)] == []

    missing = await db.one("select expected from alfrd.series_alerts")
    await bill(db, missing)
    await db.advance_clock(5)
    assert await look(db)
    assert await open_alerts(db) == []
    kinds = await db.sql(
        "select kind from alfrd.events where subject_type = 'series' and kind <> 'completed' order by id"
    )
    assert [row["kind"] for row in kinds] == ["raised", "resolved"]
    await session.close()


async def test_a_dismissed_alert_is_never_shown_again(db: Harness) -> None:
    await monthly(db, ["45.00"] * 4)
    (next_look,) = await watches(db)
    await db.advance_clock(next_look["ahead"].total_seconds() + 1)
    await look(db)
    alert = await db.one("select id from alfrd.open_alerts")

    await db.sql("select alfrd.dismiss_alert(%s)", alert)
    await db.advance_clock(5 * DAY)
    assert await look(db)

    assert await db.one(
        "select dismissed_at is not null and kind = 'late' from alfrd.series_alerts where id = %s", alert
    )
    assert await open_alerts(db) == []
    events = await db.sql("select detail from alfrd.events where kind = 'dismissed'")
    assert "(by postgres)" in events[0]["detail"]


async def test_a_snoozed_alert_sleeps_until_its_time_and_is_told_again(db: Harness) -> None:
    await monthly(db, ["45.00"] * 4)
    (next_look,) = await watches(db)
    await db.advance_clock(next_look["ahead"].total_seconds() + 1)
    await look(db)
    alert = await db.one("select id from alfrd.open_alerts")

    await db.sql("select alfrd.snooze_alert(%s, alfrd.now() + interval '2 days')", alert)
    await db.advance_clock(5)
    assert await look(db)
    assert await open_alerts(db) == []
    (until,) = await watches(db)
    assert timedelta(days=1) < until["ahead"] <= timedelta(days=2)

    session = await db.session()
    await session.execute("listen alfrd_alerts")
    await db.advance_clock(2 * DAY)
    assert await look(db)
    assert await open_alerts(db) == ["late"]
    assert len([note async for note in session.notifies(timeout=0.5)]) == 1
    await session.close()


async def test_a_price_jump_is_told_and_taken_back_when_it_was_misread(db: Harness) -> None:
    documents = await monthly(db, ["45.00", "45.00", "45.00", "59.00"])
    assert await open_alerts(db) == ["amount"]

    await db.sql("update alfrd.documents set total_amount = 45 where id = %s", documents[-1])
    await db.advance_clock(5)
    assert await look(db)

    assert await open_alerts(db) == []


async def test_a_document_that_changes_while_its_series_is_looked_at_is_looked_at_again(db: Harness) -> None:
    documents = await monthly(db, ["45.00"] * 4)
    await db.sql("update alfrd.documents set period_end = '2024-01-01' where id = %s", documents[0])
    await db.advance_clock(5)
    task = await db.claim("watch_series")
    assert task is not None
    history = (await calendar.histories(db.database, [task.subject_id]))[task.subject_id]

    await db.sql("update alfrd.documents set total_amount = 99 where id = %s", documents[-1])
    await db.complete(task, **watch(history).model_dump(mode="json"))
    await db.advance_clock(5)

    assert await look(db)
    assert await open_alerts(db) == ["amount"]


async def test_two_transactions_that_change_two_series_in_either_order_do_not_wait_in_a_circle(
    db: Harness,
) -> None:
    first, second = await db.given_document("completed"), await db.given_document("summarized")
    task = await db.claim("file", subject=second)
    assert task is not None
    await db.complete(task, entity="Other", entity_key="other", slug="other")
    one, other = await db.session(), await db.session()
    await one.execute("begin")
    await other.execute("begin")
    change = (
        "update alfrd.documents set metadata = '{}', series_id = series_id, period_end = %s where id = %s"
    )
    await one.execute("select set_config('alfrd.actor', 'worker', true)")
    await other.execute("select set_config('alfrd.actor', 'worker', true)")
    await one.execute(change, ["2024-01-01", first])
    await other.execute(change, ["2024-01-01", second])

    await one.execute("commit")
    await other.execute("commit")

    assert len(await watches(db)) == 2
    await one.close()
    await other.close()


async def test_a_deleted_series_is_looked_at_no_more(db: Harness) -> None:
    await db.given_document("completed")

    await db.sql("delete from alfrd.series")

    assert await watches(db) == []


async def test_a_worker_looks_after_a_series_and_once_does_not_wait_for_a_day_to_come(db: Harness) -> None:
    steps = {**BUILT_IN, **CALENDAR}
    now = await today(db)
    for day in (100, 70, 40, 10):
        await bill(db, now - timedelta(days=day))

    await run_worker(db.database, steps, noop_tools(), options(db.url, slots=dict.fromkeys(steps, 4)))

    (rhythm,) = await db.sql(
        "select frequency, expected - alfrd.now()::date as days from alfrd.series_rhythms"
    )
    assert rhythm["frequency"] == "monthly"
    assert 17 <= rhythm["days"] <= 23
    (waiting,) = await watches(db)
    assert waiting["ahead"] > timedelta(days=20)
    assert (await queue.backlog(db.database, list(steps))).empty


async def test_the_calendar_shows_what_came_and_what_is_expected(db: Harness) -> None:
    await monthly(db, ["45.00", "45.00", "45.00", "47.00"])
    (next_look,) = await watches(db)
    await db.advance_clock(next_look["ahead"].total_seconds() + 1)
    await look(db)

    rows = await calendar.days(
        db.database, await today(db) - timedelta(days=200), await today(db) + timedelta(days=60)
    )

    states = [row["state"] for row in rows]
    assert states[:4] == ["received"] * 4
    assert states[4] == "late"
    assert set(states[5:]) == {"expected"}
    assert [row["amount"] for row in rows][4] == 45
    assert len({row["day"] for row in rows}) == len(rows)


async def test_tenants_see_and_dismiss_their_own_alerts_only(
    db: Harness, server: Server, signed_in: dict[str, str]
) -> None:
    await monthly(db, ["45.00", "45.00", "45.00", "59.00"])
    alert = await db.one("select id from alfrd.open_alerts")
    await db.sql("update alfrd.series set owner = 'shop'")
    async with await db.session() as owner:
        await owner.execute(policies())  # type: ignore[call-overload]
    for login in ("wall", "shop"):
        url = db.url.replace("postgres@", f"{login}@")
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            seen = await (await connection.execute("select id from alfrd.open_alerts")).fetchall()
            assert len(seen) == (login == "shop")
            if login == "wall":
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await connection.execute("select alfrd.dismiss_alert(%s)", [alert])
                continue
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute("update alfrd.series_alerts set detail = 'x'")
            await connection.execute("select alfrd.dismiss_alert(%s)", [alert])
    assert await open_alerts(db) == []
    await db.sql("update alfrd.series set owner = 'other'")
    async with await psycopg.AsyncConnection.connect(
        db.url.replace("postgres@", "shop@"), autocommit=True
    ) as connection:
        with pytest.raises(psycopg.DatabaseError, match="no alert"):
            await connection.execute("select alfrd.dismiss_alert(%s)", [alert])


async def test_looks_of_days_to_come_are_no_work_that_waits(db: Harness) -> None:
    await monthly(db, ["45.00"] * 4)
    (to_come,) = await watches(db)
    assert to_come["ahead"] > timedelta(days=20)
    await db.sql("delete from alfrd.tasks where step <> 'watch_series'")

    assert (await queries.progress(db.database))["waiting"] == 0
    (step,) = [one for one in (await queries.status(db.database))["steps"] if one["step"] == "watch_series"]
    assert (step["ready"], step["scheduled"]) == (0, 0)
    assert "scheduled" not in (await console.counts(db.database))["tasks"]

    await queue.hasten_looks(db.database)
    (still,) = await watches(db)
    assert still["ahead"] > timedelta(days=20)


async def test_a_worker_that_ends_when_all_is_done_does_not_wait_for_the_end_of_a_burst(db: Harness) -> None:
    await db.given_document("completed")
    await db.sql("delete from alfrd.tasks where step <> 'watch_series'")
    assert (await queries.progress(db.database))["waiting"] == 1

    await queue.hasten_looks(db.database)
    assert await look(db)

    await db.given_document("completed")
    await queue.hasten_looks(db.database)
    (again,) = await watches(db)
    assert again["ahead"] > timedelta(seconds=1), "it was looked at a moment ago"


async def test_replay_makes_the_looks_that_a_restore_has_lost(db: Harness) -> None:
    await monthly(db, ["45.00"] * 4)
    await db.sql("delete from alfrd.tasks where step = 'watch_series'")

    (made,) = await db.sql("select subject_type, step, reason from alfrd.replay()")
    assert made == {"subject_type": "series", "step": "watch_series", "reason": "no task looks after it"}
    assert await db.sql("select * from alfrd.replay()") == []
    assert await look(db)
    (waiting,) = await watches(db)
    assert waiting["ahead"] > timedelta(days=20)
    assert await db.sql("select * from alfrd.replay()") == []


async def test_a_series_without_a_rhythm_that_was_looked_at_is_not_replayed(db: Harness) -> None:
    await db.given_document("completed")
    await db.sql("delete from alfrd.tasks where step = 'watch_series'")
    assert len(await db.sql("select * from alfrd.replay()")) == 1
    assert await look(db)

    assert await watches(db) == []
    assert await db.sql("select * from alfrd.replay()") == []


async def test_an_exchange_makes_each_series_due_once_and_those_that_documents_leave_or_fail_in(
    db: Harness,
) -> None:
    document = await db.given_document("completed")
    await db.advance_clock(5)
    assert await look(db)
    (first,) = await db.sql("select id from alfrd.series")

    await db.sql("update alfrd.documents set entity = 'Other' where id = %s", document)
    while await look(db):
        pass
    await db.sql("delete from alfrd.tasks where step = 'watch_series'")
    task = await db.claim("file", subject=document)
    assert task is not None
    await db.complete(task, entity="Other", entity_key="other", slug="other")
    waiting = await db.sql("select subject_id from alfrd.tasks where step = 'watch_series'")
    assert len(waiting) == 2
    assert first["id"] in {row["subject_id"] for row in waiting}, "it has lost a document"

    await db.sql("delete from alfrd.tasks where step = 'watch_series'")
    task = await db.claim("extract", subject=document)
    assert task is not None
    await db.hand_in(Outcome(task, "failed", error="no"))
    (noted,) = await db.sql("select subject_id from alfrd.tasks where step = 'watch_series'")
    assert noted["subject_id"] != first["id"]


@pytest.mark.parametrize(
    ("every", "expected", "span"),
    [
        ({"every_days": 7}, date(2026, 1, 31), (date(2026, 3, 1), date(2026, 5, 1))),
        ({"every_months": 1}, date(2026, 1, 31), (date(2026, 2, 28), date(2026, 12, 31))),
        ({"every_months": 1}, date(2028, 1, 31), (date(2028, 2, 29), date(2028, 2, 29))),
        ({"every_months": 12}, date(2026, 1, 31), (date(2020, 1, 1), date(2029, 12, 31))),
        ({"every_months": 6}, date(2026, 1, 31), (date(2025, 1, 1), date(2026, 1, 30))),
    ],
)
async def test_the_calendar_expects_each_occasion_between_two_days(
    db: Harness, every: dict[str, int], expected: date, span: tuple[date, date]
) -> None:
    series = await db.one(
        "insert into alfrd.series (entity, entity_key, slug) values ('A', 'a', 'a') returning id"
    )
    steps = every.get("every_days", 0), every.get("every_months", 0)
    await db.sql(
        "insert into alfrd.series_rhythms (series_id, every_days, every_months, expected, expected_from, expected_to)"
        " values (%s, %s, %s, %s, %s, %s)",
        series,
        *steps,
        *[expected] * 3,
    )
    wanted = await db.sql(
        "select day from (select (%s::date + make_interval(days => n * %s, months => n * %s))::date as day"
        "   from generate_series(0, 600) as n) o where day between %s and %s order by 1",
        expected,
        *steps,
        *span,
    )
    shown = await db.sql("select day from alfrd.calendar(%s, %s) where state = 'expected'", *span)
    assert shown == wanted


async def test_a_series_that_changes_while_its_look_is_claimed_waits_for_nobody_and_is_looked_at_again(
    db: Harness,
) -> None:
    document = await db.given_document("completed")
    await db.advance_clock(10)
    worker = await db.worker("a")
    claiming, person = await db.session(), await db.session()
    await claiming.execute("select set_config('alfrd.clock_offset', '10 seconds', false)")
    request = json.dumps({"outcomes": [], "capacity": {"watch_series": 1}, "woken_by": "poll"})
    async with claiming.transaction():
        await claiming.execute("select alfrd.exchange(%s, %s)", [worker, request])
        await person.execute("set lock_timeout = '1s'")
        await person.execute("update alfrd.documents set status = 'cancelled' where id = %s", [document])
    assert await db.one("select count(*) from alfrd.changed_series") == 1

    (task,) = await db.sql("select id, attempt, subject_id from alfrd.tasks where step = 'watch_series'")
    watched = Task(task["id"], "watch_series", "series", task["subject_id"], task["attempt"], 5)
    unknown = {"frequency": "", "confidence": 0, "every_days": 0, "every_months": 0, "currency": ""}
    assert await db.complete(watched, worker="a", **unknown, has_ended=False, alerts=[])
    (again,) = await watches(db)
    assert again["ahead"] < timedelta(minutes=1)
    assert await db.one("select count(*) from alfrd.changed_series") == 0
