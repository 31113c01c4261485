"""Statements: every row with its date, its sign and its balance, checked against the balances before and after."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from alfrd_events.model import Document
from alfrd_events.model.jobs import ScoreSummary, Summarize
from tests.analysts.paper import ANALYST, PROMPT, plain, run, scanned

WITH_BALANCES = """
GANNET SAVINGS BANK
Statement period: 04/01/2025 through 04/30/2025
Beginning balance on 04/01/2025: $1,000.00
Date   Description              Withdrawal   Deposit   Balance
04/02  CARD CORNER BAKERY            12.40              987.60
04/11  PAYROLL HERON LTD                     1,500.00  2,487.60
04/28  RENT                         900.00             1,587.60
Ending balance on 04/30/2025: $1,587.60
"""
GERMAN = """
Sparkasse Dünenstadt
Kontoauszug vom 01.03.2025 bis 31.03.2025
Alter Kontostand                     250,00 EUR
Buchung   Verwendungszweck           Betrag
03.03.    Miete Lindner              700,00 S
05.03.    Gehalt Kranich GmbH      2.100,00 H
31.03.    Kontoführung                 4,90 S
Neuer Kontostand                   1.645,10 EUR
"""
COLUMNS = """
HERON BANK  statement 1 May 2025 to 31 May 2025
Opening balance                                  80.00
Date    Details              Paid out   Paid in
2 May   Till roll ltd           20.00
9 May   Kestrel wages                    400.00
30 May  Gas                     35.50
Closing balance                                 424.50
"""
CARD = """
WHIMBREL CARD
Statement period: 06/01/2025 through 06/30/2025
Previous balance  $100.00
Date   Description          Amount
06/03  PAYMENT THANK YOU    -100.00
06/09  CORNER BAKERY          12.40
06/20  TRANSIT                30.00
New balance  $42.40
"""


def transactions(document: Document) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run(ANALYST.run(Summarize(document, PROMPT))).structured_data[
        "transactions"
    ]
    return found


@pytest.mark.parametrize(
    ("text", "document_type", "amounts"),
    [
        (WITH_BALANCES, "bank_statement", ["-12.40", "1500.00", "-900.00"]),
        (GERMAN, "bank_statement", ["-700.00", "2100.00", "-4.90"]),
        (COLUMNS, "bank_statement", ["-20.00", "400.00", "-35.50"]),
        (CARD, "credit_card", ["-100.00", "12.40", "30.00"]),
    ],
    ids=["balances", "debit and credit marks", "columns", "a card, where purchases are owed"],
)
def test_each_row_changes_the_balance_by_its_amount(
    text: str, document_type: str, amounts: list[str]
) -> None:
    document = scanned(text, document_type=document_type)
    found = run(ANALYST.run(Summarize(document, PROMPT)))

    rows = found.structured_data["transactions"]
    assert [row["amount"] for row in rows] == amounts
    opening, closing = (
        Decimal(found.structured_data[name]) for name in ("opening_balance", "closing_balance")
    )
    assert opening + sum(map(Decimal, amounts)) == closing


def test_a_day_without_a_year_is_in_the_period() -> None:
    rows = transactions(scanned(WITH_BALANCES, document_type="bank_statement"))
    assert [row["date"] for row in rows] == ["2025-04-02", "2025-04-11", "2025-04-28"]
    assert [row["description"] for row in rows] == ["CARD CORNER BAKERY", "PAYROLL HERON LTD", "RENT"]
    assert [row["balance"] for row in rows] == ["987.60", "2487.60", "1587.60"]


def test_days_around_new_year_have_the_year_they_belong_to() -> None:
    text = (
        WITH_BALANCES.replace("04/01/2025", "12/15/2024").replace("04/30/2025", "01/14/2025")
        .replace("04/02", "12/20").replace("04/11", "12/31").replace("04/28", "01/05")
    )  # fmt: skip
    rows = transactions(scanned(text, document_type="bank_statement"))
    assert [row["date"] for row in rows] == ["2024-12-20", "2024-12-31", "2025-01-05"]


def test_rows_with_the_newest_first_are_turned_round() -> None:
    head, *rows, end = WITH_BALANCES.strip("\n").rpartition("Balance\n")[2].splitlines()
    newest_first = WITH_BALANCES.replace("\n".join([head, *rows]), "\n".join([*reversed(rows), head]))
    assert newest_first != WITH_BALANCES
    found = transactions(scanned(newest_first, document_type="bank_statement"))
    assert [row["amount"] for row in found] == ["-12.40", "1500.00", "-900.00"]
    assert end.startswith("Ending")


def test_positions_are_not_needed_where_balances_are_printed() -> None:
    rows = transactions(plain(WITH_BALANCES, document_type="bank_statement"))
    assert [row["amount"] for row in rows] == ["-12.40", "1500.00", "-900.00"]


@pytest.mark.parametrize("passes", [True, False])
def test_rows_that_do_not_give_the_closing_balance_are_told(passes: bool) -> None:
    text = COLUMNS.replace("35.50", "35.50" if passes else "53.50")
    document = scanned(text, document_type="bank_statement")
    found = run(ANALYST.run(Summarize(document, PROMPT)))
    stored = scanned(
        text,
        document_type="bank_statement",
        entity=found.entity,
        document_date=found.document_date,
        structured_data=found.structured_data,
    )
    score = run(ANALYST.run(ScoreSummary(stored, PROMPT)))
    checks = {check.name: check.passed for check in score.checks}
    assert checks["transactions add up"] is passes


def test_a_bill_with_dates_and_amounts_has_no_transactions() -> None:
    text = "Harbor Electric\nInvoice 2025-04-01\nTotal due 25.00\n04/02  meter read  12.00\n"
    found = run(ANALYST.run(Summarize(plain(text, document_type="bank_statement"), PROMPT)))
    assert "transactions" not in found.structured_data
