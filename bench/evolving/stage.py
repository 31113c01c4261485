"""A server of our own, and databases cloned from one that is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import psycopg

from alfrd_events.db.migrate import migrate
from testing.server import Server

_SETTINGS = """
listen_addresses = ''
port = {port}
unix_socket_directories = '{directory}'
max_connections = 200
fsync = off
"""
"""Nothing of what is proved here is about durability or speed."""


class Stage:
    """One server; leave it and it is gone."""

    def __init__(self) -> None:
        self._server = Server(_SETTINGS)
        self._numbers = count(1)
        self.prepare("fresh", None)
        asyncio.run(migrate(self._server.url("fresh")))

    def prepare(self, name: str, template: str | None) -> str:
        """A database of this name; its URL."""
        self._do(f"create database {name}" + (f" template {template}" if template else ""))
        return self._server.url(name)

    @contextmanager
    def database(self, template: str = "fresh") -> Iterator[str]:
        """The URL of a database that is dropped afterwards."""
        name = f"run_{next(self._numbers)}"
        yield self.prepare(name, template)
        self._do(f"drop database {name} with (force)")

    def _do(self, statement: str) -> None:
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Stop the server and delete its files."""
        self._server.remove()
