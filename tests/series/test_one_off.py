"""A receipt belongs to its sender alone until a second one comes; all else founds a series at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.db.database import Database
from alfrd_events.db.series_keeping import DatabaseKeeper
from alfrd_events.steps.registry import BUILT_IN, CALENDAR
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from tests.series.test_views import keep

RECEIPT = """The Brass Bittern
Receipt
Receipt number: {number}
Date: 03/{day:02}/2024
Soup           12.00
Bread           {bread}.50
Total          {total}.50
Paid by card
"""


async def given(db: Harness, needed: int = 2, entity_key: str = "brassbittern") -> UUID:
    """A document that step file names to be of a shop."""
    document = await db.given_document("summarized")
    task = await db.claim("file", subject=document)
    assert task is not None
    assert await db.complete(task, entity_key=entity_key, slug=entity_key, documents_needed=needed)
    await finish(db, document)
    return document


async def finish(db: Harness, document: UUID) -> None:
    task = await db.claim("extract", subject=document)
    assert task is not None
    assert await db.complete(task)


async def refile(db: Harness, document: UUID, entity_key: str = "brassbittern") -> None:
    """Let a worker file a document that was sent back."""
    task = await db.claim("file", subject=document)
    assert task is not None
    assert await db.complete(task, entity_key=entity_key, slug=entity_key, documents_needed=2)
    await finish(db, document)


async def places(db: Harness, *documents: UUID) -> list[Any]:
    rows = await db.sql("select id, series_id from alfrd.documents where id = any (%s)", list(documents))
    found = {row["id"]: row["series_id"] for row in rows}
    return [found[document] for document in documents]


async def test_the_first_receipt_has_no_series_and_the_second_makes_one_of_both(db: Harness) -> None:
    first = await given(db)
    assert await db.status_of(first) == "completed"
    assert await places(db, first) == [None]
    assert await db.one("select count(*) from alfrd.series") == 0
    assert await db.one("select count(*) from alfrd.files") == 0
    assert not await db.one("select bool_or(starts_with(tag, 'series:')) from alfrd.tags")

    second = await given(db)
    (series,) = await places(db, second)
    assert series is not None
    await keep(db)
    assert await db.status_of(first) == "summarized", "it is filed again"
    await refile(db, first)

    assert await places(db, first, second) == [series, series]
    assert await db.one("select count(*) from alfrd.first_documents") == 0
    third = await given(db)
    assert await places(db, third) == [series]


async def test_others_found_a_series_at_once_and_take_the_receipt_along(db: Harness) -> None:
    receipt = await given(db)
    invoice = await given(db, needed=1)
    await keep(db)
    await refile(db, receipt)

    assert len(set(await places(db, receipt, invoice))) == 1
    assert None not in await places(db, receipt, invoice)


async def test_only_receipts_that_are_there_count(db: Harness) -> None:
    gone, failed, others = (
        await given(db),
        await given(db, entity_key="other"),
        await given(db, entity_key="third"),
    )
    await db.sql("delete from alfrd.documents where id = %s", gone)
    await db.sql("update alfrd.documents set status = 'cancelled' where id = %s", failed)
    again, beside = await given(db), await given(db, entity_key="other")

    assert await places(db, again, beside, others) == [None] * 3


async def test_a_person_files_it_anyway(db: Harness) -> None:
    document, other = await given(db), await given(db, needed=1, entity_key="other")
    (series,) = await places(db, other)
    await db.sql("update alfrd.documents set series_id = %s where id = %s", series, document)

    assert await places(db, document) == [series]
    assert await places(db, await given(db)) == [None], "what is elsewhere makes no series"


async def test_receipts_that_are_filed_at_the_same_moment_find_each_other(
    db: Harness, database_url: str
) -> None:
    for number in range(6):
        text = RECEIPT.format(number=f"B-{number}1", day=number + 1, bread=number, total=12 + number)
        await db.sql(
            "insert into alfrd.documents (filename, content) values (%s, %s)", f"{number}.txt", text.encode()
        )
    lone = RECEIPT.format(number="X-77", day=9, bread=1, total=13).replace(
        "The Brass Bittern", "Thistleplum Market"
    )
    await db.sql("insert into alfrd.documents (filename, content) values ('lone.txt', %s)", lone.encode())

    async def work() -> None:
        async with Database(database_url) as database:
            tools = replace(noop_tools(RulesAnalyst()), keeper=DatabaseKeeper(database))
            steps = {**BUILT_IN, **CALENDAR}
            await run_worker(database, steps, tools, options(database_url, slots=dict.fromkeys(steps, 2)))

    await asyncio.gather(*[work() for _ in range(3)])
    await work()

    rows = await db.sql(
        "select filename, entity, document_type, series_id from alfrd.documents order by filename"
    )
    assert {row["document_type"] for row in rows} == {"receipt"}
    assert len({row["series_id"] for row in rows if row["filename"] != "lone.txt"} - {None}) == 1
    assert [row["filename"] for row in rows if row["series_id"] is None] == ["lone.txt"]
    assert await db.sql("select distinct status from alfrd.documents") == [{"status": "completed"}]
