"""Values are read beside their labels, and nothing is invented."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from alfrd_events.model.jobs import Summarize
from tests.analysts.paper import ANALYST, PROMPT, plain, run, scanned

RECEIPT = """
          HERON HARDWARE SDN BHD
              (123456-X)
        NO 5, JALAN KENARI 2, 47100
         TEL: 03-5555 0123
            TAX INVOICE
DATE: 04/03/2018 12:11:05     CASHIER: 02
DESCRIPTION          QTY   PRICE   AMOUNT
Wood screws           2     3.50     7.00
Paint brush           1     4.98     4.98
SUBTOTAL                            11.98
GST 6%                               0.72
TOTAL                               12.70
ROUNDING ADJ                        -0.05
NET TOTAL                   RM      12.65
CASH                                20.00
CHANGE                               7.35
GST SUMMARY          AMOUNT(RM)   TAX(RM)
TOTAL                    11.98       0.72
          THANK YOU, PLEASE COME AGAIN
"""

BILL = """
Harborlight Electric                   Amount Due
                                          $104.20
Bill Date: March 5, 2024
Account Number                         Due Date
4071-5528-03                     March 26, 2024
Service period  01/30/2024 - 02/29/2024
Total kWh   Days
412         30
Previous balance                        $98.11
Payment received                       -$98.11
Electric delivery                       $41.10
Electric generation                     $63.10
Total Amount Due                       $104.20
A late fee of $15.00 applies if not paid by April 15, 2024.
Harborlight Electric, PO Box 12, Ashford, CA 94102
"""

RECHNUNG = """
Eisvogel Hosting GmbH
Rechnung
Rechnungsnr.  30064443    Kundennr.  47774
Rechnungsdatum  7. Mai 2021
Pos.  Beschreibung                Betrag
1     Postfach                    1.005,39
2     Domain                         29,34
Zwischensumme                     1.034,73
MwSt. 19 %                          196,60
Gesamtbetrag              EUR     1.231,33
Zahlungsziel 21.05.21
IBAN DE30507500940000048567
"""


def test_a_receipt_is_read_down_to_the_rounded_total() -> None:
    summary = run(ANALYST.run(Summarize(scanned(RECEIPT, document_type="receipt"), PROMPT)))
    assert summary.entity == "HERON HARDWARE SDN BHD"
    assert summary.document_date is not None
    assert summary.document_date.isoformat() == "2018-03-04"
    assert (summary.total_amount, summary.currency) == (Decimal("12.65"), "MYR")
    assert summary.due_date is None
    assert summary.structured_data["subtotal"] == "11.98"
    assert summary.structured_data["payment_method"] == "cash"
    assert summary.structured_data["line_items"] == [
        {"description": "Wood screws", "amount": "7.00", "unit_price": "3.50", "quantity": "2"},
        {"description": "Paint brush", "amount": "4.98", "unit_price": "4.98", "quantity": "1"},
    ]
    assert summary.summary == "HERON HARDWARE SDN BHD, receipt of 2018-03-04: RM 12.65, paid by cash."


def test_a_check_digit_belongs_to_an_account_number() -> None:
    bill = BILL.replace("4071-5528-03", "8841-20773-5")
    assert bill != BILL
    assert (
        run(ANALYST.run(Summarize(scanned(bill, document_type="utility_bill"), PROMPT))).account_number
        == "8841-20773-5"
    )


def test_a_bill_has_values_below_and_beside_their_labels() -> None:
    summary = run(ANALYST.run(Summarize(scanned(BILL, document_type="utility_bill"), PROMPT)))
    assert summary.entity == "Harborlight Electric"
    assert (summary.total_amount, summary.currency) == (Decimal("104.20"), "USD")
    assert str(summary.document_date) == "2024-03-05"
    assert str(summary.due_date) == "2024-03-26"
    assert (str(summary.period_start), str(summary.period_end)) == ("2024-01-30", "2024-02-29")
    assert summary.account_number == "4071-5528-03"
    assert summary.structured_data["usage_kwh"] == "412"
    assert summary.structured_data["previous_balance"] == "98.11"


def test_a_german_invoice_is_read_in_its_own_notation() -> None:
    summary = run(ANALYST.run(Summarize(scanned(RECHNUNG, document_type="invoice"), PROMPT)))
    assert summary.entity == "Eisvogel Hosting GmbH"
    assert (summary.total_amount, summary.currency) == (Decimal("1231.33"), "EUR")
    assert str(summary.document_date) == "2021-05-07"
    assert str(summary.due_date) == "2021-05-21"
    assert summary.structured_data["invoice_number"] == "30064443"
    assert summary.structured_data["customer_number"] == "47774"


def test_plain_text_without_positions_is_read_too() -> None:
    summary = run(ANALYST.run(Summarize(plain(BILL, document_type="utility_bill"), PROMPT)))
    assert (summary.total_amount, str(summary.document_date)) == (Decimal("104.20"), "2024-03-05")


@pytest.mark.parametrize(
    ("row", "total"),
    [
        ("Total             12.00\nCASH          50.00\nCHANGE        38.00", "12.00"),
        ("Total Qty: 3      30.00\nTotal         12.00", "12.00"),
        ("TOTAL INCL GST    12.02\nROUNDING      -0.02\nTOTAL ROUNDED 12.00", "12.00"),
        ("Total Saving: 0.00  TOTAL  12.00", "12.00"),
        ("DUE           12.00\n(TOTAL INCLUDED GST @ 6% : 0.68)", "12.00"),
        ("Amount inclusive of VAT  12.00\nTotal  12.00\nPaid by card  12.00-\nBalance due  0.00", "12.00"),
        ("CASH\nRM 12.00", "12.00"),
    ],
)
def test_the_total_is_told_from_the_amounts_around_it(row: str, total: str) -> None:
    document = plain(f"CORNER SHOP\n1 Bread  12.00\n{row}", document_type="receipt")
    assert run(ANALYST.run(Summarize(document, PROMPT))).total_amount == Decimal(total)


def test_a_total_that_was_not_read_is_worked_out_and_said_to_be() -> None:
    text = "CORNER SHOP\nBread  11.98\nSUBTOTAL  11.98\nTAX  0.72\nROUNDING  -0.05\nTOTAL\nTHANK YOU"
    summary = run(ANALYST.run(Summarize(plain(text, document_type="receipt"), PROMPT)))
    assert (summary.total_amount, summary.unsupported) == (Decimal("12.65"), ("total_amount",))
    assert "total_amount" not in summary.evidence


@pytest.mark.parametrize(
    "text",
    [
        "Invoice Date: August 3, 2014\nTotal amount due on August 3, 2014  $4.11",
        "Receipt\n03/05/2024 10:31\nTotal  $12.00\nReturn by 04/05/2024",
    ],
)
def test_no_due_date_is_invented(text: str) -> None:
    assert run(ANALYST.run(Summarize(plain(text, document_type="invoice"), PROMPT))).due_date is None


def test_the_issuer_is_not_the_customer() -> None:
    text = """
INVOICE
Osprey Web Services, Inc.            Invoice Date: 2024-05-01
9 Quay Street, Ashford, WA 98109
Bill to:
Larkspur Trading Ltd
5 High Road, Elmton
Total due                            $40.00
"""
    summary = run(ANALYST.run(Summarize(scanned(text, document_type="invoice"), PROMPT)))
    assert summary.entity == "Osprey Web Services, Inc."


def test_a_legal_form_on_its_own_line_belongs_to_the_name_above() -> None:
    text = "HERON BOOK\nCO. (M) SDN BHD\nNO 8, JALAN 7\nTOTAL  RM 5.75\n11/03/18 16:30"
    assert (
        run(ANALYST.run(Summarize(plain(text, document_type="receipt"), PROMPT))).entity
        == "HERON BOOK CO. (M) SDN BHD"
    )


def test_evidence_tells_page_and_place() -> None:
    summary = run(ANALYST.run(Summarize(scanned(BILL, document_type="utility_bill"), PROMPT)))
    evidence = summary.evidence["due_date"]
    assert (evidence.page, evidence.text) == (1, "March 26, 2024")
    assert evidence.box is not None


def test_a_letter_that_mentions_money_has_no_total() -> None:
    text = "Dear Sam,\nwe are pleased to offer you the position at a base salary of $85,000 per year.\nYours, Kim"
    summary = run(ANALYST.run(Summarize(plain(text, document_type="employment"), PROMPT)))
    assert summary.total_amount is None


def test_a_blank_document_has_no_values() -> None:
    summary = run(ANALYST.run(Summarize(plain("  \n "), PROMPT)))
    assert (summary.entity, summary.document_date, summary.total_amount) == ("", None, None)


def test_the_same_document_gives_the_same_answer() -> None:
    document = scanned(BILL, document_type="utility_bill")
    again = dataclasses.replace(document)
    assert run(ANALYST.run(Summarize(document, PROMPT))) == run(ANALYST.run(Summarize(again, PROMPT)))


@pytest.mark.parametrize("trade", ["Kitchen & Bar", "CAFE", "Fish and Chips", "Bistro - since 1987"])
def test_what_a_shop_is_does_not_replace_who_it_is(trade: str) -> None:
    paper = plain(
        f"The Copper Plover\n{trade}\n3 Wharf Street, Port Amber\nDate: 03/23/2024\n"
        "Soup  $19.00\nTotal  $19.00\nThank you"
    )
    found = run(ANALYST.run(Summarize(dataclasses.replace(paper, document_type="receipt"), PROMPT)))

    assert found.entity == "The Copper Plover"


def test_a_shop_that_is_named_for_its_trade_keeps_its_name() -> None:
    paper = plain("The Pharmacy\n3 Wharf Street, Port Amber\nDate: 03/23/2024\nTotal  $19.00\nThank you")
    found = run(ANALYST.run(Summarize(dataclasses.replace(paper, document_type="receipt"), PROMPT)))

    assert found.entity == "The Pharmacy"


@pytest.mark.parametrize("text", ["a note for Bob", "line 1\nline 2", "Remember the milk\nand call Ann"])
def test_a_note_of_no_type_has_no_issuer(text: str) -> None:
    assert run(ANALYST.run(Summarize(plain(text, document_type="other"), PROMPT))).entity == ""


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("Curlew Ltd\nAbout your visit", "Curlew Ltd"),
        ("Elmton Savings Bank\nLost and found", "Elmton Savings Bank"),
        ("Curlew\nsee www.curlew.org", "Curlew"),
        ("About your visit\nFrom: Curlew", "Curlew"),
    ],
)
def test_an_organisation_is_named_on_a_paper_of_no_type_too(text: str, entity: str) -> None:
    assert run(ANALYST.run(Summarize(plain(text, document_type="other"), PROMPT))).entity == entity


def _items(text: str, document_type: str = "receipt") -> list[dict[str, str]]:
    found = run(ANALYST.run(Summarize(plain(text, document_type=document_type), PROMPT)))
    items: list[dict[str, str]] = found.structured_data["line_items"]
    return items


@pytest.mark.parametrize("gap", [" ", "  "])
def test_a_quantity_before_a_description_is_no_part_of_it(gap: str) -> None:
    items = _items(
        f"The Copper Plover\nDate: 03/23/2024\n2{gap}Smoked soup  $19.00\n1{gap}Halibut  $27.00\n"
        f"2{gap}Lemon soda  $8.50\nSubtotal  $54.50\nTotal  $54.50"
    )
    assert [(item["quantity"], item["description"]) for item in items] == [
        ("2", "Smoked soup"),
        ("1", "Halibut"),
        ("2", "Lemon soda"),
    ]


def test_numbers_that_count_the_rows_are_no_quantities() -> None:
    items = _items(
        "Curlew Ltd\nNo  Description  Amount\n1 Mailbox  12.00\n2 Domain  9.00\n3 Backup  4.00\nTotal  25.00",
        "invoice",
    )
    assert items == [
        {"description": "Mailbox", "amount": "12.00"},
        {"description": "Domain", "amount": "9.00"},
        {"description": "Backup", "amount": "4.00"},
    ]


def test_a_number_in_a_name_stays_unless_arithmetic_says_that_it_is_a_quantity() -> None:
    items = _items(
        "Curlew Market\n03/16/2024 17:42\nFree range eggs 12  5.99\n7 grain bread  1.50\n"
        "Installment 1 of 24  22.91\nScrews 2  3.50  7.00\nDish soap T  3.89\nTotal  41.29"
    )
    assert items == [
        {"description": "Free range eggs 12", "amount": "5.99"},
        {"description": "7 grain bread", "amount": "1.50"},
        {"description": "Installment 1 of 24", "amount": "22.91"},
        {"description": "Screws", "amount": "7.00", "unit_price": "3.50", "quantity": "2"},
        {"description": "Dish soap", "amount": "3.89"},
    ]


def test_a_tax_has_no_unit_price() -> None:
    text = "Description  Rate  Amount\nDelivery  26.41\nCity utility tax  5 % of $26.41  $1.32\nTotal  $27.73"
    assert _items(text, "utility_bill")[-1].keys() == {"description", "amount"}


def test_one_of_the_taxes_on_a_payslip_is_not_its_tax() -> None:
    text = (
        "Payslip\nGross pay  $500.00\nFederal income tax  $40.00\nState income tax  $9.00\nNet pay  $451.00"
    )
    data = run(ANALYST.run(Summarize(plain(text, document_type="payroll"), PROMPT))).structured_data
    assert "tax" not in data
    assert data["gross_pay"] == "500.00"


@pytest.mark.parametrize(
    "sender",
    [
        '"Merle & Daughters" <billing@merle.example>',
        "Merle & Daughters <billing@merle.example>",
        "'Merle & Daughters' <billing@merle.example>",
    ],
)
def test_the_sender_of_a_mail_is_filed_without_the_address(sender: str) -> None:
    text = (
        f"From: {sender}\nTo: office@hafenkontor.example\nDate: Wed, 06 Mar 2024 08:00:00 +0000\n"
        "Subject: Invoice MD-4\n\nDear customer,\n\nInvoice number: MD-4\nTotal due: EUR 88.00\n\nThank you."
    )
    summary = run(ANALYST.run(Summarize(plain(text, document_type="invoice"), PROMPT)))
    assert summary.entity == "Merle & Daughters"


def test_all_items_of_a_long_receipt_are_found() -> None:
    """Eighty were once enough: their sum was wrong, and nothing said that others were left out."""
    items = "\n".join(f"Article number {number:03}    {number}.50" for number in range(1, 121))
    total = sum(number + 0.5 for number in range(1, 121))
    text = f"Corner Market\n\nItem    Amount\n{items}\nTOTAL    {total:.2f} USD"
    found = run(ANALYST.run(Summarize(plain(text, document_type="receipt"), PROMPT)))
    assert len(found.structured_data["line_items"]) == 120
