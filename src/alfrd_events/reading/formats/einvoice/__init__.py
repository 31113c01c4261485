"""Electronic invoices: the values that a seller's program wrote, read without recognition and without guessing.

EN 16931 says what an invoice holds (business terms, BT-1 and so on) and knows two ways to write it: CII D16B,
which ZUGFeRD and Factur-X put inside of a PDF, and UBL 2.1; XRechnung and Peppol BIS are either of them. ZUGFeRD 1.0 is
older, and says the same under other names.
"""

from __future__ import annotations

from pydantic import ValidationError

from alfrd_events.model import Invoice
from alfrd_events.reading.formats import xml
from alfrd_events.reading.formats.einvoice import cii, ubl, zugferd1
from alfrd_events.reading.formats.einvoice.terms import NotInvoice
from alfrd_events.reading.formats.einvoice.text import text_of
from alfrd_events.reading.formats.source import ReadPage

__all__ = ["NotInvoice", "embedded", "parse", "reading_of"]

MAX_BYTES = 50 * 1024 * 1024
"""An invoice of a hundred thousand lines has as many."""


def parse(data: bytes) -> Invoice:
    """Read an invoice's values.

    :raise NotInvoice: it is no invoice, is damaged, or lacks what every invoice has; its text says which.
    """
    if len(data) > MAX_BYTES:
        raise NotInvoice(f"it has more than {MAX_BYTES:,} bytes")
    try:
        root = xml.parse(data)
    except xml.NotXml as why:
        raise NotInvoice(str(why)) from None
    reader = {
        "CrossIndustryInvoice": cii.read,
        "CrossIndustryDocument": zugferd1.read,
        "Invoice": ubl.read,
        "CreditNote": ubl.read,
    }.get(xml.local(root))
    if reader is None:
        raise NotInvoice("it is neither a CII nor a UBL invoice")
    try:
        return reader(root)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise NotInvoice(
            f"its {'.'.join(map(str, first['loc']))} cannot be: {first['msg'].lower()}"
        ) from None


def reading_of(invoice: Invoice) -> ReadPage:
    """An invoice as a page."""
    return ReadPage(text_of(invoice), kind="e_invoice", invoice=invoice.model_dump(mode="json"))


def embedded(data: bytes) -> ReadPage | None:
    """The page for a file inside of a PDF; ``None`` if it is no invoice, or one whose sums contradict each other,
    so that the PDF itself has to tell."""
    try:
        invoice = parse(data)
    except NotInvoice:
        return None
    return reading_of(invoice) if invoice.adds_up else None
