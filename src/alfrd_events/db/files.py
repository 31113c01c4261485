"""Files and tags as people handle them: found by name, made, renamed, merged.

Source: ``sql/functions/files_and_tags.sql``.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from alfrd_events.db.database import Database, Row
from alfrd_events.errors import NotFound, Refused


async def create(database: Database, title: str, tags: Sequence[str], owner: str) -> UUID:
    """A file for the documents that carry all of these tags.

    :raise Refused: no tags, or a file of the same tags is there already.
    """
    made: UUID = await database.value(
        "select alfrd.create_file(%s, %s::text[], %s)", [title, list(tags), owner]
    )
    return made


async def find(database: Database, given: str) -> UUID:
    """The file of this title; else of an id or title that begins so, or whose title or tags hold these words.

    :raise NotFound: there is none.
    :raise Refused: several fit.
    """
    rows = await database.rows(
        "with wanted as (select lower(btrim(%(given)s)) as words),"
        " fitting as (select f.id, f.title, f.tags, lower(f.title) = words as is_exact from alfrd.files f, wanted"
        "   where lower(f.title) = words or length(words) >= 3 and (starts_with(f.id::text, words)"
        "     or strpos(lower(f.title), words) > 0 or words = any (f.tags)))"
        " select id, title, tags from fitting"
        "  where is_exact or not exists (select from fitting f where f.is_exact) order by title, id limit 6",
        {"given": given},
    )
    if not rows:
        raise NotFound(f"no file {given}; alfrd-events files lists them")
    if len(rows) > 1:
        names = ", ".join(row["title"] or " ".join(row["tags"]) for row in rows[:5])
        raise Refused(f"{given} is not clear: {names}{' and more' if len(rows) > 5 else ''}")
    found: UUID = rows[0]["id"]
    return found


async def members(database: Database, file: UUID) -> list[Row]:
    """The documents of a file now, by date."""
    return await database.rows(
        "select id, filename, entity, document_type, document_date, total_amount, currency"
        " from alfrd.file_members(%s)",
        [file],
    )


async def tags(database: Database) -> list[Row]:
    """Every tag with the number of its documents and files, and who gave it, the most frequent first."""
    return await database.rows(
        "select coalesce(t.tag, f.tag) as tag, coalesce(t.documents, 0) as documents, coalesce(f.files, 0) as files,"
        " coalesce(t.sources, '{}') as sources"
        " from (select tag, count(*) as documents, array_agg(distinct source order by source) as sources"
        "         from alfrd.tags group by tag) as t"
        " full join (select tag, count(*) as files from alfrd.files, unnest(tags) as tag group by tag) as f using (tag)"
        " order by 2 desc, 1"
    )


async def rename_tag(database: Database, tag: str, name: str, owner: str | None) -> int:
    """Give a tag, and those below it, another name; how many documents have changed.

    :param owner: only for documents and files of this owner.
    :raise Refused: the name is taken, or a tag follows from a type or series.
    """
    return int(await database.value("select alfrd.rename_tag(%s, %s, %s)", [tag, name, owner]))


async def merge_tags(database: Database, into: str, other: str, owner: str | None) -> int:
    """Let what carries one tag carry another one instead; how many documents have changed."""
    return int(await database.value("select alfrd.merge_tags(%s, %s, %s)", [into, other, owner]))
