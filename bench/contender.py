"""What is measured: this engine and its peers, behind one small interface."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from bench.teller import Teller

Shape = Literal["route", "single"]
"""``route``: seven durable steps for each document, five in a chain and two beside it. ``single``: one step."""

STEPS: dict[Shape, int] = {"route": 7, "single": 1}

CONCURRENCY = 200
"""Handlers of a step at once in one worker."""

TOGETHER = CONCURRENCY * STEPS["route"]
"""The same for a contender that does not count by step."""


class Client(Protocol):
    """Hands work in and looks how much is left, as an application would."""

    async def submit(self, shape: Shape, count: int) -> None:
        """Commit that many documents; in one transaction."""

    async def submit_one(self, shape: Shape) -> str:
        """Commit one document; the key that its handler will tell."""

    async def unfinished(self) -> int:
        """Steps that are not durably finished; 0: everything is done."""


class Contender(Protocol):
    """This engine or a peer."""

    name: str
    settings: str
    """What it is set to, for the reader of the results."""
    uvloop: bool
    """Whether its workers run on uvloop: where that is its own default or measurably better."""

    async def install(self, url: str) -> None:
        """Make its tables in an empty database."""

    def client(self, url: str) -> AbstractAsyncContextManager[Client]:
        """A connected client."""

    async def work(self, url: str, shape: Shape, teller: Teller) -> None:
        """Be a worker until killed: prepare, ``await teller.ready()``, and serve the steps of a shape."""


def contender(name: str) -> Contender:
    """The contender of that name; each is imported only where it is used, since importing costs memory."""
    if name == "alfrd-events":
        from bench.engine import Engine

        return Engine()
    if name == "pgqueuer":
        from bench.peers.pgqueuer import PgQueuerPeer

        return PgQueuerPeer()
    if name == "procrastinate":
        from bench.peers.procrastinate import ProcrastinatePeer

        return ProcrastinatePeer()
    if name == "chancy":
        from bench.peers.chancy import ChancyPeer

        return ChancyPeer()
    if name == "dbos":
        from bench.peers.dbos import DbosPeer

        return DbosPeer()
    if name == "absurd":
        from bench.peers.absurd import AbsurdPeer

        return AbsurdPeer()
    raise ValueError(f"no contender {name!r}")
