"""What many ask at the same moment goes in one statement, and nobody spoils it for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from alfrd_events.clients.calls import Reply
from alfrd_events.db.batch import Batch
from alfrd_events.db.ledger import DatabaseLedger
from alfrd_events.errors import DatabaseUnavailable, Refused
from testing.harness import Harness
from tests.money.test_ledger import NOVA, given_task, spent, usage


class Server:
    """Doubles numbers; refuses zeros; answers when it is let."""

    def __init__(self) -> None:
        self.heard: list[list[int]] = []
        self.let = asyncio.Event()
        self.let.set()

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.heard.append(list(numbers))
        await self.let.wait()
        if 0 in numbers:
            raise Refused("a zero")
        if -1 in numbers:
            raise DatabaseUnavailable("gone")
        return [2 * number for number in numbers]


async def test_those_who_ask_together_go_together_and_those_who_come_later_next() -> None:
    server = Server()
    batch = Batch(server)
    server.let.clear()
    first = [asyncio.create_task(batch.ask(number)) for number in (1, 2)]
    while not server.heard:
        await asyncio.sleep(0)
    second = [asyncio.create_task(batch.ask(number)) for number in (3, 4, 5)]
    await asyncio.sleep(0)
    server.let.set()

    assert await asyncio.gather(*first, *second) == [2, 4, 6, 8, 10]
    assert server.heard == [[1, 2], [3, 4, 5]]


async def test_one_that_is_refused_spoils_it_for_nobody() -> None:
    answers = await asyncio.gather(*map(Batch(Server()).ask, (1, 0, 3)), return_exceptions=True)
    assert [answers[0], answers[2]] == [2, 6]
    assert isinstance(answers[1], Refused)


async def test_a_server_that_is_gone_is_not_asked_by_each_of_them() -> None:
    server = Server()
    answers = await asyncio.gather(*map(Batch(server).ask, (1, -1, 3)), return_exceptions=True)
    assert all(isinstance(answer, DatabaseUnavailable) for answer in answers)
    assert len(server.heard) == 1


async def test_what_is_never_taken_back_is_asked_although_its_asker_is_gone() -> None:
    server = Server()
    batch = Batch(server)
    asker = asyncio.create_task(batch.ask(7))
    await asyncio.sleep(0)
    asker.cancel()
    await batch.done()
    assert server.heard == [[7]]
    with pytest.raises(asyncio.CancelledError):
        await asker


async def test_who_is_cancelled_while_reserving_leaves_nothing_spent(db: Harness) -> None:
    ledger = DatabaseLedger(db.database)
    who = await given_task(db)
    for moment in range(1, 21):
        asker = asyncio.create_task(ledger.reserve(NOVA, who))
        for _ in range(moment):
            await asyncio.sleep(0)
        asker.cancel()
        await asyncio.gather(asker, return_exceptions=True)
    await asyncio.gather(*(ledger.reserve(NOVA, who) for _ in range(2)))
    await ledger.aclose()

    ended = [row["outcome"] for row in await usage(db)]
    assert ended.count("reserved") == 2
    assert set(ended) == {"reserved", "failed"}
    assert await spent(db, "day:%") == 2 * (await usage(db))[-1]["usd"]


async def test_a_settlement_is_written_although_its_worker_is_being_stopped(db: Harness) -> None:
    ledger = DatabaseLedger(db.database)
    number = await ledger.reserve(NOVA, None)
    settling = asyncio.create_task(ledger.settle(number, NOVA, None, "failed", 1))
    await asyncio.sleep(0)
    settling.cancel()
    await ledger.aclose()
    assert [row["outcome"] for row in await usage(db)] == ["failed"]


async def test_a_reply_that_postgresql_cannot_hold_is_paid_and_not_kept(db: Harness) -> None:
    ledger = DatabaseLedger(db.database)
    good, odd = [await ledger.reserve(NOVA, None) for _ in range(2)]

    await asyncio.gather(
        ledger.settle(good, NOVA, Reply({"a": "b"}, 10, 10), "ok", 1),
        ledger.settle(odd, NOVA, Reply({"a": "\0"}, 10, 10), "ok", 1),
    )

    assert [row["outcome"] for row in await usage(db)] == ["ok", "ok"]
    assert await db.one("select reply from alfrd.reply_cache") == {"a": "b"}
