"""Kinds of papers on which the wrong line, date or amount looks right: made up here, none of a real sender."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from alfrd_events.analysis.text.naming import clean_name
from alfrd_events.model import Document, Page, Summary
from alfrd_events.model.jobs import Classify, ScoreSummary, Summarize
from tests.analysts.paper import ANALYST, PROMPT, TYPES, run, scanned

FOOT = """
12 Main Street
81750 Newtown
Tel: 07-3874904
Date: 14/03/2024  14:51
Bread                                     7.00
Total                                     7.00
"""


def found(text: str, document_type: str = "receipt") -> Summary:
    return run(ANALYST.run(Summarize(scanned(text, document_type=document_type), PROMPT)))


@pytest.mark.parametrize(
    ("head", "entity"),
    [
        ("NORTHERN SOUTHERN\nSTATIONERY SDN.BHD", "NORTHERN SOUTHERN STATIONERY SDN.BHD"),
        (
            "Karolin Musterhafter\nVersicherungsverein Neustadt a.G.",
            "Karolin Musterhafter Versicherungsverein Neustadt a.G.",
        ),
        ("KAROLIN\nBOOK CO. (M) SDN BHD", "BOOK CO. (M) SDN BHD"),
        ("RED PHARMACY\nNEWTOWN HEALTHCARE SIN  BHD", "NEWTOWN HEALTHCARE SDN BHD"),
        ("TAX INVOICE\nSTATIONERY WORLD SDN BHD", "STATIONERY WORLD SDN BHD"),
        ("Company Reg No. : (002231061-T)\nKAROLIN TRADING", "KAROLIN TRADING"),
    ],
)
def test_a_name_over_two_lines_is_one_and_a_brand_or_a_label_is_no_part_of_it(head: str, entity: str) -> None:
    got = found(head + FOOT)

    assert entity in (got.entity, *got.evidence["entity"].alternatives)
    assert "BHD" not in got.entity.replace("SDN BHD", "").replace("SDN.BHD", "")
    if "BOOK" not in head:
        assert got.entity == entity


@pytest.mark.parametrize(
    "printed",
    ["Karolin Sdn Bhd (Co, No:20154-T)", "Karolin Sdn Bhd (Co. No: 20154-T)", "Karolin SIN BHD (20154-T)"],
)
def test_a_registration_number_is_no_part_of_a_name_however_it_was_read(printed: str) -> None:
    assert clean_name(printed).casefold() == "karolin sdn bhd"


def test_a_seller_that_a_label_names_is_found_far_from_the_top() -> None:
    filler = "\n".join(f"Remark {number} on the delivery" for number in range(14))
    text = f"{filler}\nSeller:\nNummer : 549910\nGLN: 4333741000005\nMUSTER-Karolin\nMusterstr. 99\nTotal  12.00 EUR"

    assert found(text, "invoice").entity == "MUSTER-Karolin"


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        # The till calls what it was given a total.
        ("Amount Incl. GST  5.00 RM\nAccepted total  10.00 RM\nChange  5.00 RM\nGST 6%  0.28 RM", "5.00"),
        # The rounding is named, and its amount was not read.
        ("TOTAL  19.99\nRounding Adj\nCASH  20.00\nCHANGE  0.00", "20.00"),
        ("Total  25.44\nRounding  0.01\nAmount To Be Paid  25.45\nCash  25.50\nChange  0.05", "25.45"),
        # Nothing is rounded: the customer rounded up.
        ("TOTAL  19.99\nCASH  20.00\nCHANGE  0.01", "19.99"),
    ],
)
def test_what_is_to_be_paid_is_neither_what_was_given_nor_what_was_rounded(rows: str, total: str) -> None:
    text = f"Karolin Ltd\n12 Main Street\n28/05/18 11:41\n{rows}\nThank you"

    assert found(text).total_amount == Decimal(total)


def test_a_credit_note_whose_sums_are_negative_has_a_negative_total() -> None:
    text = (
        "Karolin GmbH\nRechnungskorrektur Nr. 7 vom 16.09.2019\nGesamtbetrag der Abschläge  0,23\n"
        "Rechnungssumme ohne USt.  -7,67\nSteuerbetrag USt  -1,12\nZahlbetrag  -8,79"
    )

    assert found(text, "invoice").total_amount == Decimal("-8.79")


@pytest.mark.parametrize(
    "text",
    [
        "Handelsrechnung Nr. TX-471102 vom 30.10.2019\nLeistungsdatum : 29.10.2019\nTaxifahrt vom 29.10.2019",
        "Buchungshilfe Nr. 471102 vom 30.10.2019\nZahlbar bis 04.04.2020, 3% Skonto bis 15.03.2020",
        "Vertrag Nr: 00.123.456.7          30.10.2019\nfür den Zeitraum vom\n21.11.2019 bis\n21.11.2020 nachstehend",
    ],
)
def test_the_day_in_the_title_is_the_papers_own(text: str) -> None:
    assert found(f"Karolin GmbH\n{text}\nZahlbetrag  4,00 EUR", "invoice").document_date == date(2019, 10, 30)


def paper(number: str, name: str, total: str) -> str:
    return (
        f"{name}\nINVOICE\nInvoice number: {number}\nInvoice date: 5 March 2024\n"
        f"Boiler service                 {total}\nTotal amount due               EUR {total}\n"
    )


def in_one_file(*texts: str) -> Document:
    pages = [
        replace(scanned(text).pages[0], number=number) if text else Page(number, "", 0.0)
        for number, text in enumerate(texts, 1)
    ]
    return replace(scanned("x"), pages=tuple(pages), page_count=len(pages), document_type="invoice")


@pytest.mark.parametrize("between", [(), ("",)])
def test_of_two_papers_in_one_file_the_first_is_read_and_a_check_fails(between: tuple[str, ...]) -> None:
    document = in_one_file(
        paper("100", "Karolin Ltd", "119.00"), *between, paper("200", "Other Co", "238.00")
    )

    got = run(ANALYST.run(Summarize(document, PROMPT)))
    checks = run(ANALYST.run(ScoreSummary(document, PROMPT))).checks

    assert (got.entity, got.total_amount) == ("Karolin Ltd", Decimal("119.00"))
    assert got.doubts[0].field == "document"
    assert f"number 100 on page 1 and number 200 on page {2 + len(between)}" in got.doubts[0].reason
    assert "one paper" in {check.name for check in checks if not check.passed}


@pytest.mark.parametrize(
    "second",
    [
        paper("100", "Karolin Ltd", "119.00"),
        "Terms and conditions\nInvoice number: 77 is an example\nWe deliver within 14 days.",
    ],
)
def test_a_second_page_of_the_same_paper_is_no_other_one(second: str) -> None:
    document = in_one_file(paper("100", "Karolin Ltd", "119.00"), second)

    assert "document" not in {doubt.field for doubt in run(ANALYST.run(Summarize(document, PROMPT))).doubts}
    assert "one paper" not in {
        check.name for check in run(ANALYST.run(ScoreSummary(document, PROMPT))).checks
    }


def test_a_column_beside_a_table_says_what_to_pay_and_by_when() -> None:
    got = found(
        """
Brightwell         STATEMENT OF DENTAL SERVICES
Family Dental
18 Quay Street     05/12/2025   D0120 Oral exam         68.00
PLEASE PAY         05/19/2025   D2392 Resin            268.00
$ 147.20           Total fees                          336.00
by 28 June 2025    Insurance payment                  -188.80
Statement date     Your portion                        147.20
30 May 2025        Thank you for choosing Brightwell Family Dental.
""",
        "medical",
    )

    assert (got.entity, got.total_amount) == ("Brightwell Family Dental", Decimal("147.20"))
    assert got.due_date == date(2025, 6, 28)


@pytest.mark.parametrize("title", ["Energy Statement", "Monthly Statement", "Patient account statement"])
def test_a_title_beside_a_short_name_is_no_issuer(title: str) -> None:
    got = found(
        f"K&R                                {title}\nP.O. Box 997300, Sacramento, CA 95899\n"
        "Electric usage: 273 kWh\nStatement Date: 01/18/2025\nTotal Amount Due     $88.10",
        "utility_bill",
    )

    assert got.entity == "K&R"


def test_one_word_does_not_decide_what_a_paper_is() -> None:
    letter = scanned(
        "Dear neighbours,\nthe meeting is about the new bicycle lane and the election of the board."
    )

    got = run(ANALYST.run(Classify(letter, TYPES, PROMPT)))

    assert got.document_type != "government"
    assert got.confidence < 0.5


def test_a_type_that_is_unsure_is_a_reason_to_look_but_a_letter_of_no_type_is_none() -> None:
    bill = replace(scanned("Karolin Ltd\nDate: 14/03/2024\nTotal due  12.00"), document_type="invoice")
    letter = replace(scanned("Karolin Ltd\n14/03/2024\nDear Ana, see you in May."), document_type="other")

    def fields(document: Document, sure: float | None) -> set[str]:
        asked = replace(document, classification_confidence=sure)
        return {doubt.field for doubt in run(ANALYST.run(Summarize(asked, PROMPT))).doubts}

    assert "document_type" in fields(bill, 0.3)
    assert "document_type" in fields(replace(bill, document_type="other"), 0.3)
    assert "document_type" not in fields(bill, 0.9) | fields(bill, None) | fields(letter, 0.1)


def test_a_title_of_a_known_type_wins_over_a_label_that_names_an_unknown_one() -> None:
    paper = scanned("Karolin GmbH          RECHNUNGS-KORREKTUR\nLieferschein-Nr : L8765\nBeleg-Nr : RK21")

    assert run(ANALYST.run(Classify(paper, TYPES, PROMPT))).document_type == "invoice"


@pytest.mark.parametrize(
    "sentence",
    [
        "Der Betrag von EUR 4,00 wird am 20.03.2024 von Ihrem Konto\nper SEPA-Lastschrift eingezogen.",
        "The amount will be debited on 20.03.2024 from your account.",
    ],
)
def test_the_day_of_a_direct_debit_is_when_it_is_due(sentence: str) -> None:
    got = found(f"Karolin GmbH\nRechnung Nr. 7 vom 05.03.2024\n{sentence}\nZahlbetrag  4,00 EUR", "invoice")

    assert got.due_date == date(2024, 3, 20)


def test_what_is_left_on_a_card_is_no_total() -> None:
    receipt = """
MARKT AM PARK
Hauptstr. 1, 04109 Leipzig
12.03.2024 12:14
Brot                  3,00
Milch                 1,20
SUMME         EUR     4,20
Geg. EC-Karte EUR     4,20
Bonus-Guthaben        9,99
Ihr Guthaben beträgt 20,00
"""
    assert found(receipt).total_amount == Decimal("4.20")
