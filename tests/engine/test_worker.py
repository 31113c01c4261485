"""Workers as they run: the listener, the cycle, the handlers, on a real database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alfrd_events.db import queue
from alfrd_events.db.cases import Cases
from alfrd_events.db.database import Database
from alfrd_events.model import AnalystResult, Outcome
from alfrd_events.model.inputs import OcrInput
from alfrd_events.model.jobs import AnalysisJob, Summarize
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from alfrd_events.worker.runner import Runner
from testing.harness import Harness
from testing.noop import NoopAnalyst, noop_tools, options


async def _insert(db: Harness, count: int, names: int = 3) -> None:
    await db.sql(
        "insert into alfrd.documents (filename, content)"
        " select 'shop' || number %% %s || '-' || number || '.txt', convert_to('text ' || number, 'utf8')"
        "   from generate_series(1, %s) as number",
        names,
        count,
    )


async def test_two_workers_run_each_step_of_each_document_exactly_once(db: Harness) -> None:
    await _insert(db, 200)

    async with Database(db.url) as first, Database(db.url) as second:
        await asyncio.gather(
            run_worker(first, BUILT_IN, noop_tools(), options(db.url)),
            run_worker(second, BUILT_IN, noop_tools(), options(db.url)),
        )

    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 200
    assert await db.one("select count(*) from alfrd.tasks where step <> 'watch_series'") == 0
    runs = await db.sql(
        "select step, count(*) as runs, count(distinct subject_id) as documents, count(distinct worker_id) as workers"
        "  from alfrd.events where kind = 'completed' and subject_type = 'document' group by step"
    )
    assert {row["step"]: (row["runs"], row["documents"]) for row in runs} == dict.fromkeys(
        set(BUILT_IN) - {"summarize_file", "try_lessons"}, (200, 200)
    )
    assert await db.one("select count(*) from alfrd.series") == 3
    assert await db.one("select array_agg(distinct status) from alfrd.files") == ["generated"]
    assert await db.one("select sum(member_count) from alfrd.files") == 200


@pytest.mark.not_by_route("deaf", reason="a worker that does not listen hears no bell")
async def test_an_insert_wakes_an_idle_worker_by_its_bell(db: Harness) -> None:
    async with Database(db.url) as database:
        worker = asyncio.create_task(
            run_worker(
                database, BUILT_IN, noop_tools(), options(db.url, until_quiet=False, poll_seconds=3600)
            )
        )
        while not await db.one("select count(*) from alfrd.workers where locked and waiting_for <> '{}'"):
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)  # its last look before it sleeps
        feed = await db.session()
        await feed.execute("listen alfrd_status")
        await _insert(db, 1)
        async with asyncio.timeout(60):
            async for notify in feed.notifies():
                if '"completed"' in notify.payload:
                    break
        await feed.close()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    woken = await db.sql("select woken_by from alfrd.events where step = 'ocr'")
    assert [row["woken_by"] for row in woken] == ["notify"]
    explained = await db.one("select alfrd.explain(id) from alfrd.documents")
    assert "woken by: handoff, notify" in explained


async def test_an_idle_worker_leaves_the_database_alone(db: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    exchanges = 0
    real = queue.exchange

    async def counted(*arguments: Any, **named: Any) -> queue.ExchangeReply:
        nonlocal exchanges
        exchanges += 1
        return await real(*arguments, **named)

    monkeypatch.setattr(queue, "exchange", counted)
    async with Database(db.url) as database:
        worker = asyncio.create_task(
            run_worker(database, BUILT_IN, noop_tools(), options(db.url, until_quiet=False))
        )
        await asyncio.sleep(1.5)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    assert exchanges <= 8  # at the start, when the listener is up, and before it sleeps


async def test_a_result_that_the_database_refuses_fails_its_own_document_only(db: Harness) -> None:
    class Odd(NoopAnalyst):
        def answer(self, job: AnalysisJob[Any]) -> AnalystResult:
            found = super().answer(job)
            odd = {"text 5": "a\0b", "text 7": "half a surrogate pair: \ud800"}
            if isinstance(job, Summarize) and job.document.text in odd:
                return found.model_copy(update={"entity": odd[job.document.text]})
            return found

    await _insert(db, 10)

    async with Database(db.url) as database:
        await run_worker(database, BUILT_IN, noop_tools(Odd()), options(db.url))

    rows = await db.sql("select status, error from alfrd.documents order by status desc")
    assert [row["status"] for row in rows] == ["failed"] * 2 + ["completed"] * 8
    assert {row["error"].split(":")[1] for row in rows[:2]} == {
        " the database refused its result",
        " its result holds what JSON cannot",
    }


@pytest.mark.parametrize("metadata", ['{"a": 1e400}', '{"a": ' + "[" * 2000 + "]" * 2000 + "}"])
async def test_metadata_that_no_decoder_takes_whole_keeps_no_document_from_its_end(
    db: Harness, metadata: str
) -> None:
    await _insert(db, 3)
    poisoned = await db.one(
        "insert into alfrd.documents (filename, content, metadata) values ('a.txt', 'x', %s) returning id",
        metadata,
    )
    await db.sql("update alfrd.tasks set max_attempts = 1 where subject_id = %s", poisoned)

    async with Database(db.url) as database:
        await run_worker(database, BUILT_IN, noop_tools(), options(db.url))

    assert await db.status_of(poisoned) == "completed"
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == 4


async def test_many_small_parts_do_not_come_with_the_claim(db: Harness) -> None:
    document = await db.one(
        "with made as (insert into alfrd.documents (filename) values ('scan') returning id),"
        " parts as (insert into alfrd.document_parts (document_id, number, filename, content)"
        "   select id, n, n || '.txt', convert_to(repeat('x', 30000), 'utf8')"
        "     from made cross join generate_series(1, 20) as n)"
        " select id from made"
    )
    answer = await db.exchange("a", [], ocr=1)
    assert answer.inputs is not None
    assert len(answer.inputs) < 10_000

    (task,) = answer.claimed
    given = (await Cases(db.database, {"ocr": OcrInput}).load([task], answer.inputs))[task.id]
    assert isinstance(given, OcrInput)
    assert task.subject_id == document
    assert [len(part.content or b"") for part in given.parts] == [30_000] * 20


async def test_what_an_exchange_claims_while_its_worker_is_stopped_is_given_back(db: Harness) -> None:
    await db.given_document()
    task = await db.claim("ocr")
    assert task is not None
    outcomes: list[Outcome] = []
    runner = Runner(db.database, BUILT_IN, noop_tools(), outcomes.append, 60)

    await runner.stop()
    runner.start(await db.worker("a"), [task])

    assert [(outcome.task, outcome.kind) for outcome in outcomes] == [(task, "released")]
