"""``bills``: what is to be paid, and what a person says of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.cli.test_series import phone_bill

STATEMENT = """Lanternfish Bank
Bank statement
Account number: 5500 3306
Statement period: {first} - {last}
Statement date: {last}

Date        Description            Amount      Balance
{paid}  Kittiwake Mobile         -42.00     1,958.00
{paid}  Corner bakery             -8.00     1,950.00
{paid}  Salary                   500.00     2,450.00
Opening balance 2,000.00
Closing balance 2,450.00
"""


def statement(directory: Path, paid: date) -> Path:
    """A bank statement that shows a payment of 42.00 to Kittiwake Mobile on a day."""
    path = directory / "statement.txt"
    first, last = paid - timedelta(days=10), paid + timedelta(days=10)
    words = {name: f"{day:%m/%d/%Y}" for name, day in (("first", first), ("last", last), ("paid", paid))}
    path.write_text(STATEMENT.format(**words))
    return path


@pytest.fixture
def billed(program: Program, tmp_path: Path) -> Program:
    """One bill that the statement pays, one that is overdue, one that is to be paid."""
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in (90, 60, 3)]
    bills = [
        phone_bill(tmp_path, day, amount)
        for day, amount in zip(days, ("42.00", "43.00", "44.00"), strict=True)
    ]
    program("add", *bills, statement(tmp_path, days[0] + timedelta(days=18)))
    program("run", "--once")
    return program


def test_bills_are_open_overdue_or_paid_by_a_statement(billed: Program) -> None:
    by_state = {bill["state"]: bill for bill in billed.json("bills")}
    assert {state: bill["total"] for state, bill in by_state.items()} == {
        "overdue": 43,
        "open": 44,
        "paid": 42,
    }
    assert by_state["paid"]["statement"] == "statement.txt"
    assert by_state["paid"]["confidence"] > 0.9

    shown = billed.inside("bills")[0]
    assert shown.index("overdue") < shown.index("open") < shown.index("paid  ")
    assert [bill["total"] for bill in billed.json("bills", "--open")] == [44]
    assert [bill["total"] for bill in billed.json("bills", "--overdue", "--open")] == [43, 44]
    assert "paid" in {row["state"] for row in billed.json("calendar", "--from", by_state["paid"]["due"])}


def test_a_person_links_and_unlinks_a_payment(billed: Program) -> None:
    bills = {bill["state"]: bill["document_id"] for bill in billed.json("bills")}
    by_hand, paid = bills["overdue"], bills["paid"]

    assert "is paid; take it back with" in billed.inside("bills", "link", by_hand, "--on", "2024-05-01")[0]
    assert "1 payment of" in billed.inside("bills", "unlink", paid[:8])[0]

    now = {bill["document_id"]: bill for bill in billed.json("bills")}
    assert (now[by_hand]["state"], now[by_hand]["paid_on"]) == ("paid", "2024-05-01")
    assert now[paid]["state"] == "overdue"
    assert "has no payment" in billed.inside("bills", "unlink", paid, exit_code=1)[1]
    assert billed.inside("bills", "link", paid, "--amount", "much", exit_code=2)
    assert billed.inside("bills", "--open", "--json")[0] != billed.inside("bills", "--paid", "--json")[0]


INVOICE = """Pelican Joinery Ltd.
INVOICE
Invoice number: PJ-2024-0817
Date: {issued}
Due date: {due}

Oak door                 420.00
Total USD                420.00
"""
CREDIT_NOTE = """Pelican Joinery Ltd.
CREDIT NOTE
Credit note number: CN-2024-0031
Date: {issued}
For invoice PJ-2024-0817

Oak door returned        420.00
Total USD                420.00
"""


def test_a_credit_note_takes_an_invoice_off_the_list(program: Program, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    words = {
        "issued": f"{today - timedelta(days=9):%m/%d/%Y}",
        "due": f"{today + timedelta(days=9):%m/%d/%Y}",
    }
    (tmp_path / "invoice.txt").write_text(INVOICE.format(**words))
    (tmp_path / "credit-note.txt").write_text(CREDIT_NOTE.format(issued=f"{today:%m/%d/%Y}"))
    program("add", tmp_path / "invoice.txt", tmp_path / "credit-note.txt")
    program("run", "--once")

    (bill,) = program.json("bills", "--credited")
    assert (bill["filename"], bill["credit_note"], bill["credited"], bill["to_pay"]) == (
        "invoice.txt",
        "credit-note.txt",
        420,
        0,
    )
    shown = program.inside("bills")[0]
    assert "credited" in shown
    assert "credit-note.txt" in shown
    assert program.json("bills", "--open") == []
    program.inside("bills", "unlink", bill["document_id"])
    assert [bill["filename"] for bill in program.json("bills", "--open")] == ["invoice.txt"]


def test_a_statement_that_does_not_begin_where_the_last_one_ended_is_an_alert(
    program: Program, tmp_path: Path
) -> None:
    today = datetime.now(UTC).date()
    for name, paid in (("first", today - timedelta(days=51)), ("second", today - timedelta(days=30))):
        (tmp_path / name).mkdir()
        program("add", statement(tmp_path / name, paid))
    program("run", "--once")

    (alert,) = program.json("alerts")
    assert alert["kind"] == "balance"
    assert "begins with 2,000.00, but statement.txt" in alert["detail"]
    assert "ended with 2,450.00; the difference is 450.00" in alert["detail"]


def test_a_bill_whose_payment_may_be_that_of_an_equal_one_is_asked_of(
    program: Program, tmp_path: Path
) -> None:
    today = datetime.now(UTC).date()
    issued = [today - timedelta(days=90), today - timedelta(days=60)]
    paid = [issued[1] + timedelta(days=1), issued[1] + timedelta(days=14)]
    papers = [phone_bill(tmp_path, day, "42.00") for day in issued]
    lines = "\n".join(f"{day:%m/%d/%Y}  Kittiwake Mobile         -42.00     1,958.00" for day in paid)
    whole = STATEMENT.format(
        first=f"{issued[1]:%m/%d/%Y}", last=f"{today:%m/%d/%Y}", paid=f"{issued[1]:%m/%d/%Y}"
    )
    row = next(line for line in whole.splitlines() if "Kittiwake" in line)
    shown = tmp_path / "statement.txt"
    shown.write_text(whole.replace(row, lines))
    program("add", *papers, shown)
    program("run", "--once")

    asked = program.json("bills", "--unclear")
    assert {bill["state"] for bill in asked} == {"paid"}
    first, second = sorted(asked, key=lambda bill: bill["due"])
    assert (first["rival"], second["rival"]) == (second["filename"], first["filename"])
    assert "unclear" in program.inside("bills", "--unclear")[0]

    assert (
        "by the payment of its rival"
        in program.inside("bills", "confirm", first["document_id"], "--other")[0]
    )
    program("run", "--once")
    assert program.json("bills", "--unclear") == []
    days = {bill["document_id"]: bill["paid_on"] for bill in program.json("bills")}
    assert days[first["document_id"]] == second["paid_on"]
    told, _ = program.inside("bills", "confirm", first["document_id"], exit_code=1)
    assert told == ""
