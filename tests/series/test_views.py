"""Each series and each type is an SQL view: its columns keep their names and types, and DDL holds up nobody."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from alfrd_events.db.database import Database
from alfrd_events.db.series_keeping import DatabaseKeeper, refresh_views
from alfrd_events.errors import SchemaOutdated
from alfrd_events.steps.registry import BUILT_IN, CALENDAR
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from tests.values.test_tenants import policies

VIEW = "acme_power_electricity_bill"


async def filed(db: Harness, fields: dict[str, Any], *, owner: str = "", **file: Any) -> UUID:
    """A completed bill whose series values are these."""
    document = await db.given_document("summarized", owner=owner)
    for step, changes in (("file", file), ("extract", {"fields": fields})):
        task = await db.claim(step, subject=document)
        assert task is not None
        assert await db.complete(task, **changes)
    return document


async def keep(db: Harness) -> None:
    """What a worker does beside a look at each series."""
    keeper = DatabaseKeeper(db.database)
    for row in await db.sql("select id from alfrd.series"):
        await keeper.keep(row["id"])


async def columns(db: Harness, view: str = VIEW) -> dict[str, str]:
    """Name -> type of the columns of a view in alfrd_series, in their order."""
    rows = await db.sql(
        "select column_name, data_type from information_schema.columns"
        " where table_schema = 'alfrd_series' and table_name = %s order by ordinal_position",
        view,
    )
    return {row["column_name"]: row["data_type"] for row in rows}


async def views(db: Harness) -> list[str]:
    rows = await db.sql("select viewname::text from pg_views where schemaname = 'alfrd_series' order by 1")
    return [row["viewname"] for row in rows]


async def noted(db: Harness) -> list[str]:
    rows = await db.sql(
        "select detail from alfrd.events where kind = 'noted' and subject_type = 'series' order by id"
    )
    return [row["detail"] for row in rows]


async def test_a_series_is_a_view_with_typed_values(db: Harness) -> None:
    document = await filed(
        db,
        {"usage_kwh": "568", "read_on": "2024-02-13", "meter_number": "0071", "plan": "Green", "date": "x"},
    )
    await keep(db)

    (row,) = await db.sql(f"select * from alfrd_series.{VIEW}")

    assert row == {
        "document_id": document,
        "filename": "a.txt",
        "issued": date(2024, 3, 1),
        "due": None,
        "total": Decimal("12.50"),
        "currency": "USD",
        "meter_number": "0071",
        "plan": "Green",
        "read_on": date(2024, 2, 13),
        "usage_kwh": Decimal(568),
    }


async def test_columns_are_only_added_and_what_does_not_fit_is_null(db: Harness) -> None:
    await filed(db, {"usage_kwh": "568"})
    await keep(db)
    before = await columns(db)

    await filed(db, {"usage_kwh": "see overleaf", "amount_saved": "1.50", "usage_KWH": "7"})
    await keep(db)
    after = await columns(db)

    assert list(after) == [*before, "amount_saved", "usage_kwh_2"]
    assert after["usage_kwh"] == "numeric"
    values = [
        row["usage_kwh"] for row in await db.sql(f"select usage_kwh from alfrd_series.{VIEW} order by 1")
    ]
    assert values == [Decimal(568), None]
    assert (
        await db.one(
            "select count(*) from alfrd.documents where series_data ->> 'usage_kwh' = 'see overleaf'"
        )
        == 1
    )


async def test_no_name_and_no_value_can_harm_a_view(db: Harness) -> None:
    hostile = {
        'a"; drop table alfrd.documents; --': "1",
        "'); select pg_sleep(9); --": "2",
        "select": "3",
        "x" * 10_000: "4",
        "ü" * 10_000: "5",
        "7 days": "6",
        "‮reversed": "7",
        "": "8",
        "%s%I": "9",
        "filename": "10",
        "数量": "11",
    }
    await filed(db, hostile)
    await keep(db)

    found = await columns(db)

    assert await noted(db) == []
    assert len(found) == 6 + len(hostile)
    assert {"select_", "_7_days", "filename_2", "value", "s_i", "reversed", "数量"} <= set(found)
    assert all(len(name.encode()) <= 63 for name in found)
    (row,) = await db.sql(f"select * from alfrd_series.{VIEW}")
    assert sorted(int(row[name]) for name in list(found)[6:]) == list(range(1, 12))
    for text in ("1e5", "NaN", "1,000.00", "9" * 99, "2024-02-30", "0000-01-01", "infinity", "now"):
        assert await db.one("select alfrd.as_numeric(%s) is null", text), text
        assert await db.one("select alfrd.as_date(%s) is null", text), text
    assert await db.one("select alfrd.as_date('2024-02-29')") == date(2024, 2, 29)


async def test_two_owners_with_one_slug_have_a_view_each(db: Harness) -> None:
    for owner in ("ann", "bob"):
        await filed(db, {"usage_kwh": "1", f"of_{owner}": "2"}, owner=owner)
    await keep(db)

    assert await views(db) == [VIEW, f"{VIEW}_2"]
    owners = {
        row["view_name"]: row["owner"]
        for row in await db.sql(
            "select view_name, owner from alfrd.series_views v join alfrd.series s on s.id = v.series_id"
        )
    }
    for view, owner in owners.items():
        assert f"of_{owner}" in await columns(db, view)
        assert await db.one(f"select count(*) from alfrd_series.{view}") == 1


async def test_a_view_follows_its_series(db: Harness) -> None:
    await filed(db, {"usage_kwh": "1"})
    await filed(db, {"usage_kwh": "2"}, entity="Beta", entity_key="beta", slug="beta-bill")
    await keep(db)
    assert await views(db) == [VIEW, "beta_bill"]

    await db.sql("update alfrd.series set slug = 'acme' where slug like 'acme%%'")
    await keep(db)
    assert await views(db) == ["acme", "beta_bill"]

    await db.sql(
        "select alfrd.merge_series((select id from alfrd.series where slug = 'acme'),"
        " (select id from alfrd.series where slug = 'beta-bill'))"
    )
    await keep(db)
    assert await views(db) == ["acme"]
    assert await db.one("select count(*) from alfrd_series.acme") == 2

    await db.sql("drop view alfrd_series.acme")
    await keep(db)
    assert await views(db) == ["acme"], "a view that somebody has dropped is made again"

    await db.sql("delete from alfrd.documents")
    await keep(db)
    assert await views(db) == []
    assert await noted(db) == []


async def test_who_reads_a_view_holds_up_no_look(db: Harness) -> None:
    await filed(db, {"usage_kwh": "1"})
    await keep(db)
    await filed(db, {"usage_kwh": "1", "therms": "2"})
    async with await db.session() as reader, reader.transaction():
        await reader.execute(f"select * from alfrd_series.{VIEW}")
        async with asyncio.timeout(60):
            await keep(db)
        assert "therms" not in await columns(db)
    (told,) = await noted(db)
    assert "could not be kept" in told
    ahead = await db.one("select run_at - alfrd.now() from alfrd.tasks where step = 'watch_series'")
    assert ahead.total_seconds() <= 60

    await keep(db)
    assert "therms" in await columns(db)
    assert await db.one("select error from alfrd.series_views") == ""


async def test_a_view_that_another_hangs_on_stays_and_is_told_once(db: Harness) -> None:
    await filed(db, {"usage_kwh": "1"})
    await keep(db)
    await db.sql(f"create view public.mine as select * from alfrd_series.{VIEW}")
    await db.sql("delete from alfrd.documents")
    series = await db.one("select id from alfrd.series")

    for _ in range(3):
        await keep(db)
    await db.sql("delete from alfrd.series")
    await DatabaseKeeper(db.database).keep(series)

    assert await views(db) == [VIEW]
    assert len(await noted(db)) == 1


async def test_new_fields_make_the_series_due_and_a_worker_makes_its_view(
    db: Harness, database_url: str
) -> None:
    for number in range(3):
        await db.sql(
            "insert into alfrd.documents (filename, content) values (%s, 'hello')", f"Acme-{number}.txt"
        )
    async with Database(database_url) as database:
        tools = replace(noop_tools(), keeper=DatabaseKeeper(database))
        steps = {**BUILT_IN, **CALENDAR}
        await run_worker(database, steps, tools, options(database_url, slots=dict.fromkeys(steps, 5)))
        (view,) = await views(db)
        assert await db.one(f"select count(*) from alfrd_series.{view}") == 3

        await db.sql(
            "update alfrd.tasks set run_at = alfrd.now() + interval '1 year' where step = 'watch_series'"
        )
        await filed(db, {"plan": "Green"}, **(await _place(db)))
        ahead = await db.one("select run_at - alfrd.now() from alfrd.tasks where step = 'watch_series'")
        assert ahead.total_seconds() < 6


async def _place(db: Harness) -> dict[str, Any]:
    (row,) = await db.sql("select entity, entity_key, kind, frequency, slug from alfrd.series")
    return row


async def test_each_type_is_a_view_whose_columns_are_rows(db: Harness) -> None:
    await filed(db, {})
    assert await db.one("select usage_kwh from alfrd_types.utility_bill") == 100

    await db.sql("insert into alfrd.document_types (name) values ('order')")
    await db.sql(
        "insert into alfrd.type_fields (document_type, name, type) values ('order', 'weight', 'numeric')"
    )
    assert (
        await db.sql("select order_number from (select weight as order_number from alfrd_types.order_) as v")
        == []
    )
    await db.sql("delete from alfrd.type_fields where document_type = 'order'")
    with pytest.raises(SchemaOutdated):
        await db.sql("select weight from alfrd_types.order_")
    await db.sql("delete from alfrd.document_types where name = 'order'")
    with pytest.raises(SchemaOutdated):
        await db.sql("select * from alfrd_types.order_")


async def test_policies_hold_for_views_and_their_names_tell_nothing(
    db: Harness, signed_in: dict[str, str]
) -> None:
    assert signed_in["shop"] == "alfrd_app"
    for owner in ("shop", "bob"):
        await filed(db, {"usage_kwh": "1"}, owner=owner)
    await keep(db)
    async with Database(db.url.replace("postgres@", "shop@")) as application:
        for view in (VIEW, f"{VIEW}_2"):
            assert await application.value(f"select count(*) from alfrd_series.{view}") == 1  # type: ignore[arg-type]
        async with await db.session() as owner_session:
            await owner_session.execute(policies())  # type: ignore[call-overload]
        assert await refresh_views(db.database) > 2
        named = await views(db)
        assert [name[:7] for name in named] == ["series_"] * 2
        counts = [
            await application.value(f"select count(*) from alfrd_series.{name}")  # type: ignore[arg-type]
            for name in named
        ]
        assert sorted(counts) == [0, 1]
        assert await application.value("select count(*) from alfrd.series_views") == 1
        assert await application.value("select count(*) from alfrd_types.utility_bill") == 1
    comments = await db.sql(
        "select obj_description(oid) as said from pg_class where relnamespace = 'alfrd_series'::regnamespace"
    )
    assert {row["said"] for row in comments} <= {None, ""}
