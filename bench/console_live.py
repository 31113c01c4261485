"""What open pages cost the console: ``python -m bench.console_live [PAGES] [CHANGES] [SECONDS]``.

A console in a process of its own, on a server of its own, with so many pages of Documents open, while so many documents
a second change. Each page does what ``console.js`` does in a browser: it hears of changes, and fetches the list.

The table says how much processor time the console took, how many connections LISTEN, and how long after its commit a
change was in the list of a page. Processor time hardly depends on what else the machine does; the delays do, and the
pages of this process take the larger part of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import psycopg

from alfrd_events.db.migrate import migrate
from bench.console import _CONFIGURATION, _fill
from bench.measure import percentile
from testing.server import Server

_LEAST_PAUSE = 0.3
"""As in ``console.js``."""
_DOCUMENTS = 1_000
_NEWEST = 40
"""The documents that change are all on the first page of the list."""
_CHANGED = re.compile(r"Change (\d+)")


class Changes:
    """Documents that change, and when each page knew of it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.committed: dict[int, float] = {}
        self.delays: list[float] = []

    async def make(self, each_second: int, seconds: float) -> None:
        """Change a document so often; each change has a number, which the list shows."""
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            rows = await (
                await connection.execute(
                    "select id from alfrd.documents order by created_at desc limit %s", [_NEWEST]
                )
            ).fetchall()
            began = time.monotonic()
            for number in range(int(each_second * seconds)):
                await asyncio.sleep(max(0.0, began + number / each_second - time.monotonic()))
                await connection.execute(
                    "update alfrd.documents set entity = %s,"
                    " status = case status when 'pending' then 'cancelled' else 'pending' end where id = %s",
                    [f"Change {number}", rows[number % _NEWEST][0]],
                )
                self.committed[number] = time.monotonic()

    def shown(self, text: str, known: set[int]) -> None:
        """Note what a page shows that it did not know."""
        now = time.monotonic()
        for number in {int(found) for found in _CHANGED.findall(text)} - known:
            known.add(number)
            if number in self.committed:
                self.delays.append(now - self.committed[number])


async def _page(site: str, changes: Changes) -> None:
    """One open page: the stream, and the list when it tells of a change."""
    known: set[int] = set()
    told = asyncio.Event()
    async with httpx.AsyncClient(base_url=site, timeout=60) as client:
        page = await client.get("/documents")
        version = re.search(r'data-version="(\d+)"', page.text)
        assert version is not None

        async def listen() -> None:
            async with client.stream("GET", f"/live?since={version[1]}") as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("data: ") and json.loads(line.removeprefix("data: ")):
                        told.set()

        listening = asyncio.create_task(listen())
        try:
            while True:
                await told.wait()
                told.clear()
                changes.shown((await client.get("/documents?part=list")).text, known)
                await asyncio.sleep(_LEAST_PAUSE)
        finally:
            listening.cancel()


@asynccontextmanager
async def _console(url: str) -> AsyncIterator[tuple[str, psutil.Process]]:
    """A console as people start it; its address and its process."""
    program = [str(Path(sys.executable).parent / "alfrd-events"), "console", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALFRD_")}
    process = await asyncio.create_subprocess_exec(
        *program, env={**environment, "ALFRD_DATABASE_URL": url}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        found = None
        while found is None:
            line = (await process.stdout.readline()).decode()
            assert line, "the console did not start"
            found = re.search(r"http://[^\s/]+", line)
        yield found[0], psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


async def measure(pages: int, changes_a_second: int, seconds: int) -> None:
    """Print the table."""
    server = Server(_CONFIGURATION)
    try:
        with server.database() as name:
            url = server.url(name)
            await migrate(url)
            _fill(url, _DOCUMENTS)
            changes = Changes(url)
            async with _console(url) as (site, process):
                open_pages = [asyncio.create_task(_page(site, changes)) for _ in range(pages)]
                await asyncio.sleep(10)
                idle = await _spent(process, 5)
                making = asyncio.create_task(changes.make(changes_a_second, seconds))
                busy = await _spent(process, seconds)
                await making
                await asyncio.sleep(2)
                with psycopg.connect(url) as connection:
                    row = connection.execute(
                        "select count(*) from pg_stat_activity where query ilike 'listen%%' and datname = %s",
                        [name],
                    ).fetchone()
                assert row is not None
                for each in open_pages:
                    each.cancel()
                await asyncio.gather(*open_pages, return_exceptions=True)
    finally:
        server.remove()
    print(f"{pages} pages, {changes_a_second} changes a second, {seconds} s")
    print(f"  connections that LISTEN            {row[0]}")
    print(f"  console, of a core, at rest        {idle:.1%}")
    print(f"  console, of a core                 {busy:.1%}")
    for percent in (50, 95, 100):
        print(f"  a change is on a page after, p{percent:<3}  {percentile(changes.delays, percent):.2f} s")
    print(f"  changes seen, of those made        {len(changes.delays)} of {pages * len(changes.committed)}")


async def _spent(process: psutil.Process, seconds: float) -> float:
    """The share of a core that a process takes in the next seconds."""
    before, began = process.cpu_times(), time.monotonic()
    await asyncio.sleep(seconds)
    after = process.cpu_times()
    return (after.user + after.system - before.user - before.system) / (time.monotonic() - began)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(measure(*(given + [50, 20, 20][len(given) :])))
