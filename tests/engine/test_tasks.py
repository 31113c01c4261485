"""Tasks: claimed once, fenced, retried, rescued, dead, replayed."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from alfrd_events.db import queue
from alfrd_events.db.errors import WorkerUnknown
from alfrd_events.model import Outcome, Usage
from tests.support.harness import RESULTS, Harness


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


async def test_a_late_result_is_refused_and_its_cost_recorded(db: Harness) -> None:
    document = await db.given_document()
    first = await db.claim("ocr", worker="a")
    assert first is not None
    await db.advance_clock(60)
    await db.rescue()
    second = await db.claim("ocr", worker="b")
    assert second is not None

    late = Outcome(first, "done", result=RESULTS["ocr"], usage=(Usage(provider="test", pages=3),))
    answer = await db.exchange("late", [late])

    assert answer.stale == {first.id}
    assert (second.id, second.attempt) == (first.id, 2)
    assert await db.status_of(document) == "pending"
    assert await db.one("select count(*) from alfrd.pages") == 0
    assert await db.sql("select pages, outcome from alfrd.usage") == [{"pages": 3, "outcome": "stale"}]
    assert ("stale", "ocr") in await db.events_of(document)


async def test_the_same_result_twice_counts_once(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None

    done = Outcome(task, "done", result=RESULTS["ocr"], usage=(Usage(provider="test", pages=1),))
    first = await db.exchange("a", [done])
    second = await db.exchange("a", [done])  # the reply to the first was lost

    assert (first.stale, second.stale) == (frozenset(), frozenset())
    assert await db.events_of(document) == [("completed", "ocr")]
    assert await db.one("select count(*) from alfrd.usage") == 1


async def test_a_result_that_was_taken_unseen_counts_once_although_its_worker_signed_on_again(
    db: Harness,
) -> None:
    document = await db.given_document()
    task = await db.claim("ocr", worker="a")
    assert task is not None

    done = Outcome(task, "done", result=RESULTS["ocr"], usage=(Usage(provider="test", pages=1),))
    await db.exchange("a", [done])  # the reply was lost, and the same process is known under another id now
    again = await db.exchange("a, signed on again", [done])

    assert again.stale == frozenset()
    assert await db.one("select count(*) from alfrd.usage") == 1
    assert await db.events_of(document) == [("completed", "ocr")]


async def test_a_refusal_that_was_not_heard_is_written_once(db: Harness) -> None:
    document = await db.given_document()
    first = await db.claim("ocr", worker="a")
    assert first is not None
    await db.sql("update alfrd.workers set heartbeat_at = '-infinity' where name = 'a'")
    await db.rescue()

    late = Outcome(first, "done", result=RESULTS["ocr"], usage=(Usage(provider="test", pages=3),))
    assert (await db.exchange("a, signed on again", [late])).stale == {first.id}
    assert (await db.exchange("a, signed on a third time", [late])).stale == frozenset()

    assert await db.one("select count(*) from alfrd.usage") == 1
    assert await db.events_of(document) == [("lost", "ocr"), ("stale", "ocr")]


async def test_what_a_lost_reply_had_claimed_is_handed_over_again(db: Harness) -> None:
    await db.given_document()
    await db.given_document()
    lost = await db.exchange("a", [], ocr=2)
    worker = await db.worker("a")

    first, second = lost.claimed
    answer = await queue.exchange(db.database, worker, [], {}, "poll", owned=[first])

    assert answer.claimed == (second,)
    assert (await db.exchange("a", [], ocr=2)).claimed == ()


async def test_a_worker_whose_lease_ran_out_has_to_register_again(db: Harness) -> None:
    await db.worker("a")
    await db.advance_clock(60)
    await db.rescue()

    with pytest.raises(WorkerUnknown):
        await db.exchange("a", [], ocr=1)


async def test_a_heartbeat_keeps_the_lease(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr", worker="a")
    for _ in range(5):
        await db.advance_clock(20)
        await db.exchange("a", [])
        assert await db.rescue() == []
    assert task is not None
    assert await db.complete(task, worker="a")


async def test_a_task_that_kills_its_worker_each_time_ends_as_dead(db: Harness) -> None:
    document = await db.given_document()
    for attempt in range(1, 6):
        task = await db.claim("ocr", worker=f"worker {attempt}")
        assert task is not None
        assert task.attempt == attempt
        await db.advance_clock(60)
        await db.rescue()
        # Twice it may be the fault of the worker. From then on each comes back at its own time.
        assert await db.tasks_of(document) == {
            "ocr": "dead" if attempt == 5 else "ready" if attempt <= 2 else "scheduled"
        }
        await db.advance_clock(60)

    assert await db.claim("ocr", worker="last") is None
    assert await db.status_of(document) == "failed"
    error = await db.one("select error from alfrd.documents where id = %s", document)
    assert error.startswith("gave up after 5 attempts: worker worker 5 stopped")


async def test_a_killed_session_is_noticed_by_its_lock(db: Harness) -> None:
    await db.given_document()
    await db.claim("ocr", worker="a")
    worker = await db.worker("a")
    session = await db.session()
    await session.execute("select pg_advisory_lock(alfrd.worker_lock_class(), %s)", [worker])
    await queue.set_locked(db.database, worker, True)
    await db.advance_clock(15)  # past the time that a fresh server gives its workers to come back
    assert await db.rescue() == []

    await session.close()
    while await db.one("select count(*) from pg_locks where locktype = 'advisory'"):
        await asyncio.sleep(0.01)
    assert await db.rescue() == []  # the first look suspects
    await db.advance_clock(1)
    (rescued,) = await db.rescue()  # the second, a second later, is sure

    assert (rescued["step"], rescued["outcome"]) == ("ocr", "lost")


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


async def test_the_exchange_tells_when_the_next_task_falls_due(db: Harness) -> None:
    await db.given_document()
    assert (await db.exchange("a", [])).next_due is None
    task = await db.claim("ocr")
    assert task is not None
    await db.hand_in(Outcome(task, "throttled", error="slow down", retry_after=120.0))

    answer = await db.exchange("a", [], ocr=1)

    assert answer.next_due == pytest.approx(120, abs=10)


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
    assert "Ocr failed: a.txt: it is a stone; scan it." in explained
    assert f"replay --failed --document {document}" in explained


async def test_dead_side_work_leaves_the_document_alone(db: Harness) -> None:
    document = await db.given_document("classified")
    task = await db.claim("score_classification")
    assert task is not None

    await db.hand_in(Outcome(task, "failed", error="no opinion"))

    assert await db.status_of(document) == "classified"
    assert await db.tasks_of(document) == {"summarize": "ready", "score_classification": "dead"}


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


async def test_pages_are_saved_while_reading_goes_on_and_only_by_the_owner(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr", worker="a")
    assert task is not None
    page = RESULTS["ocr"]["pages"][0]

    assert await queue.save_progress(db.database, await db.worker("a"), task, [page])
    assert not await queue.save_progress(db.database, await db.worker("b"), task, [page])

    assert await db.one("select count(*) from alfrd.pages") == 1


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


async def test_a_step_of_a_user_is_one_row(db: Harness) -> None:
    await db.sql("insert into alfrd.routes (entity, status, step) values ('document', 'completed', 'export')")
    document = await db.given_document("completed")
    task = await db.claim("export")
    assert task is not None

    await db.hand_in(Outcome(task, "done", result={"sent": True}, made_by="mine"))

    assert await db.one("select result from alfrd.step_results where subject_id = %s", document) == {
        "sent": True
    }
    assert await db.status_of(document) == "completed"


async def test_an_unknown_id_has_a_clear_answer(db: Harness) -> None:
    missing = uuid4()
    with pytest.raises(Exception, match=f"no document or file {missing}"):
        await db.one("select alfrd.explain(%s)", missing)
    with pytest.raises(Exception, match=f"no document {missing}"):
        await db.one("select alfrd.cancel(%s)", missing)


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


async def test_a_claim_of_a_worker_that_was_just_taken_for_dead_is_refused(db: Harness) -> None:
    await db.given_document()
    worker = await db.worker("a")
    await db.sql("delete from alfrd.workers")

    with pytest.raises(WorkerUnknown):
        await queue.exchange(db.database, worker, [], {"ocr": 1}, "notify")
    assert await db.one("select count(*) from alfrd.tasks where state = 'ready'") == 1


async def test_tasks_of_workers_without_a_trace_are_rescued_by_a_thorough_look(db: Harness) -> None:
    await db.given_document()
    assert await db.claim("ocr") is not None
    await db.sql("delete from alfrd.workers")

    assert await queue.rescue(db.database, thoroughly=False) == []
    assert len(await queue.rescue(db.database)) == 1
