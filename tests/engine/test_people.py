"""People and workers on the same document at the same time."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from alfrd_events.db import queue
from alfrd_events.db.errors import Interrupted
from alfrd_events.model import Outcome
from testing.harness import RESULTS, Harness


async def _while_a_person_holds(
    db: Harness, statement: str, document: UUID, outcome: Outcome
) -> queue.ExchangeReply:
    """Hand in an outcome while a person's transaction is open, and commit it under the waiting exchange."""
    person = await db.session()
    await person.execute("begin")
    await person.execute(statement, [document])  # type: ignore[call-overload]
    handing_in = asyncio.create_task(db.exchange("a", [outcome]))
    watcher = await db.session()
    async with asyncio.timeout(60):
        while True:
            cursor = await watcher.execute(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                " and datname = current_database()"
            )
            row = await cursor.fetchone()
            if row and row["count"]:
                break
            await asyncio.sleep(0.01)
    await person.execute("commit")
    await person.close()
    await watcher.close()
    return await handing_in


async def test_a_tag_that_a_person_adds_meanwhile_stays(db: Harness) -> None:
    document = await db.given_document("ocr_completed")
    task = await db.claim("classify")
    assert task is not None

    done = Outcome(task, "done", result=RESULTS["classify"])
    await _while_a_person_holds(
        db, "update alfrd.documents set tags = tags || '{home}' where id = %s", document, done
    )

    assert await db.one("select tags from alfrd.documents") == ["electricity", "home", "utility_bill"]
    assert await db.one("select source from alfrd.tags where tag = 'home'") == "user"


async def test_pages_of_old_content_do_not_come_under_new_content(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None

    answer = await _while_a_person_holds(
        db,
        "update alfrd.documents set content = 'new', status = 'pending' where id = %s",
        document,
        Outcome(task, "done", result=RESULTS["ocr"]),
    )

    assert answer.stale == {task.id}
    assert await db.one("select count(*) from alfrd.pages") == 0
    assert ("completed", "ocr") not in await db.events_of(document)


async def test_a_result_of_a_users_step_under_a_change_is_not_written(db: Harness) -> None:
    await db.sql("insert into alfrd.transitions values ('document', 'completed', 'archived')")
    await db.sql(
        "insert into alfrd.routes (subject_type, status, step, next_status)"
        " values ('document', 'completed', 'archive', 'archived')"
    )
    document = await db.given_document("completed")
    task = await db.claim("archive")
    assert task is not None

    answer = await _while_a_person_holds(
        db,
        "update alfrd.documents set status = 'pending' where id = %s",
        document,
        Outcome(task, "done", result={"where": "shelf"}),
    )

    assert answer.stale == {task.id}
    assert await db.one("select count(*) from alfrd.step_results") == 0
    assert ("completed", "archive") not in await db.events_of(document)


async def test_what_is_held_at_the_end_of_an_exchange_holds_it_up_no_longer(db: Harness) -> None:
    """Series are counted as the exchange commits; a prepared transaction holds that row for as long as it likes."""
    await db.given_document("filed")
    await db.given_document("summarized")
    task = await db.claim("file")
    assert task is not None
    holder = await db.session()
    await holder.execute("begin")
    await holder.execute("select from alfrd.series_versions for update")

    result = {**RESULTS["file"], "entity_key": "other", "entity": "Other", "slug": "other-bill"}
    async with asyncio.timeout(30):
        with pytest.raises(Interrupted, match="lock timeout"):
            await db.exchange("a", [Outcome(task, "done", result=result)])

    await holder.close()


async def test_a_row_that_a_person_holds_holds_up_no_exchange_for_long(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    person = await db.session()
    await person.execute("begin")
    await person.execute("select from alfrd.documents where id = %s for update", [document])

    async with asyncio.timeout(60):
        with pytest.raises(Interrupted, match="lock timeout"):
            await db.exchange("a", [Outcome(task, "done", result=RESULTS["ocr"])])

    await person.close()
    assert await db.complete(task, worker="a")


@pytest.mark.parametrize(
    ("status", "step", "correction", "back_to"),
    [
        ("classified", "summarize", "document_type = 'tax'", "classified"),
        ("summarized", "file", "entity = 'Other Corp'", "summarized"),
        ("filed", "extract", "entity = 'Other Corp'", "summarized"),
    ],
)
async def test_a_correction_under_a_running_step_is_worked_with(
    db: Harness, status: str, step: str, correction: str, back_to: str
) -> None:
    document = await db.given_document(status)
    running = await db.claim(step, worker="a")
    assert running is not None

    await db.sql(f"update alfrd.documents set {correction} where id = %s", document)

    assert not await db.complete(running, worker="a")
    assert await db.status_of(document) == back_to
    assert "ready" in (await db.tasks_of(document)).values()


async def test_a_corrected_type_takes_the_place_of_the_old_tag(db: Harness) -> None:
    await db.given_document("completed")
    await db.sql("update alfrd.documents set document_type = 'insurance'")

    rows = await db.sql("select tag, source from alfrd.tags where tag in ('insurance', 'utility_bill')")
    assert rows == [{"tag": "insurance", "source": "system"}]


async def test_saving_a_whole_row_does_not_start_it_again(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    await db.hand_in(Outcome(task, "failed", error="no"))

    await db.sql(
        "update alfrd.documents set status = status, metadata = '{\"a\": 1}' where id = %s", document
    )

    assert await db.tasks_of(document) == {"ocr": "dead"}
    assert len(await db.sql("select * from alfrd.replay(p_failed => true)")) == 1


async def test_a_deleted_series_is_no_correction_and_its_members_are_filed_again(db: Harness) -> None:
    document = await db.given_document("completed")
    await db.sql("delete from alfrd.series")

    (row,) = await db.sql("select status, corrected from alfrd.documents where id = %s", document)
    assert row == {"status": "summarized", "corrected": []}
    assert await db.one("select count(*) from alfrd.corrections") == 0
    task = await db.claim("file")
    assert task is not None
    await db.complete(task)
    assert await db.one("select series_id is not null from alfrd.documents where id = %s", document)


async def test_what_died_for_an_older_generation_is_not_revived(db: Harness) -> None:
    document = await db.given_document("filed")
    await db.sql("update alfrd.tasks set max_attempts = 1 where step = 'extract'")
    assert await db.claim("extract", worker="a") is not None
    await db.sql("update alfrd.documents set status = 'pending' where id = %s", document)
    await db.advance_clock(60)
    await db.rescue()

    await db.sql("select * from alfrd.replay(p_failed => true)")

    assert await db.tasks_of(document) == {"ocr": "ready"}


async def test_a_large_content_does_not_make_a_small_change_large(db: Harness) -> None:
    document = await db.given_document()
    await db.sql("update alfrd.documents set content = convert_to(repeat('x', 140000000), 'utf8')")

    await db.sql("update alfrd.documents set priority = 1 where id = %s", document)
    assert await db.one("select alfrd.cancel(%s)", document) == "cancelled"


async def test_thousands_of_documents_can_be_changed_in_one_statement(db: Harness) -> None:
    await db.sql(
        "insert into alfrd.documents (filename, content) select n::text, 'x' from generate_series(1, 20000) as n"
    )
    for _ in range(10):  # plans of a session are made for what it saw first
        await db.sql("update alfrd.documents set priority = 1 where filename = '1'")

    await db.sql("set statement_timeout = '60s'")
    await db.sql("update alfrd.documents set status = 'cancelled'")

    assert await db.one("select count(*) from alfrd.tasks") == 0
    assert await db.one("select count(*) from alfrd.events where kind = 'cancelled'") == 20000


async def test_an_owner_of_nothing_gets_nothing_by_an_empty_fingerprint(db: Harness) -> None:
    theirs, mine = await db.given_document(), await db.given_document()

    (row,) = await db.sql(
        "select * from alfrd.submit(%s, 'a.txt', 'x', '', '{mine}', '{}', '{}', '{}')", mine
    )

    assert row["id"] == mine
    assert await db.one("select tags from alfrd.documents where id = %s", theirs) == []


async def test_a_released_task_that_a_lost_reply_claimed_again_is_handed_over(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    released = Outcome(task, "released", error="stopped")
    (again,) = (await db.exchange("a", [released], ocr=1)).claimed  # this reply is lost

    worker = await db.worker("a")
    answer: Any = await queue.exchange(db.database, worker, [released], {}, "poll", owned=[])

    assert [(found.id, found.attempt) for found in answer.claimed] == [(again.id, 2)]
