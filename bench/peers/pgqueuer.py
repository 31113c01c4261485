"""pgqueuer on asyncpg and uvloop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from bench.contender import Shape
from bench.peers.chain import NEXT, first
from bench.teller import Teller

BATCH = 500
CONNECTIONS = 20


class PgQueuerClient:
    """Hands in with the library's own ``enqueue``: one statement for any number of jobs."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._keys = count(1)

    async def submit(self, shape: Shape, count: int) -> None:
        payloads: list[bytes | None] = [str(number).encode() for number in range(count)]
        await self._queries.enqueue([first(shape)] * count, payloads, [0] * count)

    async def submit_one(self, shape: Shape) -> str:
        key = str(next(self._keys))
        await self._queries.enqueue(first(shape), key.encode())
        return key

    async def unfinished(self) -> int:
        rows = await self._queries.driver.fetch("select count(*) as left from pgqueuer")
        return int(str(rows[0]["left"]))


class PgQueuerPeer:
    """The library writes completion in batches; the next step is enqueued before it, in its own statement."""

    name = "pgqueuer"
    settings = (
        f"asyncpg pool of {CONNECTIONS}, uvloop, batch_size {BATCH}, no limit on concurrency, tables durable"
    )
    uvloop = True

    async def install(self, url: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await Queries(AsyncpgDriver(connection)).install()
        finally:
            await connection.close()

    @asynccontextmanager
    async def client(self, url: str) -> AsyncIterator[PgQueuerClient]:
        connection = await asyncpg.connect(url)
        try:
            yield PgQueuerClient(Queries(AsyncpgDriver(connection)))
        finally:
            await connection.close()

    async def work(self, url: str, shape: Shape, teller: Teller) -> None:  # noqa: ARG002 - all steps are served
        async with asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
            queuer = PgQueuer.from_asyncpg_pool(pool)
            queries = Queries(AsyncpgPoolDriver(pool))

            async def handle(job: Job) -> None:
                teller.started((job.payload or b"").decode())
                following = NEXT[job.entrypoint]
                if len(following) == 1:
                    await queries.enqueue(following[0], job.payload)
                elif following:
                    await queries.enqueue(list(following), [job.payload] * 2, [0] * 2)
                teller.finished()

            for step in NEXT:
                queuer.entrypoint(step)(handle)
            await teller.ready()
            await queuer.run(batch_size=BATCH)
