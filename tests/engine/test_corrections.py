"""Correcting, undoing, tagging and deleting, by function and by UPDATE."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from alfrd_events.errors import NotFound, Refused
from testing.harness import Harness
from testing.pgbouncer import past

COMPARED = (
    "select to_jsonb(d) - '{content,generation,updated_at,made_by}'::text[] as document from alfrd.documents d",
    "select tag, source from alfrd.tags order by tag",
    "select document_id, field, old_value, new_value from alfrd.corrections order by id",
    "select entity, kind, slug, fields from alfrd.series order by slug",
    "select distinct on (step) step, score, checks from alfrd.scores order by step, id desc",
    "select tags, member_count, summary, rows from alfrd.files order by tags",
)


async def rows_of(db: Harness) -> list[Any]:
    """All that a correction may touch, but for the counters that only ever rise."""
    return [await db.sql(statement) for statement in COMPARED]


async def correct(db: Harness, document: UUID, **values: Any) -> list[dict[str, Any]]:
    return await db.sql("select * from alfrd.correct(%s, %s)", document, json.dumps(values))


async def work_off(db: Harness) -> None:
    """Let a worker do all that waits, with the results of the harness."""
    for step in ("classify", "summarize", "file", "extract", "score_classification", "score_summary"):
        while (task := await db.claim(step, worker="mill")) is not None:
            await db.complete(task)


async def test_values_are_corrected_by_their_short_names(db: Harness) -> None:
    document = await db.given_document("completed")

    changed = await correct(db, document, total="12.30", date="2025-05-31", entity="PG&E", usage_kwh="90")

    assert [row["field"] for row in changed] == ["document_date", "entity", "structured_data", "total_amount"]
    (row,) = await db.sql(
        "select total_amount::text, document_date::text, entity, structured_data, corrected, summary, status"
        " from alfrd.documents"
    )
    assert row == {
        "total_amount": "12.30",
        "document_date": "2025-05-31",
        "entity": "PG&E",
        "structured_data": {"usage_kwh": "90"},
        "corrected": ["document_date", "entity", "structured_data", "total_amount"],
        "summary": "PG&E: 12.30 USD",
        "status": "summarized",
    }
    assert await db.one("select count(distinct change_id) from alfrd.corrections") == 1
    assert await correct(db, document, total="12.30") == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"total": "12,30"}, 'total cannot be "12,30".*such as 1234.50'),
        ({"total": "NaN"}, "total cannot be"),
        ({"date": "31.05.2025"}, "date cannot be .*2025-05-31"),
        ({"date": "2025-02-30"}, "date cannot be .*a day that exists"),
        ({"currency": "euros"}, "three letters"),
        ({"type": "love letter"}, "'love_letter' is not a known document type.*choose among"),
        ({"totl": "1"}, "no value 'totl'.*choose among.*total_amount"),
        ({"series": "none-such"}, "no series 'none-such'"),
        ({"entity": ["a"]}, "one value, not a list"),
        ({"series_id": str(UUID(int=0)), "total": "1"}, "series"),
        ({}, "takes an object"),
    ],
)
async def test_a_correction_that_makes_no_sense_is_refused_whole(
    db: Harness, values: dict[str, Any], message: str
) -> None:
    document = await db.given_document("completed")
    before = await rows_of(db)

    with pytest.raises(Refused, match=message):
        await correct(db, document, **{"summary": "not this either", **values} if values else {})

    assert await rows_of(db) == before


async def test_a_document_that_is_not_there_is_not_found(db: Harness) -> None:
    for call in ("correct(%s, '{\"total\": 1}')", "undo(%s)", "tag(%s, '{a}')", "delete_document(%s)"):
        with pytest.raises(NotFound, match="no document"):
            await db.sql(f"select * from alfrd.{call}", uuid4())


@pytest.mark.parametrize(
    "values",
    [
        {"total": "99.99", "entity": "Other Corp", "date": "2024-12-24"},
        {"type": "insurance"},
        {"summary": "by hand"},
        {"usage_kwh": "7"},
    ],
)
async def test_an_undone_correction_leaves_no_trace(db: Harness, values: dict[str, Any]) -> None:
    document = await db.given_document("completed")
    await work_off(db)
    before = await rows_of(db)
    await correct(db, document, **values)
    await work_off(db)
    assert await rows_of(db) != before

    undone = await db.sql("select * from alfrd.undo(%s)", document)
    await work_off(db)

    assert undone
    assert await rows_of(db) == before
    assert ("corrected", "") in await db.events_of(document)
    with pytest.raises(Refused, match="nothing to undo"):
        await db.sql("select alfrd.undo(%s)", document)


async def test_changes_are_undone_one_by_one(db: Harness) -> None:
    document = await db.given_document("completed")
    await correct(db, document, total="1.00")
    await correct(db, document, total="2.00", entity="B")
    await db.sql("update alfrd.documents set entity = 'C' where id = %s", document)
    first, second, third = [
        row["change_id"]
        for row in await db.sql("select distinct change_id from alfrd.corrections order by 1")
    ]

    with pytest.raises(Refused, match=r"corrected again after.*undo the later change first"):
        await db.sql("select alfrd.undo(%s, %s)", document, second)
    with pytest.raises(Refused, match="no correction 999"):
        await db.sql("select alfrd.undo(%s, 999)", document)

    state = "select total_amount::text as total, entity, corrected from alfrd.documents"
    await db.sql("select alfrd.undo(%s)", document)
    assert await db.sql(state) == [{"total": "2.00", "entity": "B", "corrected": ["entity", "total_amount"]}]
    await db.sql("select alfrd.undo(%s, %s)", document, second)
    assert await db.sql(state) == [{"total": "1.00", "entity": "Acme Power", "corrected": ["total_amount"]}]
    await db.sql("update alfrd.documents set undo_correction = %s where id = %s", first, document)
    assert await db.sql(state) == [{"total": "12.50", "entity": "Acme Power", "corrected": []}]
    assert third


async def test_what_is_written_beside_an_undo_is_refused(db: Harness) -> None:
    document = await db.given_document("completed")
    await correct(db, document, total="1.00")

    with pytest.raises(Refused, match="without entity beside it"):
        await db.sql("update alfrd.documents set undo_correction = 1, entity = 'me'")


async def test_tags_are_added_and_removed(db: Harness) -> None:
    document = await db.given_document("completed", tags=["work"])

    tags = await db.one("select alfrd.tag(%s, '{ Home }', '{work, never}')", document)

    assert "home" in tags
    assert "work" not in tags
    assert await db.one("select source from alfrd.tags where tag = 'home'") == "user"
    for added, removed, message in (
        ([], ["utility_bill"], "follows from its type"),
        (["series:mine"], [], "follows from its series"),
        (["a"], ["a"], "both added and removed"),
    ):
        with pytest.raises(Refused, match=message):
            await db.sql("select alfrd.tag(%s, %s, %s)", document, added, removed)


async def test_a_deleted_document_takes_everything_with_it(db: Harness) -> None:
    document = await db.given_document("completed")
    await correct(db, document, total="1.00")

    assert await db.one("select alfrd.delete_document(%s)", document) == "a.txt"

    for table in ("documents", "pages", "tags", "corrections", "scores"):
        assert await db.one(f"select count(*) from alfrd.{table}") == 0


async def test_an_application_corrects_undoes_tags_and_deletes(
    db: Harness, signed_in: dict[str, str]
) -> None:
    document = await db.given_document("completed")
    async with await psycopg.AsyncConnection.connect(
        past(db.url.replace("postgres@", "shop@")), autocommit=True
    ) as shop:
        await shop.execute("select * from alfrd.correct(%s, '{\"total\": 1}')", [document])
        assert await db.one("select corrected_by from alfrd.corrections") == "shop"
        await shop.execute("select * from alfrd.undo(%s)", [document])
        await shop.execute("select alfrd.tag(%s, '{a}')", [document])
        await shop.execute("select alfrd.delete_document(%s)", [document])
    assert await db.one("select count(*) from alfrd.documents") == 0


async def test_a_change_of_a_large_document_does_not_read_its_content(db: Harness) -> None:
    document = await db.given_document("completed")
    session = await db.session()  # whose statistics are its own
    read = (
        "select toast_blks_read + toast_blks_hit as n from pg_statio_user_tables"
        " where relid = 'alfrd.documents'::regclass"
    )

    async def blocks_of_contents() -> int:
        await session.execute("select pg_stat_force_next_flush()")
        (row,) = await (await session.execute(read)).fetchall()
        return int(row["n"])

    await session.execute("update alfrd.documents set content = convert_to(repeat('x', 2000000), 'utf8')")
    before = await blocks_of_contents()
    await session.execute("update alfrd.documents set priority = 1 where id = %s", [document])
    await session.execute("select alfrd.correct(%s, %s)", [document, json.dumps({"total": "1.00"})])
    await session.execute("select alfrd.undo(%s)", [document])
    after = await blocks_of_contents()

    await session.execute("select md5(content) from alfrd.documents")
    assert await blocks_of_contents() - after > 200, "what a look at the content reads"
    assert after - before < 20
    await session.close()


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("Acme Power: $12.50, not 12.501, by March 1, 2024.", "B & C: $1,000.00, not 12.501, by May 31, 2025."),
        ("Bill of 2024-03-01: 12.50 USD, Acme Powerful", "Bill of 2025-05-31: 1,000.00 USD, Acme Powerful"),
        ("Nothing of it", "Nothing of it"),
    ],
)  # fmt: skip
async def test_a_sentence_follows_the_values(db: Harness, summary: str, expected: str) -> None:
    restated = await db.one(
        "select alfrd.restated(%s, %s, %s, '{entity,document_date,total_amount}')",
        summary,
        json.dumps({"entity": "Acme Power", "document_date": "2024-03-01", "total_amount": 12.50}),
        json.dumps({"entity": "B & C", "document_date": "2025-05-31", "total_amount": 1000}),
    )

    assert restated == expected
