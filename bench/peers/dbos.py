"""DBOS: a workflow for each document, whose steps are checkpointed one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import psycopg
import sqlalchemy
from dbos import DBOS, DBOSClient, DBOSConfig

from bench.contender import TOGETHER, Shape
from bench.teller import Teller

CONNECTIONS = 20
POLL_SECONDS = 0.02
QUEUE = "bench"


class DbosClient:
    """Enqueues workflows with the library's own client, all in one transaction."""

    def __init__(
        self, client: DBOSClient, engine: sqlalchemy.Engine, connection: psycopg.AsyncConnection
    ) -> None:
        self._client = client
        self._engine = engine
        self._connection = connection
        self._keys = count(1)

    async def submit(self, shape: Shape, count: int) -> None:
        await asyncio.to_thread(self._submit, shape, count)

    def _submit(self, shape: Shape, count: int) -> None:
        with self._engine.begin() as transaction:
            for key in range(count):
                self._client.enqueue_in_transaction(
                    transaction, {"queue_name": QUEUE, "workflow_name": shape}, str(key)
                )

    async def submit_one(self, shape: Shape) -> str:
        key = str(next(self._keys))
        await self._client.enqueue_async({"queue_name": QUEUE, "workflow_name": shape}, key)
        return key

    async def unfinished(self) -> int:
        cursor = await self._connection.execute(
            "select count(*) from dbos.workflow_status where status <> 'SUCCESS'"
        )
        row = await cursor.fetchone()
        return int(row[0]) if row else 0


class DbosPeer:
    """Its steps are not jobs of their own: the workflow goes on in the process that began it."""

    name = "dbos"
    settings = (
        f"asynchronous workflows from a queue, {TOGETHER:,} at once, polled every {POLL_SECONDS:g} s (it has no "
        f"wake-up), pool of {CONNECTIONS}, side steps beside the next main step"
    )
    uvloop = False

    async def install(self, url: str) -> None:
        DBOS(config=_config(url))
        await asyncio.to_thread(_launch_once)

    @asynccontextmanager
    async def client(self, url: str) -> AsyncIterator[DbosClient]:
        engine = sqlalchemy.create_engine(_sqlalchemy(url))
        client = DBOSClient(system_database_url=_sqlalchemy(url))
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                yield DbosClient(client, engine, connection)
        finally:
            client.destroy()
            engine.dispose()

    async def work(self, url: str, shape: Shape, teller: Teller) -> None:  # noqa: ARG002 - both are served
        DBOS(config=_config(url))
        _register(teller)
        await teller.ready()
        DBOS.launch()
        await asyncio.Event().wait()


def _launch_once() -> None:
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=TOGETHER, polling_interval_sec=POLL_SECONDS)
    DBOS.destroy(destroy_registry=True)


def _register(teller: Teller) -> None:
    @DBOS.step()
    async def step(name: str) -> str:
        teller.finished()
        return name

    @DBOS.workflow(name="route")
    async def route(key: str) -> None:
        teller.started(key)
        await step("ocr")
        await step("classify")
        await asyncio.gather(step("summarize"), step("score_classification"))
        await asyncio.gather(step("file"), step("score_summary"))
        await step("extract")

    @DBOS.workflow(name="single")
    async def single(key: str) -> None:
        teller.started(key)
        teller.finished()

    assert route is not single


def _config(url: str) -> DBOSConfig:
    return {
        "name": "bench",
        "system_database_url": _sqlalchemy(url),
        "sys_db_pool_size": CONNECTIONS,
        "application_version": "1",
        "log_level": "ERROR",
    }


def _sqlalchemy(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")
