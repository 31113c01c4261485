"""How far the reading of a long document is, and who is told."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from alfrd_events.db import console, queries, queue
from alfrd_events.model import Task
from testing.harness import RESULTS, Harness

PAGE = RESULTS["ocr"]["pages"][0]


async def save(db: Harness, task: Task, *numbers: int, total: int | None = 30, worker: str = "a") -> bool:
    pages = [{**PAGE, "number": number} for number in numbers]
    return await queue.save_progress(db.database, await db.worker(worker), task, pages, total)


async def progress(db: Harness) -> dict[str, Any] | None:
    rows = await db.database.rows("select * from alfrd.reading_progress")
    assert len(rows) <= 1
    return rows[0] if rows else None


async def told(feed: psycopg.AsyncConnection[Any]) -> list[dict[str, Any]]:
    found = [json.loads(notify.payload) async for notify in feed.notifies(timeout=0.3)]
    return [one for one in found if "progress" in one]


async def test_what_is_left_is_reckoned_from_the_pages_of_this_attempt(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    await save(db, task, 1, 2)
    first = await progress(db)
    await db.advance_clock(20)
    await save(db, task, *range(3, 13))
    second = await progress(db)

    assert first is not None
    assert second is not None
    assert (first["document_id"], first["pages_read"], first["pages_total"]) == (document, 2, 30)
    assert first["seconds_left"] is None, "one save tells no speed"
    assert second["pages_read"] == 12
    assert second["seconds_left"] == pytest.approx(36, abs=1), "ten pages in 20 s, and 18 are left"
    row = await db.database.row("select pages_read, pages_total from alfrd.document_progress")
    assert row == {"pages_read": 12, "pages_total": 30}


async def test_an_attempt_after_a_crash_begins_with_the_pages_that_are_saved(db: Harness) -> None:
    await db.given_document()
    first = await db.claim("ocr", worker="a")
    assert first is not None
    await save(db, first, *range(1, 11))
    await db.advance_clock(300)
    assert await progress(db) is not None
    await db.rescue()
    assert await progress(db) is None, "nothing is being read"
    await db.advance_clock(60)
    second = await db.claim("ocr", worker="b")
    assert second is not None
    await save(db, second, 11, worker="b")
    await db.advance_clock(10)
    await save(db, second, *range(12, 17), worker="b")

    now = await progress(db)
    assert now is not None
    assert now["pages_read"] == 16
    assert now["seconds_left"] == pytest.approx(28, abs=1), "five pages in 10 s, and 14 are left"


async def test_the_feed_is_told_once_a_second_at_most(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    async with await db.session() as feed:
        await feed.execute("listen alfrd_status")
        for number in range(1, 6):
            await save(db, task, number)
        at_once = await told(feed)
        await db.advance_clock(1.5)
        await save(db, task, 6, 7)
        later = await told(feed)

    assert at_once == [{"subject_type": "document", "id": str(document), "progress": {"page": 1, "of": 30}}]
    assert [one["progress"] for one in later] == [{"page": 7, "of": 30}]


async def test_a_feed_that_is_off_stays_silent(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    db.database.settings["alfrd.status_feed"] = "off"
    async with await db.session() as feed:
        await feed.execute("listen alfrd_status")
        await save(db, task, 1)
        assert await told(feed) == []
    assert (await progress(db) or {})["pages_read"] == 1


async def test_who_does_not_own_the_task_tells_nothing(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr", worker="a")
    assert task is not None

    assert not await save(db, task, 1, worker="b")
    assert await db.one("select count(*) from alfrd.readings") == 0


async def test_an_older_worker_saves_pages_as_before(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    saved = await db.one(
        "select alfrd.save_progress(%s, %s, %s, %s)",
        *(await db.worker("a"), task.id, task.attempt, json.dumps([PAGE])),
    )

    assert saved is True
    assert await db.one("select count(*) from alfrd.pages") == 1
    assert await progress(db) is None


async def test_people_read_it_in_words(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    await save(db, task, 1, 2)
    assert "ocr is running (page 2 of 30) on" in await db.one("select alfrd.explain(%s)", document)
    await db.advance_clock(30)
    await save(db, task, *range(3, 13))

    words = "page 12 of 30, about 55 s left"
    text = await db.database.value("select alfrd.explain(%s)", [document])
    assert f"ocr is running ({words}) on" in text
    assert (await queries.progress(db.database))["running"] == [["ocr", "a.txt", words]]
    (reading,) = (await queries.status(db.database))["readings"]
    assert (reading["filename"], reading["in_words"]) == ("a.txt", words)
    (working,) = await console.in_work(db.database)
    assert working["how_far"] == words


async def test_nothing_of_it_is_left_when_a_document_is_read(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    await save(db, task, 1, total=1)
    assert await db.one("select count(*) from alfrd.readings") == 1

    assert await db.complete(task, "a")

    assert await db.one("select count(*) from alfrd.readings") == 0
