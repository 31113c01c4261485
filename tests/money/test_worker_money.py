"""Money in a worker that runs: caps, crashes, replies that are paid once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from pydantic import BaseModel

from alfrd_events.clients.calls import BadReply, Call, Calls, Lost, Reply
from alfrd_events.db.database import Database
from alfrd_events.db.ledger import Caps, DatabaseLedger
from alfrd_events.errors import Throttled, Transient
from alfrd_events.model.inputs import DocumentInput
from alfrd_events.steps.step import Step, Tools
from alfrd_events.worker.run import Report, run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from testing.pgbouncer import past

ROOT = Path(__file__).parents[2].absolute()
PRICE = Decimal("0.000180")  # what a call of _ask costs


class Answer(BaseModel):
    value: int


class Paid:
    """A step whose handler asks a provider, and the provider."""

    def __init__(self, *, misbehaves: bool = False) -> None:
        self.calls: Calls | None = None
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self._misbehaves = misbehaves
        self._turn = 0

    async def __call__(self, given: DocumentInput, tools: Tools) -> Answer:
        assert self.calls is not None
        return await _ask(self.calls, str(given.document.id), self._send)

    async def _send(self, key: str) -> Reply:
        self.asked[key] += 1
        self._turn += 1
        await asyncio.sleep(0.001)
        if self._misbehaves:
            match self._turn % 20:
                case 1 | 6 | 11 | 16:
                    raise Throttled("slow down", retry_after=0.01)
                case 3:
                    raise Lost("the connection was cut")
                case 8:
                    return Reply({"nonsense": True}, input_tokens=1000, output_tokens=500)
                case 13:
                    raise Transient("503")
        self.answered[key] += 1
        return Reply({"value": 1}, input_tokens=1000, output_tokens=500)


async def _ask(calls: Calls, key: str, send: object) -> Answer:
    def check(content: object) -> Answer:
        try:
            return Answer.model_validate(content)
        except ValueError:
            raise BadReply("no value") from None

    async def sends() -> Reply:
        return await send(key)  # type: ignore[operator, no-any-return]

    call = Call("bedrock", "Converse", "us.amazon.nova-lite-v1:0", key, 1000, 500)
    try:
        return await calls.make(call, sends, check)
    except BadReply:
        fresh = Call("bedrock", "Converse", "us.amazon.nova-lite-v1:0", key, 1000, 500, fresh=True)
        return await calls.make(fresh, sends, check)


async def work(url: str, paid: Paid, caps: Caps, **changes: float) -> Report:
    async def soon(seconds: float) -> None:
        await asyncio.sleep(seconds / 50)

    async with Database(url) as database:
        ledger = DatabaseLedger(database, caps)
        paid.calls = Calls(ledger, sleep=soon)
        try:
            return await run_worker(
                database,
                {"ask": Step("ask", paid)},
                noop_tools(),
                options(url, slots={"ask": 20}, **changes),  # type: ignore[arg-type]
                release_held=ledger.release_held,
            )
        finally:
            await ledger.aclose()


async def given(db: Harness, count: int) -> None:
    await db.sql(
        "insert into alfrd.routes (subject_type, status, step) values ('document', 'completed', 'ask')"
    )
    await db.sql(
        "insert into alfrd.documents (filename, status, content)"
        " select n || '.txt', 'completed', 'x' from generate_series(1, %s) as n",
        count,
    )


async def test_what_is_over_the_cap_waits_visibly_and_goes_on_when_the_cap_is_raised(db: Harness) -> None:
    await given(db, 10)

    await work(db.url, paid := Paid(), Caps(day=4 * PRICE))

    assert sum(paid.asked.values()) == 4
    assert await db.one("select sum(usd) from alfrd.spending where scope like 'day:%%'") == 4 * PRICE
    waiting = await db.sql("select subject_id, state, attempt, max_attempts from alfrd.tasks")
    assert [(row["state"], row["max_attempts"] - row["attempt"]) for row in waiting] == [("scheduled", 5)] * 6
    explained = await db.one("select alfrd.explain(%s)", waiting[0]["subject_id"])
    assert "ask is held for money since" in explained
    assert (
        "0.000720 of 0.000720 USD are spent or set aside, and this call may cost up to 0.000180" in explained
    )

    await work(db.url, paid, Caps(day=6 * PRICE))
    assert sum(paid.asked.values()) == 6

    worker = asyncio.create_task(
        work(db.url, paid, Caps(day=6 * PRICE), until_quiet=False, release_seconds=0.05)
    )
    await db.sql("update alfrd.spending set usd = usd - %s where scope like 'day:%%'", 3 * PRICE)
    async with asyncio.timeout(20):
        while sum(paid.asked.values()) < 9:
            await asyncio.sleep(0.05)
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker
    assert await db.one("select sum(usd) from alfrd.spending where scope like 'day:%%'") == 6 * PRICE
    assert set(paid.asked.values()) == {1}


async def test_on_a_bad_day_everything_completes_and_the_books_agree(db: Harness) -> None:
    """20 % throttled, 5 % cut, 5 % malformed, 5 % broken."""
    await given(db, 200)
    await db.sql("insert into alfrd.limits (provider, max_running) values ('bedrock', 6)")

    report = await work(db.url, paid := Paid(misbehaves=True), Caps(document=Decimal(1), day=Decimal(1)))

    assert report.tally.done["ask"] == 200
    assert len(paid.answered) == 200
    assert set(paid.answered.values()) == {1}, "a call was paid twice after its reply was committed"
    rows = await db.sql("select outcome, count(*) as n, sum(usd) as usd from alfrd.usage group by 1")
    counted = {row["outcome"]: row["n"] for row in rows}
    assert sum(counted.values()) == sum(paid.asked.values())
    paid_for = counted["ok"] + counted["unknown"] + counted["malformed"]
    assert sum(row["usd"] for row in rows) == paid_for * PRICE
    assert await db.one("select sum(usd) from alfrd.spending where scope like 'day:%%'") == paid_for * PRICE
    assert await db.one("select sum(usd) from alfrd.spending where scope like 'doc%%'") == paid_for * PRICE

    await db.sql("delete from alfrd.routes where step = 'ask'")
    again = [row["key"] for row in await db.sql("select key from alfrd.reply_cache")]
    assert len(again) == 200


CRASHES = """
import asyncio, os, signal, sys
from alfrd_events.db.database import Database
from alfrd_events.db.ledger import DatabaseLedger
from alfrd_events.clients.calls import Calls, Reply
from tests.money.test_worker_money import Paid
from testing.noop import noop_tools, options
from alfrd_events.steps.step import Step
from alfrd_events.worker.run import run_worker

class Deadly(Paid):
    async def _send(self, key):
        reply = await super()._send(key)
        if len(self.asked) == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return reply

async def main(url):
    paid = Deadly()
    async with Database(url) as database:
        paid.calls = Calls(DatabaseLedger(database))
        await run_worker(database, {"ask": Step("ask", paid)}, noop_tools(), options(url, slots={"ask": 1}))

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.not_by_route("pgbouncer", reason="the killed process is told by its session's lock")
async def test_a_worker_that_dies_in_a_call_leaves_it_spent_and_pays_for_no_settled_one_again(
    db: Harness,
) -> None:
    await given(db, 8)
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASHES, db.url, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    async with asyncio.timeout(60):
        assert await victim.wait() == -signal.SIGKILL
    await db.sql("update alfrd.workers set heartbeat_at = '-infinity'")

    await work(db.url, paid := Paid(), Caps(), rescue_seconds=0.05)

    assert sum(paid.asked.values()) == 4
    rows = await db.sql("select outcome, count(*) as n, sum(usd) as usd from alfrd.usage group by 1")
    assert {row["outcome"]: (row["n"], row["usd"]) for row in rows} == {
        "ok": (8, 8 * PRICE),
        "unknown": (1, PRICE),
    }


async def test_a_workers_role_reserves_and_settles_and_a_readers_reads(
    db: Harness, signed_in: dict[str, str]
) -> None:
    await given(db, 3)
    await db.sql("insert into alfrd.limits (provider, max_running, rate) values ('bedrock', 2, 500)")

    await work(db.url.replace("postgres@", "mill@"), Paid(), Caps(day=Decimal(1)))

    reader = await psycopg.AsyncConnection.connect(
        past(db.url.replace("postgres@", "wall@")), autocommit=True
    )
    async with reader:
        cursor = await reader.execute("select calls, usd from alfrd.usage_by('model')")
        assert await cursor.fetchall() == [(3, 3 * PRICE)]
