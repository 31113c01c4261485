"""How often a payment finds its bill, in made-up households: ``python -m bench.payments [HOUSEHOLDS] [FIRST]``.

See ``testing/simulated_payments.py`` for what happens to their papers. ``docs/series.md`` has a copy of the table.
"""

from __future__ import annotations

import asyncio
import sys

import psycopg

from alfrd_events.db.migrate import migrate
from testing.server import Server
from testing.simulated_payments import household, play, score


def main() -> None:
    """Print the table."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    households = [household(seed) for seed in range(first, first + number)]
    server = Server()
    try:
        server.sql("create database payments")
        url = server.url("payments")
        asyncio.run(migrate(url))
        with psycopg.connect(url, autocommit=True) as connection:
            play(connection, households)
            tallies = score(connection, households)
    finally:
        server.remove()
    print(
        f"{'case':<28}{'shown':>8}{'missed':>9}{'links':>8}{'wrong':>9}{'exchanged':>11}{'asked':>8}{'rightly':>9}"
    )
    for name, tally in tallies.items():
        print(
            f"{name:<28}{tally.shown:>8}{tally.miss_rate:>9.1%}{tally.links:>8}{tally.wrong_rate:>9.2%}"
            f"{tally.exchange_rate:>11.1%}{tally.asked_rate:>8.1%}{tally.asked_rightly:>9}"
        )


if __name__ == "__main__":
    main()
