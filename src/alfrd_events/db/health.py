"""What ``doctor`` asks a server, before anything is known to work."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from alfrd_events.db.errors import translated
from alfrd_events.db.migrate import OLDEST_SERVER
from alfrd_events.db.session import Session
from alfrd_events.errors import SettingsInvalid

__all__ = [
    "OLDEST_SERVER",
    "address",
    "check_url",
    "clock_drift",
    "listen_round_trip",
    "server_version",
]


def check_url(url: str) -> None:
    """Refuse a URL that libpq cannot read. Its own message would quote it, with the password.

    :raise SettingsInvalid: says how to write one.
    """
    try:
        conninfo_to_dict(url)
    except psycopg.Error:
        raise SettingsInvalid(
            "ALFRD_DATABASE_URL or ALFRD_LISTEN_URL makes no sense to libpq: write it as "
            "postgresql://user:password@host:5432/database"
        ) from None


async def server_version(url: str) -> int:
    """As ``server_version_num``: 180004 for 18.4.

    :raise DatabaseUnavailable: nothing answers there, or it refuses us.
    """
    with translated():
        async with await Session.connect(url) as connection:
            return connection.info.server_version


async def clock_drift(url: str) -> float:
    """Seconds by which the database's clock is ahead of this machine's."""
    with translated():
        async with await Session.connect(url) as connection:
            before = datetime.now(UTC)
            cursor = await connection.execute("select clock_timestamp()")
            row = await cursor.fetchone()
            after = datetime.now(UTC)
    assert row is not None
    moment: datetime = row[0]
    return (moment - (before + (after - before) / 2)).total_seconds()


async def listen_round_trip(listen_url: str, url: str) -> float | None:
    """Seconds that a notification takes from one connection to another; ``None`` if it does not come in five."""
    channel = f"alfrd_doctor_{uuid4().hex[:12]}"
    with translated():
        listener = await Session.connect(listen_url, autocommit=True)
        sender = await Session.connect(url, autocommit=True)
        async with listener, sender:
            await listener.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            started = time.monotonic()
            send = asyncio.create_task(_notify(sender, channel))
            try:
                async with aclosing(listener.notifies(timeout=5, stop_after=1)) as notifies:
                    async for _ in notifies:
                        return time.monotonic() - started
            finally:
                await send
    return None


async def _notify(connection: psycopg.AsyncConnection, channel: str) -> None:
    await connection.execute("select pg_notify(%s, '')", [channel])


def address(url: str) -> str:
    """Where a database is, without user and password: ``host:port/name``."""
    given = conninfo_to_dict(url)
    place = str(given.get("host") or "the local socket")
    port = f":{given['port']}" if given.get("port") and not place.startswith("/") else ""
    return f"{place}{port}, database {given.get('dbname') or 'of the user'}"
