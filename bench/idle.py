"""What a worker costs that has nothing to do, and what a thousand documents in flight take."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass

import psycopg
from psycopg import sql

from bench.contender import STEPS
from bench.measure import Goal, Measure
from bench.plan import Measured, Plan
from bench.process import WorkerProcess, worker

IN_FLIGHT = 1_000
PROVIDER_SECONDS = 3.0
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Window:
    """What was seen of one idle worker for a while."""

    statements_per_second: float
    cpu_seconds_per_minute: float
    resident_megabytes: float


async def measure(plan: Plan) -> Measured:
    """Measures 6, 7 and 8."""
    windows = await _windows(plan, plan.pick(60.0, 20.0))
    ours = windows[plan.engine.name]
    yield Measure(
        6,
        "statements while idle",
        "1/s",
        [window.statements_per_second for window in ours],
        [Goal("at most", 0.5)],
    )
    for peer in plan.peers:
        seen = [window.statements_per_second for window in windows[peer.name]]
        yield Measure(6, f"the same by {peer.name}", "1/s", seen)
    yield Measure(
        7,
        "processor time while idle",
        "s/minute",
        [window.cpu_seconds_per_minute for window in ours],
        [Goal("at most", 0.1)],
    )
    for peer in plan.peers:
        seen = [window.cpu_seconds_per_minute for window in windows[peer.name]]
        yield Measure(7, f"the same by {peer.name}", "s/minute", seen)
    yield Measure(
        8,
        "resident memory while idle",
        "MB",
        [window.resident_megabytes for window in ours],
        [Goal("at most", 70)],
    )
    for peer in plan.peers:
        seen = [window.resident_megabytes for window in windows[peer.name]]
        yield Measure(8, f"the same by {peer.name}", "MB", seen)

    flights = [await _in_flight(plan) for _ in range(plan.repeats)]
    yield Measure(
        8,
        f"resident memory, {IN_FLIGHT:,} documents in flight",
        "MB",
        [peak for peak, _ in flights],
        [Goal("at most", 120)],
        details={"tasks running at once": [running for _, running in flights]},
    )


async def _windows(plan: Plan, seconds: float) -> dict[str, list[Window]]:
    """Contender -> what was seen of its idle worker; all at once, since idle workers do not disturb each other."""
    windows: dict[str, list[Window]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        idle: dict[str, tuple[str, WorkerProcess]] = {}
        for contender in plan.contenders:
            url = await stack.enter_async_context(plan.cluster.database(contender))
            database = await _log_statements(url)
            process = await stack.enter_async_context(worker(contender, url, "route"))
            process.go()
            idle[contender.name] = database, process
        plan.say(f"{len(idle)} idle workers for {plan.repeats} × {seconds:g} s")
        await asyncio.sleep(plan.pick(8.0, 4.0))  # until they have begun and are idle
        for _ in range(plan.repeats):
            logged = len(plan.cluster.log)
            spent = {name: process.cpu_seconds() for name, (_, process) in idle.items()}
            await asyncio.sleep(seconds)
            log = plan.cluster.log[logged:]
            for name, (database, process) in idle.items():
                statements = re.findall(
                    rf"^{database}\|[^|]*\|LOG:  (?:statement|execute)", log, re.MULTILINE
                )
                windows[name].append(
                    Window(
                        len(statements) / seconds,
                        (process.cpu_seconds() - spent[name]) / seconds * 60,
                        process.resident_bytes() / MEGABYTE,
                    )
                )
    return windows


async def _log_statements(url: str) -> str:
    """Let the server log each statement of new sessions in this database; the database's name."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        await connection.execute(
            sql.SQL("alter database {} set log_statement = 'all'").format(sql.Identifier(name))
        )
    return name


async def _in_flight(plan: Plan) -> tuple[float, int]:
    """The most memory that was seen while all documents wait for a provider together, and how many did."""
    most, running = 0, 0
    async with (
        plan.cluster.database(plan.engine) as url,
        plan.engine.client(url) as client,
        worker(plan.engine, url, "route", slots=IN_FLIGHT, delay=PROVIDER_SECONDS) as process,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        await client.submit("route", IN_FLIGHT)
        process.go()
        while process.finished < IN_FLIGHT * STEPS["route"]:
            process.check()
            most = max(most, process.resident_bytes())
            cursor = await connection.execute("select count(*) from alfrd.tasks where state = 'running'")
            row = await cursor.fetchone()
            running = max(running, int(row[0]) if row else 0)
            await asyncio.sleep(0.05)
    plan.say(f"{running:,} tasks in flight: {most / MEGABYTE:.0f} MB")
    return most / MEGABYTE, running
