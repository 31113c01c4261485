"""An HTTP server that stands in for paid services, remembers every request, and misbehaves as told.

    textract, bedrock = Textract(), Bedrock(replies)
    async with CloudServer(textract, bedrock, faults=Faults(throttle=0.2, cut=0.05)) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.url)
        cloud.next("cut")  # the next request, whatever the rates say
        ...
        assert cloud.requests("bedrock")[0].fault == "cut"

A service says which requests are its own, and answers them. What goes wrong on the way is the server's part, the same
for all of them; only the service knows what its throttling and its spoilt replies look like.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

import orjson
from aiohttp import web

Pieces = Callable[[], AsyncIterator[bytes]]
Fault = Literal["throttle", "cut", "hang", "fail", "malformed", "truncated"]


@dataclass(frozen=True)
class Faults:
    """How often what goes wrong, each as a share of all requests; at most one of them befalls a request.

    ``throttle``: refused with the service's own error, unworked. ``cut``: worked on, and the connection is reset
    before the reply. ``hang``: neither worked on nor answered. ``fail``: the service's own 500. ``malformed``: a reply
    that is not what was asked for. ``truncated``: a reply that ends in the middle, and says so.
    """

    throttle: float = 0
    cut: float = 0
    hang: float = 0
    fail: float = 0
    malformed: float = 0
    truncated: float = 0
    latency: float = 0
    """Seconds that every reply takes."""
    seed: int = 1

    def draw(self, chance: random.Random) -> Fault | None:
        point = chance.random()
        names: tuple[Fault, ...] = ("throttle", "cut", "hang", "fail", "malformed", "truncated")
        for name in names:
            point -= getattr(self, name)
            if point < 0:
                return name
        return None


@dataclass(frozen=True)
class Request:
    """A request as it came in."""

    method: str
    path: str
    """Without the host, with its query; percent-decoded."""
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        content = orjson.loads(self.body)
        assert isinstance(content, dict), "the body is no object"
        return content


@dataclass(frozen=True)
class Answer:
    """What a service replies."""

    status: int
    content: Mapping[str, object] | bytes | Pieces
    """Bytes are sent as they are: JSON or not. Pieces one after the other, until the client hangs up."""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Exchange:
    """One line of the log."""

    service: str
    request: Request
    fault: Fault | None
    answer: Answer | None = None
    """What the service made of it, spoilt or not, whether it arrived or not; ``None``: it was not worked on."""
    delivered: bool = False


class Service(Protocol):
    """One paid service."""

    name: str

    def takes(self, request: Request) -> bool:
        """Whether a request is meant for it."""
        ...

    async def answer(self, request: Request) -> Answer:
        """Work on a request; a wrong one gets the service's own refusal.

        An ``AssertionError`` is a request that no client should ever send: it is answered with a 400, and kept in
        :attr:`CloudServer.complaints`.
        """
        ...

    def throttled(self, request: Request) -> Answer:
        """Its way of saying "slow down"."""
        ...

    def failed(self, request: Request) -> Answer:
        """Its way of saying that something broke inside."""
        ...

    def spoil(self, request: Request, answer: Answer, fault: Fault) -> Answer:
        """A good reply as a ``malformed`` or a ``truncated`` one."""
        ...


class CloudServer:
    """Serves on a port of its own, in the event loop of the test."""

    def __init__(self, *services: Service, faults: Faults | None = None) -> None:
        self._services = services
        self.faults = faults or Faults()
        self._chance = random.Random(self.faults.seed)
        self._scripted: deque[Fault | None] = deque()
        self.log: list[Exchange] = []
        self.complaints: list[str] = []
        """What was wrong with requests that no client should send. A test of the pipeline expects none."""
        self.in_flight = 0
        self.most_in_flight = 0
        self._closing = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=0.2, handler_cancellation=True
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._runner.cleanup()

    def next(self, *faults: Fault | None) -> None:
        """What befalls the next requests, one each; ``None``: nothing. After them the rates count again."""
        self._scripted.extend(faults)

    def requests(self, service: str) -> list[Exchange]:
        """What one service was asked, in order."""
        return [exchange for exchange in self.log if exchange.service == service]

    def count(self, service: str) -> Counter[str]:
        """How many requests had which fault; those without one under ``ok``."""
        return Counter(exchange.fault or "ok" for exchange in self.requests(service))

    async def _serve(self, incoming: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            body = await incoming.read()
            return await self._respond(
                incoming, Request(incoming.method, incoming.path_qs, incoming.headers, body)
            )
        finally:
            self.in_flight -= 1

    async def _respond(self, incoming: web.Request, request: Request) -> web.StreamResponse:
        service = next((service for service in self._services if service.takes(request)), None)
        if service is None:
            self.complaints.append(f"nobody serves {request.method} {request.path}")
            return web.json_response({"message": self.complaints[-1]}, status=404)
        fault = self._scripted.popleft() if self._scripted else self.faults.draw(self._chance)
        exchange = Exchange(service.name, request, fault)
        self.log.append(exchange)
        if self.faults.latency:
            await asyncio.sleep(self.faults.latency)
        if fault == "hang":
            await self._closing.wait()  # or until the client has had enough, which cancels this
            return _cut(incoming)
        if fault == "throttle":
            return await self._deliver(incoming, exchange, service.throttled(request))
        if fault == "fail":
            return await self._deliver(incoming, exchange, service.failed(request))
        try:
            exchange.answer = await service.answer(request)
        except AssertionError as error:
            self.complaints.append(f"{service.name} {request.method} {request.path}: {error}")
            return await self._deliver(incoming, exchange, Answer(400, {"message": str(error)}))
        except Exception as error:
            self.complaints.append(
                f"{service.name} {request.method} {request.path}: the fake broke: {error!r}"
            )
            raise
        if fault == "cut":
            return _cut(incoming)
        if fault in ("malformed", "truncated") and exchange.answer.status == 200:
            exchange.answer = service.spoil(request, exchange.answer, fault)
        return await self._deliver(incoming, exchange, exchange.answer)

    async def _deliver(self, incoming: web.Request, exchange: Exchange, answer: Answer) -> web.StreamResponse:
        headers = {"Content-Type": "application/json", **answer.headers}
        if callable(answer.content):
            response = web.StreamResponse(status=answer.status, headers=headers)
            await response.prepare(incoming)
            async for piece in answer.content():
                await response.write(piece)
            exchange.delivered = True
            return response
        exchange.delivered = True
        # By the standard library, which writes half of a surrogate pair as some servers do.
        body = answer.content if isinstance(answer.content, bytes) else json.dumps(answer.content).encode()
        return web.Response(status=answer.status, body=body, headers=headers)


def _cut(incoming: web.Request) -> web.Response:
    """Reset the connection; what is returned reaches nobody."""
    if incoming.transport is not None:
        incoming.transport.abort()
    return web.Response()
