"""Where claims begin in the queue, and which next steps are handed over instead of claimed."""

from __future__ import annotations

import pytest

from alfrd_events.db import queue
from alfrd_events.model import Outcome
from alfrd_events.worker.cursors import QueueCursors
from alfrd_events.worker.wake import Reason
from testing.harness import RESULTS, Harness


async def test_a_busy_worker_goes_on_behind_what_it_has_claimed(db: Harness) -> None:
    first, second = [await db.given_document() for _ in range(2)]
    worker = await db.worker("a")

    async def look(from_: dict[str, int] | None) -> queue.ExchangeReply:
        return await queue.exchange(db.database, worker, [], {"ocr": 1}, "handoff", cursors=from_)

    claimed = await look(None)
    (task,) = claimed.claimed
    assert task.subject_id == first
    await db.hand_in(Outcome(task, "released"))
    behind = await look(dict(claimed.cursors))
    assert [task.subject_id for task in behind.claimed] == [second], "the first one is before its place"

    urgent = await db.given_document(priority=1)
    more_urgent = await look(dict(behind.cursors))
    assert [task.subject_id for task in more_urgent.claimed] == [urgent], (
        "it comes first, wherever the worker is"
    )
    assert (await look(dict(behind.cursors))).claimed == ()
    assert [task.subject_id for task in (await look(None)).claimed] == [first]


def test_the_fronts_of_queues_are_looked_at_again_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("alfrd_events.worker.cursors.time.monotonic", lambda: now)
    cursors = QueueCursors()
    reached = {"ocr": 7, "classify": 8}

    def look(reason: Reason, took: float = 0.1) -> dict[str, int]:
        from_ = dict(cursors.next(reason))
        cursors.moved(from_, reached, took)
        return from_

    assert look("handoff") == {}, "it was nowhere yet"
    assert look("handoff") == reached
    assert look("notify") == {}, "somebody says that there is something"
    assert look("handoff") == reached
    now += 0.6
    one, other = look("handoff"), look("handoff")
    assert len(one) == 1
    assert other == reached, "the next one half a second later"
    now += 0.6
    assert {*one, *look("handoff", took=0.15)} == {*reached}, "the turn of the other"
    now += 0.49
    assert look("handoff") == reached
    now += 0.02
    assert len(look("handoff", took=5)) == 1
    now += 1.9
    assert look("handoff") == reached, "that took long: less often then"
    now += 0.2
    assert len(look("handoff")) == 1, "but every two seconds"


def test_handing_in_alone_does_not_lose_the_place_in_the_queues() -> None:
    cursors = QueueCursors()
    cursors.moved({}, {"ocr": 7}, 0.1)

    cursors.moved(cursors.next("handoff"), {}, 0.1)

    assert cursors.next("handoff") == {"ocr": 7}


async def test_what_falls_due_is_claimed_although_it_is_older_than_where_the_worker_is(db: Harness) -> None:
    first, _ = [await db.given_document() for _ in range(2)]
    worker = await db.worker("a")
    claimed = await queue.exchange(db.database, worker, [], {"ocr": 2}, "notify")
    again, done = sorted(claimed.claimed)
    await queue.exchange(db.database, worker, [Outcome(again, "retry", error="x")], {}, "handoff")
    await db.advance_clock(3600)

    outcome = Outcome(done, "done", result=RESULTS["ocr"])
    behind = await queue.exchange(
        db.database, worker, [outcome], {"ocr": 1}, "handoff", cursors=dict(claimed.cursors)
    )
    assert [task.subject_id for task in behind.claimed] == [first]


async def test_what_waited_for_a_superseded_twin_is_claimed_by_the_worker_that_ends_it(db: Harness) -> None:
    document = await db.given_document("ocr_completed")
    worker = await db.worker("a")
    task = await db.claim("classify", worker="a")
    assert task is not None
    await db.sql("update alfrd.documents set status = 'ocr_completed' where id = %s", document)
    behind = await queue.exchange(db.database, worker, [], {"classify": 1}, "handoff")
    assert behind.claimed == ()

    outcome = Outcome(task, "done", result=RESULTS["classify"], made_by="test")
    answer = await queue.exchange(
        db.database, worker, [outcome], {"classify": 1}, "handoff", cursors=behind.cursors
    )

    assert answer.refused == {task.id: "superseded"}
    assert [twin.subject_id for twin in answer.claimed] == [document]


async def test_a_worker_that_would_sleep_looks_at_the_whole_queue(db: Harness) -> None:
    await db.given_document()
    worker = await db.worker("a")
    end = await queue.exchange(db.database, worker, [], {"classify": 1}, "handoff", waiting_for=["classify"])
    everywhere = {"ocr": next(iter(end.cursors.values()))}

    busy = await queue.exchange(db.database, worker, [], {"ocr": 1}, "handoff", cursors=everywhere)
    assert busy.claimed == ()
    last = await queue.exchange(
        db.database, worker, [], {"ocr": 1}, "handoff", waiting_for=["ocr"], cursors=everywhere
    )
    assert len(last.claimed) == 1


async def test_as_many_next_steps_as_fit_are_handed_over_and_the_others_wait(db: Harness) -> None:
    for _ in range(5):
        await db.given_document()
    claimed = (await db.exchange("a", [], ocr=5)).claimed
    done = [Outcome(task, "done", result=RESULTS["ocr"]) for task in claimed]
    classifying = (await db.exchange("a", done, classify=3)).claimed
    assert [task.step for task in classifying] == ["classify"] * 3
    assert await db.one("select count(*) from alfrd.tasks where step = 'classify' and state = 'ready'") == 2

    done = [Outcome(task, "done", result=RESULTS["classify"]) for task in classifying]
    room = {"summarize": 1, "score_classification": 3, "classify": 3}
    steps = [task.step for task in (await db.exchange("a", done, **room)).claimed]  # type: ignore[arg-type]
    assert sorted(steps) == ["classify"] * 2 + ["score_classification"] * 3 + ["summarize"]


async def test_next_steps_leave_the_slots_of_those_that_have_waited(db: Harness) -> None:
    waiting = await db.given_document("ocr_completed")
    await db.given_document()
    (task,) = (await db.exchange("a", [], ocr=1)).claimed

    answer = await db.exchange("a", [Outcome(task, "done", result=RESULTS["ocr"])], classify=1)

    assert [task.subject_id for task in answer.claimed] == [waiting]


async def test_what_a_limit_has_held_back_is_claimed_as_soon_as_a_slot_is_free(db: Harness) -> None:
    await db.sql("insert into alfrd.limits (step, max_running) values ('ocr', 1)")
    first, second = [await db.given_document() for _ in range(2)]
    worker = await db.worker("a")

    async def look(from_: dict[str, int], *done: Outcome) -> queue.ExchangeReply:
        return await queue.exchange(db.database, worker, done, {"ocr": 5}, "handoff", cursors=from_)

    claimed = await look({})
    (task,) = claimed.claimed
    assert task.subject_id == first
    full = await look(dict(claimed.cursors))
    assert full.claimed == ()
    freed = await look(dict(full.cursors), Outcome(task, "done", result=RESULTS["ocr"]))
    assert [task.subject_id for task in freed.claimed] == [second]
