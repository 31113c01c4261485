"""Claiming tasks, and handing next steps on."""

from __future__ import annotations

import asyncio

import pytest

from alfrd_events.model import Outcome
from testing.harness import RESULTS, Harness


async def test_a_claimed_task_is_claimed_by_nobody_else(db: Harness) -> None:
    await db.given_document()

    assert await db.claim("ocr", worker="a") is not None
    assert await db.claim("ocr", worker="b") is None


async def test_claims_follow_priority_then_age(db: Harness) -> None:
    first = await db.given_document()
    second = await db.given_document()
    urgent = await db.given_document(priority=5)

    claimed = [await db.claim("ocr") for _ in range(3)]

    assert [task.subject_id for task in claimed if task] == [urgent, first, second]


async def test_capacity_bounds_what_is_claimed_per_step(db: Harness) -> None:
    for _ in range(3):
        await db.given_document()
    await db.given_document("ocr_completed")

    answer = await db.exchange("a", [], ocr=2, classify=5, summarize=0)

    assert sorted(task.step for task in answer.claimed) == ["classify", "ocr", "ocr"]


async def test_the_next_step_is_handed_over_in_the_same_exchange(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr")
    assert task is not None

    answer = await db.exchange("a", [Outcome(task, "done", result=RESULTS["ocr"])], classify=1)

    assert [(task.step, task.woken_by) for task in answer.claimed] == [("classify", "handoff")]


async def test_the_exchange_tells_when_the_next_task_falls_due(db: Harness) -> None:
    await db.given_document()
    assert (await db.exchange("a", [])).next_due is None
    task = await db.claim("ocr")
    assert task is not None
    await db.hand_in(Outcome(task, "throttled", error="slow down", retry_after=120.0))

    answer = await db.exchange("a", [], ocr=1)

    assert answer.next_due == pytest.approx(120, abs=10)


async def test_a_new_task_waits_while_its_twin_runs(db: Harness) -> None:
    document = await db.given_document()
    running = await db.claim("ocr", worker="a")
    assert running is not None
    await db.sql("update alfrd.documents set status = 'pending' where id = %s", document)

    assert await db.claim("ocr", worker="b") is None
    assert not await db.complete(running, worker="a")
    fresh = await db.claim("ocr", worker="b")

    assert fresh is not None
    assert fresh.id != running.id


async def test_a_limit_holds_for_the_whole_fleet(db: Harness) -> None:
    await db.sql("insert into alfrd.limits values ('ocr', 3)")
    documents = [await db.given_document() for _ in range(6)]

    answers = await asyncio.gather(
        *(db.exchange(name, [], ocr=2) for name in ("a", "b", "c")),
    )

    assert sum(len(answer.claimed) for answer in answers) == 3
    waiting = [d for d in documents if await db.tasks_of(d) == {"ocr": "ready"}]
    assert "waits for one of the 3 slots" in await db.one("select alfrd.explain(%s)", waiting[0])


async def test_only_names_the_documents_that_may_be_claimed(db: Harness) -> None:
    await db.given_document()
    wanted = await db.given_document()

    answer = await db.exchange("a", [], only=wanted, ocr=5)

    assert [task.subject_id for task in answer.claimed] == [wanted]


async def test_a_step_of_a_user_is_one_row(db: Harness) -> None:
    await db.sql(
        "insert into alfrd.routes (subject_type, status, step) values ('document', 'completed', 'export')"
    )
    document = await db.given_document("completed")
    task = await db.claim("export")
    assert task is not None

    await db.hand_in(Outcome(task, "done", result={"sent": True}, made_by="mine"))

    assert await db.one("select result from alfrd.step_results where subject_id = %s", document) == {
        "sent": True
    }
    assert await db.status_of(document) == "completed"


async def test_a_free_slot_of_a_limited_step_rings_for_those_who_wait(db: Harness) -> None:
    await db.sql("insert into alfrd.limits values ('ocr', 1)")
    await db.given_document()
    await db.given_document()
    task = await db.claim("ocr", worker="a")
    assert task is not None
    assert await db.claim("ocr", worker="b") is None
    await db.sleeps_for("b", "ocr")
    listener = await db.session()
    await listener.execute("listen alfrd_work")

    await db.complete(task, worker="a")  # and it has no room for more

    heard = {notify.payload async for notify in listener.notifies(timeout=2)}
    await listener.close()
    assert "ocr" in heard
