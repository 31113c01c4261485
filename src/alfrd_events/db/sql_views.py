"""The SQL views of series and document types, as a person asks them. Source: ``sql/functions/series_views.sql``."""

from __future__ import annotations

from uuid import UUID

from alfrd_events.db.database import Database, Row


async def of_series(database: Database, series: UUID) -> Row | None:
    """``name`` and ``sql`` of the view of a series; ``None``: it has none yet."""
    return await database.row(
        "select 'alfrd_series.' || quote_ident(v.view_name) as name,"
        "       concat('select issued, due, total, currency', ("
        "           select string_agg(', ' || quote_ident(f.column_name), '' order by f.position)"
        "             from alfrd.series_fields f where f.series_id = v.series_id),"
        "         chr(10), '  from alfrd_series.', quote_ident(v.view_name), chr(10), ' order by issued;') as sql"
        "  from alfrd.series_views v where v.series_id = %s",
        [series],
    )


async def of_types(database: Database) -> list[Row]:
    """``name`` and ``sql`` of the view of each document type."""
    return await database.rows(
        "select 'alfrd_types.' || quote_ident(c.relname) as name,"
        "       concat('select ', ("
        "         select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a"
        "           where a.attrelid = c.oid and a.attnum > 0"
        "             and a.attname not in ('document_id', 'owner', 'series_id', 'structured_data')),"
        "         chr(10), '  from alfrd_types.', quote_ident(c.relname), chr(10), ' order by issued;') as sql"
        "  from pg_class c where c.relnamespace = 'alfrd_types'::regnamespace and c.relkind = 'v' order by 1"
    )
