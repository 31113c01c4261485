"""Two exchanges of one worker in flight: when the second one begins, and that nothing is lost or done twice by it."""

from __future__ import annotations

from typing import Any

import pytest

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.errors import DatabaseUnavailable
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options

DOCUMENTS = 600
SLOTS = dict.fromkeys(BUILT_IN, 100)
"""As many as a worker of cheap steps has: with fewer, exchanges are not worth parting."""


class Exchanges:
    """Counts what is in flight, and can lose exchanges that began beside another.

    :param to_lose: so many, the first, are lost: by turns before they reach the database, and after the commit.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, to_lose: int = 0) -> None:
        self.in_flight = self.most = self.lost = 0
        self._real = queue.exchange
        self._to_lose = to_lose
        monkeypatch.setattr(queue, "exchange", self._exchange)

    async def _exchange(self, *args: Any, **kwargs: Any) -> queue.ExchangeReply:
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        is_lost = self.in_flight > 1 and self.lost < self._to_lose
        self.lost += is_lost
        try:
            if is_lost and self.lost % 2:
                raise DatabaseUnavailable("the connection broke")
            reply = await self._real(*args, **kwargs)
            if is_lost:
                raise DatabaseUnavailable("the reply was lost")
            return reply
        finally:
            self.in_flight -= 1


async def _work(db: Harness) -> None:
    await db.sql(
        "insert into alfrd.documents (filename, content)"
        " select 'shop' || number %% 3 || '-' || number || '.txt', convert_to('text ' || number, 'utf8')"
        "   from generate_series(1, %s) as number",
        DOCUMENTS,
    )
    async with Database(db.url) as database:
        await run_worker(database, BUILT_IN, noop_tools(), options(db.url, slots=SLOTS))


async def _each_step_was_done_once(db: Harness) -> None:
    assert await db.one("select count(*) from alfrd.documents where status = 'completed'") == DOCUMENTS
    assert await db.one("select count(*) from alfrd.tasks where step <> 'watch_series'") == 0
    runs = await db.sql(
        "select step, count(*) as runs from alfrd.events"
        " where kind = 'completed' and subject_type = 'document' group by step"
    )
    assert {row["step"]: row["runs"] for row in runs} == dict.fromkeys(
        set(BUILT_IN) - {"summarize_file", "try_lessons"}, DOCUMENTS
    )


async def test_a_worker_that_is_alone_has_two_in_flight(db: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    exchanges = Exchanges(monkeypatch)

    await _work(db)

    assert exchanges.most == 2
    await _each_step_was_done_once(db)


async def test_beside_another_worker_there_is_one_at_a_time(
    db: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Database(db.url) as database:
        await queue.register(
            database, name="idle", host="", process=1, version="", steps=[], lease_seconds=600
        )
    exchanges = Exchanges(monkeypatch)

    await _work(db)

    assert exchanges.most == 1


async def test_lost_replies_of_either_lose_nothing_and_repeat_nothing(
    db: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges = Exchanges(monkeypatch, to_lose=4)

    await _work(db)

    assert exchanges.lost == 4, "too few began beside another to say anything"
    await _each_step_was_done_once(db)
