"""Lessons are tried before they are believed, by a step of their own: a correction waits for none of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import psycopg

from alfrd_events.db.database import Database
from alfrd_events.db.lessons import lessons
from testing.harness import Harness
from tests.engine.test_lessons import correct, given, values_of, work

INSTALMENT = {"total": "410.10"}


async def correct_only(db: Harness, document: UUID, **values: Any) -> None:
    await db.sql("select alfrd.correct(%s, %s)", document, json.dumps(values))


async def totals(db: Harness) -> list[str]:
    rows = await db.sql("select total_amount::text as total from alfrd.documents order by filename")
    return [row["total"] for row in rows]


async def test_a_correction_reads_no_paper_however_many_its_sender_has(db: Harness) -> None:
    one, *others = [await given(db, number) for number in (10, 11, 12)]
    for other in others:
        await db.sql("select alfrd.accept(%s)", other)
    reader = await db.session()
    async with reader.transaction():
        await reader.execute("lock table alfrd.pages in access exclusive mode")
        await db.sql("set lock_timeout = '5s'")
        await correct_only(db, one, type="insurance", **INSTALMENT)
        await db.sql("reset lock_timeout")
    await reader.close()

    assert await db.one("select count(*) from alfrd.tasks where step = 'try_lessons'") == 1
    await work(db)
    rows = await db.sql("select kind, contradicted_by <> '' as stopped from alfrd.lessons order by id")
    assert [(row["kind"], row["stopped"]) for row in rows] == [("type", True), ("label", True)]


async def test_what_is_not_tried_yet_is_shown_as_such_and_not_used(db: Harness) -> None:
    one = await given(db, 10)
    await correct_only(db, one, type="insurance", **INSTALMENT)

    async with Database(db.url) as database:
        rows = await lessons(database)
    assert [(row["kind"], row["value"], row["active"], row["tried_at"]) for row in rows] == [
        ("place", "", False, None),
        ("label", "", False, None),
        ("type", "insurance", False, None),
    ]

    await work(db)
    async with Database(db.url) as database:
        rows = await lessons(database)
    assert [(row["kind"], row["value"], row["active"]) for row in rows] == [
        ("label", "paid by instalment", True),
        ("type", "insurance", True),
    ], "the text has no positions, so there is no place"


async def test_what_a_person_accepts_later_stops_a_lesson_that_was_believed(db: Harness) -> None:
    one, two = await given(db, 10), await given(db, 11)
    await correct(db, one, **INSTALMENT)
    assert await db.one("select active from alfrd.lessons")

    await db.sql("select alfrd.accept(%s)", two)
    await work(db)

    assert await db.one("select contradicted_by from alfrd.lessons") == f"document {two}"
    assert (await values_of(db, await given(db, 12)))["total"] == "1212.50"

    await db.sql("select alfrd.reopen_review(%s)", two)
    await work(db)
    assert await db.one("select active from alfrd.lessons")


async def test_reviews_are_done_again_when_what_is_applied_to_them_is_believed(db: Harness) -> None:
    one, two = await given(db, 10), await given(db, 11)
    await db.sql("update alfrd.documents set needs_review = true, review_reason = 'The total is unsure.'")
    await correct_only(db, one, **INSTALMENT)

    assert await db.one("select alfrd.apply_lessons(%s)", one) == [two]
    assert await db.status_of(two) == "completed", "it waits for the trial"
    await work(db)

    assert await totals(db) == ["410.10", "411.10"]
    assert await db.one("select count(*) from alfrd.lessons where apply_to <> '{}'") == 0


async def test_what_several_lessons_are_applied_to_is_done_again_once(db: Harness) -> None:
    one, two = await given(db, 10), await given(db, 11)
    await db.sql("update alfrd.documents set needs_review = true, review_reason = 'The total is unsure.'")
    await correct_only(db, one, type="insurance", **INSTALMENT)
    assert await db.one("select alfrd.apply_lessons(%s)", one) == [two]

    await work(db)

    (row,) = await db.sql(
        "select document_type, total_amount::text, generation from alfrd.documents where id = %s", two
    )
    assert row == {"document_type": "insurance", "total_amount": "411.10", "generation": 2}


async def test_nothing_is_applied_that_turns_out_to_contradict_a_paper(db: Harness) -> None:
    one, two, three = [await given(db, number) for number in (10, 11, 12)]
    await db.sql("select alfrd.accept(%s)", three)
    await db.sql(
        "update alfrd.documents set needs_review = true, review_reason = 'The total is unsure.'"
        " where reviewed_at is null"
    )
    await correct_only(db, one, **INSTALMENT)
    assert await db.one("select alfrd.apply_lessons(%s)", one) == [two]

    await work(db)

    assert await totals(db) == ["410.10", "1211.50", "1212.50"]


async def test_what_waits_for_a_trial_goes_on_with_what_it_does(db: Harness) -> None:
    one, two = await given(db, 10), await given(db, 11)
    await db.sql("update alfrd.documents set needs_review = true, status = 'summarized' where id = %s", two)
    claimed = await db.claim("file", worker="a", subject=two)
    assert claimed is not None
    await correct_only(db, one, **INSTALMENT)

    assert await db.one("select alfrd.apply_lessons(%s)", one) == [two]

    assert await db.complete(claimed, worker="a"), "its work was not thrown away"


async def test_documents_of_another_owner_are_not_done_again(db: Harness) -> None:
    one, others = await given(db, 10), await given(db, 11, owner="other")
    await correct_only(db, one, **INSTALMENT)
    await db.sql("update alfrd.lessons set apply_to = array[%s, %s]", one, others)

    await work(db)

    assert await db.one("select count(*) from alfrd.lessons where active") == 1
    generations = await db.sql("select generation from alfrd.documents order by filename")
    assert [row["generation"] for row in generations] == [3, 1], "corrected and done again; left alone"


async def test_a_trial_reads_no_more_pages_than_a_worker_can_hold(db: Harness) -> None:
    one, *others = [await given(db, number) for number in (10, 11, 12, 13)]
    await db.sql("update alfrd.documents set reviewed_at = alfrd.now() where id = any (%s)", others)
    for pages, other in zip((400, 600, 1), reversed(others), strict=True):
        await db.sql("update alfrd.documents set page_count = %s where id = %s", pages, other)
    await correct_only(db, one, **INSTALMENT)

    (trial,) = await db.sql(
        "select t.* from alfrd.lessons l, alfrd.lesson_trials(array[l.sender_id]) as t limit 1"
    )

    assert trial["papers"] == others[:0:-1], "the newest ones, up to a thousand pages"
    marks = [each["marks"] for each in trial["lessons"]]
    assert len(marks) == 2
    assert marks[0] == marks[1]
    assert marks[0]


async def test_reviews_are_done_again_also_where_the_trial_ends_while_they_are_applied(db: Harness) -> None:
    one, two = await given(db, 10), await given(db, 11)
    await db.sql("update alfrd.documents set needs_review = true, review_reason = 'The total is unsure.'")
    await correct_only(db, one, **INSTALMENT)
    trial = await db.session()
    async with trial.transaction():
        await trial.execute("delete from alfrd.lessons where kind = 'place'")
        await trial.execute("update alfrd.lessons set value = 'paid by instalment', tried_at = alfrd.now()")
        applying = asyncio.create_task(db.one("select alfrd.apply_lessons(%s)", one))
        await one_waits(trial)

    assert await applying == [two]
    assert await db.status_of(two) == "classified"
    await trial.close()


async def test_a_correction_and_an_exchange_that_has_tried_lessons_do_not_wait_for_each_other(
    db: Harness,
) -> None:
    document = await db.given_document("completed")
    await db.sql("delete from alfrd.tasks where step = 'watch_series'")
    exchange = await db.session()
    async with exchange.transaction():
        await exchange.execute(
            "insert into alfrd.tasks (step, subject_type, subject_id, status, state, run_at, max_attempts)"
            " select r.step, r.subject_type, d.series_id, r.status, 'ready', alfrd.now(), r.max_attempts"
            "   from alfrd.documents d, alfrd.routes r where r.step = 'watch_series'"
        )
        correcting = asyncio.create_task(correct_only(db, document, total="77.70"))
        await one_waits(exchange)
        await exchange.execute("update alfrd.reference_version set number = number + 1")

    await correcting
    assert await db.one("select total_amount::text from alfrd.documents") == "77.70"
    await exchange.close()


async def one_waits(session: psycopg.AsyncConnection[Any]) -> None:
    """Wait until another session waits for a lock."""
    waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with asyncio.timeout(60):
        while await (await session.execute(waiting)).fetchone() is None:
            await asyncio.sleep(0.01)


async def test_a_correction_that_is_undone_before_its_trial_leaves_no_trace(db: Harness) -> None:
    one = await given(db, 10)
    before = await values_of(db, one)
    await correct_only(db, one, **INSTALMENT)
    await db.sql("select alfrd.undo(%s)", one)

    await work(db)

    assert await db.one("select count(*) from alfrd.lessons") == 0
    assert await values_of(db, one) == before
    assert await db.one("select count(*) from alfrd.tasks where step = 'try_lessons'") == 0


async def test_a_lesson_that_is_taught_while_others_are_tried_gets_a_trial_of_its_own(db: Harness) -> None:
    one, two = await given(db, 10), await given(db, 11)
    await correct_only(db, one, type="insurance", **INSTALMENT)
    task = await db.claim("try_lessons", worker="a")
    assert task is not None

    await correct_only(db, two, type="insurance", total="411.10")
    assert await db.complete(task, worker="a", verdicts=[])

    assert await db.one("select count(*) from alfrd.lessons where tried_at is null") == 6
    await work(db)
    assert await db.one("select count(*) from alfrd.lessons where not active") == 0


async def test_a_trial_that_succeeds_clears_one_that_died(db: Harness) -> None:
    one, two = await given(db, 10), await given(db, 11)
    await correct_only(db, one, **INSTALMENT)
    await db.sql("update alfrd.tasks set state = 'dead', error = 'odd' where step = 'try_lessons'")
    await correct_only(db, two, total="411.10")

    await work(db)

    assert await db.one("select count(*) from alfrd.lessons where not active") == 0
    assert await db.one("select count(*) from alfrd.tasks where step = 'try_lessons'") == 0


async def test_a_trial_that_was_lost_or_died_is_made_again_by_a_replay(db: Harness) -> None:
    one = await given(db, 10)
    await correct_only(db, one, **INSTALMENT)
    await db.sql("delete from alfrd.tasks where step = 'try_lessons'")

    (found,) = await db.sql("select subject_type, step, reason from alfrd.replay()")
    assert found == {
        "subject_type": "sender",
        "step": "try_lessons",
        "reason": "nothing tries what was taught",
    }
    await db.sql("update alfrd.tasks set state = 'dead', error = 'odd' where step = 'try_lessons'")
    assert await db.sql("select * from alfrd.replay()") == []
    (found,) = await db.sql("select reason from alfrd.replay(true)")
    assert found["reason"] == "side work is dead: odd"
    await work(db)

    assert await db.one("select count(*) from alfrd.lessons where active") == 1
