"""The short way from a bell to a claim, and where it is none."""

from __future__ import annotations

from uuid import UUID

import pytest

from alfrd_events.db import queue
from alfrd_events.db.inputs import document_rows
from alfrd_events.db.json import decoded
from alfrd_events.model import Outcome, Task
from alfrd_events.worker.fronts import Fronts
from tests.support.harness import RESULTS, Harness


async def _take(db: Harness, step: str = "ocr", size: int = 5, worker: str = "a") -> queue.Exchange:
    return await queue.take(db.database, await db.worker(worker), step, size)


async def test_what_is_taken_comes_with_its_inputs_and_is_fenced(db: Harness) -> None:
    await db.sleeps_for("a", "ocr")
    document = await db.given_document()
    await db.given_document("classified")

    taken = await _take(db)

    (task,) = taken.claimed
    assert (task.step, task.subject_id, task.attempt, task.woken_by) == ("ocr", document, 1, "notify")
    assert taken.inputs is not None
    inputs = decoded(taken.inputs)
    assert [values[0] for values, _ in document_rows(inputs["documents"])] == [document]
    assert inputs["parts"]["content"] == [b"hello world".hex()]
    assert (await _take(db)).claimed == ()
    assert await db.complete(task, "a")


async def test_the_most_urgent_are_taken_and_no_more_than_fit(db: Harness) -> None:
    await db.sleeps_for("a", "ocr")
    await db.sql("select alfrd.pause('ocr')")
    documents = [await db.given_document(priority=priority) for priority in (0, 2, 1)]
    await db.sql("select alfrd.resume('ocr')")

    taken = await _take(db, size=2)

    assert {task.subject_id for task in taken.claimed} == set(documents[1:])


@pytest.mark.parametrize(
    "matter",
    [
        "select alfrd.pause('classify')",
        "insert into alfrd.limits values ('ocr', 3)",
        "update alfrd.workers set superseded_by = '9.9'",
        "delete from alfrd.workers",
        "update alfrd.tasks set announced = false",
        "update alfrd.standing set since = alfrd.now() + interval '1 minute'",
        "delete from alfrd.standing",
        "update alfrd.tasks set step = 'classify'",
    ],
)
async def test_what_is_out_of_the_ordinary_is_left_to_an_exchange(db: Harness, matter: str) -> None:
    await db.sleeps_for("a", "ocr")
    document = await db.given_document()
    await db.sql(matter)

    assert (await _take(db)).claimed == ()

    assert list((await db.tasks_of(document)).values()) == ["ready"]


async def test_a_task_whose_twin_runs_is_not_taken(db: Harness) -> None:
    await db.sleeps_for("a", "ocr")
    document = await db.given_document()
    await _take(db)
    await db.sql("update alfrd.documents set status = 'pending' where id = %s", document)

    assert (await _take(db, worker="b")).claimed == ()


def _task(id: int) -> Task:
    return Task(id, "ocr", "document", UUID(int=id), 1, 5, "notify")


@pytest.mark.parametrize(
    ("taken", "last", "seen"),
    [([11, 12], 12, 12), ([11], 12, None), ([9], 11, None), ([11], None, None)],
    ids=["nothing else was made", "something else, too", "an older one was given back", "not told"],
)
def test_nothing_waits_if_nothing_but_what_was_taken_was_made(
    taken: list[int], last: int | None, seen: int | None
) -> None:
    fronts = Fronts()
    fronts.looked({}, {"ocr": 10}, 10, 0.0)

    fronts.took([_task(id) for id in taken], last)

    assert fronts.seen({"ocr": 10}) == seen


async def test_nothing_is_counted_while_no_task_is_made_and_all_that_waits_is_found(db: Harness) -> None:
    """The next step goes to who finished the last one, unless older tasks want the slots: however that is found out."""
    worker = await db.worker("a")
    room = {"ocr": 1, "classify": 1}
    await db.given_document()
    look = await queue.exchange(db.database, worker, [], {"ocr": 2, "classify": 2}, "notify")
    (task,) = look.claimed
    done = Outcome(task, "done", result=RESULTS["ocr"], made_by="test")
    assert look.seen is not None
    quiet = await queue.exchange(
        db.database, worker, [done], room, "handoff", from_=look.reached, seen=look.seen
    )
    (handed,) = quiet.claimed
    assert (handed.step, handed.woken_by) == ("classify", "handoff")
    assert quiet.seen == handed.id

    await db.given_document()  # made by somebody else
    other = await queue.exchange(
        db.database, worker, [], {"ocr": 1, "classify": 0}, "handoff", from_=quiet.reached, seen=quiet.seen
    )
    (task,) = other.claimed
    assert other.seen is None, "no slot is left to tell whether more waits"
    waiting = await db.given_document("ocr_completed")
    last = await queue.exchange(
        db.database,
        worker,
        [Outcome(task, "done", result=RESULTS["ocr"], made_by="test")],
        room,
        "handoff",
        from_=other.reached,
        seen=quiet.seen,
    )
    assert [each.subject_id for each in last.claimed if each.step == "classify"] == [waiting]


async def _look(
    db: Harness, room: dict[str, int], before: queue.Exchange | None = None, done: Outcome | None = None
) -> queue.Exchange:
    """A look of a busy worker that knows what the last one told."""
    return await queue.exchange(
        db.database,
        await db.worker("a"),
        [done] if done else [],
        room,
        "handoff" if before else "notify",
        from_=before.reached if before else None,
        seen=before.seen if before else None,
    )


def _read(task: Task) -> Outcome:
    return Outcome(task, "done", result=RESULTS[task.step], made_by="test")


async def test_a_step_whose_slots_are_full_hides_nothing_that_waits(db: Harness) -> None:
    for _ in range(6):
        await db.given_document()
    first = await _look(db, {"ocr": 2, "classify": 1})
    assert first.seen is None
    one, other = first.claimed
    full = await _look(
        db, {"ocr": 1, "classify": 1}, first, _read(one)
    )  # another is claimed, and one handed over
    assert {task.step for task in full.claimed} == {"ocr", "classify"}
    (classify,) = (task for task in full.claimed if task.step == "classify")

    busy = await _look(db, {"ocr": 0, "classify": 1, "summarize": 1}, full, _read(classify))
    assert busy.seen is None
    free = await _look(db, {"ocr": 1, "classify": 1}, busy, _read(other))
    assert sorted(task.step for task in free.claimed) == ["classify", "ocr"]


async def test_who_offers_nothing_learns_nothing_of_the_queue(db: Harness) -> None:
    await db.given_document()
    (task,) = (await _look(db, {"ocr": 1})).claimed
    for _ in range(2):
        await db.given_document()

    assert (await _look(db, {}, done=_read(task))).seen is None
    assert (await _look(db, {"ocr": 0})).seen is None
    assert (await _look(db, {"ocr": 1})).seen is None
    assert (await _look(db, {"ocr": 3})).seen is not None


async def test_limits_of_providers_are_none_of_steps(db: Harness) -> None:
    await db.sleeps_for("a", "ocr")
    await db.sql("insert into alfrd.limits (provider, rate) values ('bedrock', 5)")
    await db.given_document()
    noted = await db.one("select xmin::text from alfrd.standing")

    await db.sql("update alfrd.limits set next_at = alfrd.now()")

    assert await db.one("select xmin::text from alfrd.standing") == noted, "which all exchanges read"
    assert len((await _take(db)).claimed) == 1


async def test_a_worker_whose_tasks_were_handed_over_is_known(db: Harness) -> None:
    """Or each exchange would write its row."""
    await db.given_document()
    first = await _look(db, {"ocr": 1, "classify": 1})
    before = await db.one("select ctid::text from alfrd.workers where name = 'a'")

    (handed,) = (await _look(db, {"ocr": 1, "classify": 1}, first, _read(first.claimed[0]))).claimed

    assert handed.woken_by == "handoff"
    assert await db.one("select ctid::text from alfrd.workers where name = 'a'") == before
