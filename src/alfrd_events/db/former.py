"""The database of an ALFRD, which this program replaces, read and never written.

Its tables lie in one schema, most of their columns came over the years, and each row comes as the JSON that PostgreSQL
makes of it: what a table or a column of another year lacks is absent. All is read in one transaction that is read-only
and sees one moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from alfrd_events.db.database import Database, Row
from alfrd_events.errors import Refused

_AT_ONCE = 100
_LEFT = ("events", "processing_events", "summaries", "analytics", "classification_suggestions")
"""Tables of which nothing is taken over."""
_NEEDED = ("documents", "tags", "document_tags")


@asynccontextmanager
async def former(url: str) -> AsyncIterator[Former]:
    """The former database as it is at this moment, for as long as the context is open.

    :raise Refused: it is another program's database.
    :raise DatabaseUnavailable: nothing answers there.
    """
    async with (
        Database(url, max_size=2) as database,
        database.connection() as connection,
        connection.transaction(),
    ):
        await connection.execute("set transaction isolation level repeatable read, read only")
        seen = Former(connection)
        await seen.learn_tables()
        yield seen


class Former:
    """What :func:`former` opens."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._tables: set[str] = set()

    async def learn_tables(self) -> None:
        """See which tables there are.

        :raise Refused: those of documents and tags are missing.
        """
        rows = await self._all(
            "select c.relname from pg_class c where c.relkind in ('r', 'p') and pg_table_is_visible(c.oid)"
            " and c.relnamespace <> 'pg_catalog'::regnamespace"
        )
        self._tables = {row["relname"] for row in rows}
        missing = [name for name in _NEEDED if name not in self._tables]
        if missing:
            raise Refused(
                f"this is no database of ALFRD: it has no table {missing[0]}; "
                "give the URL of the database that its api-server used"
            )

    async def count(self) -> int:
        """How many documents there are."""
        (row,) = await self._all("select count(*) from documents")
        return int(row["count"])

    async def documents(self) -> AsyncIterator[Row]:
        """Documents, the oldest first: ``row``, ``tags`` ({name, by}), and ``series``, the newest link first."""
        series = (
            "(select jsonb_agg(l.series_id order by l.added_at desc, l.series_id) from document_series l"
            " where l.document_id = d.id)"
            if "document_series" in self._tables
            else "null::jsonb"
        )
        statement = sql.SQL(
            "select to_jsonb(d) - 'extracted_text_tsv' as row, {series} as series,"
            " (select jsonb_agg(jsonb_build_object('name', t.tag_normalized, 'by', t.created_by)"
            "                   order by t.tag_normalized)"
            "    from document_tags l join tags t on t.id = l.tag_id where l.document_id = d.id) as tags"
            " from documents d order by d.created_at, d.id"
        ).format(series=sql.SQL(series))
        async with self._connection.cursor("documents", row_factory=dict_row) as cursor:
            cursor.itersize = _AT_ONCE
            await cursor.execute(statement)
            async for row in cursor:
                yield row

    async def series(self) -> list[Row]:
        """Series: ``row``, and ``slug``, that of the tag ``series:…`` which most of its documents carry."""
        if not {"series", "document_series"} <= self._tables:
            return []
        return await self._all(
            "select to_jsonb(s) as row, (select substr(t.tag_normalized, 8) from document_series l"
            "    join document_tags dt on dt.document_id = l.document_id join tags t on t.id = dt.tag_id"
            "   where l.series_id = s.id and starts_with(t.tag_normalized, 'series:')"
            "   group by t.tag_normalized order by count(*) desc, t.tag_normalized limit 1) as slug,"
            "  exists (select from document_series l where l.series_id = s.id) as is_used"
            "  from series s order by s.created_at, s.id"
        )

    async def files(self) -> list[Row]:
        """Files: ``row``, their ``tags``, and how many documents were put into them ``by_hand``, without those tags."""
        if not {"files", "file_tags", "file_documents"} <= self._tables:
            return []
        return await self._all(
            "select to_jsonb(f) - 'aggregated_content' as row, coalesce(carried.tags, '{}') as tags,"
            "  (select count(*) from file_documents l where l.file_id = f.id) as documents,"
            "  (select count(*) from file_documents l where l.file_id = f.id and exists ("
            "      select from unnest(carried.tags) as needed where not exists ("
            "        select from document_tags dt join tags t on t.id = dt.tag_id"
            "         where dt.document_id = l.document_id and t.tag_normalized = needed))) as by_hand"
            "  from files f cross join lateral ("
            "    select array_agg(t.tag_normalized::text order by t.tag_normalized) as tags from file_tags l"
            "      join tags t on t.id = l.tag_id where l.file_id = f.id) as carried"
            " order by f.created_at, f.id"
        )

    async def document_types(self) -> list[Row]:
        """Types with ``name`` and ``description``; also those that only documents name."""
        rows = await self._all(
            "select distinct document_type as name, '' as description from documents where document_type is not null"
        )
        types = {row["name"]: row for row in rows}
        if "document_types" in self._tables:
            known = await self._all(
                "select type_name as name, coalesce(description, '') as description from document_types"
            )
            types |= {row["name"]: row for row in known}
        return [types[name] for name in sorted(types)]

    async def prompts(self) -> list[Row]:
        """Versions of prompts, the oldest first."""
        if "prompts" not in self._tables:
            return []
        return await self._all(
            "select to_jsonb(p) as row from prompts p order by p.created_at, p.version, p.id"
        )

    async def left(self) -> dict[str, int]:
        """How many rows are in the tables of which nothing is taken over; empty ones are left out."""
        counts = {}
        for name in _LEFT:
            if name in self._tables:
                cursor = await self._connection.execute(
                    sql.SQL("select count(*) from {}").format(sql.Identifier(name))
                )
                ((counts[name],),) = [tuple(row.values()) for row in await cursor.fetchall()]
        return {name: count for name, count in counts.items() if count}

    async def _all(self, statement: str) -> list[Row]:
        cursor = await self._connection.execute(statement)
        rows: list[Row] = await cursor.fetchall()
        return rows


async def known_documents(database: Database, ids: list[str]) -> set[str]:
    """Which of these documents this database has."""
    rows = await database.rows("select id::text from alfrd.documents where id = any (%s::uuid[])", [ids])
    return {row["id"] for row in rows}


async def prompt_kinds(database: Database) -> set[str]:
    """The kinds of prompts that this program has."""
    return {row["kind"] for row in await database.rows("select distinct kind from alfrd.prompts")}
