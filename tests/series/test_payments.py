"""A bill is open, paid or overdue: rows of statements find the bills that they pay."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from alfrd_events.db import bills, calendar
from alfrd_events.db.database import Database
from alfrd_events.errors import AlfrdError, NotFound, Refused
from testing.harness import Harness
from tests.series.test_views import keep
from tests.values.test_tenants import policies

ISSUED = date(2024, 3, 1)
DUE = date(2024, 3, 20)


async def bill(
    db: Harness,
    amount: str = "45.10",
    *,
    entity: str = "Harborlight Electric Co.",
    issued: date = ISSUED,
    due: date | None = DUE,
    owner: str = "",
    **values: Any,
) -> UUID:
    """A completed bill in a series of its sender."""
    return await _filed(
        db,
        "utility_bill",
        owner,
        {"entity": entity, "entity_key": entity.lower(), "slug": entity.lower().replace(" ", "-")},
        entity=entity,
        document_date=issued.isoformat(),
        due_date=due.isoformat() if due else None,
        total_amount=amount,
        **values,
    )


async def statement(
    db: Harness, *rows: tuple[str, str, str], kind: str = "bank_statement", owner: str = "", **values: Any
) -> UUID:
    """A completed statement with rows of (date, amount, description)."""
    transactions = [
        {"date": day, "amount": amount, "description": description} for day, amount, description in rows
    ]
    return await _filed(
        db,
        kind,
        owner,
        {"entity": "Lantern Bank", "entity_key": "lantern bank", "kind": kind, "slug": f"lantern-{kind}"},
        entity="Lantern Bank",
        document_date="2024-03-31",
        total_amount="4784.50",
        structured_data={"transactions": transactions},
        **values,
    )


async def _filed(db: Harness, kind: str, owner: str, place: dict[str, Any], **summary: Any) -> UUID:
    document = await db.given_document("ocr_completed", owner=owner)
    for step, changes in (
        ("classify", {"document_type": kind}),
        ("summarize", summary),
        ("file", place),
        ("extract", {}),
    ):
        task = await db.claim(step, subject=document)
        assert task is not None
        assert await db.complete(task, **changes)
    return document


async def state_of(db: Harness, document: UUID) -> tuple[str, date | None]:
    (row,) = await db.sql("select state, paid_on from alfrd.bills where document_id = %s", document)
    return row["state"], row["paid_on"]


async def test_a_row_pays_the_bill_whose_sender_it_names(db: Harness) -> None:
    one = await bill(db)
    other = await bill(db, entity="Kittiwake Mobile")
    shown = await statement(
        db,
        ("2024-03-18", "-45.10", "DIRECT DEBIT HARBORLIGHT ELEC 0071"),
        ("2024-03-19", "45.10", "Kittiwake Mobile"),
        ("2024-03-19", "-45.11", "Kittiwake Mobile"),
    )
    assert (await state_of(db, one))[0] == "overdue"

    await keep(db)

    assert await state_of(db, one) == ("paid", date(2024, 3, 18))
    assert await state_of(db, other) == ("overdue", None), "money came in, or it was another amount"
    (payment,) = await db.sql("select * from alfrd.payments")
    assert (payment["document_id"], payment["statement_id"], payment["row_number"]) == (one, shown, 0)
    assert payment["confidence"] > 0.9
    assert payment["reason"] == "the row names Harborlight Electric Co."

    await keep(db)
    assert await db.one("select count(*) from alfrd.payments") == 1


async def test_it_does_not_matter_which_of_both_comes_first(db: Harness) -> None:
    await statement(db, ("2024-03-18", "-45.10", "Harborlight Electric"))
    await keep(db)
    late = await bill(db)
    await keep(db)

    assert await state_of(db, late) == ("paid", date(2024, 3, 18))


async def test_of_equal_bills_each_row_pays_the_one_that_is_due(db: Harness) -> None:
    documents = [
        await bill(db, "112.00", issued=ISSUED + timedelta(days=30 * n), due=DUE + timedelta(days=30 * n))
        for n in range(3)
    ]
    await statement(db, ("2024-04-18", "-112.00", "Harborlight"), ("2024-05-20", "-112.00", "HARBORLIGHT"))
    await keep(db)

    paid = [await state_of(db, document) for document in documents]
    assert paid == [("overdue", None), ("paid", date(2024, 4, 18)), ("paid", date(2024, 5, 20))]


async def test_a_cheque_pays_the_only_bill_of_its_amount(db: Harness) -> None:
    rent = await bill(db, "1850.00", entity="Tern & Willow", due=None)
    two = [await bill(db, "30.00", entity=name) for name in ("Ann Ltd.", "Bob Ltd.")]
    await statement(
        db,
        ("2024-03-06", "-1850.00", "Check 1055"),
        ("2024-03-06", "-30.00", "Check 1056"),
        ("2024-03-07", "-45.10", "Somebody Else"),
    )
    unnamed = await bill(db)
    await keep(db)

    assert await state_of(db, rent) == ("paid", date(2024, 3, 6))
    assert await db.one("select confidence < 0.8 from alfrd.payments") is True
    for document in (*two, unnamed):
        assert (await state_of(db, document))[0] == "overdue"


async def test_a_charge_on_a_card_pays_and_what_does_not_fit_does_not(db: Harness) -> None:
    paid = await bill(db)
    euros = await bill(db, "60.00", currency="EUR")
    old = await bill(db, "70.00", issued=date(2023, 1, 1), due=date(2023, 1, 20))
    owners = await bill(db, "80.00", owner="ann")
    await statement(
        db,
        ("2024-03-10", "45.10", "Harborlight Electric"),
        ("2024-03-10", "60.00", "Harborlight Electric"),
        ("2024-03-10", "70.00", "Harborlight Electric"),
        ("2024-03-10", "80.00", "Harborlight Electric"),
        ("no date", "90.00", "Harborlight Electric"),
        ("2024-03-10", "much", "Harborlight Electric"),
        kind="credit_card",
        currency="USD",
    )
    await keep(db)

    assert (await state_of(db, paid))[0] == "paid"
    for document in (euros, old, owners):
        assert (await state_of(db, document))[0] == "overdue"


async def test_a_better_row_on_another_account_keeps_the_bill(db: Harness) -> None:
    document = await bill(db)
    card = await statement(db, ("2024-03-19", "45.10", "Harborlight Electric"), kind="credit_card")
    await keep(db)
    await statement(db, ("2024-04-30", "-45.10", "Harborlight Electric"))
    await keep(db)

    (payment,) = await db.sql("select document_id, statement_id from alfrd.payments")
    assert payment == {"document_id": document, "statement_id": card}


async def test_a_row_of_a_bill_that_never_came_does_not_pay_the_one_before(db: Harness) -> None:
    first, third = await bill(db), await bill(db, issued=date(2024, 5, 1), due=date(2024, 5, 20))
    await keep(db)
    await statement(db, ("2024-04-20", "-45.10", "Harborlight"), ("2024-05-20", "-45.10", "Harborlight"))
    fourth = await bill(db, issued=date(2024, 6, 1), due=date(2024, 6, 20))
    await keep(db)

    assert (await state_of(db, first))[0] == "overdue", "the row of April pays the bill of April"
    assert await state_of(db, third) == ("paid", date(2024, 5, 20))
    assert (await state_of(db, fourth))[0] == "overdue"


async def test_a_link_is_made_anew_when_the_better_row_comes_later(db: Harness) -> None:
    march = await bill(db)
    april = await bill(db, issued=date(2024, 4, 1), due=date(2024, 4, 20))
    await statement(db, ("2024-04-06", "-45.10", "Harborlight"))
    await keep(db)
    assert (await state_of(db, march))[0] == "overdue", "it seems to be an early payment for April"

    await statement(db, ("2024-04-20", "-45.10", "Harborlight"))
    await keep(db)
    assert await state_of(db, april) == ("paid", date(2024, 4, 20))
    assert await state_of(db, march) == ("paid", date(2024, 4, 6))


async def test_a_row_pays_the_sender_that_it_names_best(db: Harness) -> None:
    insurance = await bill(db, entity="Harborlight Insurance")
    fitness = await bill(db, "30.00", entity="Harborlight Fitness")
    await statement(db, ("2024-03-18", "-45.10", "HARBORLIGHT FITNESS 0071"))
    await keep(db)
    assert (await state_of(db, insurance))[0] == "overdue"

    await statement(db, ("2024-03-19", "-45.10", "HARBORLIGHT INS"), ("2024-03-18", "-30.00", "HARBORLIGHT"))
    await keep(db)
    assert await state_of(db, insurance) == ("paid", date(2024, 3, 19))
    assert await state_of(db, fitness) == ("paid", date(2024, 3, 18)), "no other one asks for this amount"


async def test_a_correction_and_a_deletion_are_followed(db: Harness) -> None:
    corrected, kept = await bill(db), await bill(db, "60.00")
    shown = await statement(
        db, ("2024-03-18", "-45.10", "Harborlight"), ("2024-03-18", "-60.00", "Harborlight")
    )
    await keep(db)
    await db.sql("update alfrd.documents set total_amount = 45.01 where id = %s", corrected)
    await keep(db)
    assert (await state_of(db, corrected))[0] == "overdue"
    assert (await state_of(db, kept))[0] == "paid"

    await db.sql("delete from alfrd.documents where id = %s", shown)
    assert (await state_of(db, kept))[0] == "overdue"
    assert await db.one("select count(*) from alfrd.statement_rows") == 0


async def test_a_person_links_and_unlinks(db: Harness) -> None:
    document, other = await bill(db), await bill(db, "7.00", entity="Corner Shop Ltd.")
    shown = await statement(db, ("2024-03-18", "-45.10", "Harborlight"), ("2024-03-19", "-7.00", "XYZZY"))
    await keep(db)

    assert await bills.unlink(db.database, document) == 1
    await keep(db)
    assert (await state_of(db, document))[0] == "overdue", "what a person has refused is not linked again"
    with pytest.raises(NotFound):
        await bills.unlink(db.database, document)

    await bills.link(db.database, other, shown)
    assert await state_of(db, other) == ("paid", date(2024, 3, 19))
    await bills.link(db.database, document, amount=Decimal("5.10"), paid_on=date(2024, 3, 2))
    assert (await state_of(db, document))[0] == "overdue", "a part of it is not all of it"
    await bills.link(db.database, document, shown, 0)
    assert (await state_of(db, document))[0] == "paid"
    with pytest.raises(Refused, match="no row 9"):
        await bills.link(db.database, document, shown, 9)
    with pytest.raises(NotFound):
        await bills.link(db.database, UUID(int=1))
    await keep(db)
    assert await bills.unlink(db.database, document) == 2
    assert [event for event in await db.events_of(document) if event[0] in ("paid", "unpaid")] == [
        ("unpaid", ""),
        ("paid", ""),
        ("paid", ""),
        ("unpaid", ""),
    ]


async def test_open_bills_and_the_calendar_of_paid_ones(db: Harness) -> None:
    today = await db.one("select alfrd.now()::date")
    due = await bill(db, "9.00", issued=today, due=today)
    paid = await bill(db)
    receipt = await bill(db, due=None, structured_data={"receipt_number": "TW-1"})
    await statement(db, ("2024-03-18", "-45.10", "Harborlight Electric"))
    await keep(db)

    assert [row["document_id"] for row in await bills.bills(db.database, ["open"])] == [due]
    assert await state_of(db, receipt) == ("paid", ISSUED), "a receipt without a day to pay by is paid"
    seen = await calendar.days(db.database, DUE, DUE)
    assert [(row["state"], row["document_id"]) for row in seen] == [("paid", paid)]
    assert [
        row["state"] for row in await calendar.days(db.database, today, today) if row["document_id"] == due
    ] == [
        "due",
        "received",
    ]


async def test_a_tenant_sees_the_payments_of_its_own_bills(db: Harness, signed_in: dict[str, str]) -> None:
    assert signed_in["shop"] == "alfrd_app"
    own = await bill(db, owner="shop")
    await bill(db, owner="bob")
    for owner in ("shop", "bob"):
        await statement(db, ("2024-03-18", "-45.10", "Harborlight"), owner=owner)
    await keep(db)
    async with await db.session() as session:
        await session.execute(policies())  # type: ignore[call-overload]
    async with Database(db.url.replace("postgres@", "shop@")) as tenant:
        assert [row["document_id"] for row in await bills.bills(tenant)] == [own]
        assert await tenant.rows("select document_id from alfrd.payments") == [{"document_id": own}]
        with pytest.raises(Refused, match="row level security"):
            await bills.link(tenant, own)
        with pytest.raises(Refused, match="row level security"):
            await bills.unlink(tenant, own)
        for table in ("payables", "statement_rows", "credit_notes"):
            with pytest.raises(AlfrdError, match="permission denied"):
                await tenant.rows(f"select * from alfrd.{table}")  # type: ignore[arg-type]


async def numbered(db: Harness, number: str, issued: date, due: date) -> UUID:
    return await bill(db, issued=issued, due=due, structured_data={"invoice_number": number})


async def rows_of(db: Harness, *bills: UUID) -> list[int | None]:
    """The row that pays each bill."""
    rows = await db.sql("select document_id, row_number from alfrd.payments where refused_by = ''")
    paid = {row["document_id"]: row["row_number"] for row in rows}
    return [paid.get(document) for document in bills]


async def test_a_row_that_holds_a_bills_number_pays_that_bill_and_no_other(db: Harness) -> None:
    january = await numbered(db, "HL-2024-0117", date(2024, 1, 5), date(2024, 1, 20))
    february = await numbered(db, "HL-2024-0233", date(2024, 2, 5), date(2024, 2, 20))
    await statement(
        db,
        ("2024-02-18", "-45.10", "Harborlight Electric INV HL 2024/0117"),
        ("2024-03-19", "-45.10", "Harborlight Electric HL-2024-0233"),
    )
    await keep(db)

    assert await rows_of(db, january, february) == [0, 1], "by the days alone, the first row pays February"
    assert {
        (row["reason"], row["rival_id"])
        for row in await db.sql("select reason, rival_id from alfrd.payments")
    } == {("the row holds its number", None)}


async def test_equal_bills_are_paid_in_the_order_in_which_they_came(db: Harness) -> None:
    january = await bill(db, issued=date(2023, 12, 10), due=date(2024, 1, 9))
    february = await bill(db, issued=date(2024, 1, 13), due=date(2024, 2, 12))
    await statement(
        db, ("2024-01-09", "-45.10", "Check 1055"), ("2024-01-14", "-45.10", "Harborlight Electric")
    )
    await keep(db)

    assert await rows_of(db, january, february) == [0, 1], "no bill is paid days before it came"
    assert await db.one("select count(*) from alfrd.payments where rival_id is not null") == 0


async def unclear_pair(db: Harness) -> tuple[UUID, UUID]:
    """One bill late, one as soon as it is due; or one early, one very late: both on one statement."""
    august = await bill(db, issued=date(2023, 8, 14), due=date(2023, 8, 28))
    september = await bill(db, issued=date(2023, 9, 14), due=date(2023, 9, 28))
    await statement(
        db,
        ("2023-09-14", "-45.10", "Harborlight Electric"),
        ("2023-09-23", "-45.10", "Harborlight Electric"),
    )
    await keep(db)
    return august, september


async def test_where_two_equal_bills_may_have_been_paid_either_way_a_person_is_asked(db: Harness) -> None:
    august, september = await unclear_pair(db)

    assert await rows_of(db, august, september) == [0, 1]
    asked = await bills.bills(db.database, unclear=True)
    assert {(row["document_id"], row["rival_id"], row["state"], row["confidence"]) for row in asked} == {
        (august, september, "paid", 0.5),
        (september, august, "paid", 0.5),
    }

    assert await bills.answer(db.database, august, is_right=True) == 1
    await keep(db)

    assert await rows_of(db, august, september) == [0, 1]
    assert await bills.bills(db.database, unclear=True) == []
    with pytest.raises(NotFound):
        await bills.answer(db.database, september, is_right=True)


async def test_the_other_way_round_stays_so(db: Harness) -> None:
    august, september = await unclear_pair(db)

    assert await bills.answer(db.database, september, is_right=False) == 2
    await keep(db)

    assert await rows_of(db, august, september) == [1, 0]
    assert await state_of(db, august) == ("paid", date(2023, 9, 23))
    assert await bills.bills(db.database, unclear=True) == []
    assert await db.one("select count(*) from alfrd.payments where made_by <> ''") == 2


async def test_an_answer_that_says_nothing_changes_nothing(db: Harness) -> None:
    august, _ = await unclear_pair(db)
    before = await db.sql("select * from alfrd.payments order by id")

    with pytest.raises(Refused, match="null is no answer"):
        await db.sql("select alfrd.answer_payment(%s, null)", august)

    assert await db.sql("select * from alfrd.payments order by id") == before


async def test_two_rows_of_one_day_leave_no_question(db: Harness) -> None:
    august = await bill(db, issued=date(2023, 8, 14), due=date(2023, 8, 28))
    september = await bill(db, issued=date(2023, 9, 14), due=date(2023, 9, 28))
    await statement(db, *[("2023-09-28", "-45.10", "Harborlight Electric")] * 2)
    await keep(db)

    assert [(await state_of(db, each))[1] for each in (august, september)] == [date(2023, 9, 28)] * 2
    assert await bills.bills(db.database, unclear=True) == []
