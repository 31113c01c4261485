"""Electronic invoices: every value as the seller's program wrote it, to the cent, without recognition."""

from __future__ import annotations

import ctypes
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pypdfium2
import pytest

from alfrd_events.analysis.rules.checks import score_summary
from alfrd_events.analysis.rules.summary import summarize
from alfrd_events.analysis.rules.value_signs import values_of
from alfrd_events.errors import Unreadable
from alfrd_events.model import Document, Invoice, InvoiceLine, Page, Summary
from alfrd_events.reading.formats import einvoice
from alfrd_events.reading.formats.opening import open_source
from alfrd_events.reading.formats.source import ReadPage
from alfrd_events.sandbox.limits import ReaderLimits
from tests.readers.container_inputs import mail
from tests.readers.reader_inputs import Inspect, Read, pdf, picture, scan_page, text_page

INVOICES = Path(__file__).parent / "invoices"
CII = (INVOICES / "cii.xml").read_bytes()
UBL = (INVOICES / "ubl.xml").read_bytes()
ZUGFERD_1 = (INVOICES / "zugferd1.xml").read_bytes()


def with_attachment(document: bytes, name: str, content: bytes) -> bytes:
    """A PDF that carries a file, as ZUGFeRD has it."""
    given = pypdfium2.PdfDocument(document)
    given.new_attachment(name).set_data((ctypes.c_char * len(content)).from_buffer_copy(content))
    out = bytearray()

    class Sink:
        def write(self, data: bytes) -> None:
            out.extend(data)

    given.save(Sink())
    return bytes(out)


def summary_of(pages: list[Page], document_type: str = "invoice") -> tuple[Document, Summary]:
    document = Document(
        id=uuid4(),
        filename="given",
        status="classified",
        created_at=datetime(2026, 6, 1, tzinfo=UTC),
        document_type=document_type,
        pages=tuple(pages),
    )
    return document, summarize(document)


def test_every_value_of_a_cii_invoice_is_exact() -> None:
    assert einvoice.parse(CII) == Invoice(
        syntax="CII",
        number="SW-2026-00471",
        issue_date=date(2026, 3, 5),
        due_date=date(2026, 3, 19),
        seller="Stadtwerke Musterstadt GmbH",
        seller_tax_id="DE123456789",
        buyer="Ana Home",
        customer_number="K-778812",
        buyer_reference="04011000-12345-03",
        order_number="PO-9",
        period_start=date(2026, 2, 1),
        period_end=date(2026, 2, 28),
        currency="EUR",
        net=Decimal("139.71"),
        tax=Decimal("26.54"),
        total=Decimal("166.25"),
        prepaid=Decimal("100.00"),
        due=Decimal("66.25"),
        payment_terms="Zahlbar innerhalb von 14 Tagen",
        payment_reference="SW-2026-00471",
        iban="DE02120300000000202051",
        lines=(
            InvoiceLine(
                description="Ökostrom Arbeitspreis",
                quantity=Decimal("412.5"),
                unit="KWH",
                unit_price=Decimal("0.3147"),
                amount=Decimal("129.81"),
            ),
            InvoiceLine(
                description="Grundpreis Februar",
                quantity=Decimal(1),
                unit="MON",
                unit_price=Decimal("9.90"),
                amount=Decimal("9.90"),
            ),
        ),
    )


def test_every_value_of_a_ubl_invoice_is_exact() -> None:
    found = einvoice.parse(UBL)
    assert found.adds_up
    assert found.model_dump(exclude={"lines"}) == {
        "syntax": "UBL",
        "kind": "invoice",
        "number": "2026-1017",
        "issue_date": date(2026, 4, 30),
        "due_date": date(2026, 5, 14),
        "seller": "Bürobedarf Nord e.K.",
        "seller_tax_id": "DE987654321",
        "buyer": "Stadt Musterhausen",
        "customer_number": "10042",
        "buyer_reference": "991-33333TEST-33",
        "order_number": "B-55",
        "period_start": date(2026, 4, 1),
        "period_end": date(2026, 4, 30),
        "currency": "EUR",
        "net": Decimal("1003.57"),
        "tax": Decimal("190.68"),
        "total": Decimal("1194.25"),
        "prepaid": None,
        "rounding": Decimal("0.05"),
        "due": Decimal("1194.30"),
        "payment_terms": "",
        "payment_reference": "RF18539007547034",
        "iban": "DE75512108001245126199",
    }
    assert [(line.description, line.quantity, line.unit_price, line.amount) for line in found.lines] == [
        ("Bürostuhl & Montage", Decimal(3), Decimal("299.00"), Decimal("897.00")),
        ("Papier A4", Decimal(7), Decimal("15.2243"), Decimal("106.57")),
    ]


def test_an_invoice_inside_of_a_pdf_is_read_first_and_its_pages_are_kept_for_search(read: Read) -> None:
    given = with_attachment(
        pdf([text_page([(72, 700, "Stadtwerke Musterstadt")]), scan_page(picture())]), "factur-x.xml", CII
    )
    layer, scan, told = read(given)
    assert (layer.text, layer.source) == ("Stadtwerke Musterstadt", "text_layer")
    assert (scan.text, scan.source) == ("", "text_layer"), "nothing is recognised"
    assert (told.source, told.invoice) == ("e_invoice", einvoice.parse(CII))
    assert "Amount due: 66.25 EUR" in told.text


def test_a_pdf_with_an_invoice_costs_nothing_at_a_reader_that_is_paid_by_the_page() -> None:
    given = with_attachment(pdf([scan_page(picture())]), "factur-x.xml", CII)
    source = open_source(given, "bill.pdf", ReaderLimits())
    prepared = [source.prepare(number) for number in (1, 2)]
    source.close()
    assert all(isinstance(page, ReadPage) for page in prepared)


def test_the_summary_of_an_invoice_has_its_exact_values(read: Read) -> None:
    """Beside a visible page that says something else: what is visible is not what counts."""
    shown = text_page([(72, 700, "Total due 9,999.00 USD"), (72, 650, "Due date: 2030-01-01")])
    _, found = summary_of(read(with_attachment(pdf([shown]), "zugferd-invoice.xml", CII)))
    assert found.summary == (
        "Stadtwerke Musterstadt GmbH, invoice of 2026-03-05 for 2026-02-01 to 2026-02-28: €66.25, due 2026-03-19."
    )
    assert (found.entity, found.document_date, found.due_date) == (
        "Stadtwerke Musterstadt GmbH",
        date(2026, 3, 5),
        date(2026, 3, 19),
    )
    assert (found.total_amount, found.currency, found.account_number) == (Decimal("66.25"), "EUR", "K-778812")
    assert found.structured_data["tax"] == "26.54"
    assert found.structured_data["grand_total"] == "166.25"
    assert found.structured_data["line_items"][0] == {
        "description": "Ökostrom Arbeitspreis",
        "quantity": "412.5",
        "unit": "KWH",
        "unit_price": "0.3147",
        "amount": "129.81",
    }
    assert found.evidence["total_amount"].page == 2
    fields = ["entity", "document_date", "total_amount", *(value.field for value in values_of(found))]
    assert {found.evidence[field].confidence for field in fields} == {1}
    assert found.evidence["line_items.0.amount"].text
    assert found.evidence["total_amount"].text == "Amount due: 66.25 EUR"


@pytest.mark.parametrize("given", [CII, UBL], ids=["CII", "UBL"])
def test_a_bare_invoice_is_a_page_that_passes_its_checks(read: Read, given: bytes) -> None:
    pages = read(given, "xrechnung.xml")
    document, found = summary_of(pages)
    stored = Document(
        **{name: getattr(document, name) for name in ("id", "filename", "status", "created_at", "pages")},
        document_type="invoice",
        **found.model_dump(exclude={"unsupported", "evidence", "doubts"}),
    )
    score = score_summary(stored)
    assert [check.name for check in score.checks if not check.passed] == []
    assert score.score == 1


def test_an_invoice_attached_to_a_mail_is_read_as_one(read: Read) -> None:
    pages = read(mail("Please find our invoice attached.", rechnung__xml=UBL))
    assert [page.source for page in pages] == ["plain", "e_invoice"]
    assert summary_of(pages)[1].total_amount == Decimal("1194.30")


def test_a_credit_note_gives_money_back(read: Read) -> None:
    given = (
        UBL.replace(b"ubl:Invoice ", b"ubl:CreditNote ")
        .replace(b"ubl:Invoice>", b"ubl:CreditNote>")
        .replace(b"xsd:Invoice-2", b"xsd:CreditNote-2")
        .replace(b"InvoiceLine>", b"CreditNoteLine>")
        .replace(b"InvoicedQuantity", b"CreditedQuantity")
        .replace(b"  <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>\n", b"")
    )
    _, found = summary_of(read(given))
    assert found.total_amount == Decimal("-1194.30")
    assert found.structured_data["line_items"][0]["amount"] == "-897.00"
    assert "credit note of 2026-04-30" in found.summary


def test_an_invoice_whose_sums_contradict_each_other_does_not_speak_for_its_pdf(read: Read) -> None:
    wrong = CII.replace(b"<ram:GrandTotalAmount>166.25", b"<ram:GrandTotalAmount>166.26")
    pages = read(with_attachment(pdf([text_page([(72, 700, "Invoice 4471")])]), "factur-x.xml", wrong))
    assert [page.source for page in pages] == ["text_layer"]
    _, found = summary_of(read(wrong))
    assert found.unsupported == ("total_amount",)


def test_data_of_another_kind_in_a_pdf_are_named_and_it_is_read_as_ever(read: Read) -> None:
    given = pdf([text_page([(72, 700, "Invoice 4471")])])
    for name, content in (("data.xml", b"<a>1</a>"), ("factur-x.xml", b"\0\1"), ("notes.txt", CII)):
        (page,) = read(with_attachment(given, name, content))
        assert page.text == f"Invoice 4471\n\nAttachment not read: {name}"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"<ram:ID>SW-2026-00471</ram:ID>", b"", "it has no number"),
        (b"<ram:Name>Stadtwerke Musterstadt GmbH</ram:Name>", b"", "it has no seller"),
        (b"<ram:GrandTotalAmount>166.25</ram:GrandTotalAmount>", b"", "it has no total"),
        (b">166.25<", b">lots<", "its GrandTotalAmount is no number"),
        (b">166.25<", b">NaN<", "its GrandTotalAmount is no number"),
        (b">166.25<", b">1e999999<", "its GrandTotalAmount is no number"),
        (b">20260305<", b">20261305<", "its IssueDateTime is no date"),
        (b">EUR<", b">euro<", "its currency cannot be"),
        (b"</rsm:CrossIndustryInvoice>", b"", "it is not well-formed XML"),
    ],
)
def test_a_bare_invoice_that_is_wrong_is_refused_with_what_is_wrong(
    inspect: Inspect, old: bytes, new: bytes, why: str
) -> None:
    with pytest.raises(
        Unreadable, match=rf"given\.bin: the electronic invoice cannot be read: {why}.*ask its sender"
    ):
        inspect(CII.replace(old, new))


def test_xml_that_is_no_invoice_is_plain_text(read: Read) -> None:
    assert read(b"<?xml version='1.0'?><note>Paid in cash</note>")[0].source == "plain"


@pytest.mark.parametrize("is_inside", [True, False], ids=["inside of a PDF", "bare"])
def test_an_invoice_of_the_first_zugferd_is_exact_and_in_no_doubt(read: Read, *, is_inside: bool) -> None:
    given = (
        with_attachment(pdf([text_page([(72, 700, "Rechnung")])]), "ZUGFeRD-invoice.xml", ZUGFERD_1)
        if is_inside
        else ZUGFERD_1
    )

    _, found = summary_of(read(given, "rechnung.pdf" if is_inside else "rechnung.xml"))

    assert (found.entity, found.document_date, found.due_date) == (
        "Karolin GmbH",
        date(2015, 3, 4),
        date(2015, 4, 4),
    )
    assert (found.total_amount, found.currency, found.account_number) == (Decimal("135.62"), "EUR", "4711")
    assert found.structured_data["order_number"] == "PO-9"
    assert found.structured_data["line_items"] == [
        {
            "description": "Trennblätter A4",
            "quantity": "20",
            "unit": "C62",
            "unit_price": "9.90",
            "amount": "198.00",
        }
    ]
    assert (found.doubts, found.unsupported) == ((), ())


def of_minimum(due: str, profile: str = "urn:factur-x.eu:1p0:minimum") -> bytes:
    """The CII invoice with the terms of the profile MINIMUM, which says nothing of what was paid before."""
    given = re.sub(rb"<ram:TotalPrepaidAmount>.*?</ram:TotalPrepaidAmount>", b"", CII)
    given = re.sub(
        rb"(?s)<ram:IncludedSupplyChainTradeLineItem>.*</ram:IncludedSupplyChainTradeLineItem>", b"", given
    )
    given = given.replace(b"<ram:DuePayableAmount>66.25<", f"<ram:DuePayableAmount>{due}<".encode())
    return given.replace(b"urn:cen.eu:en16931:2017", profile.encode())


def test_a_deposit_that_the_smallest_profile_cannot_name_is_worked_out(read: Read) -> None:
    _, found = summary_of(
        read(with_attachment(pdf([text_page([(72, 700, "Rechnung")])]), "factur-x.xml", of_minimum("66.25")))
    )

    assert (found.total_amount, found.structured_data["prepaid"]) == (Decimal("66.25"), "100.00")
    assert (found.doubts, found.unsupported) == ((), ())


@pytest.mark.parametrize(
    "given",
    [of_minimum("200.00"), of_minimum("66.25", "urn:cen.eu:en16931:2017")],
    ids=["more", "a full profile"],
)
def test_sums_that_no_deposit_explains_do_not_add_up(given: bytes) -> None:
    assert not einvoice.parse(given).adds_up
