"""chancy with its asyncio executor."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import psycopg
from chancy import Chancy, Job, Queue, Worker
from psycopg.rows import dict_row

from bench.contender import CONCURRENCY, Shape
from bench.peers.chain import NEXT, first
from bench.teller import Teller

CONNECTIONS = 20
FLUSH_SECONDS = 0.05

log = logging.getLogger("bench.chancy")
log.setLevel(logging.WARNING)

_running: dict[str, tuple[Chancy, Teller]] = {}
"""What the job's function finds: chancy calls it by name, in this process."""


async def run(step: str, key: str) -> None:
    """The function of every job."""
    chancy, teller = _running["here"]
    teller.started(key)
    following = [_job(name, key) for name in NEXT[step]]
    if following:
        async for _ in chancy.push_many(following):
            pass
    teller.finished()


def _job(step: str, key: str) -> Job:
    return Job(func="bench.peers.chancy.run", kwargs={"step": step, "key": key})


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
    """The library writes completion in batches; the next step is pushed before it, in its own transaction."""

    name = "chancy"
    settings = (
        f"asyncio executor, concurrency {CONCURRENCY}, eager polling, notifications on, pool of {CONNECTIONS}, "
        f"outcomes written every {FLUSH_SECONDS:g} s, default plugins, asyncio's loop"
    )
    uvloop = False

    async def install(self, url: str) -> None:
        async with Chancy(url, log=log) as chancy:
            await chancy.migrate()
            await chancy.declare(
                Queue(
                    "default",
                    concurrency=CONCURRENCY,
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
        async with Chancy(url, log=log, max_connection_pool_size=CONNECTIONS) as chancy:
            _running["here"] = chancy, teller
            await teller.ready()
            worker = Worker(chancy)
            worker.send_outgoing_interval = FLUSH_SECONDS
            async with worker:
                await worker.wait_for_shutdown()
