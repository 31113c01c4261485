"""What the pages of the console ask, beyond what the command line asks (:mod:`.looks`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from alfrd_events.db.database import Database, Row
from alfrd_events.errors import NotFound
from alfrd_events.model import PartSource

_WORD = re.compile(r"\w")

_ORDERS: dict[str, LiteralString] = {
    "new": "d.created_at desc, d.id",
    "old": "d.created_at, d.id",
    "date": "d.document_date desc nulls last, d.id",
    "due": "d.due_date nulls last, d.id",
    "amount": "d.total_amount desc nulls last, d.id",
    "name": "lower(d.filename), d.id",
}
ORDERS = tuple(_ORDERS)
"""The orders that a list may have; the first is the usual one."""

_COLUMNS: LiteralString = """
select d.id, d.filename, d.status, d.document_type, d.entity, d.document_date, d.due_date, d.total_amount, d.currency,
       d.tags, d.page_count, d.error, d.failed_step, d.generation, d.created_at, d.updated_at, d.series_id,
       d.needs_review, d.review_reason
  from alfrd.documents d
"""
_BESIDE: LiteralString = """
select d.*, coalesce(nullif(s.title, ''), s.slug) as series_title,
       exists (select from alfrd.pages p where p.document_id = d.id and p.number = 1
                  and p.source in ('ocr', 'text_layer')) as has_picture,
       array(select t.step || ' ' || t.state from alfrd.tasks t
              where t.subject_id = d.id and t.state <> 'dead' order by t.id) as work
"""
"""What is looked up for those rows alone that are shown."""
_AMOUNTS: LiteralString = "select d.currency, d.total_amount from alfrd.documents d"
_SUMS: LiteralString = "select d.currency, count(*) as number, sum(d.total_amount) as total"
_SAYS_WHY: LiteralString = "(d.failed_step <> '' or d.error <> '')"
"""What is true of all that failed; documents_failed has it as its condition."""
_NEWEST_TAGGED = 500
MOST_COUNTED = 10_000
"""Documents are counted and summed up to here: a list of a million shall not be read for a number."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents a list shows; what is empty excludes nothing."""

    words: str = ""
    """As :func:`.queries.search` takes them."""
    status: str = ""
    document_type: str = ""
    tag: str = ""
    series: str = ""
    """Its slug."""
    since: date | None = None
    until: date | None = None
    """Of the document's own date, both included."""
    least: Decimal | None = None
    most: Decimal | None = None
    """Of the total, both included."""
    order: str = ORDERS[0]
    ids: tuple[UUID, ...] = ()
    """These alone; empty: no matter which."""

    def where(self) -> tuple[LiteralString, dict[str, Any]]:
        """The condition on ``d``, with its parameters."""
        found: list[LiteralString] = []
        given: dict[str, Any] = {}
        if _WORD.search(self.words):
            found.append("d.id in (select alfrd.documents_with(%(words)s))")
            given["words"] = self.words
        elif self.words.strip():
            found.append("strpos(lower(d.filename), %(words)s) > 0")
            given["words"] = self.words.strip().lower()
        if self.status:
            found.append("d.status = %(status)s")
            given["status"] = self.status
        if self.status == "failed":
            found.append(_SAYS_WHY)
        if self.document_type:
            found.append("d.document_type = %(type)s")
            given["type"] = self.document_type
        if self.tag:
            found.append(
                "d.id in (select t.document_id from alfrd.tags t where t.tag = lower(btrim(%(tag)s)))"
            )
            given["tag"] = self.tag
        if self.series:
            found.append("d.series_id in (select id from alfrd.series where slug = %(series)s)")
            given["series"] = self.series
        if self.since:
            found.append("d.document_date >= %(since)s")
            given["since"] = self.since
        if self.until:
            found.append("d.document_date <= %(until)s")
            given["until"] = self.until
        if self.least is not None:
            found.append("d.total_amount >= %(least)s")
            given["least"] = self.least
        if self.most is not None:
            found.append("d.total_amount <= %(most)s")
            given["most"] = self.most
        if self.ids:
            found.append("d.id = any (%(ids)s)")
            given["ids"] = list(self.ids)
        condition: LiteralString = " and ".join(found)
        return (" where " + condition if found else ""), given


async def documents(database: Database, wanted: Filter, *, limit: int, offset: int = 0) -> list[Row]:
    """Documents that fit, each with ``work``: its steps that run or wait, as ``step state``."""
    where, given = wanted.where()
    order: LiteralString = " order by " + _ORDERS[wanted.order]
    return await database.rows(
        _BESIDE + " from (" + _COLUMNS + where + order + " limit %(limit)s offset %(offset)s) d"
        " left join alfrd.series s on s.id = d.series_id" + order,
        {**given, "limit": limit, "offset": offset},
    )


async def totals(database: Database, wanted: Filter) -> Row:
    """How many documents fit, and ``sums``: the total in each currency, the currency of most documents first.

    ``is_more``: there are more than ``count``, which is :data:`MOST_COUNTED` then, and no sums.
    """
    where, given = wanted.where()
    rows = await database.rows(
        _SUMS + " from (" + _AMOUNTS + where + " limit %(most)s) d group by 1 order by 2 desc, 1",
        {**given, "most": MOST_COUNTED + 1},
    )
    count = sum(row["number"] for row in rows)
    is_more = count > MOST_COUNTED
    return {
        "count": min(count, MOST_COUNTED),
        "is_more": is_more,
        "sums": [row for row in rows if row["total"] is not None and not is_more],
    }


async def excerpts(database: Database, words: str, ids: Sequence[UUID]) -> dict[UUID, Row]:
    """For each document the best page with the words: ``page`` and ``excerpt``, each hit between ``⟦`` and ``⟧``."""
    if not ids or not _WORD.search(words):
        return {}
    rows = await database.rows(
        "select document_id as id, page, snippet as excerpt"
        "  from alfrd.search(%s, p_documents => %s, p_limit => %s) where page is not null",
        [words, list(ids), len(ids)],
    )
    return {row["id"]: row for row in rows}


async def tags(database: Database, limit: int = 100) -> list[Row]:
    """The tags that most of the newest documents have, each with on how many of those it is."""
    return await database.rows(
        "select t.tag, count(*) as number from (select id from alfrd.documents order by created_at desc, id limit %s) d"
        "  join alfrd.tags t on t.document_id = d.id group by 1 order by 2 desc, 1 limit %s",
        [_NEWEST_TAGGED, limit],
    )


async def pages(database: Database, document: UUID) -> list[Row]:
    """The pages of a document with what is needed to show them.

    ``within`` is the number in the part; ``rotation`` the degrees clockwise by which the page was turned to be read;
    ``lines`` are objects with ``text`` and ``box``.
    """
    return await database.rows(
        "select number, part, row_number() over (partition by part order by number)::integer as within, source,"
        " confidence, text, coalesce((layout ->> 'width')::float8, 0) as width,"
        " coalesce((layout ->> 'height')::float8, 0) as height,"
        " coalesce((layout ->> 'rotation')::integer, 0) as rotation,"
        " case jsonb_typeof(layout -> 'lines') when 'array' then layout -> 'lines' else '[]' end as lines"
        " from alfrd.pages where document_id = %s order by number",
        [document],
    )


@dataclass(frozen=True, slots=True)
class PagePlace:
    """Where a page is to be drawn from."""

    source: PartSource
    within: int
    """Its number in the part, from 1."""
    rotation: int
    """Degrees clockwise by which it was turned to be read."""


async def page_place(database: Database, document: UUID, number: int) -> PagePlace:
    """The part that holds a page, and where in it.

    :raise NotFound: there is no such page.
    """
    row = await database.row(
        "select p.part, coalesce((p.layout ->> 'rotation')::integer, 0) as rotation,"
        " (select count(*) from alfrd.pages o where o.document_id = p.document_id and o.part = p.part"
        "    and o.number <= p.number)::integer as within"
        " from alfrd.pages p where p.document_id = %s and p.number = %s",
        [document, number],
    )
    if row is None:
        raise NotFound(f"no page {number} of document {document}")
    found = await part(database, document, row["part"])
    source = PartSource(row["part"], found["filename"], found["content"], found["uri"])
    return PagePlace(source, row["within"], row["rotation"])


async def part(database: Database, document: UUID, number: int) -> Row:
    """A part with its bytes, or its ``uri``.

    :raise NotFound: there is no such part.
    """
    row = await database.row(
        "select coalesce(nullif(p.filename, ''), d.filename) as filename, coalesce(p.content, d.content) as content,"
        " coalesce(nullif(p.uri, ''), d.uri) as uri, coalesce(p.media_type, '') as media_type"
        " from alfrd.documents d left join alfrd.document_parts p on p.document_id = d.id and p.number = %(number)s"
        " where d.id = %(id)s and (p.number is not null or %(number)s = 1)",
        {"id": document, "number": number},
    )
    if row is None:
        raise NotFound(f"no part {number} of document {document}")
    return row


async def neighbours(database: Database, document: UUID) -> Row:
    """The documents of its series before and after it by date: ``previous`` and ``next``, each an id or ``None``."""
    row = await database.row(
        "select max(previous::text)::uuid as previous, max(next::text)::uuid as next from"
        " (select id, lag(id) over places as previous, lead(id) over places as next from alfrd.documents"
        "   where series_id = (select series_id from alfrd.documents where id = %(id)s)"
        "  window places as (order by document_date nulls last, created_at, id)) d where id = %(id)s",
        {"id": document},
    )
    assert row is not None, "an aggregate gives a row"
    return row


async def failures(database: Database) -> list[Row]:
    """What has failed, grouped by step and reason: ``number``, ``newest`` and a few ``examples``.

    What differs only in the file's name is one reason: messages begin with it. ``in_all`` is how many have failed for
    any reason.
    """
    return await database.rows(
        "select step, reason, count(*) as number, sum(count(*)) over ()::bigint as in_all, max(updated_at) as newest,"
        " (array_agg(json_build_object('id', id, 'filename', filename) order by updated_at desc))[1:3] as examples,"
        " array_agg(id) as ids from (select d.id, d.filename, d.updated_at, d.failed_step as step,"
        "   case when d.filename <> '' and starts_with(d.error, d.filename || ': ')"
        "        then substr(d.error, length(d.filename) + 3) else d.error end as reason"
        "   from alfrd.documents d where d.status = 'failed' and (d.failed_step <> '' or d.error <> '')) f"
        " group by 1, 2 order by 3 desc, 5 desc limit 50"
    )


async def in_work(database: Database, limit: int = 20) -> list[Row]:
    """What runs now, the longest first; of a document that is being read also how far that is."""
    return await database.rows(
        "select t.step, t.subject_id as id, d.id is not null as is_document, t.attempt, t.claimed_at,"
        " coalesce(d.filename, f.title, '') as name, w.name as worker,"
        " case when t.step = 'ocr' then alfrd.reading_in_words(t.subject_id) else '' end as how_far"
        " from alfrd.tasks t left join alfrd.documents d on d.id = t.subject_id"
        " left join alfrd.files f on f.id = t.subject_id left join alfrd.workers w on w.id = t.worker_id"
        " where t.state = 'running' order by t.claimed_at, t.id limit %s",
        [limit],
    )


async def running(database: Database) -> set[tuple[int, int, UUID]]:
    """The tasks that run now: id, attempt, and what they are for."""
    rows = await database.rows("select id, attempt, subject_id from alfrd.tasks where state = 'running'")
    return {(row["id"], row["attempt"], row["subject_id"]) for row in rows}


async def counts(database: Database) -> Row:
    """Documents in all, and those that came in and were done in the last day; tasks by state.

    Each number of documents is counted up to one more than :data:`MOST_COUNTED`.
    """
    # As values, not as expressions: only so the planner knows how few rows are as new.
    now: datetime = await database.value("select alfrd.now()")
    row = await database.row(
        "select (select count(*) from (select from alfrd.documents limit %(most)s) d) as documents,"
        " (select count(*) from (select from alfrd.documents"
        "    where created_at > %(yesterday)s limit %(most)s) d) as came_in,"
        " (select coalesce(jsonb_object_agg(state, n), '{}') from"
        "   (select state, count(*) as n from alfrd.tasks"
        "     where not alfrd.is_for_another_day(step, state, run_at) group by 1) as c) as tasks,"
        " (select count(*) from (select from alfrd.events where kind = 'completed' and step = 'extract'"
        "    and at > %(yesterday)s limit %(most)s) e) as completed,"
        " (select count(*) from (select from alfrd.events where kind = 'completed' and step = 'extract'"
        "    and at > %(hour_ago)s limit %(most)s) e) as completed_in_hour",
        {
            "most": MOST_COUNTED + 1,
            "yesterday": now - timedelta(days=1),
            "hour_ago": now - timedelta(hours=1),
        },
    )
    assert row is not None
    return row


async def able(database: Database) -> Row:
    """How many workers are alive, and the steps that are paused."""
    row = await database.row(
        "select (select count(*) from alfrd.workers"
        "    where heartbeat_at > alfrd.now() - make_interval(secs => lease_seconds)) as workers,"
        " array(select step from alfrd.pauses order by paused_at, step) as paused"
    )
    assert row is not None
    return row


async def done_in_hour(database: Database) -> dict[str, list[int]]:
    """How many tasks of each step were done in each two minutes of the last hour, the oldest first."""
    now: datetime = await database.value("select alfrd.now()")
    rows = await database.rows(
        "select step, floor(extract(epoch from %(now)s - at) / 120)::integer as ago, count(*) as number"
        "  from alfrd.events where kind = 'completed' and at > %(begin)s and at <= %(now)s group by 1, 2",
        {"now": now, "begin": now - timedelta(hours=1)},
    )
    done: dict[str, list[int]] = {}
    for row in rows:
        done.setdefault(row["step"], [0] * 30)[29 - row["ago"]] = row["number"]
    return done


async def due(database: Database, days: int = 30) -> list[Row]:
    """What is due within so many days and what is expected, the first first.

    ``state`` is ``due`` or ``expected``; what is paid is not due. The amount of what is expected is the usual one of
    its series. Nothing is expected of a series that is behind by more than one document, as one of an archive is.
    """
    return await database.rows(
        "select d.due_date as day, 'due' as state, d.series_id, d.id as document_id, coalesce(s.title, '') as title,"
        "       d.filename, d.entity, d.total_amount, d.currency"
        "  from alfrd.documents d left join alfrd.series s on s.id = d.series_id"
        " where d.due_date >= (select alfrd.now()::date) and d.due_date <= (select alfrd.now()::date) + %(days)s"
        "   and d.status not in ('failed', 'cancelled')"
        "   and not exists (select from alfrd.bills b where b.document_id = d.id and b.state = 'paid')"
        " union all "
        "select e.day, 'expected', s.id, null, s.title, '', '', e.amount, e.currency"
        "  from alfrd.expected_days((select alfrd.now()::date), (select alfrd.now()::date) + %(days)s) e"
        "  join alfrd.series s on s.id = e.series_id join alfrd.series_rhythms r on r.series_id = s.id"
        " where r.expected_to >= (select alfrd.now()::date) - r.every_days - 31 * r.every_months"
        " order by 1, 2, title limit 500",
        {"days": days},
    )


async def series(database: Database, id: UUID) -> Row:
    """A series with its documents, the newest first.

    :raise NotFound: there is none.
    """
    row = await database.row(
        "select o.id, o.entity, o.kind, o.frequency, o.slug, o.title, o.fields, o.document_count, o.first_date,"
        " o.last_date, o.total_amount, o.currency from alfrd.series_overview o where o.id = %s",
        [id],
    )
    if row is None:
        raise NotFound(f"no series {id}")
    members = await database.rows(
        "select id, filename, status, document_date, coalesce(document_date, period_end) as day, due_date,"
        " total_amount, currency, series_data from alfrd.documents where series_id = %s"
        " order by document_date desc nulls last, created_at desc limit 500",
        [id],
    )
    return {**row, "members": members}


async def all_series(database: Database, *, limit: int, offset: int = 0) -> list[Row]:
    """Series, the one with the newest completed document first.

    The newest of each are found by an index; only of the series that are shown, all documents are read.
    """
    return await database.rows(
        "select s.id, s.entity, s.kind, coalesce(nullif(r.frequency, ''), s.frequency) as frequency, s.slug, s.title,"
        "       s.last_date, d.document_count, d.first_date, d.total_amount, d.currency"
        "  from (select s.*, (select d.document_date from alfrd.documents d where d.series_id = s.id"
        "                        and d.status = 'completed' and d.document_date is not null"
        "                      order by d.document_date desc limit 1) as last_date"
        "          from alfrd.series s order by last_date desc nulls last, s.slug limit %s offset %s) s"
        " cross join lateral (select count(*) as document_count, min(document_date) as first_date,"
        "    sum(total_amount) as total_amount,"
        "    case when count(distinct currency) = 1 then min(currency) else '' end as currency"
        "    from alfrd.documents where series_id = s.id and status = 'completed') d"
        "  left join alfrd.series_rhythms r on r.series_id = s.id"
        " order by s.last_date desc nulls last, s.slug",
        [limit, offset],
    )


async def changes_of(database: Database, series: UUID) -> list[Row]:
    """What people have done to a series and can take back, the newest first."""
    return await database.rows(
        "select c.id, c.kind, c.made_by, c.made_at, cardinality(c.document_ids) as number,"
        "       c.before -> 'series' ->> 'slug' as slug, c.before -> 'series' ->> 'entity' as entity"
        "  from alfrd.series_changes c where c.series_id = %s and c.undone_at is null order by c.id desc limit 20",
        [series],
    )


async def like_series(database: Database, series: UUID, limit: int = 200) -> list[Row]:
    """Other series of the same owner, those of a company whose name begins alike first."""
    return await database.rows(
        "select o.slug, o.title from alfrd.series s join alfrd.series o on o.owner = s.owner and o.id <> s.id"
        " where s.id = %s order by left(o.entity_key, 3) <> left(s.entity_key, 3), o.slug limit %s",
        [series, limit],
    )


async def dead(database: Database, limit: int = 50) -> list[Row]:
    """Tasks that were given up, the newest first."""
    return await database.rows(
        "select t.step, t.subject_id as id, d.id is not null as is_document, t.attempt, t.max_attempts, t.error,"
        " coalesce(d.filename, f.title, '') as name from alfrd.tasks t"
        " left join alfrd.documents d on d.id = t.subject_id left join alfrd.files f on f.id = t.subject_id"
        " where t.state = 'dead' order by t.id desc limit %s",
        [limit],
    )


async def failed_for(database: Database, step: str, reason: str) -> list[UUID]:
    """The documents that failed at a step for a reason, as :func:`failures` groups them."""
    for group in await failures(database):
        if (group["step"], group["reason"]) == (step, reason):
            return list(group["ids"])
    return []


async def start_again(database: Database, document: UUID) -> bool:
    """Do a document again from the start, whatever its status; whether there is one that may be changed."""
    return bool(
        await database.execute("update alfrd.documents set status = 'pending' where id = %s", [document])
    )
