"""Each value has a place and a confidence: by how it was read, what stands beside it, and what it agrees with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alfrd_events.analysis.ranking.trees import trained
from alfrd_events.analysis.rules.summary import summarize
from alfrd_events.analysis.rules.value_signs import Signs, Value, values_of
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Document, Line, Summary
from tests.analysts.paper import plain, scanned

INVOICE = """
Karolin Paper GmbH
12 Main Street
Invoice
Invoice number: 471102
Invoice date: 04.03.2024
Due date: 18.03.2024
Description          Qty   Price      Amount
Blue folders         2     10.00      20.00
Grey envelopes       1     80.00      80.00
Subtotal                              100.00
VAT 19%                                19.00
Total                             EUR 119.00
"""
STATEMENT = """
Lanternfish Bank
Checking account statement
Account number: 123456789
Statement period 01/03/2024 - 31/03/2024
Opening balance                   100.00
02/03/2024  Rent            -20.00   80.00
05/03/2024  Salary           50.00  130.00
09/03/2024  Groceries       -30.00  100.00
Closing balance                   100.00
"""


def read(document: Document) -> tuple[Summary, Signs]:
    summary = summarize(document)
    return summary, Signs(document, ParsedText.of(document), summary)


def confidence(text: str, field: str) -> float:
    found = summarize(scanned(text, document_type="invoice")).evidence[field].confidence
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "document_type"),
    [(INVOICE, "invoice"), (STATEMENT, "bank_statement")],
    ids=["invoice", "statement"],
)
@pytest.mark.parametrize("make", [scanned, plain])
def test_every_value_has_a_place_and_a_confidence(text: str, document_type: str, make: object) -> None:
    summary, _ = read(make(text, document_type=document_type))  # type: ignore[operator]
    fields = [value.field for value in values_of(summary)]

    assert len(fields) > 8
    assert all(summary.evidence[field].text for field in fields)
    assert all(0 < (summary.evidence[field].confidence or 0) < 1 for field in fields)


def test_a_value_of_a_table_is_placed_in_its_row() -> None:
    summary, _ = read(scanned(INVOICE, document_type="invoice"))
    blue, grey = (summary.evidence[f"line_items.{row}.amount"].box for row in (0, 1))

    assert summary.evidence["line_items.0.description"].text == "Blue folders"
    assert blue is not None
    assert grey is not None
    assert blue[1] < grey[1]
    assert summary.evidence["line_items.1.unit_price"].box != grey


def test_a_value_is_given_with_the_words_beside_it() -> None:
    evidence = read(scanned(INVOICE, document_type="invoice"))[0].evidence

    assert evidence["due_date"].label == "due date: 18.03.2024"
    assert evidence["tax"].label == "vat 19%"


def test_a_currency_is_placed_at_the_total_or_at_what_tells_the_country() -> None:
    by_sign, _ = read(scanned(INVOICE, document_type="invoice"))
    by_country, signs = read(
        scanned(INVOICE.replace("EUR ", "").replace("12 Main", "MwSt 12 Main"), document_type="invoice")
    )

    assert by_sign.evidence["currency"].text == by_sign.evidence["total_amount"].text
    assert (by_country.currency, signs.currency.how if signs.currency else "") == ("EUR", "country")
    assert "GmbH" in by_country.evidence["currency"].text


def test_a_tax_that_adds_up_is_surer_than_one_that_does_not() -> None:
    assert confidence(INVOICE.replace("19.00\nTotal", "17.00\nTotal"), "tax") < confidence(INVOICE, "tax")


def test_a_number_that_was_hardly_read_is_less_sure() -> None:
    document = scanned(INVOICE, document_type="invoice")
    (page,) = document.pages
    lines = tuple(Line(line.text, line.box, 0.55 if "471102" in line.text else 0.99) for line in page.lines)
    badly = replace(document, pages=(replace(page, lines=lines),))

    clear, blurred = (summarize(each).evidence["invoice_number"].confidence for each in (document, badly))
    assert clear is not None
    assert blurred is not None
    assert blurred < clear


def test_a_name_over_two_lines_is_placed_on_both() -> None:
    receipt = """
POPULAR PAPER AND PEN
TRADING (M) SDN BHD
12 Jalan Satu
Date: 04/03/2024  14:51
Total      RM 5.00
"""
    summary, _ = read(scanned(receipt, document_type="receipt"))
    box = summary.evidence["entity"].box

    assert summary.entity == "POPULAR PAPER AND PEN TRADING (M) SDN BHD"
    assert box is not None
    assert box[3] - box[1] > 0.03


def test_values_that_no_row_holds_have_a_confidence_and_no_place() -> None:
    document = scanned(INVOICE, document_type="invoice")
    made_up = Summary(summary="-", currency="JPY", structured_data={"line_items": [{"amount": "7.77"}]})
    signs = Signs(document, ParsedText.of(document), made_up)

    assert not signs.places
    assert all(signs.of(value)["has_no_place"] for value in values_of(made_up))


def test_the_weights_fit_the_signs_of_values() -> None:
    """A sign that is added or renamed needs a training; else every document would fail."""
    document = scanned(INVOICE, document_type="invoice")
    _, signs = read(document)

    assert set(signs.of(Value("due_date", "2024-03-18"))) == set(trained().values.features)


def test_what_a_value_is_is_told_by_its_name_and_form() -> None:
    kinds = {
        Value(field, text).kind
        for field, text in (
            ("due_date", "2024-03-18"),
            ("period_end", "2024-03-18"),
            ("line_items.0.amount", "1.00"),
            ("transactions.3.date", "2024-03-18"),
            ("tax", "19.00"),
            ("policy_number", "SM-1"),
            ("payment_method", "cash"),
        )
    }
    assert kinds == {"due_date", "period", "row", "amount", "number", "other"}
