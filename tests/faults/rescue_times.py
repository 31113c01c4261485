"""How long after a kill -9 do others have the tasks? Twenty at a time, again and again.

    python -m tests.faults.rescue_times --runs 20

Each run kills the worker that has the tasks; the one that takes them over is the next to be killed. Measured by the
server's clock, from just before the signal to the last claim.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg

from alfrd_events.db.migrate import migrate
from testing.harness import Harness
from testing.server import Server
from tests.faults.processes import Fleet, WorkerProcess, fleet, insert, until

TASKS = 20


async def measure(db: Harness, workers: Fleet, runs: int) -> list[float]:
    """Seconds from each kill to the last claim by another."""
    await db.sql("update alfrd.routes set max_attempts = %s", runs + 10)
    await insert(db, TASKS)
    holder = await _joined(db, workers, 1)
    await until(db, f"count(*) = {TASKS} from alfrd.tasks where state = 'running'")
    # A server that has just started gives its workers time to come back: see alfrd.rescue.
    await until(db, "now() - pg_postmaster_start_time() > interval '10 seconds'")
    seconds = []
    for _ in range(runs):
        # As if it were their first: what has killed several workers comes back each at its own time.
        await db.sql("update alfrd.tasks set attempt = 1")
        heir = await _joined(db, workers, 2)
        gone = await db.one("select distinct worker_id from alfrd.tasks where state = 'running'")
        killed_at = await db.one("select clock_timestamp()")
        holder.kill()
        await until(
            db, f"count(*) = {TASKS} from alfrd.tasks where state = 'running' and worker_id <> {gone}"
        )
        taken_at = await db.one("select max(claimed_at) from alfrd.tasks where state = 'running'")
        seconds.append((taken_at - killed_at).total_seconds())
        print(f"{seconds[-1]:.2f}", end=" ", flush=True)
        holder = heir
    print()
    return seconds


async def _joined(db: Harness, workers: Fleet, number: int) -> WorkerProcess:
    """A new worker that has signed on and holds its lock, as so many then do."""
    worker = workers.start(delay=3600, slots=TASKS)
    await until(db, f"count(*) = {number} from alfrd.workers where locked")
    return worker


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many of a hundred do not exceed."""
    return sorted(values)[max(math.ceil(len(values) * percent / 100) - 1, 0)]


async def main(runs: int) -> None:
    """Measure on a server of its own."""
    server = await asyncio.to_thread(Server)
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("create database alfrd")
        await migrate(server.url("alfrd"))
        with tempfile.TemporaryDirectory() as directory:
            async with Harness(server.url("alfrd")) as db:
                with fleet(db.url, Path(directory)) as workers:
                    seconds = await measure(db, workers, runs)
    finally:
        await asyncio.to_thread(server.remove)
    print(
        f"{runs} kills with {TASKS} tasks in flight, seconds until another worker has all of them:"
        f" p50 {percentile(seconds, 50):.2f}, p95 {percentile(seconds, 95):.2f}, max {max(seconds):.2f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    asyncio.run(main(parser.parse_args().runs))
