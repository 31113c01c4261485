"""What a call may cost is set aside before it, and what it did cost is written after it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from alfrd_events.clients.calls import Call, Caller, NoRoom, Reply
from alfrd_events.db.ledger import Caps, DatabaseLedger
from alfrd_events.errors import Throttled
from alfrd_events.model import Outcome
from testing.harness import Harness

NOVA = Call("bedrock", "Converse", "us.amazon.nova-lite-v1:0", key="k1", input_tokens=1000, output_tokens=500)
MOST = Decimal("0.000180")  # 1,000 x 0.06 / M + 500 x 0.24 / M
ANSWER = Reply({"answer": 42}, input_tokens=800, output_tokens=100)
COST = Decimal("0.000072")


async def given_task(db: Harness, worker: str = "a") -> Caller:
    """Somebody who runs ``classify`` of a new document."""
    document = await db.given_document("ocr_completed")
    task = await db.claim("classify", worker=worker, subject=document)
    assert task is not None
    return Caller(await db.worker(worker), task)


async def usage(db: Harness) -> list[dict[str, Any]]:
    return await db.sql("select outcome, usd, cached from alfrd.usage order by id")


async def spent(db: Harness, scope: str) -> Decimal:
    return Decimal(
        await db.one("select coalesce(sum(usd), 0) from alfrd.spending where scope like %s", scope)
    )


async def test_the_most_is_reserved_and_what_it_cost_is_settled(db: Harness) -> None:
    who = await given_task(db)
    ledger = DatabaseLedger(db.database)

    number = await ledger.reserve(NOVA, who)
    assert await usage(db) == [{"outcome": "reserved", "usd": MOST, "cached": False}]
    assert await spent(db, "day:%") == MOST
    await ledger.settle(number, NOVA, ANSWER, "ok", 12)

    (row,) = await db.sql("select * from alfrd.usage")
    assert (row["usd"], row["reserved_usd"], row["input_tokens"], row["output_tokens"]) == (
        COST,
        MOST,
        800,
        100,
    )
    assert (row["document_id"], row["step"], row["attempt"]) == (who.task.subject_id, "classify", 1)
    assert (row["operation"], row["milliseconds"], row["unpriced"]) == ("Converse", 12, False)
    assert await spent(db, "day:%") == await spent(db, f"document:{who.task.subject_id}") == COST


async def test_a_settled_reply_is_known_and_costs_nothing_again(db: Harness) -> None:
    who = await given_task(db)
    ledger = DatabaseLedger(db.database)
    assert await ledger.known(NOVA) is None
    await ledger.settle(await ledger.reserve(NOVA, who), NOVA, ANSWER, "ok", 1)

    known = await ledger.known(NOVA)

    assert known is not None
    assert (known.content, known.cached) == ({"answer": 42}, True)
    assert [(row["usd"], row["cached"]) for row in await usage(db)] == [(COST, False), (0, True)]
    assert await db.one("select hits from alfrd.reply_cache") == 1
    other = Call("bedrock", "Converse", "us.amazon.nova-pro-v1:0", key="k1")
    assert await ledger.known(other) is None


async def test_a_reply_that_is_too_old_is_not_given_again_and_goes(db: Harness) -> None:
    ledger = DatabaseLedger(db.database, keep=timedelta(days=7))
    await ledger.settle(await ledger.reserve(NOVA, None), NOVA, ANSWER, "ok", 1)
    await db.advance_clock(8 * 86400)

    assert await ledger.known(NOVA) is None
    await ledger.release_held()
    assert await db.one("select count(*) from alfrd.reply_cache") == 0


@pytest.mark.parametrize(
    ("outcome", "reply", "cost"),
    [
        ("throttled", None, 0),
        ("failed", None, 0),
        ("unknown", None, MOST),
        ("malformed", None, MOST),
        ("malformed", ANSWER, COST),
    ],
)
async def test_what_did_not_go_well_costs_what_it_may_have_cost(
    db: Harness, outcome: str, reply: Reply | None, cost: Decimal
) -> None:
    who = await given_task(db)
    ledger = DatabaseLedger(db.database)

    await ledger.settle(await ledger.reserve(NOVA, who), NOVA, reply, outcome, 1)

    assert await usage(db) == [{"outcome": outcome, "usd": cost, "cached": False}]
    assert await spent(db, "day:%") == cost
    assert await db.one("select count(*) from alfrd.reply_cache") == 0


async def test_a_cap_of_the_day_holds_tasks_until_there_is_room(db: Harness) -> None:
    who = await given_task(db)
    ledger = DatabaseLedger(db.database, Caps(day=MOST))
    number = await ledger.reserve(NOVA, who)

    with pytest.raises(
        NoRoom, match=r"over the cap for day .* 0.000180 of 0.000180 USD are spent"
    ) as refusal:
        await ledger.reserve(NOVA, who)
    assert 0 < (refusal.value.retry_after or 0) <= 86400 + 60
    await db.hand_in(
        Outcome(who.task, "throttled", error=str(refusal.value), retry_after=refusal.value.retry_after)
    )
    assert await ledger.release_held() == 0
    assert await db.claim("classify") is None

    await ledger.settle(number, NOVA, None, "failed", 1)
    assert await ledger.release_held() == 1
    task = await db.claim("classify")
    assert task is not None
    assert await ledger.reserve(NOVA, Caller(await db.worker("a"), task))


async def test_a_cap_that_was_raised_lets_go_on_as_many_as_it_has_room_for(db: Harness) -> None:
    held = [await given_task(db) for _ in range(3)]
    mean = DatabaseLedger(db.database, Caps(day=Decimal(0)))
    for who in held:
        with pytest.raises(NoRoom) as refusal:
            await mean.reserve(NOVA, who)
        await db.hand_in(Outcome(who.task, "throttled", retry_after=refusal.value.retry_after))

    assert await mean.release_held() == 0
    assert await DatabaseLedger(db.database, Caps(day=2 * MOST)).release_held() == 2
    assert await DatabaseLedger(db.database).release_held() == 1


async def test_a_model_without_a_price_is_counted_as_such_and_held_under_a_cap(db: Harness) -> None:
    who = await given_task(db)
    unheard = Call("bedrock", "Converse", "acme.brain-v9", input_tokens=5, output_tokens=5)

    free = DatabaseLedger(db.database)
    await free.settle(await free.reserve(unheard, who), unheard, ANSWER, "ok", 1)
    assert await db.sql("select usd, unpriced from alfrd.usage") == [{"usd": 0, "unpriced": True}]

    capped = DatabaseLedger(db.database, Caps(document=Decimal(1)))
    with pytest.raises(NoRoom, match=r"acme.brain-v9 has no price, .* alfrd.prices"):
        await capped.reserve(unheard, who)
    await db.hand_in(Outcome(who.task, "throttled", retry_after=86400))
    assert await capped.release_held() == 0
    await db.sql("insert into alfrd.prices (provider, model, input) values ('bedrock', 'acme.*', 1)")
    assert await capped.release_held() == 1


async def test_a_server_of_ones_own_costs_nothing_unless_a_row_says_so(db: Harness) -> None:
    ledger = DatabaseLedger(db.database, Caps(day=Decimal(0)))
    local = Call("openai", "chat.completions", "llama3.2", input_tokens=9, output_tokens=9)

    assert await ledger.reserve(local, None)
    await db.sql(
        "insert into alfrd.prices (provider, model, input, output) values ('openai', 'gpt-*', 2.5, 10)"
    )
    with pytest.raises(NoRoom):
        await ledger.reserve(Call("openai", "chat.completions", "gpt-4o", output_tokens=9), None)
    assert await ledger.reserve(local, None)


async def test_calls_of_a_worker_that_is_gone_stay_spent_and_free_their_place(db: Harness) -> None:
    await db.sql("insert into alfrd.limits (provider, max_running) values ('bedrock', 1)")
    who = await given_task(db, worker="doomed")
    ledger = DatabaseLedger(db.database)
    other = await given_task(db, worker="b")
    number = await ledger.reserve(NOVA, who)
    await db.sql("update alfrd.workers set heartbeat_at = '-infinity' where name = 'doomed'")
    await db.rescue()

    assert await usage(db) == [{"outcome": "unknown", "usd": MOST, "cached": False}]
    assert await ledger.reserve(NOVA, other)
    # It was only frozen, and its answer comes after all.
    await ledger.settle(number, NOVA, ANSWER, "ok", 1)
    assert (await usage(db))[0] == {"outcome": "ok", "usd": COST, "cached": False}
    await ledger.settle(number, NOVA, ANSWER, "ok", 1)
    assert await spent(db, "day:%") == COST + MOST


async def test_a_provider_has_no_more_calls_under_way_than_its_limit(db: Harness) -> None:
    await db.sql("insert into alfrd.limits (provider, max_running) values ('bedrock', 3)")
    who = await given_task(db)
    ledger = DatabaseLedger(db.database)
    most = 0

    async def call() -> None:
        nonlocal most
        number = await ledger.reserve(NOVA, who)
        most = max(most, await db.one("select count(*) from alfrd.usage where outcome = 'reserved'"))
        await ledger.settle(number, NOVA, ANSWER, "ok", 1)

    await asyncio.gather(*(call() for _ in range(30)))

    assert most == 3
    assert await db.one("select count(*) from alfrd.usage where outcome = 'ok'") == 30


async def test_who_finds_no_room_for_long_is_throttled(db: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alfrd_events.db.ledger._WAIT_FOR_ROOM_SECONDS", 0.1)
    await db.sql("insert into alfrd.limits (provider, rate) values ('bedrock', 0.001)")
    ledger = DatabaseLedger(db.database)
    await ledger.reserve(NOVA, None)

    with pytest.raises(Throttled, match=r"bedrock: its limit in alfrd.limits left no room") as refusal:
        await ledger.reserve(NOVA, None)
    assert (refusal.value.retry_after or 0) > 900
