"""What a session needs of its settings, whatever server, database, role and environment say.

A setting of a role or database, or a variable such as ``PGDATESTYLE``, changes how values are written and read: a date
that the driver cannot parse, a letter that turns into two. So every connection states what it depends on when it is
made, as start-up options: these stand above the settings of role and database, and RESET comes back to them.

A pooler may refuse or drop start-up options. Then what differs is set after connecting: what PgBouncer keeps for
each client, for the session; the rest in each transaction (:attr:`Session.owed`), since the session is another's next.

What an administrator limits (time-outs, read-only, the isolation) is not overridden; it is borne and named. What each
setting does: docs/postgresql.md.
"""

from __future__ import annotations

import os
from typing import Any, Self
from zoneinfo import ZoneInfo

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row

from alfrd_events.errors import SettingsInvalid

_CONNECT_SECONDS = 10

STATED = {
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "search_path": '"$user", public',
    "row_security": "on",
    "gin_fuzzy_search_limit": "0",
    "exit_on_error": "off",
    "client_min_messages": "warning",
    "idle_session_timeout": "0",
}
"""Known to every server since PostgreSQL 15, and every role may set them."""
_WHERE_KNOWN = {"restrict_nonsystem_relation_kind": ""}
"""Came in a minor release: cannot be an option, which an older server would refuse."""
_KEPT_BY_POOLERS = frozenset({"DateStyle", "TimeZone", "standard_conforming_strings"})
"""PgBouncer carries these with its client from one server session to the next."""
_REFUSALS = ("startup parameter", "command-line options", "startup option")
"""How poolers say that they take no start-up options."""

_without_options: set[str] = set()
"""URLs of which that is known."""


class Session(psycopg.AsyncConnection[Any]):
    """A connection whose settings are what this program needs."""

    is_straight = True
    """Whether all statements reach the same server session: no pooler is between."""
    owed: dict[str, str]
    """What has to be set in each transaction."""

    @classmethod
    async def connect(cls, conninfo: str = "", *, verify: bool = True, **kwargs: Any) -> Self:  # type: ignore[override]
        """Connect and see to the settings.

        :param verify: ``False`` saves a round trip; then options that a pooler drops are not noticed.
        :raise SettingsInvalid: the database cannot hold every text.
        """
        session = await cls._connected(
            conninfo, {**keepalives(conninfo), "client_encoding": "UTF8", **kwargs}
        )
        session.owed = {}
        try:
            _check_encoding(session)
            if verify:
                await session._verify()
        except BaseException:
            await session.close()
            raise
        return session

    @classmethod
    async def _connected(cls, conninfo: str, kwargs: dict[str, Any]) -> Self:
        if conninfo not in _without_options:
            try:
                return await super().connect(conninfo, options=_options(conninfo), **kwargs)
            except psycopg.OperationalError as error:
                if not any(refusal in str(error) for refusal in _REFUSALS):
                    raise
            _without_options.add(conninfo)
        return await super().connect(conninfo, **kwargs)

    async def _verify(self) -> None:
        """Set what start-up options did not: a pooler drops them, and ``PGDATESTYLE`` and the like come after them.

        A pooler gives each transaction another server session. It shows by the number of its process: the one at the
        greeting, for cancelling, is the pooler's own invention.
        """
        wanted = {**STATED, **_WHERE_KNOWN}
        async with self.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(
                "select pg_backend_pid(), array_agg(array[name, current_setting(name, true)])"
                "  from unnest(%s::text[]) as name",
                [list(wanted)],
            )
            answer = await cursor.fetchone()
            assert answer is not None
            number, found = answer
            self.is_straight = number == self.info.backend_pid
            wrong = {name: wanted[name] for name, value in found if value not in (None, wanted[name])}
            if not _is_known_zone(self.info.parameter_status("TimeZone")):
                wrong["TimeZone"] = "UTC"
            lasting = {
                name: value for name, value in wrong.items() if self.is_straight or name in _KEPT_BY_POOLERS
            }
            self.owed = {name: value for name, value in wrong.items() if name not in lasting}
            for name, value in lasting.items():
                await cursor.execute("select set_config(%s, %s, false)", [name, value])
        if not self.autocommit:
            await self.commit()


def keepalives(url: str) -> dict[str, Any]:
    """A server that is gone without a word is noticed in half a minute, not in two hours.

    What the URL says itself stays. Several hosts are tried one after the other, in the time that one may take.
    """
    given = _given(url)
    hosts = str(given.get("host", "")).count(",") + 1
    ours = {
        "connect_timeout": max(_CONNECT_SECONDS // hosts, 2),  # libpq takes 1 for 2
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    return {name: value for name, value in ours.items() if name not in given}


def _options(url: str) -> str:
    """What the URL or the environment gives, and after it what we need, so that this holds."""
    given = _given(url).get("options") or os.environ.get("PGOPTIONS", "")
    ours = (f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in STATED.items())
    return " ".join(filter(None, [given, *ours]))


def _given(url: str) -> dict[str, Any]:
    try:
        return conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return {}  # libpq will say so when it connects


def _check_encoding(session: psycopg.AsyncConnection[Any]) -> None:
    encoding = session.info.parameter_status("server_encoding")
    if encoding not in (None, "UTF8"):
        name = session.info.dbname
        raise SettingsInvalid(
            f"database {name} has the encoding {encoding}, which cannot hold the text of every document: make one with "
            f"createdb --encoding=UTF8 --template=template0, and name it in ALFRD_DATABASE_URL"
        )


def _is_known_zone(name: str | None) -> bool:
    """Whether the driver knows the time zone; it would warn with every time that it reads."""
    if not name:
        return True
    try:
        ZoneInfo(name.removeprefix(":"))
    except (KeyError, OSError, ValueError):
        return False
    return True
