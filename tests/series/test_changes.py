"""Merge, rename, split, undo: documents follow, names are remembered, what is empty goes away."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from testing.harness import Harness
from testing.server import Server
from tests.series.test_watching import look
from tests.values.test_tenants import policies

APC = {"entity": "APC", "entity_key": "apc", "slug": "apc-electricity-bill", "title": "APC: electricity bill"}


async def filed(db: Harness, **changes: Any) -> UUID:
    """A completed document that was filed so."""
    document = await db.given_document("summarized")
    await work(db, document, **changes)
    return document


async def work(db: Harness, document: UUID, **changes: Any) -> None:
    """File and extract a document, from wherever it is."""
    for step, more in (("file", changes), ("extract", {})):
        task = await db.claim(step, subject=document)
        assert task is not None
        assert await db.complete(task, **more)


async def place_of(db: Harness, document: UUID) -> tuple[UUID, list[str]]:
    """Its series, and its tags of series."""
    (row,) = await db.sql("select series_id, tags from alfrd.documents where id = %s", document)
    return row["series_id"], [tag for tag in row["tags"] if tag.startswith("series:")]


async def test_two_series_become_one_and_two_again(db: Harness) -> None:
    mine, other = await filed(db), await filed(db, **APC)
    (into, tags), (gone, tags_before) = await place_of(db, mine), await place_of(db, other)

    change = await db.one("select alfrd.merge_series(%s, %s)", into, gone)
    await work(db, other, **APC)
    assert await place_of(db, other) == (into, tags)
    assert await db.one("select count(*) from alfrd.series") == 1
    assert await db.one("select count(*) from alfrd.files") == 1
    later = await filed(db, **APC)
    assert (await place_of(db, later))[0] == into, "the alias is remembered"

    await db.sql("select alfrd.undo_series_change(%s)", change)
    await work(db, other, **APC)
    assert await place_of(db, other) == (gone, tags_before)
    assert (await place_of(db, mine))[0] == into
    assert await db.one("select count(*) from alfrd.files") == 2
    assert (await place_of(db, await filed(db, **APC)))[0] == gone
    with pytest.raises(Exception, match="no change"):
        await db.sql("select alfrd.undo_series_change(%s)", change)


async def test_accounts_are_merged_and_what_comes_later_follows(db: Harness) -> None:
    mine, other = await filed(db, account="447100923"), await filed(db, account="447100931")
    into, gone = (await place_of(db, mine))[0], (await place_of(db, other))[0]
    assert into != gone

    await db.sql("select alfrd.merge_series(%s, %s)", into, gone)

    assert (await place_of(db, await filed(db, account="447100931")))[0] == into
    assert (await place_of(db, await filed(db, account="447100923")))[0] == into


async def test_a_renamed_series_keeps_its_slug_and_both_names(db: Harness) -> None:
    first = await filed(db)
    series = (await place_of(db, first))[0]

    change = await db.one("select alfrd.rename_series(%s, %s, %s)", series, "Acme Energy", "acmeenergy")

    (row,) = await db.sql(
        "select s.slug, s.title, f.title as file from alfrd.series s join alfrd.files f on f.series_id = s.id"
    )
    assert row == {
        "slug": "acme-power-electricity-bill",
        "title": "Acme Energy: electricity bill",
        "file": "Acme Energy: electricity bill",
    }
    assert (await place_of(db, await filed(db)))[0] == series
    assert (await place_of(db, await filed(db, entity="Acme Energy", entity_key="acmeenergy", slug="x")))[
        0
    ] == series

    await db.sql("select alfrd.undo_series_change(%s)", change)
    assert await db.one("select title from alfrd.files") == "Acme Power, electricity"


async def test_documents_are_split_off_and_go_back(db: Harness) -> None:
    stays, goes = await filed(db), await filed(db)
    series = (await place_of(db, stays))[0]

    change = await db.one(
        "select alfrd.split_series(%s, array[%s::uuid], 'Beach House', 'beachhouse', 'beach-house')",
        series,
        goes,
    )
    await work(db, goes)
    new, tags = await place_of(db, goes)
    assert new != series
    assert tags == ["series:beach-house"]
    assert (await place_of(db, stays))[0] == series

    await db.sql("select alfrd.undo_series_change(%s)", change)
    await work(db, goes)
    assert (await place_of(db, goes))[0] == series
    assert await db.one("select count(*) from alfrd.series") == 1


async def test_a_series_that_was_split_off_whole_comes_back_with_its_file(db: Harness) -> None:
    document = await filed(db)
    series, tags = await place_of(db, document)
    change = await db.one(
        "select alfrd.split_series(%s, array[%s::uuid], 'Beach House', 'beachhouse', 'beach-house')",
        series,
        document,
    )
    await work(db, document)
    await db.advance_clock(5)
    assert await look(db)
    assert await db.one("select count(*) from alfrd.series where id = %s", series) == 0

    await db.sql("select alfrd.undo_series_change(%s)", change)
    await work(db, document)

    assert await place_of(db, document) == (series, tags)
    assert await db.one("select array_agg(series_id) from alfrd.files") == [series]


async def test_an_empty_series_goes_away_with_its_file(db: Harness) -> None:
    document = await filed(db)
    await db.advance_clock(5)
    await look(db)

    await db.sql("delete from alfrd.documents where id = %s", document)
    await db.advance_clock(5)
    assert await look(db)

    assert await db.one("select count(*) from alfrd.series") == 0
    assert await db.one("select count(*) from alfrd.files") == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("merge_series('{series}', '{series}')", "itself"),
        ("merge_series('{series}', '{none}')", "no series"),
        ("rename_series('{series}', ' ')", "a name has"),
        ("split_series('{series}', '{{}}', 'a', 'a', 'a')", "no document of it"),
        ("split_series('{series}', array['{none}'::uuid], 'a', 'a', 'a')", "no document of it"),
        ("split_series('{series}', array['{document}'::uuid], 'Acme Power', 'acmepower', 'a')", "of its own"),
        ("undo_series_change(7)", "no change 7"),
    ],
)
async def test_what_makes_no_sense_is_refused(db: Harness, call: str, says: str) -> None:
    document = await filed(db)
    series = (await place_of(db, document))[0]

    with pytest.raises(Exception, match=says):
        await db.sql("select alfrd." + call.format(series=series, none=uuid4(), document=document))

    assert await db.one("select count(*) from alfrd.series_changes") == 0


async def test_tenants_are_refused_and_applications_are_not(
    db: Harness, server: Server, signed_in: dict[str, str]
) -> None:
    mine, other = await filed(db), await filed(db, **APC)
    into, gone = (await place_of(db, mine))[0], (await place_of(db, other))[0]
    shop = db.url.replace("postgres@", "shop@")

    async with await psycopg.AsyncConnection.connect(shop, autocommit=True) as connection:
        await connection.execute("select alfrd.merge_series(%s, %s)", [into, gone])
        async with await db.session() as owner:
            await owner.execute(policies())  # type: ignore[call-overload]
        with pytest.raises(psycopg.DatabaseError, match="row level security") as refusal:
            await connection.execute("select alfrd.rename_series(%s, 'x')", [into])
    assert refusal.value.sqlstate == "AL008"
