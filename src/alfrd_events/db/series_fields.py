"""The fields of a series: what they are, and what people change of them.

Source: ``sql/functions/series_fields.sql``.
"""

from __future__ import annotations

from uuid import UUID

from alfrd_events.db.database import Database, Row


async def fields_of(database: Database, series: UUID) -> list[Row]:
    """The fields that have a type, in the order of the view's columns; with how many documents have a value of each."""
    return await database.rows(
        "select f.name, f.column_name, f.type, f.version, f.former_names, f.made_by, count(d.id) as document_count"
        "  from alfrd.series_fields f"
        "  left join alfrd.documents d"
        "    on d.series_id = f.series_id"
        "   and exists (select from unnest(f.name || f.former_names) as name"
        "                where nullif(d.series_data ->> name, '') is not null)"
        " where f.series_id = %s"
        " group by f.series_id, f.column_name order by f.position",
        [series],
    )


async def rename_field(database: Database, series: UUID, field: str, new: str) -> int:
    """Call a field something else; the new version of the series' fields.

    :raise NotFound: the series has no such field.
    :raise Refused: the name is taken, or is no name for a column.
    """
    version: int = await database.value("select alfrd.rename_series_field(%s, %s, %s)", [series, field, new])
    return version


async def retype_field(database: Database, series: UUID, field: str, type: str) -> int:
    """Say that a field is ``numeric``, ``date`` or ``text``; the new version of the series' fields.

    :raise NotFound: the series has no such field.
    :raise Refused: another type than these.
    """
    version: int = await database.value("select alfrd.retype_series_field(%s, %s, %s)", [series, field, type])
    return version


async def add_field(database: Database, series: UUID, name: str, type: str) -> int:
    """Have documents of a series searched for a field more; the new version of the series' fields.

    :raise Refused: the name is taken, or is no name for a column; or another type than ``numeric``, ``date``, ``text``.
    """
    version: int = await database.value("select alfrd.add_series_field(%s, %s, %s)", [series, name, type])
    return version
