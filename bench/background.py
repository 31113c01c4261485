"""Many documents, as the engine leaves them: copies of rows that it made for one document of one series.

A copy has other ids, owner, company, day, amount and tag of its series; all other values are those of the rows that
are copied. Its page is in the index, as a worker puts it there. Not copied are the SQL views of series and the payments
of bills, which no measured step reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql

from alfrd_events.analysis.text.naming import entity_key
from alfrd_events.steps.filing import slug

OWNERS = 20


@dataclass(frozen=True)
class Original:
    """What is copied: a document that has been through the engine, its series and file."""

    document: UUID
    series: UUID
    file: UUID
    entity: str
    kind: str
    day: str
    amount: str
    """As the text has them."""


_SENDERS = """
create temp table senders as
select n::integer, gen_random_uuid() as series, gen_random_uuid() as file, 'owner ' || n %% %(owners)s as owner,
       entity, key, slug, case when n = 1 then %(longest)s else 0 end as members
  from unnest(%(entities)s::text[], %(keys)s::text[], %(slugs)s::text[]) with ordinality as s(entity, key, slug, n);
"""
_COPIES = """
create temp table copies as
select d.n, gen_random_uuid() as document, s.series, s.owner, s.entity, s.slug, now() - d.n * interval '1 minute' as at,
       current_date - (case when d.n <= %(longest)s then d.n else d.n / %(senders)s * 30 end)::integer as day,
       (20 + d.n * 7919 %% 40000 / 100.0)::numeric(12, 2) as amount
  from generate_series(1, %(documents)s) as d(n)
  join senders s on s.n = case when d.n <= %(longest)s then 1 else 1 + d.n %% %(senders)s end
"""
_COUNTED = """
update senders set members = counted.number
  from (select series, count(*)::integer as number from copies group by series) as counted
 where counted.series = senders.series
"""

_TEXT = (
    "replace(replace(replace({text}, %(entity)s, c.entity), %(amount)s, c.amount::text),"
    " %(day)s, to_char(c.day, 'FMMonth FMDD, YYYY'))"
)
_OF_SERIES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "series": (
        "id",
        {"id": "c.series", "owner": "c.owner", "entity": "c.entity", "entity_key": "c.key", "slug": "c.slug"}
        | {"title": "replace(t.title, %(entity)s, c.entity)", "account": "''"},
    ),
    "files": (
        "series_id",
        {
            "id": "c.file",
            "series_id": "c.series",
            "owner": "c.owner",
            "tags": "array['series:' || c.slug]",
            "title": "replace(t.title, %(entity)s, c.entity)",
            "member_count": "c.members",
            "rows": "(select jsonb_agg(r.value) from generate_series(1, c.members), jsonb_array_elements(t.rows) as r)",
        },
    ),
    "series_rhythms": ("series_id", {"series_id": "c.series"}),
    "tasks": (
        "subject_id",
        {"subject_id": "c.series", "run_at": "now() + (2 + c.n %% 25) * interval '1 day'"},
    ),
}
_OF_DOCUMENTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "documents": (
        "id",
        {
            "id": "c.document",
            "owner": "c.owner",
            "filename": "c.slug || '-' || c.n || '.txt'",
            "content": "convert_to(" + _TEXT.format(text="convert_from(t.content, 'UTF8')") + ", 'UTF8')",
            "entity": "c.entity",
            "summary": "replace(replace(t.summary, %(entity)s, c.entity), %(amount)s, c.amount::text)",
            "document_date": "c.day",
            "due_date": "c.day + 21",
            "total_amount": "c.amount",
            "series_id": "c.series",
            "tags": "array(select case when starts_with(tag, 'series:') then 'series:' || c.slug else tag end"
            " from unnest(t.tags) as tag order by 1)",
            "created_at": "c.at",
        },
    ),
    "document_parts": ("document_id", {"document_id": "c.document"}),
    "pages": (
        "document_id",
        {"document_id": "c.document", "text": _TEXT.format(text="t.text"), "read_at": "c.at"},
    ),
    "tags": (
        "document_id",
        {
            "document_id": "c.document",
            "tag": "case when starts_with(t.tag, 'series:') then 'series:' || c.slug else t.tag end",
        },
    ),
    "scores": ("document_id", {"document_id": "c.document"}),
    "events": ("subject_id", {"subject_id": "c.document", "at": "c.at"}),
}
_NAMED = """
insert into alfrd.document_words
select d.id, strip(alfrd.lexemes(alfrd.called(d), 'english')) from alfrd.documents d join copies c on c.document = d.id;
insert into alfrd.words select distinct word from senders cross join regexp_split_to_table(lower(entity), ' ') as word
    on conflict do nothing;
insert into alfrd.series_versions select owner, count(*) from senders group by owner
    on conflict (owner) do update set number = alfrd.series_versions.number + excluded.number;
"""


def copy(
    connection: psycopg.Connection, original: Original, names: Sequence[str], documents: int, *, longest: int
) -> None:
    """Add documents of so many companies as there are names; the first company has at least ``longest`` of them."""
    values = {
        "entity": original.entity,
        "day": original.day,
        "amount": original.amount,
        "owners": OWNERS,
        "entities": list(names),
        "keys": [entity_key(name) for name in names],
        "slugs": [slug(f"{name} {original.kind}") for name in names],
        "senders": len(names),
        "documents": documents,
        "longest": longest,
    }
    cursor = psycopg.ClientCursor(connection)
    cursor.execute("set session_replication_role = replica")
    for statement in (_SENDERS, _COPIES, _COUNTED):
        cursor.execute(statement, values)
    for tables, each, id in (
        (_OF_SERIES, "senders", original.series),
        (_OF_DOCUMENTS, "copies", original.document),
    ):
        for table, (key, changes) in tables.items():
            _copy_rows(cursor, table, each, key, changes, {**values, "id": id})
    cursor.execute(_NAMED)
    cursor.execute("set session_replication_role = origin")
    cursor.execute("vacuum analyze")


def _copy_rows(
    cursor: psycopg.ClientCursor[tuple[object, ...]],
    table: str,
    each: str,
    key: str,
    changes: Mapping[str, str],
    values: Mapping[str, object],
) -> None:
    """Each row of a table that belongs to the original, once for each copy."""
    cursor.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
        "   and attidentity = '' and attgenerated = ''",
        [f"alfrd.{table}"],
    )
    columns = [str(name) for (name,) in cursor.fetchall()]
    expressions = [sql.SQL(changes.get(name, f't."{name}"')) for name in columns]  # type: ignore[arg-type]
    cursor.execute(
        sql.SQL("insert into {} ({}) select {} from {} as c cross join {} as t where t.{} = %(id)s").format(
            sql.Identifier("alfrd", table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(expressions),
            sql.Identifier(each),
            sql.Identifier("alfrd", table),
            sql.Identifier(key),
        ),
        values,
    )
