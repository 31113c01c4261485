"""Payments of made-up households whose truth is known. The table: ``python -m bench.payments``."""

from __future__ import annotations

import asyncio

import psycopg

from testing.harness import Harness
from testing.pgbouncer import past
from testing.simulated_payments import Tally, household, play, score

HOUSEHOLDS = 4


async def test_payments_find_their_bills(db: Harness) -> None:
    households = [household(seed) for seed in range(HOUSEHOLDS)]

    def played() -> dict[str, Tally]:
        with psycopg.connect(past(db.url), autocommit=True) as connection:
            play(connection, households)
            return score(connection, households)

    whole = (await asyncio.to_thread(played))["total"]

    assert whole.shown > 100 * HOUSEHOLDS
    assert whole.miss_rate <= 0.05
    assert whole.wrong_rate + whole.exchange_rate <= 0.01, vars(whole)
    assert whole.asked_rate <= 0.05
