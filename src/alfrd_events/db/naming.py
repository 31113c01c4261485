"""Documents and series by the names that people have for them, and a page by its number."""

from __future__ import annotations

from uuid import UUID

from alfrd_events.db import queries
from alfrd_events.db.database import Database, Row
from alfrd_events.errors import NotFound, Refused

_MOST_NAMED = 6


async def find_document(database: Database, given: str) -> UUID:
    """The document of this file name; else the one whose file name holds these words, or whose id begins so.

    :raise NotFound: there is none.
    :raise Refused: several fit; the message names them.
    """
    name = given.strip()
    if "\0" in name:
        raise Refused("a file name cannot hold the character NUL: leave it out")
    rows = await database.rows(
        "with fitting as (select id, filename, document_date, entity, created_at,"
        "     lower(filename) = lower(%(name)s) as is_exact"
        "   from alfrd.documents where strpos(lower(filename), lower(%(name)s)) > 0 and %(name)s <> '')"
        " select id, filename, document_date, entity from fitting"
        "  where is_exact or not exists (select from fitting f where f.is_exact)"
        "  order by created_at desc, id limit %(limit)s",
        {"name": name, "limit": _MOST_NAMED},
    )
    if len(rows) == 1:
        found: UUID = rows[0]["id"]
        return found
    if not rows:
        try:
            return (await queries.find(database, name))[1]
        except NotFound:
            raise NotFound(
                f"no document is called {name}, and no id begins so: search for words on its pages"
            ) from None
    told = [
        " ".join(
            filter(
                None,
                [
                    row["filename"],
                    str(row["document_date"] or ""),
                    row["entity"],
                    f"(id {str(row['id'])[:8]})",
                ],
            )
        )
        for row in rows[: _MOST_NAMED - 1]
    ]
    more = " and more" if len(rows) == _MOST_NAMED else ""
    raise Refused(f"{name} is not clear: {'; '.join(told)}{more}. Give an id from this list")


async def series_like(database: Database, words: str, limit: int) -> list[Row]:
    """Series whose name holds these words, the longest first; without words, all."""
    return await database.rows(
        "select o.slug, o.title, o.entity, o.kind, o.frequency, o.document_count, o.first_date, o.last_date,"
        "       o.total_amount, o.currency"
        "  from alfrd.series_overview o where strpos(lower(o.slug || ' ' || o.title), lower(%s)) > 0"
        " order by o.document_count desc, o.slug limit %s",
        [words.replace("\0", " "), limit],
    )


async def text_of_page(database: Database, document: UUID, number: int) -> str | None:
    """The text of a page; ``None``: the document has no such page, or it has not been read."""
    text: str | None = await database.value(
        "select text from alfrd.pages where document_id = %s and number = %s", [document, number]
    )
    return text
