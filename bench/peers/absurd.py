"""Absurd: a task for each document, whose steps are checkpointed; its schema is that of ``absurdctl init``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import psycopg
from absurd_sdk import AsyncAbsurd, AsyncTaskContext
from absurdctl import BUNDLED_SCHEMA_SQL
from psycopg import AsyncConnection

from bench.contender import TOGETHER, Shape
from bench.teller import Teller

POLL_SECONDS = 0.02
QUEUE = "bench"


class AbsurdClient:
    """Spawns tasks with the library's own client, all in one transaction."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection
        self._app = AsyncAbsurd(connection, QUEUE)
        self._keys = count(1)

    async def submit(self, shape: Shape, count: int) -> None:
        async with self._connection.transaction(), self._connection.pipeline():
            for key in range(count):
                await self._app.spawn(shape, str(key), queue=QUEUE)

    async def submit_one(self, shape: Shape) -> str:
        key = str(next(self._keys))
        await self._app.spawn(shape, key, queue=QUEUE)
        return key

    async def unfinished(self) -> int:
        cursor = await self._connection.execute(
            f"select count(*) from absurd.t_{QUEUE} where state <> 'completed'"
        )
        row = await cursor.fetchone()
        return int(row[0]) if row else 0


class AbsurdPeer:
    """Its steps are not jobs of their own: a task goes on where its checkpoints end. A worker has one connection."""

    name = "absurd"
    settings = (
        f"asynchronous client, claims of up to {TOGETHER:,}, polled every {POLL_SECONDS:g} s (it has no wake-up), its "
        f"one connection, steps one after the other"
    )
    uvloop = False

    async def install(self, url: str) -> None:
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(BUNDLED_SCHEMA_SQL.encode())
            await AsyncAbsurd(connection, QUEUE).create_queue()

    @asynccontextmanager
    async def client(self, url: str) -> AsyncIterator[AbsurdClient]:
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            yield AbsurdClient(connection)

    async def work(self, url: str, shape: Shape, teller: Teller) -> None:  # noqa: ARG002 - both are served
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            app = AsyncAbsurd(connection, QUEUE)
            _register(app, teller)
            await teller.ready()
            await app.start_worker(concurrency=TOGETHER, poll_interval=POLL_SECONDS)


def _register(app: AsyncAbsurd, teller: Teller) -> None:
    async def step() -> None:
        teller.finished()

    @app.register_task("route")
    async def route(key: str, context: AsyncTaskContext) -> None:
        teller.started(key)
        for name in (
            "ocr",
            "classify",
            "score_classification",
            "summarize",
            "score_summary",
            "file",
            "extract",
        ):
            await context.step(name, step)

    @app.register_task("single")
    async def single(key: str, _: AsyncTaskContext) -> None:
        teller.started(key)
        teller.finished()

    assert route is not single
