"""Caps are never exceeded, not by a micro-dollar and not for a moment, however many race for what is left."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alfrd_events.clients.calls import Call, Cap, NoRoom, Purpose, Reply, purpose
from alfrd_events.db.database import Database
from alfrd_events.db.ledger import Caps, DatabaseLedger
from testing.harness import Harness
from tests.money.test_ledger import NOVA, given_task

RACERS = 16
MICRO = Decimal("0.000001")

call = st.tuples(
    st.integers(0, 3000),  # tokens in
    st.integers(0, 1000),  # tokens out
    st.floats(0, 1),  # how much of that it comes to
    st.sampled_from(["ok", "ok", "ok", "malformed", "throttled", "failed", "unknown", "crash"]),
)


@given(
    lives=st.lists(st.lists(call, min_size=1, max_size=6), min_size=2, max_size=RACERS),
    micros=st.integers(1, 3000),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_racing_workers_never_spend_more_than_the_cap(
    database_url: str, lives: list[list[tuple[int, int, float, str]]], micros: int
) -> None:
    cap = micros * MICRO
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("truncate alfrd.usage, alfrd.spending")
        connection.execute("alter table alfrd.spending drop constraint if exists never_over_the_cap")
        connection.execute(
            f"alter table alfrd.spending add constraint never_over_the_cap check (usd <= {cap})"  # type: ignore[arg-type]
        )

    asyncio.run(_race(database_url, lives, cap))

    with psycopg.connect(database_url, autocommit=True) as connection:
        booked = "select coalesce(sum(usd), 0), coalesce(sum(usd) filter (where scopes <> '{}'), 0) from alfrd.usage"
        counted = "select coalesce(sum(usd), 0) from alfrd.spending"
        (everything, scoped) = connection.execute(booked).fetchone() or ()
        assert connection.execute(counted).fetchone() == (scoped,)
        assert everything == scoped <= cap


async def _race(url: str, lives: list[list[tuple[int, int, float, str]]], cap: Decimal) -> None:
    async def live(ledger: DatabaseLedger, calls: list[tuple[int, int, float, str]]) -> None:
        for tokens_in, tokens_out, share, end in calls:
            wanted = Call("bedrock", "Converse", "amazon.nova-pro-v1:0", "", tokens_in, tokens_out)
            try:
                number = await ledger.reserve(wanted, None)
            except NoRoom:
                continue
            await asyncio.sleep(0)
            if end == "crash":
                return
            reply = Reply({}, int(tokens_in * share), int(tokens_out * share))
            answered = end in ("ok", "malformed")
            await ledger.settle(number, wanted, reply if answered else None, end, 1)

    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(Database(url, max_size=1)) for _ in range(4)]
        ledgers = [DatabaseLedger(databases[number % 4], Caps(day=cap)) for number in range(RACERS)]
        await asyncio.gather(*(live(*pair) for pair in zip(ledgers, lives, strict=False)))


async def test_the_cap_of_a_document_is_its_own(db: Harness) -> None:
    first, second = await given_task(db), await given_task(db)
    ledger = DatabaseLedger(db.database, Caps(document=Decimal("0.000359")))
    await ledger.reserve(NOVA, first)

    with_none_left = await asyncio.gather(
        *(ledger.reserve(NOVA, first) for _ in range(5)), ledger.reserve(NOVA, second), return_exceptions=True
    )

    assert [isinstance(each, NoRoom) for each in with_none_left] == [True] * 5 + [False]
    assert f"document {first.task.subject_id}" in str(with_none_left[0])


async def test_a_purpose_has_caps_of_its_own_beside_that_of_the_day(db: Harness) -> None:
    ledger = DatabaseLedger(db.database, Caps(document=Decimal(0), day=Decimal(1)))
    who = await given_task(db)
    trial = Cap("evolution trial 17", Decimal("0.000400"))
    purpose.set(Purpose("evolution", (Cap("evolution", Decimal("0.000600"), daily=True), trial)))

    assert await ledger.reserve(NOVA, who)
    assert await ledger.reserve(NOVA, who)
    with pytest.raises(NoRoom, match="over the cap for evolution trial 17"):
        await ledger.reserve(NOVA, who)
    purpose.set(Purpose("evolution", (Cap("evolution", Decimal("0.000500"), daily=True),)))
    with pytest.raises(NoRoom, match="over the cap for evolution 2"):
        await ledger.reserve(NOVA, who)

    purpose.set(None)
    rows = await db.sql("select split_part(scope, ':', 1) as scope, usd from alfrd.spending")
    assert {row["scope"]: row["usd"] for row in rows} == {
        "day": 2 * Decimal("0.000180"),
        "evolution": 2 * Decimal("0.000180"),
        "evolution trial 17": 2 * Decimal("0.000180"),
    }
    assert await db.one("select distinct purpose from alfrd.usage") == "evolution"


async def test_a_new_day_begins_with_nothing_spent(db: Harness) -> None:
    ledger = DatabaseLedger(db.database, Caps(day=Decimal("0.000180")))
    await ledger.reserve(NOVA, None)
    await db.advance_clock(86400)
    assert await ledger.reserve(NOVA, None)


async def test_tasks_of_one_batch_get_what_fits_in_their_order(db: Harness) -> None:
    ledger = DatabaseLedger(db.database, Caps(day=Decimal("0.000400")))
    sizes = [1000, 5000, 1000, 1]
    calls = [Call("bedrock", "Converse", "nova", input_tokens=size) for size in sizes]
    await db.sql("insert into alfrd.prices (provider, model, input) values ('bedrock', 'nova', 0.19)")

    got = await asyncio.gather(*(ledger.reserve(each, None) for each in calls), return_exceptions=True)

    assert [isinstance(each, int) for each in got] == [True, False, True, True]
    assert await db.one("select usd from alfrd.spending") == Decimal("0.000381")


@given(
    prices=st.lists(st.decimals(0, 100, places=4), min_size=5, max_size=5),
    counts=st.lists(st.integers(0, 300_000), min_size=4, max_size=4),
    pages=st.integers(0, 3000),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_cost_is_right_to_the_micro_dollar(
    database_url: str, prices: list[Decimal], counts: list[int], pages: int
) -> None:
    exact = (
        sum((price * count for price, count in zip(prices, counts, strict=False)), Decimal()) / 10**6
        + prices[4] * pages
    )
    nearest = exact.quantize(MICRO, "ROUND_HALF_UP")

    async def settle() -> tuple[Decimal, Decimal]:
        async with Database(database_url, max_size=1) as database:
            name = str(uuid4())
            await database.execute(
                "insert into alfrd.prices (provider, model, input, output, cache_read, cache_write, page)"
                " values ('p', %s, %s, %s, %s, %s, %s)",
                [name, *prices],
            )
            ledger = DatabaseLedger(database)
            wanted = Call("p", "o", name, "", counts[0] + counts[2] + counts[3], counts[1], pages)
            number = await ledger.reserve(wanted, None)
            reply = Reply({}, counts[0], counts[1], counts[2], counts[3], pages)
            await ledger.settle(number, wanted, reply, "ok", 1)
            row = await database.row("select usd, reserved_usd from alfrd.usage where id = %s", [number])
            assert row is not None
            return row["usd"], row["reserved_usd"]

    usd, reserved = asyncio.run(settle())
    assert usd == nearest
    assert usd <= reserved


async def test_prices_that_are_edited_meanwhile_hold_for_the_next_call(db: Harness) -> None:
    ledger = DatabaseLedger(db.database)
    number = await ledger.reserve(NOVA, None)
    await db.sql("update alfrd.prices set input = 600, output = 2400 where model = '*amazon.nova-lite-v1*'")
    await db.sql(
        "insert into alfrd.prices (provider, model, input, valid_from)"
        " values ('bedrock', '*amazon.nova-lite-v1*', 1, alfrd.now() + interval '1 day')"
    )
    reply = Reply({}, input_tokens=1000, output_tokens=500)
    await ledger.settle(number, NOVA, reply, "ok", 1)
    await ledger.settle(await ledger.reserve(NOVA, None), NOVA, reply, "ok", 1)
    await db.advance_clock(2 * 86400)
    await ledger.settle(await ledger.reserve(NOVA, None), NOVA, reply, "ok", 1)

    costs = [row["usd"] for row in await db.sql("select usd from alfrd.usage order by id")]
    assert costs == [Decimal("0.000180"), Decimal("1.8"), Decimal("0.001")]
