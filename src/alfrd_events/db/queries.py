"""What people look at: read-only queries for the lookers, each row ready to be shown or sent as JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, LiteralString
from uuid import UUID

from alfrd_events.db.database import Database, Row
from alfrd_events.errors import NotFound, Refused

SHORTEST_PREFIX = 4
"""Hexadecimal digits of an id that are enough to name it, if no other id begins with them."""

Kind = Literal["document", "file"]

_DOCUMENT_COLUMNS = """
select d.id, d.filename, d.status, d.document_type, d.entity, d.document_date, d.due_date, d.total_amount,
       d.currency, d.summary, d.tags, s.slug as series, s.kind as series_kind, d.page_count, d.error,
       d.created_at, d.updated_at,
       (select coalesce(sum(u.usd), 0)::text from alfrd.usage u where u.document_id = d.id) as usd
  from alfrd.documents d left join alfrd.series s on s.id = d.series_id
"""
_CONDITIONS: dict[str, LiteralString] = {
    "ids": "d.id = any (%(ids)s)",
    "status": "d.status = %(status)s",
    "type": "d.document_type = %(type)s",
    "tag": "exists (select from alfrd.tags t where t.document_id = d.id and t.tag = lower(btrim(%(tag)s)))",
}


async def find(database: Database, given: str, kinds: Sequence[Kind] = ("document",)) -> tuple[Kind, UUID]:
    """The document or file that an id, the beginning of one, or a document's whole file name names.

    :raise NotFound: there is none.
    :raise Refused: it fits several.
    """
    digits = given.strip().lower().replace("-", "")
    missing = NotFound(f"no {' or '.join(kinds)} {given}")
    if not re.fullmatch(r"[0-9a-f]{1,32}", digits):
        if "document" in kinds and (named := await _called(database, given)):
            return "document", named
        raise missing
    if len(digits) < SHORTEST_PREFIX:
        raise Refused(f"{given} is too short: give at least {SHORTEST_PREFIX} characters of the id")
    rows = await database.rows(
        "select 'document' as kind, id from alfrd.documents where id between %(low)s and %(high)s"
        "   and 'document' = any (%(kinds)s)"
        " union all select 'file', id from alfrd.files where id between %(low)s and %(high)s"
        "   and 'file' = any (%(kinds)s) limit 4",
        {"low": UUID(digits.ljust(32, "0")), "high": UUID(digits.ljust(32, "f")), "kinds": list(kinds)},
    )
    if not rows:
        raise missing
    if len(rows) > 1:
        raise Refused(f"{given} is not clear: {', '.join(str(row['id']) for row in rows)} begin with it")
    return rows[0]["kind"], rows[0]["id"]


async def _called(database: Database, filename: str) -> UUID | None:
    """The document with this file name; no index serves it, and only people ask."""
    rows = await database.rows(
        "select id from alfrd.documents where filename = %s order by created_at desc limit 4", [filename]
    )
    if len(rows) > 1:
        raise Refused(f"{filename} is not clear: {', '.join(str(row['id']) for row in rows)} are called so")
    return rows[0]["id"] if rows else None


async def documents(
    database: Database,
    *,
    ids: Sequence[UUID] | None = None,
    status: str | None = None,
    document_type: str | None = None,
    tag: str | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Documents that fit, newest first."""
    given = {"ids": None if ids is None else list(ids), "status": status, "type": document_type, "tag": tag}
    # Only what is asked for: beside an "or", the planner looks up the tag of all documents before it begins.
    fit = [condition for name, condition in _CONDITIONS.items() if given[name] is not None]
    where = " where " + " and ".join(fit) if fit else ""
    order: LiteralString = " order by d.created_at desc, d.id limit %(limit)s"
    return await database.rows(_DOCUMENT_COLUMNS + where + order, {**given, "limit": limit})


async def statuses(database: Database, subject_types: Sequence[str]) -> list[str]:
    """Every status that a document or file can have."""
    rows = await database.rows(
        "select distinct status from alfrd.transitions, unnest(array[from_status, to_status]) as status"
        " where subject_type = any (%s) order by 1",
        [list(subject_types)],
    )
    return [row["status"] for row in rows]


async def document_types(database: Database) -> list[str]:
    """The names of all document types."""
    return [row["name"] for row in await database.rows("select name from alfrd.document_types order by name")]


async def document(database: Database, id: UUID, *, text: bool = False) -> Row:
    """Everything about one document.

    :param text: with the text of its pages.
    """
    found = await database.row(
        "select d.id, d.owner, d.filename, d.uri, d.fingerprint, d.status, d.error, d.failed_step, d.generation,"
        " d.priority, d.created_at, d.updated_at, d.page_count, d.document_type, d.classification_confidence,"
        " d.classification_reasoning, d.summary, d.entity, d.document_date, d.due_date, d.total_amount, d.currency,"
        " d.account_number, d.period_start, d.period_end, d.structured_data, d.evidence, d.series_data, d.metadata,"
        " d.corrected, d.made_by, to_jsonb(s) - 'owner' as series"
        " from alfrd.documents d left join alfrd.series s on s.id = d.series_id where d.id = %s",
        [id],
    )
    if found is None:
        raise NotFound(f"no document {id}")
    pages = await database.rows(
        "select number, part, source, confidence, length(text) as characters, text"
        " from alfrd.pages where document_id = %s order by number",
        [id],
    )
    for page in pages:
        if not text:
            del page["text"]
    return {
        **found,
        "tags": await database.rows(
            "select tag, source from alfrd.tags where document_id = %s order by source, tag", [id]
        ),
        "parts": await database.rows(
            "select number, filename, uri, media_type, page_count, byte_count, sha256"
            " from alfrd.document_parts where document_id = %s order by number",
            [id],
        ),
        "pages": pages,
        "scores": await database.rows(
            "select distinct on (step) step, score, feedback, checks, improvements, made_by, scored_at"
            " from alfrd.scores where document_id = %s order by step, id desc",
            [id],
        ),
        "corrections": await database.rows(
            "select field, old_value, new_value, corrected_by, corrected_at"
            " from alfrd.corrections where document_id = %s order by id",
            [id],
        ),
        "usage": await database.row(
            "select count(*) as calls, count(*) filter (where cached) as cached, coalesce(sum(usd), 0)::text as usd,"
            " count(*) filter (where unpriced) as unpriced"
            " from alfrd.usage where document_id = %s and provider <> 'local'",
            [id],
        ),
        "tasks": await tasks(database, id),
        "events": await events(database, id),
    }


async def tasks(database: Database, subject: UUID) -> list[Row]:
    """The work that waits, runs or is dead for a document or file."""
    return await database.rows(
        "select id, step, state, attempt, max_attempts, run_at, woken_by, error"
        " from alfrd.tasks where subject_id = %s order by id",
        [subject],
    )


async def text_of(database: Database, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The text of each document, its pages apart by a form feed."""
    rows = await database.rows(
        "select document_id, string_agg(text, E'\\f' order by number) as text"
        " from alfrd.pages where document_id = any (%s) group by 1",
        [list(ids)],
    )
    return {row["document_id"]: row["text"] for row in rows}


async def files(database: Database, limit: int | None = None) -> list[Row]:
    """Files with what their summaries say, the fullest first."""
    return await database.rows(
        "select f.id, f.title, f.tags, f.status, f.member_count, f.summary, f.insights, f.statistics, f.error,"
        " s.slug as series, f.generated_at, f.generated_revision = f.revision as current"
        " from alfrd.files f left join alfrd.series s on s.id = f.series_id"
        " order by f.member_count desc, f.title, f.id limit %s",
        [limit],
    )


async def file(database: Database, id: UUID) -> Row:
    """Everything about one file."""
    found = await database.row(
        "select f.id, f.owner, f.title, f.tags, f.status, f.error, f.summary, f.insights, f.statistics, f.columns,"
        " f.rows, f.member_count, f.revision, f.generated_revision, f.generated_at, f.created_at, f.updated_at,"
        " f.made_by, s.slug as series"
        " from alfrd.files f left join alfrd.series s on s.id = f.series_id where f.id = %s",
        [id],
    )
    if found is None:
        raise NotFound(f"no file {id}")
    members = await database.rows(
        "select id, filename, document_date, total_amount, currency from alfrd.file_members(%s)", [id]
    )
    return {
        **found,
        "members": members,
        "tasks": await tasks(database, id),
        "events": await events(database, id),
    }


async def series(database: Database, limit: int | None = None, *, documents: bool = True) -> list[Row]:
    """Series with their completed documents in short, the longest first, as their files know.

    :param documents: list the documents of each, not only their number, days and sum.
    """
    return await database.rows(
        "with longest as materialized (select s.id from alfrd.series s"
        "    left join alfrd.files f on f.owner = s.owner and f.tags = array['series:' || s.slug]"
        "   order by coalesce(f.member_count, 0) desc, s.entity, s.kind, s.id limit %(limit)s)"
        " select o.id, o.entity, o.kind, o.frequency, o.slug, o.title, o.fields, o.document_count, o.first_date,"
        " o.last_date, o.total_amount, o.currency, case when %(documents)s then coalesce(("
        "   select json_agg(json_build_object('id', d.id, 'filename', d.filename, 'date', d.document_date,"
        "    'total_amount', d.total_amount, 'currency', d.currency) order by d.document_date nulls last, d.id)"
        "    from alfrd.documents d where d.series_id = o.id and d.status = 'completed'), '[]') end as documents"
        " from longest cross join lateral ("  # offset 0: else all series are counted, and then joined
        "   select * from alfrd.series_overview o where o.id = longest.id offset 0) as o"
        " order by o.document_count desc, o.entity, o.kind, o.id",
        {"limit": limit, "documents": documents},
    )


async def events(database: Database, subject: UUID) -> list[Row]:
    """What happened to a document or file, in order."""
    return await database.rows(
        "select e.id, e.at, e.kind, e.step, e.attempt, e.worker_id, e.woken_by, e.waited_ms, e.ran_ms, e.detail"
        " from alfrd.events e where e.subject_id = %s order by e.id",
        [subject],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFilter:
    """Which documents a search is about; ``None`` excludes nothing."""

    document_type: str | None = None
    entity: str | None = None
    """A part of the company's name; case and accents do not matter."""
    since: date | None = None
    until: date | None = None
    """Of the document's own date, both included."""
    least: Decimal | None = None
    most: Decimal | None = None
    """Of the total, both included."""
    tag: str | None = None
    """This tag, or one below it: ``home`` is also ``home/garden``."""
    series: str | None = None
    """Its slug."""
    owner: str | None = None


async def search(
    database: Database, words: str, limit: int, wanted: SearchFilter = SearchFilter()
) -> list[Row]:
    """Documents whose pages, or whose name, company, summary, type and tags, hold the words; the best first.

    ``excerpt`` is the passage, each hit between ``⟦`` and ``⟧``; ``box`` the place of its line on the page;
    ``meant`` what was looked for instead of words that no page has.

    :raise Refused: there is nothing to look for, or a filter makes no sense.

    Source: ``sql/functions/search.sql``.
    """
    if "\0" in words:
        raise Refused("a search cannot hold the character NUL: leave it out")
    return await database.rows(
        "select d.id, d.filename, d.document_type, d.entity, d.document_date, d.total_amount, d.currency, s.page,"
        "       round(s.rank::numeric, 3) as rank, s.snippet as excerpt, s.line_box as box, s.meant"
        "  from alfrd.search(%(words)s, p_type => %(type)s, p_entity => %(entity)s, p_from => %(since)s,"
        "         p_to => %(until)s, p_min => %(least)s, p_max => %(most)s, p_tag => %(tag)s, p_series => %(series)s,"
        "         p_owner => %(owner)s, p_limit => %(limit)s) with ordinality"
        "       as s(document_id, page, rank, snippet, line_box, meant, place)"
        "  join alfrd.documents d on d.id = s.document_id order by s.place",
        {
            "words": words,
            "limit": limit,
            "type": wanted.document_type,
            "entity": wanted.entity,
            "since": wanted.since,
            "until": wanted.until,
            "least": wanted.least,
            "most": wanted.most,
            "tag": wanted.tag,
            "series": wanted.series,
            "owner": wanted.owner,
        },
    )


async def usage(database: Database, by: Literal["day", "model", "step", "series"]) -> list[Row]:
    """What the calls to providers cost, in groups; ``usd`` is the text of an exact decimal.

    Source: ``sql/functions/usage.sql``.
    """
    return await database.rows(
        'select "group", calls, cached, failed, pages, input_tokens, output_tokens, usd::text as usd, unpriced,'
        " milliseconds from alfrd.usage_by(%s)",
        [by],
    )


async def money(database: Database) -> Row:
    """What was spent or is set aside today, how many calls are under way, and how many tasks wait for which cap."""
    row = await database.row(
        "select coalesce((select usd from alfrd.spending"
        "   where scope = 'day:' || to_char(alfrd.now() at time zone 'UTC', 'YYYY-MM-DD')), 0)::text as today_usd,"
        " (select count(*) from alfrd.usage where outcome = 'reserved') as under_way"
    )
    assert row is not None
    held = await _counts(
        database,
        "select split_part(split_part(h.scope, E'\\t', 1), ':', 1), count(*) from alfrd.held h join alfrd.tasks t"
        "   on t.id = h.task_id and t.attempt = h.attempt and t.state = 'scheduled' group by 1",
    )
    return {**row, "held": held}


async def status(database: Database) -> Row:
    """The whole system at a glance."""
    return {
        "documents": await _counts(database, "select status, count(*) from alfrd.documents group by 1"),
        "files": await _counts(database, "select status, count(*) from alfrd.files group by 1"),
        **await work(database),
        "money": await money(database),
    }


async def work(database: Database) -> Row:
    """Steps, workers and limits, and what is wrong; no document is read for it."""
    woken_by = await _counts(
        database,
        "select woken_by, count(*) from alfrd.events where kind = 'completed' and woken_by <> ''"
        "   and at > (select alfrd.now() - interval '1 day') group by 1",
    )
    return {
        "steps": await database.rows(
            "select r.step, min(l.max_running) as max_running, min(p.paused_at) as paused_at,"
            " count(t.id) filter (where t.state = 'ready') as ready,"
            " count(t.id) filter (where t.state = 'scheduled'"
            "   and not alfrd.is_for_another_day(t.step, t.state, t.run_at)) as scheduled,"
            " count(t.id) filter (where t.state = 'running') as running,"
            " count(t.id) filter (where t.state = 'dead') as dead,"
            " extract(epoch from alfrd.now() - min(t.run_at) filter (where t.state = 'ready'))::float8"
            "   as oldest_wait_seconds"
            " from (select distinct step from alfrd.routes union select distinct step from alfrd.tasks) r"
            " left join alfrd.tasks t on t.step = r.step left join alfrd.limits l on l.step = r.step"
            " left join alfrd.pauses p on p.step = r.step"
            " group by r.step order by array_position(array['ocr', 'classify', 'score_classification', 'summarize',"
            "  'score_summary', 'file', 'extract', 'summarize_file'], r.step) nulls last, r.step"
        ),
        "workers": await database.rows(
            "select w.id, w.name, w.version, w.steps, w.started_at,"
            " extract(epoch from alfrd.now() - w.heartbeat_at)::float8 as heartbeat_age_seconds,"
            " w.lease_seconds, w.locked, (select count(*) from alfrd.tasks t where t.worker_id = w.id) as running"
            " from alfrd.workers w order by w.id"
        ),
        "limits": await database.rows(
            "select step, provider, max_running, rate, case when provider <> '' then"
            "   (select count(*) from alfrd.usage u where u.provider = l.provider and u.outcome = 'reserved')"
            "   end as under_way"
            " from alfrd.limits l order by step, provider"
        ),
        "readings": await readings(database),
        "woken_by": woken_by,
        "complaints": await database.rows("select what, cause, remedy from alfrd.complaints()"),
        "missed_notifications": woken_by.get("poll", 0) + woken_by.get("reconnect", 0),
    }


async def _counts(database: Database, statement: Any) -> dict[str, int]:
    counts = {}
    for row in await database.rows(statement):
        name, number = row.values()
        counts[name] = number
    return counts


async def progress(database: Database, ids: Sequence[UUID] | None = None) -> Row:
    """Where these documents (or all) and the work around them are right now, in one small answer."""
    row = await database.row(
        "select (select coalesce(jsonb_object_agg(status, n), '{}') from"
        "   (select status, count(*) as n from alfrd.documents"
        "     where %(ids)s::uuid[] is null or id = any (%(ids)s) group by 1) as c) as documents,"
        " (select count(*) from alfrd.tasks where state in ('ready', 'scheduled')"
        "   and not alfrd.is_for_another_day(step, state, run_at)) as waiting,"
        " coalesce((select jsonb_agg(jsonb_build_array(t.step, coalesce(d.filename, f.title),"
        "   case when t.step = 'ocr' then alfrd.reading_in_words(t.subject_id) else '' end) order by t.id)"
        "   from (select * from alfrd.tasks where state = 'running' order by id limit 8) t"
        "   left join alfrd.documents d on d.id = t.subject_id"
        "   left join alfrd.files f on f.id = t.subject_id), '[]') as running",
        {"ids": None if ids is None else list(ids)},
    )
    assert row is not None
    return row


async def readings(database: Database, ids: Sequence[UUID] | None = None) -> list[Row]:
    """How far these documents (or all) are that are being read now, the longest first.

    ``in_words``: ``page 12 of 30, about 1 min left``. Source: view ``alfrd.reading_progress``.
    """
    return await database.rows(
        "select r.document_id as id, d.filename, r.pages_read, r.pages_total, r.started_at, r.updated_at,"
        " r.seconds_left, alfrd.reading_in_words(r.document_id) as in_words"
        " from alfrd.reading_progress r join alfrd.documents d on d.id = r.document_id"
        " where %(ids)s::uuid[] is null or d.id = any (%(ids)s) order by r.started_at, d.id limit 20",
        {"ids": None if ids is None else list(ids)},
    )


async def now(database: Database) -> Any:
    """The database's clock, which the engine goes by."""
    return await database.value("select alfrd.now()")


async def deaths_since(database: Database, moment: Any) -> list[Row]:
    """What was given up since a moment: each task's step, subject and reason."""
    return await database.rows(
        "select e.subject_type, e.subject_id as id, coalesce(d.filename, f.title) as name, e.step, e.detail as error"
        " from alfrd.events e left join alfrd.documents d on d.id = e.subject_id"
        " left join alfrd.files f on f.id = e.subject_id where e.kind = 'dead' and e.at >= %s order by e.id",
        [moment],
    )


async def price_of(
    database: Database, provider: str, operation: str, model: str
) -> tuple[Decimal, Decimal] | None:
    """What a million tokens cost that a model reads, and that it writes, in USD; ``None``: no price is known.

    Source: ``sql/functions/usage.sql``.
    """
    prices = await database.value(
        "select alfrd.price_of(%s, %s, %s, alfrd.now())", [provider, operation, model]
    )
    return None if prices is None else (prices[0] or Decimal(0), prices[1] or Decimal(0))
