"""Files: who is in, and when their summary has to be told again."""

from __future__ import annotations

import json

import pytest

from alfrd_events.model import Task
from testing.harness import Harness

TAG = "series:acme-power-electricity-bill"


async def _generate(db: Harness, task: Task | None = None) -> None:
    """Summarise the one file that waits, from what it is now."""
    task = task or await _claim(db)
    revision = await db.one("select revision from alfrd.files where id = %s", task.subject_id)
    await db.complete(task, revision=revision)


async def _claim(db: Harness) -> Task:
    await db.advance_clock(5)
    task = await db.claim("summarize_file")
    assert task is not None
    return task


async def _file(db: Harness) -> dict[str, object]:
    (row,) = await db.sql("select id, status, revision, generated_revision from alfrd.files")
    return row


async def test_ten_documents_at_once_cause_one_generation(db: Harness) -> None:
    for _ in range(10):
        await db.given_document("completed")

    await _generate(db)

    assert (await _file(db))["status"] == "generated"
    assert await db.claim("summarize_file") is None
    members = await db.sql("select * from alfrd.file_members((select id from alfrd.files))")
    assert len(members) == 10


@pytest.mark.parametrize(
    "change",
    [
        "update alfrd.documents set tags = array_remove(tags, 'series:acme-power-electricity-bill')",
        "update alfrd.documents set summary = 'other words'",
        "update alfrd.documents set total_amount = 77",
        "update alfrd.documents set status = 'pending'",
        "delete from alfrd.documents",
    ],
)
async def test_a_change_of_a_member_makes_the_file_outdated(db: Harness, change: str) -> None:
    await db.given_document("completed")
    await _generate(db)

    await db.sql(change)

    assert (await _file(db))["status"] == "outdated"
    await _claim(db)


async def test_a_new_member_makes_the_file_outdated(db: Harness) -> None:
    await db.given_document("completed")
    await _generate(db)

    await db.given_document("filed")
    assert (await _file(db))["status"] == "generated"
    task = await db.claim("extract")
    assert task is not None
    await db.complete(task)

    assert (await _file(db))["status"] == "outdated"


async def test_a_change_while_the_summary_is_made_makes_it_outdated_again(db: Harness) -> None:
    await db.given_document("completed")
    for _ in range(2):  # from pending, and from outdated
        task = await _claim(db)
        seen = await db.one("select revision from alfrd.files")
        await db.given_document("completed")
        await db.complete(task, revision=seen, summary="half of it")

        file = await _file(db)
        assert file["status"] == "outdated"
        assert file["generated_revision"] == seen

    await _generate(db)
    assert (await _file(db))["status"] == "generated"


async def test_the_feed_ends_with_what_the_file_is(db: Harness) -> None:
    await db.given_document("completed")
    task = await _claim(db)
    await db.sql("update alfrd.documents set summary = 'other words'")
    feed = await db.session()
    await feed.execute("listen alfrd_status")

    await db.complete(task, revision=1)

    assert (await _file(db))["status"] == "outdated"
    told = [json.loads(notify.payload) async for notify in feed.notifies(timeout=0.5)]
    assert [change["status"] for change in told] == ["generated", "outdated"]
    await feed.close()


async def test_a_file_of_ones_own_holds_what_carries_all_its_tags(db: Harness) -> None:
    both = await db.given_document("completed", tags=["home", "2024"])
    await db.given_document("completed", tags=["home"])

    await db.sql("insert into alfrd.files (tags, title) values ('{Home, 2024 }', 'Home in 2024')")

    (row,) = await db.sql("select id, tags from alfrd.files where title = 'Home in 2024'")
    assert row["tags"] == ["2024", "home"]
    members = await db.sql("select id from alfrd.file_members(%s)", row["id"])
    assert [member["id"] for member in members] == [both]


async def test_a_file_is_not_made_twice(db: Harness) -> None:
    await db.sql("insert into alfrd.files (tags) values ('{a,b}')")
    with pytest.raises(Exception, match="duplicate key"):
        await db.sql("insert into alfrd.files (tags) values ('{B,A}')")


async def test_retagging_a_file_generates_it_again(db: Harness) -> None:
    await db.given_document("completed")
    await _generate(db)

    await db.sql("update alfrd.files set tags = '{utility_bill}'")

    assert (await _file(db))["status"] == "outdated"


async def test_a_failed_file_is_told_again_when_a_member_changes(db: Harness) -> None:
    from alfrd_events.model import Outcome

    await db.given_document("completed")
    task = await _claim(db)
    await db.hand_in(Outcome(task, "failed", error="no words"))
    assert (await _file(db))["status"] == "failed"

    await db.given_document("completed")

    await _generate(db)
    assert (await _file(db))["status"] == "generated"


async def test_results_of_steps_go_with_their_file(db: Harness) -> None:
    await db.sql(
        "insert into alfrd.routes (subject_type, status, step) values ('file', 'generated', 'export')"
    )
    await db.given_document("completed")
    await _generate(db)
    export = await db.claim("export")
    assert export is not None
    await db.complete(export)
    assert await db.one("select count(*) from alfrd.step_results") == 1

    await db.sql("delete from alfrd.files")

    assert await db.one("select count(*) from alfrd.step_results") == 0
