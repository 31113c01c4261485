"""Series on pages: what is missing, late or odd, what is due, and the forms that put series right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from testing.harness import Harness
from tests.console.conftest import Site, words_of


async def bill(
    db: Harness,
    day: date,
    due: date | None = None,
    total: str = "45.00",
    changes: Mapping[str, Any] | None = None,
) -> UUID:
    """A completed document of this date, filed so."""
    document = await db.given_document("summarized")
    for step, more in (("file", changes or {}), ("extract", {})):
        task = await db.claim(step, subject=document)
        assert task is not None
        assert await db.complete(task, **more)
    await db.sql("set alfrd.actor = 'worker'")
    await db.sql(
        "update alfrd.documents set document_date = %s, due_date = %s, total_amount = %s, currency = 'USD'"
        " where id = %s",
        day,
        due,
        Decimal(total),
        document,
    )
    await db.sql("reset alfrd.actor")
    return document


async def series_of(db: Harness, document: UUID) -> UUID:
    found: UUID = await db.one("select series_id from alfrd.documents where id = %s", document)
    return found


async def alert(db: Harness, series: UUID, kind: str, detail: str, **values: Any) -> UUID:
    found: UUID = await db.one(
        "insert into alfrd.series_alerts"
        " (series_id, kind, key, detail, document_id, expected, expected_from, expected_to)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) returning id",
        series,
        kind,
        detail,
        detail,
        values.get("document"),
        *[values.get("day")] * 3,
    )
    return found


APC = {"entity": "APC", "entity_key": "apc", "slug": "apc-electricity-bill", "title": "APC: electricity bill"}


async def test_alerts_are_on_today_until_they_are_put_by(site: Site, db: Harness) -> None:
    series = await series_of(db, await bill(db, date(2026, 1, 5)))
    late = await alert(db, series, "late", "The bill of February has not come.", day=date(2026, 2, 5))
    missing = await alert(db, series, "missing", "The bill of March is missing.", day=date(2026, 3, 5))
    page = await site.get("/")
    assert "The bill of February has not come." in page
    assert "The bill of March is missing." in page

    await site.post(f"/alerts/{missing}/dismiss")
    await site.post(f"/alerts/{late}/snooze")
    assert "Missing, late or odd" not in await site.get("/")
    assert "The bill of" not in words_of(await site.get(f"/series/{series}"))
    until = await db.one("select snoozed_until - now() from alfrd.series_alerts where id = %s", late)
    assert timedelta(days=13) < until < timedelta(days=15)
    await site.post(f"/alerts/{series}/dismiss", status=404)


async def test_an_alert_of_a_series_leads_back_to_it(site: Site, db: Harness) -> None:
    document = await bill(db, date(2026, 1, 5))
    series = await series_of(db, document)
    odd = await alert(db, series, "amount", "Three times the usual amount.", document=document)
    assert "Three times the usual amount." in await site.get(f"/series/{series}")
    answer = await site.post(f"/alerts/{odd}/dismiss", {"series": str(series)})
    assert answer.headers["location"] == f"/series/{series}"
    answer = await site.post(f"/alerts/{odd}/dismiss", {"series": "//elsewhere.example"})
    assert answer.headers["location"] == "/"


async def test_what_is_due_in_thirty_days_is_summed(site: Site, db: Harness) -> None:
    today = await db.one("select alfrd.now()::date")
    for days, total in ((3, "10.00"), (30, "20.50"), (31, "400.00"), (-1, "800.00")):
        await bill(db, today - timedelta(days=20), today + timedelta(days=days), total)
    alone = await bill(db, today, today + timedelta(days=1), "7.00")
    series = await series_of(db, alone)
    await db.sql("update alfrd.documents set series_id = null where id = %s", alone)
    await db.sql("delete from alfrd.series_rhythms")
    await db.sql(
        "insert into alfrd.series_rhythms"
        " (series_id, frequency, confidence, every_months, expected, expected_from, expected_to,"
        "  usual_amount, currency) values (%s, 'monthly', 1, 1, %s, %s, %s, 45, 'USD')",
        series,
        *[today + timedelta(days=10)] * 3,
    )
    await db.sql("insert into alfrd.series (entity, entity_key, slug) values ('Old', 'old', 'old')")
    await db.sql(
        "insert into alfrd.series_rhythms (series_id, every_months, expected, expected_from, expected_to, usual_amount)"
        " select id, 1, d, d, d, 99 from alfrd.series, (select %s::date as d) o where slug = 'old'",
        today - timedelta(days=100),
    )
    text = words_of(await site.get("/?part=now"))
    assert "Due in 30 days 37.50 USD · likely 45.00 USD" in text
    assert "expected 45.00 USD" in text
    assert "400.00" not in re.sub(r"Came in.*", "", text)


async def test_the_calendar_has_what_came_and_what_did_not(site: Site, db: Harness) -> None:
    came = await bill(db, date(2026, 1, 5))
    odd = await bill(db, date(2026, 2, 5), total="450.00")
    series = await series_of(db, came)
    await alert(db, series, "amount", "Ten times the usual amount.", document=odd)
    await alert(db, series, "missing", "The bill of March is missing.", day=date(2026, 3, 5))
    await alert(db, series, "late", "The bill of April has not come.", day=date(2026, 4, 5))
    page = await site.get(f"/series/{series}")
    strip = page[page.index('<table class="strip">') : page.index("legend")]
    assert re.findall(r'class="mark is-(\w+)"', strip) == ["came", "odd", "missing", "late"]
    assert f'href="/documents/{odd}" title="2026-02-05: odd' in strip
    assert len(re.findall("<rect", page)) == 2
    assert len(re.findall('<rect class="is-odd"', page)) == 1


async def test_bills_of_each_week_are_a_strip_of_marks(site: Site, db: Harness) -> None:
    documents = [await bill(db, date(2026, 1, 5) + timedelta(weeks=week)) for week in range(3)]
    series = await series_of(db, documents[0])
    await db.sql("delete from alfrd.series_rhythms")
    await db.sql(
        "insert into alfrd.series_rhythms (series_id, frequency, confidence, every_days) values (%s, 'weekly', 1, 7)",
        series,
    )
    page = await site.get(f"/series/{series}")
    assert "every week (100 % sure)" in re.sub(r"</?span[^>]*>", "", page)
    assert re.findall(r'title="(\S+): came"', page) == ["2026-01-05", "2026-01-12", "2026-01-19"]


async def test_two_series_are_merged_and_parted_again(site: Site, db: Harness) -> None:
    into, other = (
        await series_of(db, await bill(db, date(2026, 1, 5))),
        await series_of(db, await bill(db, date(2026, 2, 5), changes=APC)),
    )
    assert "apc-electricity-bill" in await site.get(f"/series/{into}")
    await site.post(f"/series/{into}/merge", {"other": "no such series"}, status=404)
    await site.post(f"/series/{into}/merge", {"other": "apc-electricity-bill"})
    assert "apc-electricity-bill was merged into it" in words_of(await site.get(f"/series/{into}"))
    assert await db.one("select count(*) from alfrd.series") == 1
    change = await db.one("select id from alfrd.series_changes")
    answer = await site.post(f"/series-changes/{change}/undo", {"series": str(into)})
    assert answer.headers["location"] == f"/series/{into}"
    assert await db.one("select count(*) from alfrd.series where id = %s", other) == 1
    await site.post(f"/series-changes/{change}/undo", status=404)
    await site.post(f"/series-changes/{2**64}/undo", status=404)


async def test_a_series_is_renamed(site: Site, db: Harness) -> None:
    series = await series_of(db, await bill(db, date(2026, 1, 5)))
    await site.post(f"/series/{series}/rename", {"name": " Harborlight <Power> "})
    (row,) = await db.sql("select entity, entity_key from alfrd.series where id = %s", series)
    assert row["entity"] == "Harborlight <Power>"
    assert row["entity_key"] != ""
    assert "Harborlight &lt;Power&gt;" in await site.get(f"/series/{series}")
    await site.post(f"/series/{series}/rename", {"name": ""}, status=409)


async def test_chosen_documents_become_a_series_of_their_own(site: Site, db: Harness) -> None:
    stays, goes = await bill(db, date(2026, 1, 5)), await bill(db, date(2026, 2, 5))
    series = await series_of(db, stays)
    await site.post(f"/series/{series}/split", {"name": "Beach house"})
    assert "Choose the documents" in await site.get(f"/series/{series}")
    await site.post(f"/series/{series}/split", {"name": "Beach house", "document": "x"}, status=404)
    await site.post(f"/series/{series}/split", {"name": "Beach house", "document": str(goes)})
    assert await series_of(db, stays) == series
    made = await series_of(db, goes)
    assert made != series
    assert await db.one("select entity from alfrd.series where id = %s", made) == "Beach house"


async def test_who_only_looks_changes_no_series(guarded: Site, db: Harness) -> None:
    series = await series_of(db, await bill(db, date(2026, 1, 5)))
    late = await alert(db, series, "late", "It has not come.", day=date(2026, 2, 5))
    await guarded.sign_in("operator")
    page = await guarded.get(f"/series/{series}")
    assert "It has not come." in page
    assert "/dismiss" not in page + await guarded.get("/")
    assert "Split them off" not in page
    for path in (
        f"/alerts/{late}/dismiss",
        f"/alerts/{late}/snooze",
        f"/series/{series}/rename",
        f"/series/{series}/merge",
        f"/series/{series}/split",
        "/series-changes/1/undo",
    ):
        await guarded.post(path, {"name": "x", "other": "x"}, status=403)


async def test_series_are_turned_over_the_newest_first(site: Site, db: Harness) -> None:
    newest = await series_of(db, await bill(db, date(2026, 1, 5)))
    await db.sql(
        "insert into alfrd.series (entity, entity_key, slug) select n, n, lpad(n::text, 3, '0')"
        " from generate_series(1, 120) as n"
    )
    first, second = await site.get("/series"), await site.get("/series?page=2")
    found = [re.findall(r'href="/series/([0-9a-f-]{36})"', page) for page in (first, second)]
    assert found[0][0] == str(newest)
    assert [len(each) for each in found] == [100, 21]
    assert len({*found[0], *found[1]}) == 121
    assert 'rel="next"' in first
    assert 'rel="next"' not in second
    assert "not so many" in await site.get("/series?page=9")
