"""Bring a database up to date: numbered migrations once, repeatable functions when they change.

Forward only. A migration that was applied is remembered with its checksum and refused if its file has
changed since. Functions, triggers, views and rights are replaced as a whole whenever their text differs
from what was applied last, or what is there does (after a restore, for instance). Everything happens in
one transaction under an advisory lock: ten processes that migrate at once do it one after the other, and
nine find nothing to do; a failure leaves the database as it was.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.errors import LockNotAvailable
from psycopg.rows import scalar_row

from alfrd_events import __version__
from alfrd_events.db.errors import translated
from alfrd_events.db.session import Session
from alfrd_events.errors import DatabaseUnavailable, Refused, SchemaOutdated, SchemaTooNew

OLDEST_SERVER = 150000
"""PostgreSQL 15: ``unique nulls not distinct`` and MERGE came with it."""
PATIENCE_SECONDS = 60.0
"""How long locks of others are tried for."""
_LOCK = "alfrd:migrate"
_LOCK_MILLISECONDS = 800
"""How long one try waits, and with it every insert that comes meanwhile."""

_SHUT_OUT_EXCHANGES = """
do $$
begin
  if to_regclass('alfrd.route_cache') is not null then
    lock table alfrd.route_cache in access exclusive mode;
  end if;
end $$
"""
"""Each exchange begins by reading this table, so that none runs half on old functions and half on new ones. It is no
advisory lock, which any login could hold: only functions of workers may read this table."""


@dataclass(frozen=True, slots=True)
class Script:
    """An SQL file that ships with the program."""

    name: str
    text: str

    @property
    def statements(self) -> LiteralString:
        """The text, vouched for: it ships with the program and holds nothing of a user's."""
        return self.text

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hex; line endings do not count."""
        return hashlib.sha256(self.text.replace("\r\n", "\n").encode()).hexdigest()


def sql_directory() -> Traversable:
    """The ``sql/`` directory: inside an installed package, or beside ``src/`` in a checkout."""
    shipped = resources.files("alfrd_events") / "_sql"
    if shipped.is_dir():
        return shipped
    return Path(__file__).resolve().parents[3] / "sql"


def migrations() -> list[Script]:
    """All migrations in order of their number."""
    return _scripts(sql_directory() / "migrations", r"\d{4}_\w+\.sql")


def functions() -> list[Script]:
    """The repeatable part: the engine, which the others call, then they, each in order of name."""
    directory = sql_directory() / "functions"
    engine = _scripts(directory / "engine", r"\w+\.sql") if (directory / "engine").is_dir() else []
    return [*engine, *_scripts(directory, r"\w+\.sql")]


def _scripts(directory: Traversable, pattern: str) -> list[Script]:
    return sorted(
        (
            Script(entry.name, entry.read_text(encoding="utf-8"))
            for entry in directory.iterdir()
            if re.fullmatch(pattern, entry.name)
        ),
        key=lambda script: script.name,
    )


def _functions_checksum(scripts: Sequence[Script]) -> str:
    return hashlib.sha256("".join(script.checksum for script in scripts).encode()).hexdigest()


async def migrate(
    url: str, *, patience: float = PATIENCE_SECONDS, tell: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Apply what is missing.

    A table that another session holds in a transaction is not waited for in line, where every insert would queue behind
    us: each try gives up after a moment and lets the others pass.

    :param patience: seconds in all before it is given up.
    :param tell: called with what is waited for, once for each holder.
    :return: the names of what was applied, in order; empty when the database was up to date.
    :raise SchemaTooNew: the database knows migrations that this program does not.
    :raise Refused: an applied migration's file has changed, or the server is older than PostgreSQL 15.
    :raise DatabaseUnavailable: a lock was held for too long; names who holds it.
    """
    with translated():
        connection = await Session.connect(url, application_name="alfrd-events migrate")
        async with connection:
            if connection.info.server_version < OLDEST_SERVER:
                raise Refused(
                    f"PostgreSQL {connection.info.server_version // 10000} is too old: version 15 or newer is needed"
                )
            return await _apply_between_others(connection, time.monotonic() + patience, tell)


async def _apply_between_others(
    connection: psycopg.AsyncConnection[Any], ends: float, tell: Callable[[str], None]
) -> list[str]:
    told = ""
    while True:
        try:
            return await _apply(connection, ends - time.monotonic())
        except LockNotAvailable as error:
            await connection.rollback()
            holder = await _holder(connection)
            await connection.rollback()
            if time.monotonic() > ends:
                raise DatabaseUnavailable(
                    f"nothing was migrated: {holder}; end it, or run alfrd-events migrate again when it has ended"
                ) from error
        if holder != told:
            tell(f"waiting: {holder}")
            told = holder
        await asyncio.sleep(
            random.uniform(0.5, 1.5)
        )  # longer than a try: those who queued behind us come first


async def _holder(connection: psycopg.AsyncConnection[Any]) -> str:
    """Who has held a lock on our tables, or migrates, for longest."""
    cursor = await connection.execute(
        "select a.pid, coalesce(nullif(a.application_name, ''), 'no application name'), a.usename,"
        "       a.xact_start::timestamptz(0)::text, a.query_start::timestamptz(0)::text"
        "  from pg_locks l join pg_stat_activity a on a.pid = l.pid"
        "  left join pg_class c on c.oid = l.relation and c.relnamespace = to_regnamespace('alfrd')"
        " where l.granted and l.pid <> pg_backend_pid() and l.database in (0,"
        "       (select oid from pg_database where datname = current_database()))"
        "   and (c.oid is not null or l.locktype = 'advisory' and l.objsubid = 1"
        "        and (l.classid::bigint << 32) | l.objid::bigint = hashtextextended(%s, 0))"
        " order by c.oid is null, a.xact_start limit 1",
        [_LOCK],
    )
    row = await cursor.fetchone()
    if row is None:
        return "a lock was held by a transaction that has ended since"
    pid, application, user, since, began = row
    if user is None:
        return f"process {pid} holds a lock on its tables (whose, only a member of pg_read_all_stats may see)"
    return (
        f"process {pid} ({application}, user {user}) holds a lock on its tables, in a transaction since {since} whose "
        f"last statement began at {began}"
    )


async def _apply(connection: psycopg.AsyncConnection[Any], seconds: float) -> list[str]:
    # Others that migrate are waited for in line: no insert is behind them.
    await connection.execute(
        "select set_config('lock_timeout', %s, true)", [str(max(int(seconds * 1000), 1000))]
    )
    await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])
    await connection.execute("select set_config('lock_timeout', %s, true)", [str(_LOCK_MILLISECONDS)])
    # Else a migration could not alter a table of which it has changed rows: their triggers would wait for the commit.
    await connection.execute("set constraints all immediate")
    await connection.execute("set local check_function_bodies = off")
    await connection.execute("set local client_min_messages = warning")
    await connection.execute("create schema if not exists alfrd")
    await connection.execute(
        "create table if not exists alfrd.migrations ("
        " name text primary key, checksum text not null, applied_at timestamptz not null default now())"
    )
    applied = await _applied(connection)
    known = migrations()
    _check(applied, known)
    repeatable = functions()
    checksum = _functions_checksum(repeatable)
    missing = [script for script in known if script.name not in applied]
    outdated = missing or applied.get("functions") != checksum or await is_changed(connection)
    if outdated:
        await connection.execute(_SHUT_OUT_EXCHANGES)
    done = []
    for script in missing:
        await connection.execute(script.statements)
        await _remember(connection, script.name, script.checksum)
        done.append(script.name)
    if outdated:
        for script in repeatable:
            await connection.execute(script.statements)
        await _remember(connection, "functions", checksum)
        await _remember(connection, "fingerprint", await _fingerprint(connection))
        done.append("functions")
    if done or _release(applied.get("program", "0")) < _release(__version__):
        await _remember(connection, "program", __version__)
        await connection.execute("select alfrd.supersede(%s)", [__version__])
    return done


async def is_changed(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Whether functions, triggers, views, roles or rights are others than the last migration left.

    The bookkeeping is data, and comes through a restore that loses them.
    """
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("select to_regprocedure('alfrd.fingerprint()') is not null")
        if not await cursor.fetchone():
            return True
        await cursor.execute("select checksum from alfrd.migrations where name = 'fingerprint'")
        return await cursor.fetchone() != await _fingerprint(connection)


async def _fingerprint(connection: psycopg.AsyncConnection[Any]) -> str:
    """Source: ``sql/functions/fingerprint.sql``."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("select alfrd.fingerprint()")
        return str(await cursor.fetchone())


async def _applied(connection: psycopg.AsyncConnection) -> dict[str, str]:
    cursor = await connection.execute("select name, checksum from alfrd.migrations")
    return dict(await cursor.fetchall())


async def _remember(connection: psycopg.AsyncConnection, name: str, checksum: str) -> None:
    await connection.execute(
        "insert into alfrd.migrations (name, checksum) values (%s, %s)"
        " on conflict (name) do update set checksum = excluded.checksum, applied_at = now()",
        [name, checksum],
    )


def _check(applied: dict[str, str], known: Sequence[Script]) -> None:
    by_name = {script.name: script for script in known}
    if _release(applied.get("program", "0")) > _release(__version__):
        raise SchemaTooNew(
            f"alfrd-events {applied['program']} has migrated the database, and this is {__version__}: upgrade it"
        )
    unknown = sorted(name for name in applied if name.endswith(".sql") and name not in by_name)
    if unknown:
        raise SchemaTooNew(
            f"the database has migration {unknown[-1]}, which this program does not know: upgrade alfrd-events"
        )
    for name, checksum in applied.items():
        if name in by_name and by_name[name].checksum != checksum:
            raise Refused(
                f"migration {name} was applied with another text than it has now: restore the file; a change of the "
                f"schema is a new migration"
            )


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a release: functions are replaced as a whole, and an older program would put old ones back."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


async def has_schema(url: str) -> bool:
    """Whether the database was migrated before, by whatever release.

    :raise DatabaseUnavailable: nothing answers there, or it refuses us.
    """
    return bool(await _applied_at(url))


async def _applied_at(url: str) -> dict[str, str]:
    with translated():
        connection = await Session.connect(url)
        async with connection:
            cursor = await connection.execute("select to_regclass('alfrd.migrations') is not null")
            row = await cursor.fetchone()
            return await _applied(connection) if row and row[0] else {}


async def check_schema(url: str) -> None:
    """Refuse to work on a database that does not fit this program.

    :raise SchemaOutdated: run ``alfrd-events migrate``.
    :raise SchemaTooNew: upgrade the program.
    """
    applied, known = await _applied_at(url), migrations()
    if not applied:
        raise SchemaOutdated("the database has no schema alfrd yet: run alfrd-events migrate")
    _check(applied, known)
    missing = [script.name for script in known if script.name not in applied]
    if missing or applied.get("functions") != _functions_checksum(functions()):
        what = ", ".join(missing) or "newer functions"
        raise SchemaOutdated(f"the database lacks {what}: run alfrd-events migrate")
