"""What follows from a corrected value: the sentence, the scores, the series and the file; once, and soon."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.db.database import Database
from alfrd_events.model import Outcome
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.refused import log_refused
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from tests.cli.program import BILL

LONGEST_SECONDS = 10.0
"""Mostly under a second, of which half waits for the end of a burst; how fast it is, is not measured by tests."""
FILE = "select id, status, revision, generated_revision, rows from alfrd.files where tags = '{home}'"


@asynccontextmanager
async def at_work(db: Harness) -> AsyncIterator[None]:
    """A worker that reads by rules, and sleeps when nothing is to do."""
    async with Database(db.url) as database:
        working = asyncio.create_task(
            run_worker(database, BUILT_IN, noop_tools(RulesAnalyst()), options(db.url, until_quiet=False))
        )
        try:
            yield
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working


async def given_bills(db: Harness, *days: int) -> list[UUID]:
    """Bills without an account, which would keep them in one series whatever their company is called."""
    await db.sql("insert into alfrd.files (tags, title) values ('{home}', 'Home')")
    return [
        await db.one(
            "insert into alfrd.documents (filename, content, tags) values (%s, %s, '{home}') returning id",
            f"{day}.txt",
            BILL.format(day=day).replace("Account number: 4071-22\n", "").encode(),
        )
        for day in days
    ]


async def settled(db: Harness, seconds: float = 20) -> None:
    """Wait until nothing is left to do."""
    async with asyncio.timeout(seconds):
        while await db.one("select count(*) from alfrd.tasks where step <> 'watch_series'"):
            await asyncio.sleep(0.01)


async def test_everything_that_depends_on_a_value_follows_within_a_second(
    db: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "alfrd_events")
    first, second = await given_bills(db, 14, 15)
    async with at_work(db):
        await settled(db)
        (file,) = await db.sql(FILE)
        runs = await _runs(db, first, file["id"])

        started = time.perf_counter()
        await db.sql(
            "select alfrd.correct(%s, %s)", first, json.dumps({"total": "77.70", "entity": "Gas & Co"})
        )
        await settled(db)
        took = time.perf_counter() - started

        (document,) = await db.sql("select *, content from alfrd.documents where id = %s", first)
        assert document["summary"].startswith("Gas & Co, electricity bill of 2024-03-14: $77.70, due")
        assert (document["status"], document["generation"]) == ("completed", 2)
        assert str(document["total_amount"]) == document["series_data"]["total_amount"] == "77.70"
        assert "gas-and-co" in await db.one(
            "select slug from alfrd.series where id = %s", document["series_id"]
        )
        (score,) = await db.sql(
            "select checks from alfrd.scores where document_id = %s and step = 'score_summary'"
            " order by id desc limit 1",
            first,
        )
        failed = [each["name"] for each in score["checks"] if not each["passed"]]
        assert failed == ["account_number given"], "these bills have none"
        (file,) = await db.sql(FILE)
        assert (file["status"], file["revision"]) == ("generated", file["generated_revision"])
        assert "77.70" in json.dumps(file["rows"])
        after = await _runs(db, first, file["id"])
        more = {step: after[step] - runs.get(step, 0) for step in after if step not in ("ocr", "classify")}
        assert more.pop("summarize_file") in (1, 2), (
            "two where the steps take longer than a burst is gathered for"
        )
        assert more == {
            "summarize": 1, "score_classification": 1, "score_summary": 1, "file": 1, "extract": 1
        }  # fmt: skip
        assert took <= LONGEST_SECONDS
        assert await db.status_of(second) == "completed"


async def _runs(db: Harness, *subjects: UUID) -> dict[str, int]:
    rows = await db.sql(
        "select step, count(*) as n from alfrd.events where kind = 'completed' and subject_id = any (%s) group by 1",
        list(subjects),
    )
    return {row["step"]: row["n"] for row in rows}


async def test_an_undone_correction_is_followed_as_well(db: Harness) -> None:
    (document,) = await given_bills(db, 14)
    compared = (
        "select d.summary, d.entity, d.total_amount, d.tags, d.corrected, d.series_data, d.needs_review, s.slug"
        "  from alfrd.documents d left join alfrd.series s on s.id = d.series_id",
        "select distinct on (step) step, score, checks from alfrd.scores order by step, id desc",
        "select tags, summary, rows from alfrd.files where tags = '{home}'",
        "select tag, source from alfrd.tags order by tag",
    )
    async with at_work(db):
        await settled(db)
        before = [await db.sql(statement) for statement in compared]
        for values in (
            {"total": "77.70", "entity": "Gas & Co"},
            {"type": "insurance"},
            {"date": None, "due": None},
        ):
            await db.sql("select alfrd.correct(%s, %s)", document, json.dumps(values))
            await settled(db)
            assert [await db.sql(statement) for statement in compared] != before

            await db.sql("select alfrd.undo(%s)", document)
            await settled(db)
            assert [await db.sql(statement) for statement in compared] == before


async def test_quick_corrections_under_a_working_worker_warn_of_no_lease(
    db: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "alfrd_events")
    documents = await given_bills(db, *range(10, 30))
    async with at_work(db):
        await settled(db)
        for total in range(15):
            for document in documents:
                await db.sql(
                    "update alfrd.documents set total_amount = %s where id = %s", total + 1, document
                )
                await asyncio.sleep(0.001)
        await settled(db)

    warned: list[Any] = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert warned == []
    (row,) = await db.sql(
        "select min(total_amount)::int as low, max(total_amount)::int as high from alfrd.documents"
    )
    assert row == {"low": 15, "high": 15}
    assert await db.one("select count(*) from alfrd.documents where summary like %s", "%: $15.00%") == 20


async def test_a_correction_between_claim_and_loading_is_no_lost_lease(
    db: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "alfrd_events")
    document = await db.given_document("summarized")
    task = await db.claim("file", worker="a")
    assert task is not None
    await db.sql("update alfrd.documents set total_amount = 1 where id = %s", document)
    loaded = await db.one("select generation from alfrd.documents where id = %s", document)
    outcome = Outcome(task, "done", generation=loaded)
    answer = await db.exchange("a", [outcome])
    assert answer.refused == {task.id: "superseded"}

    log_refused([outcome], answer.refused)

    assert [each.levelname for each in caplog.records] == ["INFO"]


async def test_corrections_reviews_and_steps_at_once_lose_nothing(
    db: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "alfrd_events")
    documents = await given_bills(db, *range(10, 40))

    async def person(number: int) -> int:
        """Correct, claim and accept, in a session of its own; how many documents were accepted."""
        judged = 0
        async with await db.session() as session:
            for turn in range(10):
                document = documents[(7 * number + turn) % len(documents)]
                total = json.dumps({"total": 100 * number + turn + 1})
                await session.execute("select alfrd.correct(%s, %s)", [document, total])
                cursor = await session.execute(
                    "select document_id from alfrd.next_review(%s)", [f"r{number}"]
                )
                if (row := await cursor.fetchone()) is not None:
                    await session.execute("select alfrd.accept(%s)", [row["document_id"]])
                    judged += 1
        return judged

    async with at_work(db), at_work(db):
        async with at_work(db):  # a third one, which is stopped in the middle of it
            await asyncio.sleep(0)
            first = [asyncio.create_task(person(number)) for number in range(25)]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        second = [asyncio.create_task(person(number)) for number in range(25, 50)]
        judged = sum(await asyncio.gather(*first, *second))
        await settled(db, 120)

    warned = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert [line for line in warned if "lease" in line.lower()] == []
    assert await db.one("select count(*) from alfrd.documents where status <> 'completed'") == 0
    assert await db.one("select count(*) from alfrd.reviews where verdict = 'accepted'") == judged
    # The last correction of each document is its value, in the sentence and in the series, too.
    rows = await db.sql(
        "select d.total_amount = (c.new_value #>> '{}')::numeric as kept, d.summary, d.series_data, c.new_value"
        "  from alfrd.documents d join lateral (select new_value from alfrd.corrections"
        "    where document_id = d.id and field = 'total_amount' order by id desc limit 1) c on true"
    )
    assert len(rows) == len(documents)
    for row in rows:
        assert row["kept"]
        assert f"${row['new_value']:,.2f}" in row["summary"]
        assert float(row["series_data"]["total_amount"]) == float(row["new_value"])
    assert await db.one("select count(*) from alfrd.files where revision <> generated_revision") == 0
