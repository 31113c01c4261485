"""The PostgreSQL that everything is measured on: the embedded one with the settings that it comes with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import psutil
import psycopg
from psycopg import sql

from bench.contender import Contender
from bench.processor import processor_seconds
from testing.server import Server

CONFIGURATION = """
listen_addresses = ''
port = {port}
unix_socket_directories = '{directory}'
log_line_prefix = '%d|%a|'
"""
"""Where it listens and what a line of its log begins with; nothing that costs or saves time."""

SHOWN = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "shared_buffers",
    "max_wal_size",
    "max_connections",
    "autovacuum",
    "autovacuum_naptime",
    "jit",
)


class Cluster:
    """A server of our own, with a database for each sample, cloned from one in which the contender is installed."""

    def __init__(self) -> None:
        self.server = Server(CONFIGURATION)
        postmaster = (self.server.data / "postmaster.pid").read_text().split()[0]
        self._postmaster = psutil.Process(int(postmaster))
        self._templates: set[str] = set()
        self._numbers = count(1)

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return (self.server.directory / "log").read_text(errors="replace")

    def cpu_seconds(self) -> float:
        """Processor time of the server and all its sessions so far."""
        return processor_seconds(self._postmaster)

    @asynccontextmanager
    async def database(self, contender: Contender) -> AsyncIterator[str]:
        """The URL of a fresh database."""
        template = "template_" + contender.name.replace("-", "_")
        name = f"bench_{next(self._numbers)}"
        if template not in self._templates:
            await self._administer("create database {}", template)
            await contender.install(self.server.url(template))
            self._templates.add(template)
        await self._administer("create database {} template {}", name, template)
        try:
            yield self.server.url(name)
        finally:
            await self._administer("drop database {} with (force)", name)

    async def settle(self) -> None:
        """Write out what is dirty, so that no checkpoint of earlier work falls into a measurement."""
        await self._administer("checkpoint")

    async def settings(self) -> dict[str, str]:
        """The version and the settings that matter here."""
        async with await psycopg.AsyncConnection.connect(self.server.url("postgres")) as connection:
            cursor = await connection.execute(
                "select name, current_setting(name) from pg_settings where name = any (%s)",
                [["server_version", *SHOWN]],
            )
            return dict(await cursor.fetchall())

    async def _administer(self, statement: Any, *names: str) -> None:
        async with await psycopg.AsyncConnection.connect(
            self.server.url("postgres"), autocommit=True
        ) as connection:
            await connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def remove(self) -> None:
        """Stop it and delete its files."""
        self.server.remove()
