"""Credit notes take bills back, and several rows make up one bill."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from alfrd_events.db import bills, calendar
from testing.harness import Harness
from tests.series.test_payments import DUE, bill, state_of, statement
from tests.series.test_views import keep


async def credit_note(db: Harness, amount: str, text: str = "", issued: date = date(2024, 4, 2)) -> UUID:
    """A credit note of the sender of the bills whose page says this."""
    document = await bill(
        db, amount, issued=issued, due=None, structured_data={"invoice_number": "CN-2024-9"}
    )
    await db.sql("update alfrd.pages set text = %s where document_id = %s", text, document)
    return document


async def numbered(db: Harness, number: str, amount: str = "45.10", issued: date = date(2024, 3, 1)) -> UUID:
    return await bill(db, amount, issued=issued, structured_data={"invoice_number": number})


async def seen(db: Harness, document: UUID) -> tuple[str, float, float, UUID | None]:
    (row,) = await db.sql("select * from alfrd.bills where document_id = %s", document)
    return row["state"], float(row["credited"]), float(row["to_pay"]), row["credit_note_id"]


async def test_a_credit_note_takes_back_the_bill_whose_number_it_names(db: Harness) -> None:
    other, credited = await numbered(db, "2024/0816"), await numbered(db, "2024/0817")
    note = await credit_note(db, "-45.10", "Credit note CN-2024-9\nfor invoice 2024-0817 of 03/01/2024")
    await keep(db)

    assert await seen(db, credited) == ("credited", 45.10, 0, note)
    assert await seen(db, other) == ("overdue", 0, 45.10, None)
    assert await db.sql("select kind, reason from alfrd.payments") == [
        {"kind": "credit", "reason": "the credit note names its number"}
    ]
    assert [row["document_id"] for row in await bills.bills(db.database, ["credited"])] == [credited]
    days = await calendar.days(db.database, DUE, DUE)
    assert {row["document_id"]: row["state"] for row in days} == {credited: "credited", other: "was_due"}
    await keep(db)
    assert await db.one("select count(*) from alfrd.payments") == 1

    await db.sql("delete from alfrd.documents where id = %s", note)
    await keep(db)
    assert await seen(db, credited) == ("overdue", 0, 45.10, None)


async def test_a_bill_that_is_credited_in_part_is_paid_by_the_rest(db: Harness) -> None:
    reduced = await numbered(db, "2024/0817")
    note = await credit_note(db, "-5.10", "for invoice 2024/0817", date(2024, 3, 8))
    await keep(db)
    assert await seen(db, reduced) == ("overdue", 5.10, 40.00, note)

    await statement(db, ("2024-03-18", "-40.00", "Harborlight Electric"))
    await keep(db)
    assert await state_of(db, reduced) == ("paid", date(2024, 3, 18))
    assert (await seen(db, reduced))[2] == 0
    await keep(db)
    assert await db.one("select count(*) from alfrd.payments") == 2


async def test_the_rest_of_one_bill_does_not_pay_an_equal_one(db: Harness) -> None:
    reduced = await numbered(db, "2024/0817")
    whole = await bill(db, issued=date(2024, 3, 10), due=date(2024, 4, 1))
    await credit_note(db, "-5.10", "for invoice 2024/0817", date(2024, 3, 8))
    await statement(
        db, ("2024-03-30", "-40.00", "Harborlight Electric"), ("2024-04-03", "-45.10", "Harborlight Electric")
    )
    await keep(db)

    paid = await db.sql("select document_id, amount from alfrd.payments where kind = 'payment'")
    assert {row["document_id"]: float(row["amount"]) for row in paid} == {reduced: 40.00, whole: 45.10}


async def test_a_bill_that_was_paid_as_a_whole_stays_paid_when_a_credit_note_comes(db: Harness) -> None:
    reduced = await numbered(db, "2024/0817")
    await statement(db, ("2024-03-18", "-45.10", "Harborlight Electric"))
    await keep(db)
    await credit_note(db, "-5.10", "for invoice 2024/0817")
    await keep(db)

    assert await state_of(db, reduced) == ("paid", date(2024, 3, 18))
    assert await db.one("select count(*) from alfrd.payments") == 2


async def test_without_a_number_the_only_bill_of_the_amount_is_meant(db: Harness) -> None:
    credited = await bill(db, "45.10")
    await credit_note(db, "-45.10", "We give back 45.10 USD")
    await keep(db)
    assert (await seen(db, credited))[0] == "credited"

    second = await bill(db, "45.10", issued=date(2024, 3, 15))
    await keep(db)
    for document in (credited, second):
        assert (await seen(db, document))[0] == "overdue", "it cannot be told which of two is meant"


@pytest.mark.parametrize("why", ["another sender", "another currency", "too old", "another owner", "later"])
async def test_what_does_not_fit_is_not_credited(db: Harness, why: str) -> None:
    document = await bill(
        db,
        "45.10",
        entity="Kittiwake Mobile" if why == "another sender" else "Harborlight Electric Co.",
        issued={"too old": date(2023, 8, 1), "later": date(2024, 4, 20)}.get(why, date(2024, 3, 1)),
        owner="ann" if why == "another owner" else "",
        currency="EUR" if why == "another currency" else "USD",
    )
    await credit_note(db, "-45.10")
    await keep(db)

    assert (await seen(db, document))[1] == 0


async def test_a_person_has_the_last_word_on_credit_notes(db: Harness) -> None:
    credited, other = await numbered(db, "2024/0816"), await numbered(db, "2024/0817")
    note = await credit_note(db, "-45.10", "for invoice 2024/0816")
    await keep(db)

    await bills.unlink(db.database, credited)
    await keep(db)
    assert (await seen(db, credited))[0] == "overdue", "what a person has refused is not linked again"
    await bills.link(db.database, other, note)
    await keep(db)
    assert await seen(db, other) == ("credited", 45.10, 0, note)
    assert "credited" in [kind for kind, _ in await db.events_of(other)]


async def test_a_corrected_credit_note_is_followed(db: Harness) -> None:
    credited = await numbered(db, "2024/0816")
    note = await credit_note(db, "-45.10", "for invoice 2024/0816")
    await keep(db)
    await db.sql("update alfrd.documents set total_amount = -20 where id = %s", note)
    await keep(db)
    assert await seen(db, credited) == ("overdue", 20, 25.10, note)

    await db.sql("update alfrd.documents set total_amount = 20 where id = %s", note)
    await keep(db)
    assert await seen(db, credited) == ("overdue", 0, 45.10, None)


@pytest.mark.parametrize("parts", [("25.10", "20.00"), ("15.03", "15.03", "15.04")])
async def test_rows_that_make_up_a_bill_together_pay_it(db: Harness, parts: tuple[str, ...]) -> None:
    document = await bill(db)
    rows = [(f"2024-03-{8 + 10 * n:02}", f"-{part}", "HARBORLIGHT ELEC") for n, part in enumerate(parts[:2])]
    await statement(db, *rows[:1])
    await keep(db)
    assert await state_of(db, document) == ("overdue", None), "a part alone may be of something else"

    for number, part in enumerate(parts[1:]):
        await statement(db, (f"2024-03-{18 + number:02}", f"-{part}", "HARBORLIGHT ELEC"))
    await keep(db)
    await keep(db)
    assert (await state_of(db, document))[0] == "paid"
    assert await db.one("select count(*) from alfrd.payments") == len(parts)

    await db.sql("update alfrd.documents set total_amount = 46 where id = %s", document)
    await keep(db)
    assert await db.one("select count(*) from alfrd.payments") == 0


async def test_parts_that_could_be_chosen_in_two_ways_are_not(db: Harness) -> None:
    document = await bill(db, "50.00")
    await statement(
        db,
        ("2024-03-08", "-20.00", "Harborlight Electric"),
        ("2024-03-09", "-30.00", "Harborlight Electric"),
        ("2024-03-10", "-30.00", "Harborlight Electric"),
    )
    await keep(db)

    assert await state_of(db, document) == ("overdue", None)
