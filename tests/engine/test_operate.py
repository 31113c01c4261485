"""Pause, resume, prune."""

from __future__ import annotations

import pytest

from alfrd_events.errors import NotFound, Refused
from testing.harness import Harness


async def test_a_paused_step_is_claimed_by_nobody_until_it_is_resumed(db: Harness) -> None:
    document = await db.given_document()
    await db.sql("select alfrd.pause('ocr', 'the scanner is mended')")

    assert await db.claim("ocr") is None
    explained = await db.one("select alfrd.explain(%s)", document)
    assert "ocr is paused by postgres since" in explained
    assert "(the scanner is mended); go on with alfrd-events resume ocr" in explained

    await db.sleeps_for("a", "ocr")
    listener = await db.session()
    await listener.execute("listen alfrd_work")
    assert await db.one("select alfrd.resume('ocr')")
    assert [notify.payload async for notify in listener.notifies(timeout=5, stop_after=1)] == ["ocr"]
    await listener.close()
    assert await db.claim("ocr") is not None
    assert not await db.one("select alfrd.resume('ocr')")


async def test_what_runs_when_its_step_is_paused_comes_to_its_end(db: Harness) -> None:
    document = await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    await db.sql("select alfrd.pause('ocr')")

    assert await db.complete(task)
    assert await db.status_of(document) == "ocr_completed"


async def test_an_unknown_step_cannot_be_paused(db: Harness) -> None:
    with pytest.raises(NotFound, match="no route has a step 'orc'"):
        await db.sql("select alfrd.pause('orc')")


async def test_prune_forgets_old_events_of_documents_that_are_done(db: Harness) -> None:
    done = await db.given_document("completed")
    going_on = await db.given_document("classified")
    await db.advance_clock(40 * 86400)
    fresh = await db.given_document("completed")

    pruned = await db.sql("select * from alfrd.prune('30 days')")

    assert [(row["what"], row["rows"]) for row in pruned] == [("events", 5), ("usage", 0)]
    assert await db.events_of(done) == []
    assert len(await db.events_of(going_on)) == 2
    assert len(await db.events_of(fresh)) == 5
    assert await db.status_of(done) == "completed"


async def test_prune_refuses_to_forget_what_has_just_happened(db: Harness) -> None:
    with pytest.raises(Refused, match=r"too short.*the shortest is 1 hour"):
        await db.sql("select * from alfrd.prune('1 minute')")
    with pytest.raises(Refused, match="too short"):
        await db.sql("select * from alfrd.prune(null)")


async def test_a_transaction_that_stays_open_is_complained_of_with_its_owner(db: Harness) -> None:
    assert await db.sql("select * from alfrd.complaints()") == []
    idler = await db.session()
    await idler.execute("set application_name = 'an old report'")
    await idler.execute("begin isolation level repeatable read")
    await idler.execute("select count(*) from alfrd.documents")

    assert await db.sql("select * from alfrd.complaints()") == []
    await db.advance_clock(660)
    (complaint,) = await db.sql("select * from alfrd.complaints()")

    assert complaint["what"].startswith("a transaction has been open for 00:11:0")
    assert (
        f"process {idler.info.backend_pid} (an old report, user postgres, idle in transaction)"
        in complaint["cause"]
    )
    assert f"pg_terminate_backend({idler.info.backend_pid})" in complaint["remedy"]
    await idler.close()


async def test_text_that_was_left_behind_by_a_delete_under_an_old_snapshot_is_pruned(db: Harness) -> None:
    document = await db.given_document("ocr_completed")
    person = await db.session()
    await person.execute("begin isolation level repeatable read")
    await person.execute("select 1 from alfrd.documents")
    await db.sql("insert into alfrd.pages (document_id, number, text) values (%s, 2, 'late')", document)
    await db.sql("insert into alfrd.step_results values ('document', %s, 'export', '{}')", document)
    await person.execute("delete from alfrd.documents")
    await person.execute("commit")
    await person.close()
    assert await db.one("select array_agg(text) from alfrd.pages") == ["late"]
    assert await db.one("select count(*) from alfrd.step_results") == 1

    await db.sql("select * from alfrd.prune('1 day')")

    assert await db.one("select count(*) from alfrd.pages") == 0
    assert await db.one("select count(*) from alfrd.step_results") == 0


async def test_an_open_change_of_document_types_does_not_hold_up_a_pause(db: Harness) -> None:
    person = await db.session()
    await person.execute("begin")
    await person.execute("insert into alfrd.document_types (name) values ('recipe')")
    await db.sql("set statement_timeout = '2s'")

    await db.sql("select alfrd.pause('ocr')")

    await person.close()
    assert await db.one("select paused from alfrd.route_cache") == ["ocr"]
