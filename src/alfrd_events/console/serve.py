"""Serve the console until it is stopped."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn

from alfrd_events.console.app import build
from alfrd_events.console.live import Live
from alfrd_events.console.pictures import Drawer, Fetch, PageImages
from alfrd_events.console.roles import Role, Tokens
from alfrd_events.console.state import Console, SetUp
from alfrd_events.console.texts import catalogues
from alfrd_events.db import operate
from alfrd_events.db.database import Database
from alfrd_events.db.replica import ReadReplica
from alfrd_events.errors import AlfrdError, SettingsInvalid
from alfrd_events.observe import Log

log = Log("console")

_HERE = ("127.0.0.1", "localhost", "::1")
_GRACE_SECONDS = 3
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """How a console is served."""

    host: str = "127.0.0.1"
    port: int = 8470
    """0: any that is free."""
    tokens: Tokens = field(default_factory=lambda: Tokens({}))
    hosts: tuple[str, ...] = ()
    """Further names under which it may be asked for."""
    listen_url: str | None = None
    """Where to LISTEN; ``None``: not at all."""
    max_bytes: int = 100 * 1024 * 1024
    """Of the files of one upload."""
    language: str = ""
    """Of all pages; empty: the one that each browser asks for."""
    set_up: SetUp = field(default_factory=SetUp)


class Server:
    """A console that has its address already, so that a taken one is reported before anything else begins.

    :param drawer: draws pages.
    :param fetch: gives a part its bytes.
    :param reads: answers for pages; ``None``: the database itself does.
    :raise SettingsInvalid: the address is taken, is not of this machine, or needs a token; or the language is unknown.
    """

    def __init__(
        self,
        database: Database,
        drawer: Drawer,
        fetch: Fetch,
        options: ConsoleOptions,
        reads: ReadReplica | None = None,
    ) -> None:
        if options.language and options.language not in catalogues():
            raise SettingsInvalid(
                f"the console does not speak {options.language!r}: set ALFRD_CONSOLE_LANGUAGE to browser or one of "
                f"{', '.join(catalogues())}"
            )
        self._socket = _bound(options)
        self._live = Live(database, options.listen_url, reads.outdated if reads else lambda: None)
        self._console = Console(
            database,
            self._live,
            PageImages(database, drawer, fetch),
            options.tokens,
            options.max_bytes,
            language=options.language,
            set_up=options.set_up,
            reads=reads,
        )
        app = build(self._console, {*_HERE, options.host, *options.hosts})
        self._server = _Quiet(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        host, port = self._socket.getsockname()[:2]
        host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - it is compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    async def run(self) -> None:
        """Serve until :meth:`stop`, or until cancelled."""
        if not await self._may_write():
            self._console.most = Role.READER
        hearing = asyncio.create_task(self._live.run())
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        try:
            done, _ = await asyncio.wait({hearing, serving}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.stop()
            hearing.cancel()
            await asyncio.gather(serving, hearing, return_exceptions=True)
            self._socket.close()

    async def _may_write(self) -> bool:
        """Whether the login may change documents; while that cannot be asked, PostgreSQL alone refuses."""
        try:
            return await operate.may_write(self._console.database)
        except AlfrdError as error:
            log.warning("the rights of the console's login cannot be seen", error=str(error))
            return True

    def stop(self) -> None:
        """Let :meth:`run` come to its end; open pages notice."""
        self._live.end()
        self._server.should_exit = True


class _Quiet(uvicorn.Server):
    """Leaves signals to whoever runs it: a worker in the same process has a say in them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bound(options: ConsoleOptions) -> socket.socket:
    if not options.tokens and not _is_loopback(options.host):
        raise SettingsInvalid(
            f"the console would be open to all who reach {options.host}: make a token with alfrd-events console "
            "token --role editor, and set ALFRD_CONSOLE_TOKEN to what it says"
        )
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=kind, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsInvalid(
            f"the console cannot have the address {options.host}:{options.port} ({error.strerror}): choose another "
            "with --port or --host"
        ) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
