"""procrastinate on psycopg 3, its own connector."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.tasks import Task
from procrastinate.types import JSONDict

from bench.contender import TOGETHER, Shape
from bench.peers.chain import NEXT, first
from bench.teller import Teller

CONNECTIONS = 20


class ProcrastinateClient:
    """Defers jobs with the library's own calls: one statement for any number of jobs."""

    def __init__(self, app: App, tasks: dict[str, Task[..., Any, Any]]) -> None:
        self._app = app
        self._tasks = tasks
        self._keys = count(1)

    async def submit(self, shape: Shape, count: int) -> None:
        arguments: list[JSONDict] = [{"key": str(key)} for key in range(count)]
        await self._tasks[first(shape)].batch_defer_async(*arguments)

    async def submit_one(self, shape: Shape) -> str:
        key = str(next(self._keys))
        await self._tasks[first(shape)].defer_async(key=key)
        return key

    async def unfinished(self) -> int:
        row = await self._app.connector.execute_query_one_async(
            "select count(*) as left from procrastinate_jobs"
        )
        return int(row["left"])


class ProcrastinatePeer:
    """Fetches and finishes one job at a time; the next step is deferred before the end, in a statement of its own."""

    name = "procrastinate"
    settings = (
        f"psycopg pool of {CONNECTIONS}, concurrency {TOGETHER:,}, successful jobs deleted, asyncio's loop"
    )
    uvloop = False

    async def install(self, url: str) -> None:
        async with _app(url, None)[0].open_async() as app:
            await app.schema_manager.apply_schema_async()

    @asynccontextmanager
    async def client(self, url: str) -> AsyncIterator[ProcrastinateClient]:
        app, tasks = _app(url, None)
        async with app.open_async():
            yield ProcrastinateClient(app, tasks)

    async def work(self, url: str, shape: Shape, teller: Teller) -> None:  # noqa: ARG002 - all steps are served
        logging.getLogger("procrastinate").setLevel(logging.WARNING)
        app, _ = _app(url, teller)
        async with app.open_async():
            await teller.ready()
            await app.run_worker_async(concurrency=TOGETHER, delete_jobs="successful")


def _app(url: str, teller: Teller | None) -> tuple[App, dict[str, Task[..., Any, Any]]]:
    """An application and its tasks by name; without a teller it only hands in."""
    app = App(connector=PsycopgConnector(conninfo=url, min_size=1, max_size=CONNECTIONS))
    tasks: dict[str, Task[..., Any, Any]] = {}
    for step, following in NEXT.items():

        async def run(key: str, following: tuple[str, ...] = following) -> None:
            assert teller is not None
            teller.started(key)
            await asyncio.gather(*(tasks[name].defer_async(key=key) for name in following))
            teller.finished()

        tasks[step] = app.task(name=step)(run)
    return app, tasks
