"""Lists of series and files: the longest first, and no more is read than is listed."""

from __future__ import annotations

from alfrd_events.db import queries
from testing.harness import Harness


async def _given_series(db: Harness, slug: str, currencies: list[str]) -> None:
    """A series with a completed document for each currency, and a file that knows of all but the last of them."""
    series = await db.one(
        "insert into alfrd.series (entity, entity_key, slug) values (%s, %s, %s) returning id",
        slug,
        slug,
        slug,
    )
    await db.sql(
        "insert into alfrd.documents (content, status, series_id, total_amount, currency, document_date)"
        " select 'x', 'completed', %s, 10, currency, '2024-01-01' from unnest(%s::text[]) as currency",
        series,
        currencies,
    )
    await db.sql(
        "insert into alfrd.files (tags, title, series_id, member_count) values (array['series:' || %s], %s, %s, %s)",
        slug,
        slug,
        series,
        len(currencies) - 1,
    )


async def test_the_longest_series_are_listed_first_with_what_their_documents_say(db: Harness) -> None:
    await _given_series(db, "short", ["USD"])
    await _given_series(db, "long", ["USD", "USD", "USD"])
    await _given_series(db, "mixed", ["USD", "EUR"])

    listed = await queries.series(db.database, 2)

    assert [(row["slug"], row["document_count"], row["total_amount"], row["currency"]) for row in listed] == [
        ("long", 3, 30, "USD"),
        ("mixed", 2, 20, ""),
    ]
    assert [len(row["documents"]) for row in listed] == [3, 2]
    assert [row["slug"] for row in await queries.series(db.database)] == ["long", "mixed", "short"]
    assert [row["documents"] for row in await queries.series(db.database, 1, documents=False)] == [None]


async def test_the_fullest_files_are_listed_first(db: Harness) -> None:
    await _given_series(db, "short", ["USD"])
    await _given_series(db, "long", ["USD", "USD", "USD"])

    assert [row["title"] for row in await queries.files(db.database, 1)] == ["long"]
    assert [row["title"] for row in await queries.files(db.database)] == ["long", "short"]


async def test_of_the_members_of_a_file_only_what_is_asked_for_is_read(db: Harness) -> None:
    plan = await db.sql(
        "explain select id, filename from alfrd.file_members('00000000-0000-0000-0000-000000000000')"
    )

    assert not any("Function Scan" in row["QUERY PLAN"] for row in plan), plan
