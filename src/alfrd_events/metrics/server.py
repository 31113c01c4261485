"""Answers ``/metrics``, ``/healthz`` and ``/readyz``, from the worker's own event loop.

So ``/healthz`` says more than that the process exists: a step that blocks the loop keeps it from answering, as it
keeps the heartbeat from being sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson

from alfrd_events.db import metrics
from alfrd_events.db.database import Database
from alfrd_events.errors import AlfrdError, SettingsInvalid
from alfrd_events.metrics.exposition import CONTENT_TYPE, Exposition
from alfrd_events.metrics.vitals import Vitals
from alfrd_events.observe import Log

log = Log("metrics")

_REQUEST_BYTES = 8192
_SECONDS = 5.0
"""How long a request, and an answer of the database, may take."""
_AGE_SECONDS = 5.0
"""How old the database's numbers may be: several who scrape ask it once."""
_AT_ONCE = 32
_JSON = "application/json"


class MetricsServer:
    """What one worker shows of itself.

    :param database: where the numbers of all workers are; one connection of it is used at a time.
    """

    def __init__(self, database: Database, vitals: Vitals, exposition: Exposition) -> None:
        self._database = database.sparingly(1)
        self._vitals = vitals
        self._exposition = exposition
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._asking = asyncio.Lock()
        self._samples: list[metrics.Sample] | None = None
        self._asked_at = float("-inf")

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Answer as long as the block runs; the port.

        :raise SettingsInvalid: the address is taken, or is not of this machine.
        """
        try:
            server = await asyncio.start_server(self._answer, host, port, limit=_REQUEST_BYTES)
        except OSError as error:
            raise SettingsInvalid(
                f"metrics cannot have the address {host}:{port} ({error.strerror}): choose another with --metrics"
            ) from error
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with self._turns, asyncio.timeout(2 * _SECONDS):
                request = await reader.readuntil(b"\r\n\r\n")
                method, path, *_ = request.decode("latin-1").split(" ", 2)
                status, content_type, body = await self._page(method, path.split("?")[0])
                head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
                writer.write(
                    f"{head}Connection: close\r\n\r\n".encode() + (b"" if method == "HEAD" else body)
                )
                await writer.drain()
        except (
            OSError,
            TimeoutError,
            ValueError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ) as error:
            log.debug("a request for metrics was not answered", error=repr(error))
        finally:
            writer.close()

    async def _page(self, method: str, path: str) -> tuple[str, str, bytes]:
        if method not in ("GET", "HEAD"):
            return "405 Method Not Allowed", "text/plain", b"only GET\n"
        if path == "/metrics":
            return "200 OK", CONTENT_TYPE, self._exposition.page(await self._numbers())
        if path == "/healthz":
            return "200 OK", _JSON, b'{"alive":true}\n'
        if path == "/readyz":
            return await self._readiness()
        return "404 Not Found", "text/plain", b"/metrics, /healthz, /readyz\n"

    async def _readiness(self) -> tuple[str, str, bytes]:
        vitals = self._vitals
        seen = {
            "database": await self._is_database_there(),
            "listener": vitals.is_listening or not vitals.listens,
            "draining": vitals.is_draining,
        }
        ready = seen["database"] and seen["listener"] and not seen["draining"]
        return (
            "200 OK" if ready else "503 Service Unavailable",
            _JSON,
            orjson.dumps({"ready": ready, **seen}) + b"\n",
        )

    async def _is_database_there(self) -> bool:
        try:
            async with asyncio.timeout(_SECONDS):
                await metrics.is_there(self._database)
        except (AlfrdError, TimeoutError) as error:
            log.debug("not ready: the database does not answer", error=error)
            return False
        return True

    async def _numbers(self) -> list[metrics.Sample] | None:
        async with self._asking:
            if time.monotonic() - self._asked_at > _AGE_SECONDS:
                try:
                    async with asyncio.timeout(_SECONDS):
                        self._samples = await metrics.samples(self._database)
                except (AlfrdError, TimeoutError) as error:
                    log.debug("the database's numbers are not to be had", error=error)
                    self._samples = None
                self._asked_at = time.monotonic()
            return self._samples


def address(text: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:9464``, ``[::1]:9464`` or ``:9464``, which is this machine alone.

    :raise SettingsInvalid: it is none of these.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise SettingsInvalid(f"--metrics takes a host and a port, such as 127.0.0.1:9464, and not {text}")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)
