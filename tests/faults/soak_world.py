"""What the soak takes place in: a server of its own, a proxy, the workers, the documents, and people.

Faults may overlap, so whoever does something that others must not do at the same time takes hold of it here: a
worker (:meth:`Crew.take`), the server (:attr:`World.server_lock`).
"""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from testing.server import Server
from tests.faults.processes import Fleet, WorkerProcess
from tests.faults.proxy import Proxy

Session = psycopg.AsyncConnection[dict[str, Any]]
T = TypeVar("T")

LEASE_SECONDS = 5.0
STEP_SECONDS = 2.0
DATABASE = "alfrd"

WISHES: dict[str, Any] = {
    "lease_seconds": LEASE_SECONDS,
    "step_seconds": STEP_SECONDS,
    "poll_seconds": 5,
    "probe_seconds": 2,
    "reconcile_seconds": 20,
    "drain_seconds": 2,
    "delay": 0.15,
    "settings": {"alfrd.backoff_seconds": "2"},
}
"""How the workers of a soak differ from those of a user: impatient, so that ten minutes hold many deaths."""


class Crew:
    """The workers, by place; a place whose worker has ended gets a new one.

    :param addresses: for each place, how its worker connects.
    """

    def __init__(self, fleet: Fleet, addresses: list[dict[str, Any]]) -> None:
        self._fleet = fleet
        self._addresses = addresses
        self._members: list[WorkerProcess] = [self._start(place) for place in range(len(addresses))]
        self._taken: set[int] = set()
        self.frozen: set[int] = set()
        self.logs = [member.log for member in self._members]
        self.endings: Counter[str] = Counter()
        """Why places had to be filled again, where no fault of ours emptied them."""

    def _start(self, place: int) -> WorkerProcess:
        return self._fleet.start(**WISHES, **self._addresses[place])

    def __getitem__(self, place: int) -> WorkerProcess:
        return self._members[place]

    def replace(self, place: int) -> None:
        """Fill a place again."""
        self._members[place] = self._start(place)
        self.logs.append(self._members[place].log)

    @contextmanager
    def take(self, chance: random.Random) -> Iterator[int | None]:
        """Hold a place that no other fault holds and whose worker is alive; ``None`` if there is none."""
        free = [
            place for place, member in enumerate(self._members) if place not in self._taken and member.alive
        ]
        if not free:
            yield None
            return
        place = chance.choice(free)
        self._taken.add(place)
        try:
            yield place
        finally:
            self._taken.discard(place)

    @property
    def able(self) -> bool:
        """Somebody could work now."""
        return any(member.alive and place not in self.frozen for place, member in enumerate(self._members))

    async def keep(self) -> None:
        """Replace whoever ends by himself, until cancelled."""
        while True:
            for place, member in enumerate(self._members):
                if place not in self._taken and not member.alive:
                    self.endings[_why(member)] += 1
                    self.replace(place)
            await asyncio.sleep(0.5)

    async def dismiss(self) -> None:
        """Tell everyone to stop, and see that they do."""
        for member in self._members:
            member.signal(signal.SIGTERM)
        for member in self._members:
            await self.farewell(member)

    async def farewell(self, member: WorkerProcess) -> None:
        """Wait for a worker that was told to stop."""
        try:
            await asyncio.to_thread(member.wait, 40)
        except subprocess.TimeoutExpired:
            self.endings["would not stop"] += 1
            member.kill()


def _why(member: WorkerProcess) -> str:
    code = member.wait()
    if code == -signal.SIGKILL:
        return "killed by a document"
    if not member.lines("worker started"):
        return "found no server at its start"
    return f"fell over (exit code {code}, {member.log})"


class HonestProxy(Proxy):
    """Hangs up on whoever calls while there is no server behind it."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await super()._serve(reader, writer)
        except OSError:
            writer.close()


@dataclass
class World:
    """Everything that a fault can reach."""

    server: Server
    proxy: Proxy
    crew: Crew
    acknowledged: list[UUID] = field(default_factory=list)
    """Documents whose insert was committed, as far as we were told."""
    cancelled: set[UUID] = field(default_factory=set)
    """Documents that a person has wanted to cancel."""
    server_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def url(self) -> str:
        """Past the proxy."""
        return self.server.url(DATABASE)

    @asynccontextmanager
    async def person(self) -> AsyncIterator[Session]:
        """A session of somebody who is no worker, in autocommit mode."""
        async with await psycopg.AsyncConnection.connect(
            self.url, autocommit=True, connect_timeout=5, application_name="soak", row_factory=dict_row
        ) as session:
            yield session

    async def insist(self, act: Callable[[Session], Awaitable[T]]) -> T:
        """Do something in a session of its own, again and again until the server lets it."""
        while True:
            try:
                async with self.person() as session:
                    return await act(session)
            except (psycopg.OperationalError, psycopg.InternalError):
                await asyncio.sleep(0.2)

    async def some(self, session: Session, chance: random.Random, at_most: int) -> list[UUID]:
        """A few documents, mostly such as are being worked on."""
        cursor = await session.execute(
            "select id from alfrd.documents"
            " order by %s and status in ('completed', 'failed', 'cancelled'), random() limit %s",
            [chance.random() < 0.7, chance.randint(1, at_most)],
        )
        return [row["id"] for row in await cursor.fetchall()]
