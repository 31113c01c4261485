"""Next steps go to the worker that finished the last one, as far as it has slots that older tasks do not want."""

from __future__ import annotations

from alfrd_events.db import queue
from alfrd_events.model import Outcome, Task
from testing.harness import RESULTS, Harness


async def _look(
    db: Harness, room: dict[str, int], before: queue.ExchangeReply | None = None, done: Outcome | None = None
) -> queue.ExchangeReply:
    """A look of a busy worker that knows what the last one told."""
    return await queue.exchange(
        db.database,
        await db.worker("a"),
        [done] if done else [],
        room,
        "handoff" if before else "notify",
        cursors=before.cursors if before else None,
    )


def _read(task: Task) -> Outcome:
    return Outcome(task, "done", result=RESULTS[task.step], made_by="test")


async def test_a_step_whose_slots_are_full_hides_nothing_that_waits(db: Harness) -> None:
    for _ in range(6):
        await db.given_document()
    first = await _look(db, {"ocr": 2, "classify": 1})
    one, other = first.claimed
    full = await _look(
        db, {"ocr": 1, "classify": 1}, first, _read(one)
    )  # another is claimed, and one handed over
    assert {task.step for task in full.claimed} == {"ocr", "classify"}
    (classify,) = (task for task in full.claimed if task.step == "classify")

    busy = await _look(db, {"ocr": 0, "classify": 1, "summarize": 1}, full, _read(classify))
    free = await _look(db, {"ocr": 1, "classify": 1}, busy, _read(other))
    assert sorted(task.step for task in free.claimed) == ["classify", "ocr"]


async def test_limits_of_providers_are_none_of_steps(db: Harness) -> None:
    await db.sleeps_for("a", "ocr")
    await db.sql("insert into alfrd.limits (provider, rate) values ('bedrock', 5)")
    await db.given_document()
    noted = await db.one("select xmin::text from alfrd.route_cache")

    await db.sql("update alfrd.limits set next_at = alfrd.now()")

    assert await db.one("select xmin::text from alfrd.route_cache") == noted, "which all exchanges read"
    assert len((await _look(db, {"ocr": 1})).claimed) == 1


async def test_a_worker_whose_tasks_were_handed_over_is_known(db: Harness) -> None:
    """Or each exchange would write its row."""
    await db.given_document()
    first = await _look(db, {"ocr": 1, "classify": 1})
    before = await db.one("select ctid::text from alfrd.workers where name = 'a'")

    (handed,) = (await _look(db, {"ocr": 1, "classify": 1}, first, _read(first.claimed[0]))).claimed

    assert handed.woken_by == "handoff"
    assert await db.one("select ctid::text from alfrd.workers where name = 'a'") == before
