"""One moment of the database, read in pieces: what an export holds.

All is read in one transaction that sees one snapshot, so an export never shows a document without its series. Rows
come through server-side cursors, a hundred at a time; the bytes of a part are fetched alone. Rows are JSON as
PostgreSQL writes it: an amount stays the decimal that it is, and a column that a later release adds comes along.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from alfrd_events.db.database import Database, Row

_AT_ONCE = 100

_SELECTED: LiteralString = """
      (%(series)s::uuid is null or d.series_id = %(series)s)
  and (%(tag)s::text is null or d.tags @> alfrd.normal_tags(array[%(tag)s::text]))
  and (%(type)s::text is null or d.document_type = %(type)s)
  and (%(owner)s::text is null or d.owner = %(owner)s)
  and (%(first)s::date is null or d.document_date >= %(first)s)
  and (%(last)s::date is null or d.document_date <= %(last)s)
"""

_DOCUMENTS: LiteralString = """
select d.id, d.filename, d.entity, d.document_type, d.document_date,
       ((select to_jsonb(kept) from (select {columns}) as kept)
        || jsonb_build_object(
             'series', s.slug,
             'tag_sources', coalesce((select jsonb_agg(to_jsonb(t) - 'document_id' order by t.tag)
                                        from alfrd.tags t where t.document_id = d.id), '[]'),
             'corrections', coalesce((select jsonb_agg(to_jsonb(c) - 'document_id' order by c.id)
                                        from alfrd.corrections c where c.document_id = d.id), '[]'),
             'reviews', coalesce((select jsonb_agg(to_jsonb(r) - 'document_id' order by r.id)
                                    from alfrd.reviews r where r.document_id = d.id), '[]'),
             'scores', coalesce((select jsonb_agg(to_jsonb(x) - 'document_id' - 'prompt_id' order by x.id)
                                   from alfrd.scores x where x.document_id = d.id), '[]'),
             'lessons', coalesce((select jsonb_agg(to_jsonb(l) - 'document_id' order by l.id)
                                    from alfrd.lessons l where l.document_id = d.id), '[]')))::text as line,
       coalesce((select jsonb_agg(jsonb_build_object(
                   'number', p.number, 'filename', p.filename, 'uri', p.uri, 'media_type', p.media_type,
                   'page_count', p.page_count, 'byte_count', p.byte_count, 'sha256', p.sha256, 'is_row', true, 'held',
                   case when p.content is not null then 'part'
                        when p.number = 1 and d.content is not null then 'document' else 'uri' end) order by p.number)
                   from alfrd.document_parts p where p.document_id = d.id),
                jsonb_build_array(jsonb_build_object('number', 1, 'filename', '', 'uri', '', 'is_row', false, 'held',
                   case when d.content is not null then 'document' else 'uri' end))) as parts
  from alfrd.documents d left join alfrd.series s on s.id = d.series_id
 where {selected}
 order by d.created_at, d.id
"""

_IN_SERIES: LiteralString = "exists (select from alfrd.documents d where d.series_id = s.id and {selected})"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents are wanted; ``None`` everywhere: all of them."""

    series: UUID | None = None
    tag: str | None = None
    type: str | None = None
    owner: str | None = None
    first: date | None = None
    """Of their dates; a document without a date is left out."""
    last: date | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return not any(value is not None for value in asdict(self).values())


@asynccontextmanager
async def snapshot(database: Database, selection: Selection) -> AsyncIterator[Snapshot]:
    """The database as it is at this moment, for as long as the context is open.

    :raise DatabaseUnavailable: the server is gone, also in the middle.
    """
    async with database.connection() as connection, connection.transaction():
        await connection.execute("set transaction isolation level repeatable read, read only")
        async with database.configured(connection):
            found = Snapshot(connection, selection)
            await found.learn_columns()
            yield found


class Snapshot:
    """What :func:`snapshot` opens."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], selection: Selection) -> None:
        self._connection = connection
        self._parameters = asdict(selection)
        self._everything = selection.is_all
        self._documents: sql.Composable = sql.SQL("")
        self._page: sql.Composable = sql.SQL("")

    async def learn_columns(self) -> None:
        """See which columns documents and pages have."""
        self._documents = await self._columns("alfrd.documents", "d", without={"content"})
        self._page = await self._columns("alfrd.pages", "p", without={"document_id", "text", "search"})

    async def _columns(self, table: str, alias: str, without: set[str]) -> sql.Composed:
        rows = await self._rows(
            "select attname from pg_attribute where attrelid = %(table)s::regclass and attnum > 0 and not attisdropped"
            " and attgenerated = '' order by attnum",
            table=table,
        )
        names = [row["attname"] for row in rows if row["attname"] not in without]
        return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)

    async def _rows(self, statement: LiteralString, **parameters: Any) -> list[Row]:
        cursor = await self._connection.execute(
            _with_selection(statement), {**self._parameters, **parameters}
        )
        return await cursor.fetchall()

    async def _stream(self, name: str, statement: sql.Composed, **parameters: Any) -> AsyncIterator[Row]:
        async with self._connection.cursor(name, row_factory=dict_row) as cursor:
            cursor.itersize = _AT_ONCE
            await cursor.execute(statement, {**self._parameters, **parameters})
            async for row in cursor:
                yield row

    async def count(self) -> int:
        """How many documents are selected."""
        (row,) = await self._rows("select count(*) from alfrd.documents d where {selected}")
        return int(row["count"])

    def documents(self) -> AsyncIterator[Row]:
        """The selected documents, the oldest first: ``line`` is all of one as JSON, ``parts`` its files."""
        statement = sql.SQL(_DOCUMENTS).format(columns=self._documents, selected=sql.SQL(_SELECTED))
        return self._stream("documents", statement)

    async def part(self, document: UUID, number: int) -> Row:
        """The name, bytes and URI of a part."""
        (row,) = await self._rows(
            "select coalesce(nullif(p.filename, ''), d.filename) as filename,"
            " coalesce(p.content, case when %(number)s = 1 then d.content end) as content,"
            " coalesce(nullif(p.uri, ''), case when %(number)s = 1 then d.uri else '' end) as uri"
            " from alfrd.documents d left join alfrd.document_parts p on p.document_id = d.id and p.number = %(number)s"
            " where d.id = %(id)s",
            id=document,
            number=number,
        )
        return row

    def pages(self, document: UUID) -> AsyncIterator[Row]:
        """The pages of a document: the ``number``, the ``text``, and the ``line`` with all but the text as JSON."""
        statement = sql.SQL(
            "select p.number, p.text, (select to_jsonb(kept) from (select {columns}) as kept)::text as line"
            " from alfrd.pages p where p.document_id = %(id)s order by p.number"
        ).format(columns=self._page)
        return self._stream("pages", statement, id=document)

    async def document_types(self) -> list[Row]:
        """The types that documents may have."""
        return await self._rows("select name, description from alfrd.document_types order by name")

    def series(self) -> AsyncIterator[Row]:
        """The series of the selected documents: ``id``, ``slug``, ``fields``; ``line`` has aliases, columns, alerts."""
        statement = sql.SQL(
            "select s.id, s.slug, s.title, s.fields, (to_jsonb(s) || jsonb_build_object("
            "  'aliases', coalesce((select jsonb_agg(to_jsonb(a) - 'series_id' order by a.entity_key, a.account)"
            "                         from alfrd.series_aliases a where a.series_id = s.id), '[]'),"
            "  'columns', coalesce((select jsonb_agg(to_jsonb(f) - 'series_id' order by f.position)"
            "                         from alfrd.series_fields f where f.series_id = s.id), '[]'),"
            "  'alerts', coalesce((select jsonb_agg(to_jsonb(a) - 'series_id' order by a.key)"
            "                        from alfrd.series_alerts a where a.series_id = s.id), '[]')))::text as line"
            " from alfrd.series s where {wanted} order by s.slug, s.id"
        ).format(
            wanted=sql.SQL("true" if self._everything else _IN_SERIES).format(selected=sql.SQL(_SELECTED))
        )
        return self._stream("series", statement)

    def members(self, series: UUID) -> AsyncIterator[Row]:
        """The selected documents of a series by date, as rows of a table."""
        statement = sql.SQL(
            "select d.id, d.filename, d.status, d.entity, d.document_date, d.due_date, d.period_start, d.period_end,"
            " d.total_amount, d.currency, d.account_number, d.series_data from alfrd.documents d"
            " where d.series_id = %(id)s and {selected} order by d.document_date nulls last, d.created_at, d.id"
        ).format(selected=sql.SQL(_SELECTED))
        return self._stream("members", statement, id=series)

    def files(self) -> AsyncIterator[Row]:
        """The files that hold a selected document; all of them where all documents are."""
        wanted: LiteralString = (
            "exists (select from alfrd.tags t join alfrd.documents d on d.id = t.document_id"
            " where t.tag = f.tags[1] and d.tags @> f.tags and d.owner = f.owner and {selected})"
        )
        statement = sql.SQL(
            "select (to_jsonb(f) || jsonb_build_object('series', s.slug))::text as line"
            " from alfrd.files f left join alfrd.series s on s.id = f.series_id where {wanted}"
            " order by f.created_at, f.id"
        ).format(wanted=sql.SQL("true" if self._everything else wanted).format(selected=sql.SQL(_SELECTED)))
        return self._stream("files", statement)

    def lessons(self) -> AsyncIterator[Row]:
        """Lessons that belong to no document; those of documents are with them."""
        return self._stream(
            "lessons",
            sql.SQL(
                "select to_jsonb(l)::text as line from alfrd.lessons l where l.document_id is null and {wanted}"
                " order by l.id"
            ).format(wanted=sql.SQL("true" if self._everything else "false")),
        )

    def payments(self) -> AsyncIterator[Row]:
        """What paid the selected bills, and what people refused."""
        statement = sql.SQL(
            "select (to_jsonb(m) - 'id')::text as line"
            " from alfrd.payments m join alfrd.documents d on d.id = m.document_id where {selected} order by m.id"
        ).format(selected=sql.SQL(_SELECTED))
        return self._stream("payments", statement)

    def prompts(self) -> AsyncIterator[Row]:
        """Every version of the prompts that somebody has changed or added; none where documents are selected."""
        return self._stream(
            "prompts",
            sql.SQL(
                "select jsonb_build_object('kind', p.kind, 'document_type', p.document_type, 'version', p.version,"
                " 'text', p.text, 'can_evolve', p.can_evolve, 'score_ceiling', p.score_ceiling,"
                " 'max_words', p.max_words, 'note', p.note, 'is_active', p.is_active)::text as line"
                " from alfrd.prompts p where p.origin not in ('seed', 'code') and {wanted}"
                " order by p.kind, p.document_type, p.version"
            ).format(wanted=sql.SQL("true" if self._everything else "false")),
        )

    async def calendar(self, first: date, last: date) -> list[Row]:
        """What was or is due, is late or will be expected between two days, in the series of the selected documents."""
        return await self._rows(
            "select c.* from alfrd.calendar(%(from_day)s, %(to_day)s) as c where c.state <> 'received'"
            " and (c.state <> 'expected' or c.day >= alfrd.now()::date)"
            " and exists (select from alfrd.documents d where d.series_id = c.series_id and {selected})",
            from_day=first,
            to_day=last,
        )

    async def moment(self) -> Mapping[str, Any]:
        """When this is, and of which schema."""
        (row,) = await self._rows("select alfrd.now() as now, alfrd.now()::date as today")
        return row


def _with_selection(statement: LiteralString) -> sql.Composed | sql.SQL:
    if "{selected}" not in statement:
        return sql.SQL(statement)
    return sql.SQL(statement).format(selected=sql.SQL(_SELECTED))
