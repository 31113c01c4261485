"""Bills on pages: open, overdue, or paid and by which row of which statement; and the SQL of series and types."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from uuid import UUID

from testing.harness import Harness
from tests.console.conftest import Site, words_of
from tests.series.test_payments import bill, statement
from tests.series.test_views import keep


async def due_in(db: Harness, days: int) -> date:
    """A day so far from today, as the database has it."""
    today: date = await db.one("select alfrd.now()::date")
    return today + timedelta(days=days)


async def one_paid(db: Harness) -> tuple[UUID, UUID]:
    """A bill, and the statement that pays it by its second row."""
    paid = await bill(db)
    shown = await statement(
        db, ("2024-03-17", "-9.00", "CORNER SHOP"), ("2024-03-18", "-45.10", "HARBORLIGHT ELEC 0071")
    )
    await keep(db)
    return paid, shown


async def test_today_has_what_is_overdue_and_no_paid_bill(site: Site, db: Harness) -> None:
    late = await bill(db, "45.10", due=await due_in(db, -3))
    await bill(db, "12.00", due=await due_in(db, -400), entity="Archive")
    await bill(db, "7.50", due=await due_in(db, 5), entity="Next Week")
    said = words_of(await site.get("/?part=now"))
    assert "Overdue 45.10 USD" in said
    assert "Due in 30 days 7.50 USD" in said
    due = said[said.index("Overdue") : said.index("Came in")]
    assert "Archive" not in due

    await site.post(f"/documents/{late}/paid")
    assert "Overdue" not in await site.get("/?part=now")
    await db.sql("update alfrd.documents set due_date = %s where id = %s", await due_in(db, 6), late)
    assert "Due in 30 days 7.50 USD" in words_of(await site.get("/?part=now")), "what is paid is not due"


async def test_a_bill_names_the_row_that_paid_it_and_the_statement_what_it_pays(
    site: Site, db: Harness
) -> None:
    paid, shown = await one_paid(db)
    said = words_of(await site.get(f"/documents/{paid}?part=belongs"))
    assert "Payment paid on 2024-03-18 a.txt, row 2 HARBORLIGHT ELEC 0071" in said
    assert f'href="/documents/{shown}#paid-{paid}"' in await site.get(f"/documents/{paid}")
    pays = await site.get(f"/documents/{shown}?part=belongs")
    assert f'<tr id="paid-{paid}">' in pays
    assert "2 Harborlight Electric Co. HARBORLIGHT ELEC 0071 2024-03-18 45.10 USD" in words_of(pays)


async def test_a_person_says_that_a_bill_is_paid_and_that_it_is_not(site: Site, db: Harness) -> None:
    paid, _ = await one_paid(db)
    await site.post(f"/documents/{paid}/unpaid")
    page = await site.get(f"/documents/{paid}")
    assert "Taken back: it is not paid by that." in page
    assert "overdue to be paid by 2024-03-20" in words_of(page)

    await site.post(f"/documents/{paid}/paid")
    assert "It is not paid by that" in await site.get(f"/documents/{paid}?part=belongs")
    assert await db.one("select state from alfrd.bills where document_id = %s", paid) == "paid"

    other, _ = (
        await bill(db, entity="Kittiwake"),
        await site.post(f"/documents/{UUID(int=0)}/paid", status=404),
    )
    refused = await site.post(f"/documents/{other}/unpaid", status=404)
    assert "has no payment" in refused.text


async def test_who_only_looks_pays_nothing(guarded: Site, db: Harness) -> None:
    paid, _ = await one_paid(db)
    await guarded.sign_in("operator")
    assert "/unpaid" not in await guarded.get(f"/documents/{paid}")
    await guarded.post(f"/documents/{paid}/unpaid", status=403)
    await guarded.post(f"/documents/{paid}/paid", status=403)


async def test_a_series_says_which_of_its_bills_are_paid(site: Site, db: Harness) -> None:
    paid, shown = await one_paid(db)
    await bill(db, "45.20", issued=date(2024, 4, 1), due=date(2024, 4, 20))
    series = await db.one("select series_id from alfrd.documents where id = %s", paid)
    page = await site.get(f"/series/{series}?part=list")
    assert f'href="/documents/{shown}#paid-{paid}"' in page
    states = re.findall(r"status is-(overdue|paid)", page)
    assert states == ["overdue", "overdue", "paid", "paid"], "each has a second place for narrow pages"
    assert "paid 2024-03-18" in words_of(page)


async def test_the_sql_of_a_series_and_of_each_type_runs_as_it_is_shown(site: Site, db: Harness) -> None:
    paid, _ = await one_paid(db)
    series = await db.one("select series_id from alfrd.documents where id = %s", paid)
    shown = pieces_of_sql(await site.get(f"/series/{series}"))
    assert len(shown) == 1
    (row,) = await db.sql(shown[0])
    assert str(row["total"]) == "45.10"
    of_types = [each for each in pieces_of_sql(await site.get("/setup")) if "alfrd_types." in each]
    assert len(of_types) == await db.one("select count(*) from alfrd.document_types")
    found = {each.partition("alfrd_types.")[2].split()[0]: len(await db.sql(each)) for each in of_types}
    assert (found["utility_bill"], found["bank_statement"], found["receipt"]) == (1, 1, 0)


def pieces_of_sql(page: str) -> list[str]:
    return [unescape(each.partition(">")[2].partition("</pre>")[0]) for each in page.split("<pre id=")[1:]]


async def test_a_series_without_a_view_shows_none(site: Site, db: Harness) -> None:
    await bill(db)
    series = await db.one("select id from alfrd.series")
    assert "In SQL" not in await site.get(f"/series/{series}")
