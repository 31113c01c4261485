"""Pages to search in, and what a search finds of them."""

from __future__ import annotations

from typing import Any

from testing.harness import Harness


async def given_page(db: Harness, name: str, text: str, *, layout: str = "{}", **columns: Any) -> None:
    """A completed document of one page."""
    fields = ["filename", "content", "status", *columns]
    await db.sql(
        f"with made as (insert into alfrd.documents ({', '.join(fields)})"
        f" values ({', '.join(['%s'] * len(fields))}) returning id)"
        " insert into alfrd.pages (document_id, number, text, layout) select id, 1, %s, %s::jsonb from made",
        f"{name}.pdf",
        b"x",
        "completed",
        *columns.values(),
        text,
        layout,
    )


async def index(db: Harness) -> None:
    """As workers do."""
    while await db.one("select alfrd.index_pages()"):
        pass


async def rows(db: Harness, words: str, **filters: Any) -> list[dict[str, Any]]:
    """What a search finds, the best first; with the names of the documents, without their endings."""
    named = "".join(f", p_{name} => %s" for name in filters)
    return await db.sql(
        "select left(d.filename, -4) as name, s.* from alfrd.search(%s" + named + ") with ordinality"
        " as s(document_id, page, rank, snippet, line_box, meant, place)"
        " join alfrd.documents d on d.id = s.document_id order by place",
        words,
        *filters.values(),
    )


async def found(db: Harness, words: str, **filters: Any) -> set[str]:
    """The names of the documents that a search finds."""
    return {row["name"] for row in await rows(db, words, **filters)}
