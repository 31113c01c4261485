"""The fields of a series have names, types and versions; under a newer version its documents are extracted again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.db import series_fields
from alfrd_events.db.database import Database
from alfrd_events.db.series_keeping import DatabaseKeeper
from alfrd_events.errors import AlfrdError, NotFound, Refused
from alfrd_events.steps.registry import BUILT_IN, CALENDAR
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from tests.series.test_views import columns, filed, keep
from tests.values.test_tenants import policies

BILL = """Harborlight Electric Co.
Electricity bill
Account number: 4471-2098-6
Bill date: 0{month}/05/2024
Due date: 0{month}/26/2024
Usage: {usage} kWh
Total amount due: ${usage}.10
"""


async def work(db: Harness, url: str) -> None:
    """Let a worker with rules do all that there is to do."""
    async with Database(url) as database:
        tools = replace(noop_tools(RulesAnalyst()), keeper=DatabaseKeeper(database))
        steps = {**BUILT_IN, **CALENDAR}
        await run_worker(database, steps, tools, options(url, slots=dict.fromkeys(steps, 5)))


async def bills(db: Harness, url: str, *usages: int, owner: str = "") -> UUID:
    """A series of these bills, read by a worker."""
    for month, usage in enumerate(usages, start=1):
        await db.sql(
            "insert into alfrd.documents (filename, content, owner) values (%s, %s, %s)",
            f"bill-{month}.txt",
            BILL.format(month=month, usage=usage).encode(),
            owner,
        )
    await work(db, url)
    series: UUID = await db.one("select id from alfrd.series where owner = %s", owner)
    return series


async def values(db: Harness, series: UUID) -> list[dict[str, Any]]:
    rows = await db.sql(
        "select series_data from alfrd.documents where series_id = %s order by total_amount", series
    )
    return [row["series_data"] for row in rows]


async def versions(db: Harness, series: UUID) -> dict[str, int]:
    return {row["name"]: row["version"] for row in await series_fields.fields_of(db.database, series)}


async def generations(db: Harness, series: UUID) -> set[int]:
    rows = await db.sql("select distinct generation from alfrd.documents where series_id = %s", series)
    return {row["generation"] for row in rows}


async def many(db: Harness, number: int) -> UUID:
    """A series of so many completed bills that were extracted under its first fields."""
    first = await filed(db, {"usage_kwh": "1"})
    await keep(db)
    await db.sql(
        "insert into alfrd.documents (filename, content, status, document_type, entity, document_date, series_id,"
        "  structured_data, series_data)"
        " select 'b.txt', 'x', 'completed', document_type, entity, document_date, series_id, structured_data,"
        "   series_data from alfrd.documents cross join generate_series(2, %s) where id = %s",
        number,
        first,
    )
    series: UUID = await db.one("select id from alfrd.series")
    return series


async def test_a_renamed_field_is_renamed_in_its_view_and_its_documents_are_extracted_again(
    db: Harness, database_url: str
) -> None:
    series = await bills(db, database_url, 501, 502, 503)
    before = await versions(db, series)
    (generation,) = await generations(db, series)
    (view,) = [row["view_name"] for row in await db.sql("select view_name from alfrd.series_views")]
    assert before["usage_kwh"] == 1
    order = list(await columns(db, view))

    assert await series_fields.rename_field(db.database, series, "usage_kwh", "consumption") == 2
    await keep(db)

    renamed = ["consumption" if name == "usage_kwh" else name for name in order]
    assert list(await columns(db, view)) == renamed
    read = f"select consumption from alfrd_series.{view} order by 1"
    wanted = [Decimal(501), Decimal(502), Decimal(503)]
    assert [row["consumption"] for row in await db.sql(read)] == wanted, "also before they are extracted"

    await work(db, database_url)

    assert [data["consumption"] for data in await values(db, series)] == ["501", "502", "503"]
    assert all("usage_kwh" not in data for data in await values(db, series))
    assert [row["consumption"] for row in await db.sql(read)] == wanted
    assert await versions(db, series) == {
        ("consumption" if name == "usage_kwh" else name): (2 if name == "usage_kwh" else 1) for name in before
    }
    assert await generations(db, series) == {generation + 1}
    assert await db.one("select count(*) from alfrd.series_renewals") == 0
    assert await db.one("select bool_and(made_by #>> '{extract,fields_version}' = '2') from alfrd.documents")

    await bills(db, database_url, 501, 502, 503, 504)
    assert [data["consumption"] for data in await values(db, series)][-1] == "504", "and so are later ones"
    assert "usage_kwh" not in await versions(db, series)


async def test_a_field_takes_its_old_name_back(db: Harness, database_url: str) -> None:
    series = await bills(db, database_url, 501, 502)
    for name, new in (("usage_kwh", "consumption"), ("consumption", "usage_kwh")):
        await series_fields.rename_field(db.database, series, name, new)
        await work(db, database_url)

    (field,) = [
        row for row in await series_fields.fields_of(db.database, series) if row["name"] == "usage_kwh"
    ]
    assert (field["version"], field["former_names"], field["document_count"]) == (3, ["consumption"], 2)


async def test_two_fields_exchange_their_names(db: Harness) -> None:
    await filed(db, {"usage_kwh": "1", "therms": "2"})
    await keep(db)
    series = await db.one("select id from alfrd.series")
    for name, new in (("usage_kwh", "gas"), ("therms", "power"), ("gas", "gas_used")):
        await series_fields.rename_field(db.database, series, name, new)
    await keep(db)

    (view,) = [row["view_name"] for row in await db.sql("select view_name from alfrd.series_views")]
    assert list(await columns(db, view))[6:] == ["power", "gas_used"]
    (row,) = await db.sql(f"select power, gas_used from alfrd_series.{view}")
    assert (row["power"], row["gas_used"]) == (2, 1)


async def test_a_correction_outlives_a_new_version(db: Harness, database_url: str) -> None:
    series = await bills(db, database_url, 501, 502)
    document = await db.one("select id from alfrd.documents where total_amount = 501.10")
    await db.sql('select alfrd.correct(%s, \'{"usage_kwh": "499"}\')', document)
    await work(db, database_url)

    await series_fields.rename_field(db.database, series, "usage_kwh", "consumption")
    await work(db, database_url)

    assert [data["consumption"] for data in await values(db, series)] == ["499", "502"]
    assert await db.one("select corrected from alfrd.documents where id = %s", document) == [
        "structured_data"
    ]


async def test_many_documents_go_back_a_hundred_at_a_time_after_all_other_work(
    db: Harness, database_url: str
) -> None:
    series = await many(db, 230)
    await series_fields.rename_field(db.database, series, "usage_kwh", "consumption")
    sent_back = "select count(*) from alfrd.tasks where step = 'extract' and priority = -1"

    async with await db.session() as dying, dying.transaction(force_rollback=True):
        await dying.execute("select alfrd.renew_documents(%s)", [series])
    assert await db.one(sent_back) == 0, "a worker that dies in the middle leaves all as it was"

    await keep(db)
    assert await db.one(sent_back) == 100
    await keep(db)
    assert await db.one(sent_back) == 100, "no more until these are done"
    claimed = await db.claim("extract", worker="dying")
    assert claimed is not None
    await db.advance_clock(300)
    await db.rescue()
    assert await db.one("select version from alfrd.series_renewals where after_document is not null") == 2

    await work(db, database_url)

    assert await db.one("select count(*) from alfrd.documents where series_data ? 'consumption'") == 230
    assert await db.one("select count(*) from alfrd.series_renewals") == 0
    assert len(await generations(db, series)) == 1, "each was extracted again once"


async def test_a_second_version_refuses_what_was_begun_under_the_first(
    db: Harness, database_url: str
) -> None:
    series = await many(db, 3)
    await series_fields.rename_field(db.database, series, "usage_kwh", "consumption")
    await keep(db)
    begun = await db.claim("extract")
    assert begun is not None

    await series_fields.rename_field(db.database, series, "consumption", "used")
    await keep(db)
    assert not await db.complete(begun, fields={"consumption": "7"})
    await work(db, database_url)

    assert {frozenset(data) & {"usage_kwh", "consumption", "used"} for data in await values(db, series)} == {
        frozenset({"used"})
    }
    assert await db.one("select count(*) from alfrd.series_renewals") == 0


async def test_what_comes_under_a_former_name_is_filed_under_the_present_one(db: Harness) -> None:
    await filed(db, {"usage_kwh": "1"})
    await keep(db)
    series = await db.one("select id from alfrd.series")
    late = await db.given_document("filed")
    begun = await db.claim("extract", subject=late)
    assert begun is not None
    await series_fields.rename_field(db.database, series, "usage_kwh", "consumption")

    assert await db.complete(begun, fields={"usage_kwh": "7"})

    assert await db.one("select series_data from alfrd.documents where id = %s", late) == {"consumption": "7"}
    assert await db.one("select fields from alfrd.series where id = %s", series) == ["consumption"]


async def test_a_field_that_comes_later_is_a_new_version_of_those_that_tell_it(db: Harness) -> None:
    told = await filed(db, {"plan": "Green"})
    await keep(db)
    series = await db.one("select id from alfrd.series")
    await db.sql(
        "update alfrd.documents set structured_data = '{}' where id = %s",
        untold := await filed(db, {"plan": "Red"}),
    )
    again: list[tuple[str, dict[str, Any]]] = [("file", {}), ("extract", {"fields": {"plan": "Red"}})]
    for step, done in again:
        task = await db.claim(step, subject=untold)
        assert task is not None
        assert await db.complete(task, **done)
    assert await versions(db, series) == {"plan": 1}

    await filed(db, {"plan": "Blue", "usage_kwh": "5"})
    await keep(db)
    await keep(db)

    assert await versions(db, series) == {"plan": 1, "usage_kwh": 2}
    assert await db.status_of(told) == "filed", "its own values tell its usage"
    assert await db.status_of(untold) == "completed"


async def test_a_type_that_is_corrected_makes_the_view_anew(db: Harness, database_url: str) -> None:
    series = await bills(db, database_url, 501, 502)
    await db.sql(
        "update alfrd.documents set structured_data = structured_data || jsonb_build_object('carbon', '1,204.5 kg')"
        " where total_amount = 501.10"
    )
    await work(db, database_url)
    (view,) = [row["view_name"] for row in await db.sql("select view_name from alfrd.series_views")]

    await series_fields.add_field(db.database, series, "carbon", "text")
    await work(db, database_url)
    assert (await columns(db, view))["carbon"] == "text"
    assert (await values(db, series))[0]["carbon"] == "1,204.5 kg"

    await series_fields.retype_field(db.database, series, "carbon", "numeric")
    await series_fields.retype_field(db.database, series, "usage_kwh", "text")
    await work(db, database_url)

    assert (await columns(db, view))["carbon"] == "numeric"
    assert (await columns(db, view))["usage_kwh"] == "text"
    rows = await db.sql(f"select carbon, usage_kwh from alfrd_series.{view} order by total")
    assert [(row["carbon"], row["usage_kwh"]) for row in rows] == [
        (Decimal("1204.5"), "501"),
        (None, "502"),
    ]


async def test_names_and_types_that_make_no_sense_are_refused(db: Harness) -> None:
    await filed(db, {"usage_kwh": "1", "therms": "2"})
    await keep(db)
    series = await db.one("select id from alfrd.series")

    for name in ("therms", "total", "document_id", "Usage", "select", "7days", "", 'a"b', "a" * 60):
        with pytest.raises(Refused):
            await series_fields.rename_field(db.database, series, "usage_kwh", name)
    with pytest.raises(NotFound, match="it has therms, usage_kwh"):
        await series_fields.rename_field(db.database, series, "water", "gas")
    with pytest.raises(Refused, match="numeric, date or text"):
        await series_fields.retype_field(db.database, series, "therms", "money")
    await series_fields.rename_field(db.database, series, "therms", "gas")
    with pytest.raises(Refused, match="another one is, or was"):
        await series_fields.rename_field(db.database, series, "usage_kwh", "therms")
    assert await series_fields.rename_field(db.database, series, "gas", "gas") == 2, "nothing is new"


async def test_the_series_of_another_owner_is_not_touched(
    db: Harness, database_url: str, signed_in: dict[str, str]
) -> None:
    anns, bobs = [await bills(db, database_url, 501, 502, owner=owner) for owner in ("ann", "bob")]
    (generation,) = await generations(db, bobs)
    await series_fields.rename_field(db.database, anns, "usage_kwh", "consumption")
    await work(db, database_url)

    assert all("usage_kwh" in data for data in await values(db, bobs))
    assert await generations(db, bobs) == {generation}
    assert (await versions(db, bobs))["usage_kwh"] == 1

    async with await db.session() as session:
        await session.execute(policies())  # type: ignore[call-overload]
    async with Database(db.url.replace("postgres@", "shop@")) as application:
        with pytest.raises(AlfrdError, match="rename_series_field"):
            await series_fields.rename_field(application, bobs, "usage_kwh", "mine")


async def test_names_outlive_a_merge_that_is_undone(db: Harness) -> None:
    await filed(db, {"usage_kwh": "1"})
    await filed(db, {"usage_kwh": "2"}, entity="Beta", entity_key="beta", slug="beta-bill")
    await keep(db)
    beta = await db.one("select id from alfrd.series where slug = 'beta-bill'")
    acme = await db.one("select id from alfrd.series where slug <> 'beta-bill'")
    await series_fields.rename_field(db.database, beta, "usage_kwh", "consumption")

    change = await db.one("select alfrd.merge_series(%s, %s)", acme, beta)
    await db.sql("select alfrd.undo_series_change(%s)", change)

    assert await versions(db, beta) == {"consumption": 2}
