"""Results that come late, twice, or whose reply was lost."""

from __future__ import annotations

from alfrd_events.db import queue
from alfrd_events.model import Outcome, Usage
from testing.harness import RESULTS, Harness


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


async def test_a_result_that_was_taken_unseen_counts_once_although_its_worker_registered_again(
    db: Harness,
) -> None:
    document = await db.given_document()
    task = await db.claim("ocr", worker="a")
    assert task is not None

    done = Outcome(task, "done", result=RESULTS["ocr"], usage=(Usage(provider="test", pages=1),))
    await db.exchange("a", [done])  # the reply was lost, and the same process is known under another id now
    again = await db.exchange("a, registered again", [done])

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
    assert (await db.exchange("a, registered again", [late])).stale == {first.id}
    assert (await db.exchange("a, registered a third time", [late])).stale == frozenset()

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


async def test_pages_are_saved_while_reading_goes_on_and_only_by_the_owner(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr", worker="a")
    assert task is not None
    page = RESULTS["ocr"]["pages"][0]

    assert await queue.save_progress(db.database, await db.worker("a"), task, [page])
    assert not await queue.save_progress(db.database, await db.worker("b"), task, [page])

    assert await db.one("select count(*) from alfrd.pages") == 1
