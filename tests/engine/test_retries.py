"""Attempts that fail, wait, and are taken up again."""

from __future__ import annotations

from uuid import uuid4

import pytest

from alfrd_events.model import Outcome
from testing.harness import Harness


async def test_a_transient_error_is_tried_again_after_a_backoff(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None

    await db.hand_in(Outcome(task, "retry", error="the disk was asleep"))

    assert await db.tasks_of(document) == {"ocr": "scheduled"}
    assert await db.claim("ocr") is None
    assert "the disk was asleep" in await db.one("select alfrd.explain(%s)", document)
    await db.advance_clock(15)
    again = await db.claim("ocr")
    assert again is not None
    assert (again.id, again.attempt) == (task.id, 2)


async def test_being_throttled_or_handed_back_is_not_a_failed_attempt(db: Harness) -> None:
    document = await db.given_document()
    for _ in range(10):
        task = await db.claim("ocr")
        assert task is not None
        await db.hand_in(Outcome(task, "throttled", error="slow down", retry_after=1.0))
        await db.advance_clock(2)
        task = await db.claim("ocr")
        assert task is not None
        await db.hand_in(Outcome(task, "released", error="stopped"))

    assert await db.status_of(document) == "pending"
    task = await db.claim("ocr")
    assert task is not None
    assert task.max_attempts - task.attempt == 4


async def test_a_permanent_error_fails_the_document_at_once(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None

    await db.hand_in(Outcome(task, "failed", error="a.txt: it is a stone; scan it"))

    assert await db.status_of(document) == "failed"
    assert await db.tasks_of(document) == {"ocr": "dead"}
    explained = await db.one("select alfrd.explain(%s)", document)
    assert "Step ocr: a.txt: it is a stone; scan it." in explained
    assert f"replay --failed --document {document}" in explained


async def test_dead_side_work_leaves_the_document_alone(db: Harness) -> None:
    document = await db.given_document("classified")
    task = await db.claim("score_classification")
    assert task is not None

    await db.hand_in(Outcome(task, "failed", error="no opinion"))

    assert await db.status_of(document) == "classified"
    assert await db.tasks_of(document) == {"summarize": "ready", "score_classification": "dead"}


async def test_replay_finds_what_lost_its_task_and_nothing_else(db: Harness) -> None:
    stuck = await db.given_document()
    await db.sql("delete from alfrd.tasks where subject_id = %s", stuck)
    await db.given_document("classified")
    await db.given_document("completed")
    assert "no task exists: run alfrd-events replay" in await db.one("select alfrd.explain(%s)", stuck)

    looked = await db.sql("select * from alfrd.replay(p_dry_run => true)")
    assert await db.tasks_of(stuck) == {}
    done = await db.sql("select * from alfrd.replay()")
    again = await db.sql("select * from alfrd.replay()")

    assert looked == done
    assert [(row["id"], row["step"], row["reason"]) for row in done] == [
        (stuck, "ocr", "no task for this status")
    ]
    assert again == []
    assert await db.tasks_of(stuck) == {"ocr": "ready"}


async def test_replay_of_the_failed_goes_on_where_it_failed(db: Harness) -> None:
    document = await db.given_document("ocr_completed")
    task = await db.claim("classify")
    assert task is not None
    await db.hand_in(Outcome(task, "failed", error="no"))
    assert await db.sql("select * from alfrd.replay()") == []

    (row,) = await db.sql("select * from alfrd.replay(p_failed => true)")

    assert (row["step"], row["reason"]) == ("classify", "failed: no")
    assert await db.status_of(document) == "ocr_completed"
    assert await db.tasks_of(document) == {"classify": "ready"}
    assert await db.one("select error from alfrd.documents where id = %s", document) == ""


async def test_replay_of_the_failed_revives_dead_side_work(db: Harness) -> None:
    document = await db.given_document("completed")
    task = await db.claim("score_summary")
    assert task is not None
    await db.hand_in(Outcome(task, "failed", error="no"))

    await db.sql("select * from alfrd.replay(p_failed => true)")

    assert await db.status_of(document) == "completed"
    assert (await db.tasks_of(document))["score_summary"] == "ready"


async def test_a_cancelled_document_stays_so(db: Harness) -> None:
    document = await db.given_document("ocr_completed")
    running = await db.claim("classify", worker="a")
    assert running is not None

    assert await db.one("select alfrd.cancel(%s)", document) == "cancelled"

    assert not await db.complete(running, worker="a")
    assert await db.sql("select * from alfrd.replay(p_failed => true)") == []
    assert await db.status_of(document) == "cancelled"
    assert await db.tasks_of(document) == {}
    await db.sql("update alfrd.documents set status = 'pending' where id = %s", document)
    assert await db.tasks_of(document) == {"ocr": "ready"}


async def test_an_unknown_id_has_a_clear_answer(db: Harness) -> None:
    missing = uuid4()
    with pytest.raises(Exception, match=f"no document or file {missing}"):
        await db.one("select alfrd.explain(%s)", missing)
    with pytest.raises(Exception, match=f"no document {missing}"):
        await db.one("select alfrd.cancel(%s)", missing)


async def test_a_task_is_throttled_as_often_as_it_takes_but_not_as_fast_as_it_is_told(db: Harness) -> None:
    document = await db.given_document()
    waits = []
    for _ in range(12):
        task = await db.claim("ocr")
        assert task is not None
        await db.hand_in(Outcome(task, "throttled", error="slow down", retry_after=0))
        waits.append(await db.one("select extract(epoch from run_at - alfrd.now())::float8 from alfrd.tasks"))
        await db.advance_clock(1)

    assert max(waits[:3]) <= 0
    assert min(waits[3:]) > 0.3
    assert max(waits) <= 1
    assert await db.tasks_of(document) == {"ocr": "scheduled"}
    explained = await db.one("select alfrd.explain(%s)", document)
    assert "slow down (throttled 12 times)" in explained


async def test_nobody_waits_for_more_than_a_day_whatever_a_provider_says(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    await db.hand_in(Outcome(task, "throttled", retry_after=1e12))
    assert await db.one("select run_at - alfrd.now() <= interval '1 day' from alfrd.tasks")
