"""chancy with its asyncio executor."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import psycopg
from chancy import Chancy, Job, Queue, QueuedJob, Worker
from chancy.plugin import Plugin, PluginScope
from psycopg.rows import dict_row

from bench.contender import TOGETHER, Shape
from bench.peers.chain import NEXT, first
from bench.teller import Teller

CONNECTIONS = 20
FLUSH_SECONDS = 0.01

log = logging.getLogger("bench.chancy")
log.setLevel(logging.WARNING)

_running: dict[str, Teller] = {}
"""What the job's function finds: chancy calls it by name, in this process."""


async def run(step: str, key: str) -> None:  # noqa: ARG001 - the plugin needs the step
    """The function of every job."""
    teller = _running["here"]
    teller.started(key)
    teller.finished()


def _job(step: str, key: str) -> Job:
    return Job(func="bench.peers.chancy.run", kwargs={"step": step, "key": key})


class Chain(Plugin):  # type: ignore[misc]  # it comes without types
    """Pushes the next steps in the transaction that writes the completion of a batch."""

    @classmethod
    def get_scope(cls) -> PluginScope:
        return PluginScope.WORKER

    @staticmethod
    def get_identifier() -> str:
        return "bench.chain"

    async def on_jobs_updated_in_transaction(
        self, *, worker: Worker, jobs: Sequence[QueuedJob], cursor: psycopg.AsyncCursor[Any]
    ) -> None:
        following = [
            _job(name, job.kwargs["key"])
            for job in jobs
            if job.state is QueuedJob.State.SUCCEEDED
            for name in NEXT[job.kwargs["step"]]
        ]
        if following:
            await worker.chancy.push_many_ex(cursor, following)


class ChancyClient:
    """Pushes with the library's own calls, all in one transaction."""

    def __init__(self, chancy: Chancy, connection: psycopg.AsyncConnection) -> None:
        self._chancy = chancy
        self._connection = connection
        self._keys = count(1)

    async def submit(self, shape: Shape, count: int) -> None:
        jobs = [_job(first(shape), str(key)) for key in range(count)]
        async with (
            self._connection.transaction(),
            self._connection.cursor(row_factory=dict_row) as cursor,
        ):
            await self._chancy.push_many_ex(cursor, jobs)

    async def submit_one(self, shape: Shape) -> str:
        key = str(next(self._keys))
        await self._chancy.push(_job(first(shape), key))
        return key

    async def unfinished(self) -> int:
        cursor = await self._connection.execute("select count(*) from chancy_jobs where state <> 'succeeded'")
        row = await cursor.fetchone()
        return int(row[0]) if row else 0


class ChancyPeer:
    """The library writes completion in batches, and a plugin pushes the next steps in the same transaction."""

    name = "chancy"
    settings = (
        f"asyncio executor, concurrency {TOGETHER:,}, eager polling, notifications on, pool of {CONNECTIONS}, "
        f"outcomes and next steps written every {FLUSH_SECONDS:g} s, default plugins, asyncio's loop"
    )
    uvloop = False

    async def install(self, url: str) -> None:
        async with Chancy(url, log=log) as chancy:
            await chancy.migrate()
            await chancy.declare(
                Queue(
                    "default",
                    concurrency=TOGETHER,
                    executor=Chancy.Executor.Async,
                    polling_interval=1,
                    eager_polling=True,
                )
            )

    @asynccontextmanager
    async def client(self, url: str) -> AsyncIterator[ChancyClient]:
        async with (
            Chancy(url, log=log) as chancy,
            await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
        ):
            yield ChancyClient(chancy, connection)

    async def work(self, url: str, shape: Shape, teller: Teller) -> None:  # noqa: ARG002 - all steps are served
        async with Chancy(url, log=log, plugins=[Chain()], max_connection_pool_size=CONNECTIONS) as chancy:
            _running["here"] = teller
            await teller.ready()
            worker = Worker(chancy)
            worker.send_outgoing_interval = FLUSH_SECONDS
            async with worker:
                await worker.wait_for_shutdown()
