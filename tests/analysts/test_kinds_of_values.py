"""Values as they are printed in many countries: a table for each kind, so that a new form is a new row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from alfrd_events.analysis.text.amounts import find_amounts
from alfrd_events.analysis.text.dates import find_dates
from alfrd_events.analysis.text.naming import entity_key, same_entity
from alfrd_events.model import Document, Line, Page, Summary
from alfrd_events.model.jobs import Classify, Summarize
from tests.analysts.paper import ANALYST, PROMPT, TYPES, plain, run, scanned

FIFTH_OF_MARCH = date(2024, 3, 5)


def summary(text: str, document_type: str = "invoice") -> Summary:
    return run(ANALYST.run(Summarize(plain(text, document_type=document_type), PROMPT)))


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("1\u2009234,56 €", "1234.56", "EUR"),  # thin space
        ("1\u2007234,56 €", "1234.56", "EUR"),  # figure space
        ("1\u202f234,56 €", "1234.56", "EUR"),  # narrow space
        ("1\u2009234\u2009567,00 €", "1234567.00", "EUR"),
        ("CHF 1´234.50", "1234.50", "CHF"),
        ("CHF 1`234.50", "1234.50", "CHF"),
        ("CHF 1ʼ234.50", "1234.50", "CHF"),
        ("CHF 1‘234.50", "1234.50", "CHF"),
        ("CHF 1'234.50", "1234.50", "CHF"),
        ("12,50 €-", "-12.50", "EUR"),
        ("12,50 € -", "-12.50", "EUR"),
        ("12,50- €", "-12.50", "EUR"),
        ("-12,50 €", "-12.50", "EUR"),
        ("€ -12,50", "-12.50", "EUR"),
        ("(12.50)", "-12.50", ""),
        ("1,980円", "1980", "JPY"),
        ("￥1,980", "1980", "JPY"),
        ("¥1,980", "1980", "JPY"),
        ("₩12,000", "12000", "KRW"),
        ("12,000원", "12000", "KRW"),
        ("KRW 18,900", "18900", "KRW"),
        ("１，９８０円", "1980", "JPY"),
        ("KWD 12.750", "12.750", "KWD"),
        ("BHD 0.250", "0.250", "BHD"),
        ("OMR 1,234.500", "1234.500", "OMR"),
        ("45,600 TND", "45.600", "TND"),
        ("1.234,500 JOD", "1234.500", "JOD"),
        ("1.799 €/l", "1.799", "EUR"),
        ("1.799 per litre", "1.799", ""),
        ("12.345 €", "12345", "EUR"),
        ("₹ 1,23,456.00", "123456.00", "INR"),
        ("١٢٣٫٤٥ USD", "123.45", "USD"),
        ("۱٬۲۳۴٫۵۰", "1234.50", ""),
        ("199 Kč", "199", "CZK"),
        ("₺ 1.234,50", "1234.50", "TRY"),
    ],
)
def test_an_amount_is_what_its_readers_take_it_for(text: str, value: str, currency: str) -> None:
    (found,) = find_amounts(text)
    assert (found.value, found.currency) == (Decimal(value), currency)


def test_a_malaysian_company_is_no_dinar() -> None:
    assert [money.currency for money in find_amounts("PERNIAGAAN HERON SDN BHD 200.00")] == [""]


def test_dinars_have_three_decimals_where_no_sign_says_so() -> None:
    assert summary(
        "Al Noorah Courier\nINVOICE 7\nAmounts in KWD\nFee KWD 0.250\nTOTAL  12.750"
    ).total_amount == Decimal("12.750")


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05", "2024/3/5", "2024.03.05", "20240305", "2024-Mar-05", "2024 March 5", "Mar/05/2024", "Mar-05-2024",
        "5.III.2024", "5-III-2024", "05/Mar/2024", "5 marca 2024", "5. března 2024", "5 de março de 2024",
        "5 mars 2024",         "5. marts 2024", "5. März 2024", "2024年3月5日", "２０２４年３月５日", "2024년 3월 5일",
        "令和6年3月5日", "民國113年3月5日", "March 5th, 2024", "5th of March 2024",
    ],
)  # fmt: skip
def test_a_date_is_found_in_every_form(text: str) -> None:
    assert [found.value for found in find_dates(f"Date: {text}")] == [FIFTH_OF_MARCH]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HANEUL MART\nReceipt\n24/03/05 14:22\nTOTAL KRW 21,400", FIFTH_OF_MARCH),
        ("喫茶\n24.03.05\n合計 ¥550", FIFTH_OF_MARCH),
        ("Corner Bakery Ltd\nVAT reg GB123456789\nReceipt\n05/03/24 14:22\nTOTAL £4.00", FIFTH_OF_MARCH),
        ("Corner Bakery Inc\nPort Amber, CA 95699\nReceipt\n03/05/24 14:22\nTOTAL $4.00", FIFTH_OF_MARCH),
    ],
)
def test_the_year_is_first_where_people_write_it_first(text: str, expected: date) -> None:
    assert summary(text, "receipt").document_date == expected


@pytest.mark.parametrize(
    "text",
    ["#001-001-0934-000105/03/2024 13:30-R", "05:03PM  570668  05~03-24", "Date/Time  20240305/191204"],
)
def test_a_day_is_found_where_a_reader_or_a_till_left_it_no_room(text: str) -> None:
    assert [found.value for found in find_dates(text)] == [FIFTH_OF_MARCH]


@pytest.mark.parametrize("text", ["Ref 000105/03/2024", "1234/05/20240305/77", "20240305/991204", "5~7 days"])
def test_numbers_of_other_kinds_are_no_days(text: str) -> None:
    assert find_dates(text) == []


def test_a_paper_of_the_fifties_has_its_date() -> None:
    assert summary("Heron & Sons\nDeed\nDate: 12 May 1953", "legal").document_date == date(1953, 5, 12)


@pytest.mark.parametrize(
    "sentence",
    [
        "Zahlbar ohne Abzug bis zum 19.03.2024.",
        "Bitte zahlen Sie bis 19.03.2024",
        "Bitte überweisen Sie den Betrag bis zum 19.03.2024.",
        "Zahlbar innerhalb 14 Tagen netto bis 19.03.2024, 3% Skonto innerhalb 7 Tagen bis 12.03.2024",
        "Zahlbar innerhalb von 14 Tagen ohne Abzug",
        "14 Tage netto",
        "Fällig am 19.03.2024",
        "Please pay EUR 95.00 by 19 March 2024",
        "Please remit until 2024-03-19.",
        "Payable within 14 days",
        "Payment terms: net 14",
        "À régler au plus tard le 19/03/2024",
        "Date d'échéance : 19/03/2024",
        "Paiement à 14 jours",
        "Fecha de vencimiento: 19/03/2024",
        "Da pagare entro il 19/03/2024",
        "Data de vencimento: 19/03/2024",
        "Te betalen uiterlijk 19-03-2024",
        "Betalas senast 2024-03-19",
        "Forfaldsdato: 19-03-2024",
        "Termin płatności: 19.03.2024",
        "Datum splatnosti: 19.03.2024",
    ],
)
def test_the_day_to_pay_by_is_in_a_sentence(sentence: str) -> None:
    head = "Wrenfield Tools GmbH\nInvoice number: 177\nInvoice date: 2024-03-05\nGoods EUR 95.00\nTotal EUR 95.00"
    text = f"{head}\n{sentence}"
    assert summary(text).due_date == date(2024, 3, 19)


@pytest.mark.parametrize(
    "sentence",
    [
        "Goods may be returned within 14 days from the date of purchase",
        "3% Skonto bei Zahlung innerhalb 14 Tagen",
        "2% discount if paid by 19 March 2024",
    ],
)
def test_other_days_are_not_due(sentence: str) -> None:
    text = f"Wrenfield Tools Ltd\nInvoice date: 2024-03-05\nTotal EUR 95.00\n{sentence}"
    assert summary(text).due_date is None


@pytest.mark.parametrize(
    ("heading", "total"),
    [
        ("Gutschrift Nr. 7 zu Rechnung 100", "Gutschriftsbetrag 119,00 EUR"),
        ("RECHNUNGSKORREKTUR", "Gesamtbetrag 119,00 EUR"),
        ("CREDIT NOTE CN-7", "Total EUR 119.00"),
        ("AVOIR n° AV-19", "Total TTC : 119,00 €"),
        ("FACTURA RECTIFICATIVA (ABONO) n.º R-15", "Total: 119,00 €"),
        ("Nota di credito n. 4", "Totale 119,00 €"),
        ("Creditnota 2024-4", "Totaal 119,00 €"),
        ("REFUND RECEIPT 7714", "Refund total EUR 119.00"),
        ("Kreditnota 12", "I alt at betale 119,00 EUR"),
    ],
)
def test_what_is_given_back_is_negative(heading: str, total: str) -> None:
    assert summary(
        f"Kestrel Yard Services Ltd\n{heading}\nDatum: 12.03.2024\n{total}"
    ).total_amount == Decimal("-119.00")


@pytest.mark.parametrize(
    "line",
    [
        "No refund without a receipt",
        "Credit notes are valid for a year",
        "Refund policy: 14 days",
        "Refunds are given at the till",
        "Facture d'origine : F-311",
    ],
)
def test_a_purchase_that_mentions_refunds_is_none(line: str) -> None:
    assert summary(f"Kestrel Yard Services Ltd\nINVOICE 7\n{line}\nTotal EUR 119.00").total_amount == Decimal(
        "119.00"
    )


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("Rechnungsnummer: 2025-0731", "2025-0731"),
        ("Rechnungsnr. 471102", "471102"),
        ("Rechnung Nr. 42", "42"),
        ("Handelsrechnung (380) Nr. 471102 vom 05.06.2018", "471102"),
        ("Beleg-Nr  : RK21012345", "RK21012345"),
        ("Facture FA-2017-0009", "FA-2017-0009"),
        ("Facture n° 88-12", "88-12"),
        ("Factura n.º R-150", "R-150"),
        ("Invoice # RE-20201121/508 issued at 2020-11-21", "RE-20201121/508"),
        ("Invoice no. 1044", "1044"),
        ("Faktura nr 12/2024", "12/2024"),
        ("Gutschrift Nr. 77", "77"),
    ],
)
def test_an_invoice_has_its_number(line: str, number: str) -> None:
    found = summary(f"Heron Werke GmbH\n{line}\nSumme 10,00 EUR").structured_data
    assert found["invoice_number"] == number


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        ("Rechnungssumme Netto 198,00\nUSt. 19% 37,62\nRechnungssumme Brutto (inkl. USt.) 235,62", "235.62"),
        ("Rechnungssumme Brutto 215,14\nBereits bezahlt 50,00\nOffener Betrag 165,14", "165.14"),
        ("Total HT 530,75 €\nTotal TTC 530,75 €\nSolde à payer 383,75 €", "383.75"),
        ("Net total: 496.00 €\nVAT total: 75.04 €\nDue payable: 571.04 €", "571.04"),
        ("Netto 100,00\nDo zapłaty 123,00 zł", "123.00"),
        ("Netto 100,00\nCelkem k úhradě 121,00 Kč", "121.00"),
        ("Netto 100,00\nAtt betala 125,00 SEK", "125.00"),
        ("Netto 100,00\nI alt at betale 125,00 DKK", "125.00"),
        ("Valor a pagar 123,00 €", "123.00"),
        ('סה"כ לתשלום 1,234.50 ₪', "1234.50"),
        ("المجموع: ١٢٣٫٤٥ USD", "123.45"),
        ("合計 ¥550", "550"),
        ("합계 ₩12,000", "12000"),
        ("Warenwert  Nettobetrag  MwSt-Betrag  Endbetrag", None),
    ],
)
def test_what_is_to_be_paid_is_the_total(rows: str, total: str | None) -> None:
    assert summary(f"Heron Werke\nRECHNUNG\n{rows}").total_amount == (Decimal(total) if total else None)


def test_the_sum_of_a_column_is_at_its_foot() -> None:
    table = """
Heron Werke GmbH
Warenwert   Nettobetrag   MwSt-Betrag   Endbetrag
     5,00          4,85          0,92        5,77
     2,90          2,82          0,20        3,02
     7,90          7,67          1,12        8,79
"""
    found = run(ANALYST.run(Summarize(scanned(table, document_type="invoice"), PROMPT)))
    assert found.total_amount == Decimal("8.79")


@pytest.mark.parametrize("degrees", [-6, -4.5, -3, 0, 3, 4.5, 6])
def test_a_value_belongs_to_its_row_on_a_page_that_is_askew(degrees: float) -> None:
    assert run(ANALYST.run(Summarize(_askew(degrees), PROMPT))).total_amount == Decimal("36.56")


def _askew(degrees: float) -> Document:
    """A receipt whose boxes are those of a page that was turned, while its reader has put the rows together."""
    rows = [
        ("CORNER PHARMACY",),
        ("SUBTOTAL", "33.77"),
        ("TAX", "2.79"),
        ("TOTAL", "$36.56"),
        ("CASH", "40.00"),
        ("CHANGE", "3.44"),
    ]
    slope = degrees / 57.3
    lines = []
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            left = 0.1 + 0.6 * column
            top = 0.3 + 0.03 * number + slope * left
            lines.append(Line(text, (left, top, left + 0.15, top + 0.02), 0.97))
    page = Page(1, "\n".join("  ".join(row) for row in rows), 0.97, tuple(lines), 1000, 1000)
    return Document(**{**vars(plain("x", document_type="receipt")), "pages": (page,)})


@pytest.mark.parametrize(
    "text",
    ["Rent is due each Monday", "The flat is occupied", "A coach trip", "Reachable by telephone"],
)
def test_a_part_of_a_word_pays_nothing(text: str) -> None:
    assert (
        "payment_method" not in summary(f"Tern Property Management\n{text}\nTotal $2,150.00").structured_data
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lakeside School District 12", "Lakeside School District 112"),
        ("Local 111 Union", "Local 11 Union"),
        ("Route 66 Diner", "Route 69 Diner"),
    ],
)
def test_names_with_other_numbers_are_other_companies(one: str, other: str) -> None:
    assert entity_key(one) != entity_key(other)
    assert not same_entity(one, other)


def test_a_number_in_a_name_is_the_same_however_it_is_written() -> None:
    assert entity_key("Lakeside School District 112") == entity_key("LAKESIDE SCHOOL DISTRICT 112.")


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        (
            "Tern & Willow Property Management\n27 Ferry Row, Port Amber, CA 95699\nRENT RECEIPT\n"
            "Date: March 4, 2024\nReceived from  Ines Calloway\nProperty  418 Lantern Street\n"
            "Total received  $1,850.00\n",
            "Tern & Willow Property Management",
        ),
        (
            "LEASE AGREEMENT\nbetween Tern & Willow Property Management (Landlord)\n"
            "and Alex Rivera (Tenant), dated April 3, 2025.",
            "Tern & Willow Property Management",
        ),
        (
            "Handelsrechnung Nr. 7 vom 05.06.2018\nVerkäufer:\nNummer  : 549910\nHeron Werke GmbH\n"
            "DE 80333 München\nKäufer:\nKunden AG Mitte",
            "Heron Werke GmbH",
        ),
    ],
)
def test_the_company_is_the_party_that_made_the_paper(text: str, entity: str) -> None:
    assert summary(text, "property").entity == entity


def test_a_german_town_is_not_in_america() -> None:
    assert (
        summary("Heron Werke\nRechnung Nr. 7\nDE 80333 Musterstadt\nMwSt 19%\nGesamt 10,00").currency == "EUR"
    )


def test_the_currency_is_named() -> None:
    assert summary("Heron Werke GmbH\nRechnung Nr. 7\nWährung : GBP\nGesamtbetrag 10,00").currency == "GBP"


def test_an_invoice_that_mentions_its_tax_number_is_no_tax_paper() -> None:
    text = (
        "Heron Werke GmbH\nHandelsrechnung Nr. 471102 vom 05.06.2018\nSteuernummer 201/113/40209\n"
        "Umsatzsteuer 19 % 1,60\nBruttosumme 10,00"
    )
    assert run(ANALYST.run(Classify(plain(text), TYPES, PROMPT))).document_type == "invoice"
