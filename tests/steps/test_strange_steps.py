"""Steps of a user's own, and what they may raise, return and swallow: their document pays, and no other."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from alfrd_events.db.database import Database
from alfrd_events.errors import Permanent, Throttled, Transient
from alfrd_events.model.inputs import DocumentInput
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.steps.step import Step, Tools
from alfrd_events.worker import verdict
from alfrd_events.worker.run import Report, run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")
    value: Any = None


class PanicException(BaseException):
    """As Rust's, by way of PyO3."""


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class MuteRefusal(Permanent):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def _nested(depth: int) -> list[Any]:
    outer: list[Any] = []
    for _ in range(depth):
        outer = [outer]
    return outer


def _cycle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


def _for_ever() -> None:
    _for_ever()


async def _cancels_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(60)


async def _cancels_itself_and_goes_on() -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await _cancels_itself()
    raise Transient("went on")


RAISED: dict[str, BaseException] = {
    "cancelled": asyncio.CancelledError(),
    "exit": SystemExit(3),
    "interrupt": KeyboardInterrupt(),
    "closed": GeneratorExit(),
    "base": BaseException("boo"),
    "panic": PanicException("called `Option::unwrap()` on a `None` value"),
    "stop": StopIteration(),
    "stop async": StopAsyncIteration(),
    "memory": MemoryError(),
    "group": BaseExceptionGroup("several", [SystemExit(1), ValueError("of a document")]),
    "cancelled group": BaseExceptionGroup("several", [asyncio.CancelledError()]),
    "time": TimeoutError(),
    "mute": Mute(),
    "mute refusal": MuteRefusal(),
    "zero": Permanent("text with \0 in it"),
    "half": Permanent("half a pair: \ud800"),
    "long": Permanent("x" * 10_000_000),
}
DONE: dict[str, Callable[[], Any]] = {
    "cancels itself": _cancels_itself,
    "cancels and goes on": _cancels_itself_and_goes_on,
    "recursion": _for_ever,
    "exit call": lambda: sys.exit("bye"),
}
RETURNED: dict[str, Any] = {
    "nothing": None,
    "dict": {"a": 1},
    "text": "hello",
    "class": Anything,
    "zero value": Anything(value="a\0b"),
    "half value": Anything(value="a\ud800b"),
    "object": Anything(value=object()),
    "cycle": Anything(value=_cycle()),
    "deep": Anything(value=_nested(100_000)),
    "bytes": Anything(value=b"\xff\xfe"),
    "big": Anything(value="x" * (verdict.MAX_RESULT_BYTES + 1)),
}


async def _export(given: DocumentInput, tools: Tools) -> Any:
    name = given.document.filename
    if name in RAISED:
        raise RAISED[name]
    if name in DONE:
        under_way = DONE[name]()
        if under_way is not None:
            await under_way
    return RETURNED.get(name, Anything(value=1))


async def _work(db: Harness, handler: Any, names: list[str], **wishes: Any) -> Report:
    """Run each document through a step that follows the last one, and has one attempt."""
    await db.sql(
        "insert into alfrd.routes (subject_type, status, step, max_attempts)"
        " values ('document', 'completed', 'export', 1)"
    )
    await db.sql(
        "insert into alfrd.documents (filename, content)"
        " select name, convert_to('text', 'utf8') from unnest(%s::text[]) as name",
        names,
    )
    steps = {**BUILT_IN, "export": Step("export", handler)}
    async with Database(db.url) as database:
        return await run_worker(
            database,
            steps,
            noop_tools(),
            options(db.url, slots=dict.fromkeys(steps, 50), **wishes),
        )


async def test_whatever_a_step_does_is_one_failed_attempt_of_its_document(db: Harness) -> None:
    names = [*RAISED, *DONE, *RETURNED]
    async with asyncio.timeout(60):
        report = await _work(db, _export, [*names, "neighbour 1", "neighbour 2"])

    assert not report.interrupted
    rows = await db.sql(
        "select d.filename, t.state, t.attempt, t.error"
        "  from alfrd.documents d left join alfrd.tasks t on t.subject_id = d.id and t.step = 'export'"
    )
    dead = {row["filename"]: row for row in rows if row["state"] == "dead"}
    assert set(dead) == set(names)
    assert {row["attempt"] for row in dead.values()} == {1}
    for name, row in dead.items():
        assert 0 < len(row["error"]) < 2_100, name
        if name not in ("zero", "half", "long", "cancels and goes on"):
            assert "export: " in row["error"], (name, row["error"])
    assert await db.one("select count(*) from alfrd.events where step = 'export' and kind = 'completed'") == 2
    assert await db.one("select count(*) from alfrd.events where step = 'export' and kind = 'released'") == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400])
async def test_a_number_that_json_has_not_does_not_stop_the_worker(db: Harness, value: float) -> None:
    async def odd(given: DocumentInput, tools: Tools) -> Anything:
        return Anything(value=value if given.document.filename == "odd" else 1)

    async with asyncio.timeout(60):
        await _work(db, odd, ["odd", "neighbour"])

    assert await db.one(
        "select count(*) from alfrd.events e join alfrd.documents d on d.id = e.subject_id"
        " where e.step = 'export' and e.kind = 'completed' and d.filename = 'neighbour'"
    )
    assert not await db.one(
        "select count(*) from alfrd.tasks where state <> 'dead' and step <> 'watch_series'"
    )


@pytest.mark.parametrize("asked", [float("nan"), float("inf"), -5, "soon", None])
async def test_a_wait_that_is_no_time_is_left_to_the_engine(db: Harness, asked: Any) -> None:
    attempts = 0

    async def throttled(given: DocumentInput, tools: Tools) -> Anything:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise Throttled("slow down", retry_after=asked)
        return Anything()

    await db.sql(
        f"alter database {await db.one('select current_database()')} set alfrd.backoff_seconds = 0.1"
    )
    async with asyncio.timeout(60):
        await _work(db, throttled, ["a"])

    assert attempts == 2
    kinds = await db.sql("select kind from alfrd.events where step = 'export' order by id")
    assert [row["kind"] for row in kinds] == ["throttled", "completed"]


async def test_a_step_that_swallows_its_cancellation_loses_its_task_all_the_same(db: Harness) -> None:
    freed = asyncio.Event()

    async def stubborn(given: DocumentInput, tools: Tools) -> Anything:
        while given.document.filename == "stubborn" and not freed.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await freed.wait()
        return Anything()

    started = time.monotonic()
    try:
        async with asyncio.timeout(60):
            await _work(db, stubborn, ["stubborn", "neighbour"], step_seconds=1)
    finally:
        freed.set()

    assert time.monotonic() - started < 40
    row = (await db.sql("select state, attempt, error from alfrd.tasks where step = 'export'"))[0]
    assert (row["state"], row["attempt"]) == ("dead", 1)
    assert "took longer than 1 s" in row["error"]
    assert "does not end when it is cancelled" in row["error"]
    assert await db.one("select count(*) from alfrd.events where step = 'export' and kind = 'completed'") == 1
