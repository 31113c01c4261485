"""Where the time goes in the full route: ``python -m bench.profile [DOCUMENTS]``.

Three tables: the engine's SQL functions (``track_functions``), the worker's statements (the server's log of
durations), and the worker's Python functions (cProfile, which makes them slower: read the shares, not the seconds).
"""

from __future__ import annotations

import asyncio
import pstats
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from bench.cluster import Cluster
from bench.contender import contender
from bench.drain import drain

LINES = 25
SLICE_OF_STATEMENT = 100
DURATION = re.compile(
    r"[^|]*\|alfrd-events[^|]*\|LOG:  duration: ([\d.]+) ms +(parse|bind|execute|statement)[^:]*:(.*)",
    re.DOTALL,
)
"""A line of the server's log, with the lines that belong to it: how long, which phase, which statement."""


async def main(documents: int) -> None:
    """Run the route twice, so that Python's profiler does not slow what the server is timed with."""
    cluster = Cluster()
    engine = contender("alfrd-events")
    try:
        async with cluster.database(engine) as url:
            await _watch(url)
            logged = len(cluster.log)
            done = await drain(cluster, engine, url, "route", documents)
            functions = await _functions(url)
            statements = _statements(cluster.log[logged:])
        async with cluster.database(engine) as url:
            with TemporaryDirectory() as directory:
                file = Path(directory) / "profile"
                await drain(cluster, engine, url, "route", documents, profile=str(file))
                python = _python(file, documents)
    finally:
        cluster.remove()
    print(
        f"{documents:,} documents, {done.rate:,.0f}/s while watched; processor time for each: worker "
        f"{done.worker_ms:.2f} ms, server {done.server_ms:.2f} ms"
    )
    each = 1000 / documents
    _show(
        "SQL functions, microseconds for each document",
        ("function", "calls", "total", "self"),
        [(name, calls, total * each, own * each) for name, calls, total, own in functions],
    )
    _show(
        "Statements of the worker, microseconds for each document",
        ("statement", "calls", "total"),
        [(text, calls, total * each) for text, calls, total in statements],
    )
    _show(
        "Python of the worker under cProfile, microseconds for each document",
        ("function", "calls", "total", "self"),
        python,
    )


async def _watch(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for setting in ("track_functions = 'all'", "log_min_duration_statement = 0"):
            await connection.execute(
                sql.SQL("alter database {} set " + setting).format(sql.Identifier(connection.info.dbname))
            )


async def _functions(url: str) -> Sequence[tuple[str, int, float, float]]:
    """Name, calls, milliseconds in all and of its own; what the planner inlines does not show."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await asyncio.sleep(1)  # sessions report when they end, or a second later
        cursor = await connection.execute(
            "select funcname, calls, total_time, self_time from pg_stat_user_functions order by self_time desc"
        )
        return await cursor.fetchall()


def _statements(log: str) -> Sequence[tuple[str, int, float]]:
    """Statement, calls, milliseconds: of the sessions that the program names as its own."""
    calls: dict[str, int] = defaultdict(int)
    total: dict[str, float] = defaultdict(float)
    for entry in re.split(r"^(?=[^|\n]*\|[^|\n]*\|)", log, flags=re.MULTILINE):
        if found := DURATION.match(entry):
            milliseconds, phase, text = found.groups()
            statement = " ".join(text.split())[:SLICE_OF_STATEMENT]
            calls[statement] += phase in ("execute", "statement")
            total[statement] += float(milliseconds)
    ordered = sorted(total, key=lambda statement: -total[statement])
    return [(statement, calls[statement], total[statement]) for statement in ordered[:LINES]]


def _python(file: Path, documents: int) -> Sequence[tuple[str, int, float, float]]:
    stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]
    ordered = sorted(stats.items(), key=lambda item: -item[1][2])
    return [
        (
            f"{'/'.join(Path(place).parts[-2:])}:{line} {name}",
            calls,
            total / documents * 1e6,
            own / documents * 1e6,
        )
        for (place, line, name), (_, calls, own, total, _) in ordered[:LINES]
    ]


def _show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str | int | float]]) -> None:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(f"{cell:,.0f}" if isinstance(cell, int | float) else cell for cell in row))
    Console(width=150).print(table)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3_000))
