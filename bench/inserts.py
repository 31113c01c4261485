"""What it costs an application to insert documents: in bulk, by COPY, and one by one from many connections."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, get_args

import psycopg

from bench.engine import TEXT
from bench.measure import Goal, Measure
from bench.plan import Measured, Plan
from bench.process import ROOT, worker
from testing.server import binaries

CLIENTS = 8
ONE_BY_ONE = "insert into alfrd.documents (filename, content) values ('company1-1.txt', '{}');"
Company = Literal["nobody listening", "a worker listening", "a worker at work"]
"""Who else is there: nobody; a worker that hears the bells and serves another step; one that is busy all the time with
documents that were there before. The last two do the same with and without notifications."""


async def measure(plan: Plan) -> Measured:
    """Measures 12 and 13."""
    count = plan.pick(100_000, 20_000)
    rows = b"".join(
        f"company{number % 100}-{number}.txt\t\\\\x{TEXT.encode().hex()}\n".encode()
        for number in range(count)
    )

    async def insert(connection: psycopg.AsyncConnection) -> None:
        await connection.execute(
            "insert into alfrd.documents (filename, content)"
            " select format('company%%s-%%s.txt', number %% 100, number), convert_to(%s, 'UTF8')"
            "   from generate_series(1, %s) as number",
            [TEXT, count],
        )

    async def copy(connection: psycopg.AsyncConnection) -> None:
        async with connection.cursor().copy("copy alfrd.documents (filename, content) from stdin") as stream:
            await stream.write(rows)

    for name, bulk in ((f"{count:,} documents in one INSERT", insert), (f"{count:,} by COPY", copy)):
        with_triggers, without = [], []
        for _ in range(plan.repeats):
            with_triggers.append(await _bulk_seconds(plan, bulk, triggers=True))
            without.append(await _bulk_seconds(plan, bulk, triggers=False))
            plan.say(f"{name}: {with_triggers[-1]:.2f} s, without triggers {without[-1]:.2f} s")
        goal = Goal("at most", 1.6, "ratio")
        yield Measure(12, name, "s", with_triggers, [goal], "without triggers", without)

    for company in get_args(Company):
        told, silent = [], []
        for _ in range(plan.repeats):
            told.append(await _single_inserts(plan, company, notify=True))
            silent.append(await _single_inserts(plan, company, notify=False))
            plan.say(
                f"{CLIENTS} clients, {company}: {told[-1]:,.0f} inserts/s, without NOTIFY {silent[-1]:,.0f}"
            )
        goal = Goal("at least", 0.8, "ratio")
        yield Measure(
            13, f"{CLIENTS} clients, {company}", "inserts/s", told, [goal], "without NOTIFY", silent
        )


async def _bulk_seconds(
    plan: Plan, bulk: Callable[[psycopg.AsyncConnection], Awaitable[None]], *, triggers: bool
) -> float:
    async with (
        plan.cluster.database(plan.engine) as url,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        if not triggers:
            await connection.execute("alter table alfrd.documents disable trigger user")
        await plan.cluster.settle()
        began = time.monotonic()
        await bulk(connection)
        return time.monotonic() - began


async def _single_inserts(plan: Plan, company: Company, *, notify: bool) -> float:
    """Inserts per second, by pgbench."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(plan.cluster.database(plan.engine))
        if not notify:
            await _silence(url)
        if company != "nobody listening":
            steps = ["summarize_file"] if company == "a worker listening" else []
            process = await stack.enter_async_context(worker(plan.engine, url, "route", steps=steps))
            if company == "a worker at work":
                async with plan.engine.client(url) as client:
                    await client.submit("route", plan.pick(40_000, 8_000))
            process.go()
            await asyncio.sleep(1)
        await plan.cluster.settle()
        return await asyncio.to_thread(_pgbench, url, plan.pick(10, 2))


async def _silence(url: str) -> None:
    """Let every function of the engine that notifies call one that does nothing, and be the same otherwise."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            "create function alfrd.notify_nobody(text, text) returns void language sql as 'select'"
        )
        cursor = await connection.execute(
            "select replace(pg_get_functiondef(oid), 'pg_notify(', 'alfrd.notify_nobody(') from pg_proc"
            " where pronamespace = 'alfrd'::regnamespace and prosrc like '%pg\\_notify(%'"
        )
        definitions = await cursor.fetchall()
        if not definitions:
            raise RuntimeError("no function of the engine calls pg_notify: how does it notify now?")
        for (definition,) in definitions:
            await connection.execute(definition)


def _pgbench(url: str, seconds: int) -> float:
    with TemporaryDirectory() as directory:
        script = Path(directory) / "insert.sql"
        script.write_text(ONE_BY_ONE.format(TEXT.replace("'", "''")))
        done = subprocess.run(
            [
                *(str(binaries() / "pgbench"), "--no-vacuum", "--client", str(CLIENTS), "--jobs", "2"),
                *("--time", str(seconds), "--file", str(script), url),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"pgbench failed: {done.stderr}")
    return float(found[1])
