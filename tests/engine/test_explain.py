"""``alfrd.explain``: one readable paragraph for every state that a document or file can be in."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest

from alfrd_events.errors import NotFound
from alfrd_events.model import Outcome
from testing.harness import Harness


async def _explain(db: Harness, id: UUID) -> str:
    """The paragraph, with its times left out."""
    text = str(await db.one("select alfrd.explain(%s)", id))
    return re.sub(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d", "…", text)


async def test_waiting_for_a_worker_when_there_is_none(db: Harness) -> None:
    document = await db.given_document()
    assert await _explain(db, document) == (
        "Document a.txt has been pending since …. ocr waits, and no worker that is running serves this step: start one "
        "with alfrd-events run."
    )


async def test_waiting_for_workers_that_are_all_gone(db: Harness) -> None:
    document = await db.given_document()
    await db.worker("a", lease_seconds=5)
    assert "ocr waits for a free worker; 0 are ahead of it." in await _explain(db, document)

    await db.advance_clock(6)
    assert "no worker that is running serves this step" in await _explain(db, document)


async def test_waiting_for_workers_that_are_too_old(db: Harness) -> None:
    document = await db.given_document()
    await db.worker("a")
    await db.sql("update alfrd.workers set superseded_by = '9.0.0'")
    assert "ocr waits: the workers that serve it are older than release 9.0.0" in await _explain(db, document)


async def test_waiting_behind_others_and_for_a_slot_of_a_limit(db: Harness) -> None:
    documents = [await db.given_document() for _ in range(3)]
    await db.sql("insert into alfrd.limits values ('ocr', 1)")
    await db.worker("a")
    assert "ocr waits for a free worker; 2 are ahead of it." in await _explain(db, documents[2])

    assert await db.claim("ocr") is not None
    assert "ocr waits for one of the 1 slots that its limit allows; 1 are ahead of it." in await _explain(
        db, documents[2]
    )


async def test_running(db: Harness) -> None:
    document = await db.given_document()
    await db.claim("ocr")
    assert "ocr is running on a since … (attempt 1 of 5, woken by notify; lease until …)." in await _explain(
        db, document
    )


async def test_backing_off(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    await db.hand_in(Outcome(task, "retry", error="the scanner is busy."))
    assert (
        "ocr waits until … before attempt 2 of 5, since the last one ended with: the scanner is busy."
        in await _explain(db, document)
    )


async def test_throttled(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    await db.hand_in(Outcome(task, "throttled", error="slow down", retry_after=60))
    assert "before attempt 2 of 6, since the last one ended with: slow down." in await _explain(db, document)


async def test_dead_with_its_error(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    await db.hand_in(Outcome(task, "failed", error="a.txt: holds no text"))
    explained = await _explain(db, document)
    assert "Document a.txt failed at …. Step ocr: a.txt: holds no text." in explained
    assert f"try again with: alfrd-events replay --failed --document {document}." in explained
    assert "It had 1 of 5 attempts." in explained


async def test_dead_side_work(db: Harness) -> None:
    document = await db.given_document("completed")
    task = await db.claim("score_summary")
    assert task is not None
    await db.hand_in(Outcome(task, "failed", error="no judge"))
    assert "Side work score_summary is dead after 1 attempts: no judge." in await _explain(db, document)


async def test_cancelled(db: Harness) -> None:
    document = await db.given_document()
    await db.sql("select alfrd.cancel(%s)", document)
    assert "Nothing more happens to it until someone sets its status to pending." in await _explain(
        db, document
    )


async def test_done(db: Harness) -> None:
    document = await db.given_document("completed")
    await db.sql("delete from alfrd.tasks where subject_id = %s", document)
    explained = await _explain(db, document)
    assert (
        "has been completed since …. Nothing is left to do. Last: extract completed at … by worker"
        in explained
    )


async def test_without_its_task(db: Harness) -> None:
    document = await db.given_document()
    await db.sql("delete from alfrd.tasks")
    assert "Its status calls for work, and no task exists: run alfrd-events replay." in await _explain(
        db, document
    )


async def test_a_file_that_gathers_changes(db: Harness) -> None:
    file = await db.one("insert into alfrd.files (tags, title) values ('{home}', 'Home') returning id")
    assert await _explain(db, file) == (
        "File Home has been pending since …. summarize_file starts at …, to gather changes that come close together."
    )


async def test_an_id_that_nobody_has(db: Harness) -> None:
    with pytest.raises(NotFound, match="no document or file"):
        await _explain(db, uuid4())
