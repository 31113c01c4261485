"""What a worker says: why a result was refused, what it waits for, what it cannot do, and each of it once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from alfrd_events.db.database import Database
from alfrd_events.db.queue import Backlog
from alfrd_events.errors import Permanent
from alfrd_events.model import Outcome, Task
from alfrd_events.model.inputs import SummarizeInput
from alfrd_events.observe import Log
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.steps.step import Tools
from alfrd_events.worker.narrator import Narrator
from alfrd_events.worker.refused import log_refused
from alfrd_events.worker.rescuer import Rescuer
from alfrd_events.worker.run import run_worker
from alfrd_events.worker.waits import in_words
from testing.harness import Harness
from testing.noop import noop_tools, options


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "alfrd_events")
    return caplog


def _lines(log: pytest.LogCaptureFixture, text: str) -> list[tuple[str, str]]:
    return [(each.levelname, each.getMessage()) for each in log.records if text in each.getMessage()]


@pytest.mark.parametrize(
    "change",
    [
        "select alfrd.cancel(%s)",
        "update alfrd.documents set document_type = 'insurance' where id = %s",
        "update alfrd.documents set status = 'pending' where id = %s",
        "delete from alfrd.documents where id = %s",
    ],
    ids=["cancelled", "corrected", "re-submitted", "deleted"],
)
async def test_a_document_that_a_person_changed_meanwhile_is_no_lost_lease(
    db: Harness, log: pytest.LogCaptureFixture, change: str
) -> None:
    document = await db.given_document("classified")
    reached, changed = asyncio.Event(), asyncio.Event()

    async def slow(given: SummarizeInput, tools: Tools) -> Any:
        if not changed.is_set():
            reached.set()
            await changed.wait()
        return await BUILT_IN["summarize"].handler(given, tools)

    async def meddle() -> None:
        await reached.wait()
        await db.sql(change, document)
        changed.set()

    steps = {**BUILT_IN, "summarize": replace(BUILT_IN["summarize"], handler=slow)}
    async with Database(db.url) as database:
        await asyncio.gather(run_worker(database, steps, noop_tools(), options(db.url)), meddle())

    assert _lines(log, "a person cancelled, corrected")[0][0] == "INFO"
    assert not _lines(log, "ALFRD_LEASE_SECONDS")


async def test_a_lost_lease_is_told_with_what_to_do(db: Harness, log: pytest.LogCaptureFixture) -> None:
    await db.given_document()
    task = await db.claim("ocr", worker="a")
    assert task is not None
    await db.advance_clock(300)
    await db.rescue()

    outcome = Outcome(task, "released", generation=await _generation(db, task))
    answer = await db.exchange("b", [outcome])
    assert answer.refused == {task.id: "lost"}
    log_refused([outcome], answer.refused)

    assert [level for level, _ in _lines(log, "raise ALFRD_LEASE_SECONDS")] == ["WARNING"]


async def _generation(db: Harness, task: Any) -> int:
    return int(await db.one("select generation from alfrd.documents where id = %s", task.subject_id))


async def test_a_rescue_that_fails_is_told_once_and_the_other_duties_go_on(
    db: Harness, log: pytest.LogCaptureFixture
) -> None:
    await db.sql("alter function alfrd.rescue(boolean) rename to rescue_away")
    any_running = asyncio.Event()
    any_running.set()
    rescuer = asyncio.create_task(Rescuer(db.database, any_running, 0.02, 0.02, 0.02).run())
    async with asyncio.timeout(30):
        while len(_lines(log, "could not be given back")) < 2:
            await asyncio.sleep(0.02)
    await db.given_document()
    await db.sql("delete from alfrd.tasks")
    async with asyncio.timeout(30):
        while not _lines(log, "made tasks that were missing"):
            await asyncio.sleep(0.02)
    await db.sql("alter function alfrd.rescue_away(boolean) rename to rescue")
    async with asyncio.timeout(30):
        while not _lines(log, "goes well again"):
            await asyncio.sleep(0.02)
    rescuer.cancel()
    await asyncio.gather(rescuer, return_exceptions=True)

    assert [level for level, _ in _lines(log, "could not be given back") if level != "DEBUG"] == ["WARNING"]


async def test_a_worker_that_drains_says_what_it_waits_for(
    db: Harness, log: pytest.LogCaptureFixture
) -> None:
    await db.given_document()
    await db.claim("ocr", worker="another")
    await db.given_document()
    await db.sql(
        "update alfrd.tasks set state = 'scheduled', run_at = alfrd.now() + '1 hour' where state = 'ready'"
    )

    async with Database(db.url) as database:
        work = asyncio.create_task(run_worker(database, BUILT_IN, noop_tools(), options(db.url)))
        async with asyncio.timeout(30):
            while not _lines(log, "waiting for"):
                await asyncio.sleep(0.05)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    ((level, line),) = _lines(log, "waiting for")
    assert level == "INFO"
    assert "1 task to be tried again later, the next in 3" in line
    assert "1 task that other workers run" in line
    assert line.endswith("(ocr)")


def test_what_a_limit_holds_back_is_told() -> None:
    assert in_words(Backlog(3, 0, 0, None, ["ocr", "file"])) == "3 tasks that a limit holds back (ocr, file)"


async def test_an_outage_is_one_line_when_it_begins_and_one_when_it_ends(
    db: Harness, log: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await db.given_document()
    tasks = [await db.claim("ocr") for _ in range(3)]
    narrator = Narrator()
    for task in tasks:
        assert task is not None
        narrator.tell(Outcome(task, "throttled", error="the provider is away"))
    assert tasks[0] is not None
    narrator.tell(Outcome(tasks[0], "done"))

    assert [level for level, _ in _lines(log, "throttled")] == ["WARNING", "DEBUG", "DEBUG"]
    assert _lines(log, "goes well again") == [("INFO", "goes well again")]


class Clock:
    """Goes on when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _task(step: str, number: int = 1) -> Task:
    return Task(number, step, "document", UUID(int=number), 1, 5)


def _away(step: str, number: int, name: str) -> Outcome:
    return Outcome(
        _task(step, number),
        "throttled",
        error=f"{name}: the provider is away, asked again in {number} s",
        name=name,
    )


def test_a_provider_that_is_away_is_one_line_for_all_steps_and_documents(
    log: pytest.LogCaptureFixture,
) -> None:
    narrator = Narrator(Clock())
    for number in range(1, 4):
        for step in ("classify", "summarize", "extract"):
            narrator.tell(_away(step, number, f"bill-{number}.pdf"))
    assert [level for level, _ in _lines(log, "throttled")].count("WARNING") == 1

    for step in ("classify", "summarize", "extract"):
        narrator.tell(Outcome(_task(step), "done"))
    assert len(_lines(log, "goes well again")) == 1


def test_what_fails_for_another_reason_meanwhile_is_told(log: pytest.LogCaptureFixture) -> None:
    narrator = Narrator(Clock())
    narrator.tell(_away("classify", 1, "bill.pdf"))
    narrator.tell(Outcome(_task("ocr", 2), "retry", error="bill.pdf: the disk is full"))
    assert [level for level, _ in _lines(log, "further ones")] == ["WARNING", "WARNING"]


def test_what_fails_and_succeeds_in_turn_is_told_now_and_then(log: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    narrator = Narrator(clock)
    for number in range(100):
        narrator.tell(_away("classify", number, "bill.pdf"))
        narrator.tell(Outcome(_task("classify"), "done"))
        clock.now += 6
    told = [level for level, _ in _lines(log, "throttled")]
    assert (told.count("WARNING"), len(_lines(log, "goes well again"))) == (2, 2)


def test_an_outage_that_begins_in_the_quiet_time_is_told_when_it_lasts(log: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    narrator = Narrator(clock)
    narrator.tell(_away("classify", 1, "bill.pdf"))
    narrator.tell(Outcome(_task("classify"), "done"))
    for number in range(10):
        narrator.tell(_away("classify", number, "bill.pdf"))
        clock.now += 60
    assert [level for level, _ in _lines(log, "throttled")].count("WARNING") == 2


async def test_lines_name_the_file_the_step_and_the_attempt_whoever_logs_them(
    db: Harness, log: pytest.LogCaptureFixture
) -> None:
    """A provider knows nothing of tasks."""
    document = await db.given_document("classified")
    await db.sql("update alfrd.documents set filename = 'Strom März.pdf'")

    async def handler(given: SummarizeInput, tools: Tools) -> Any:
        await asyncio.to_thread(Log("a provider").warning, "answers slowly", seconds=3)
        raise Permanent("no value in it")

    steps = {**BUILT_IN, "summarize": replace(BUILT_IN["summarize"], handler=handler)}
    async with Database(db.url) as database:
        await run_worker(database, steps, noop_tools(), options(db.url), Narrator().tell)

    task = {"document": document, "name": "Strom März.pdf", "step": "summarize", "attempt": 1}
    facts = {record.getMessage(): record.facts for record in log.records if hasattr(record, "facts")}
    assert facts["answers slowly"] == {**task, "seconds": 3}
    assert facts["failed"] == {**task, "error": "no value in it"}
    assert "name" not in facts["worker stopped"]
