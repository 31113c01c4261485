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

import psycopg
from psycopg import sql

from bench.engine import TEXT
from bench.measure import Goal, Measure
from bench.plan import Measured, Plan
from bench.process import ROOT, worker
from tests.support.server import binaries

CLIENTS = 8
ONE_BY_ONE = "insert into alfrd.documents (filename, content) values ('company1-1.txt', '{}');"
NOTIFIERS = ("ring", "announce")
"""The functions of the engine that send notifications."""


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

    for name, listening in (("nobody listening", False), ("a worker listening", True)):
        told, silent = [], []
        for _ in range(plan.repeats):
            told.append(await _single_inserts(plan, listening=listening, notify=True))
            silent.append(await _single_inserts(plan, listening=listening, notify=False))
            plan.say(
                f"{CLIENTS} clients, {name}: {told[-1]:,.0f} inserts/s, without NOTIFY {silent[-1]:,.0f}"
            )
        goal = Goal("at least", 0.8, "ratio")
        yield Measure(
            13, f"{CLIENTS} clients, row by row, {name}", "inserts/s", told, [goal], "without NOTIFY", silent
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


async def _single_inserts(plan: Plan, *, listening: bool, notify: bool) -> float:
    """Inserts per second, by pgbench.

    :param listening: a worker is there and hears the bells, for steps that it does not serve, so that it takes no
        processor from the clients.
    """
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(plan.cluster.database(plan.engine))
        if not notify:
            await _silence(url)
        if listening:
            process = await stack.enter_async_context(
                worker(plan.engine, url, "route", steps=["summarize_file"])
            )
            process.go()
            await asyncio.sleep(2)
        await plan.cluster.settle()
        return await asyncio.to_thread(_pgbench, url, plan.pick(10, 3))


async def _silence(url: str) -> None:
    """Put functions that do nothing in the place of those that notify."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(
            "select proname, pg_get_function_arguments(oid), pg_get_function_result(oid) from pg_proc"
            " where pronamespace = 'alfrd'::regnamespace and proname = any (%s)",
            [list(NOTIFIERS)],
        )
        found = await cursor.fetchall()
        if {name for name, *_ in found} != set(NOTIFIERS):
            raise RuntimeError("the engine notifies by other functions now: see NOTIFIERS")
        for name, arguments, result in found:
            await connection.execute(
                sql.SQL(
                    "create or replace function alfrd.{}({}) returns {} language plpgsql as $$ begin end $$"
                ).format(sql.Identifier(name), sql.SQL(arguments), sql.SQL(result))
            )


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
            check=True,
        )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])
