"""Invoices and credit notes in OASIS UBL 2.1: XRechnung (UBL), Peppol BIS Billing 3."""

from __future__ import annotations

from decimal import Decimal
from xml.etree.ElementTree import Element

from alfrd_events.model import Invoice, InvoiceLine
from alfrd_events.reading.formats.einvoice.cii import unit_price
from alfrd_events.reading.formats.einvoice.terms import (
    CREDIT_NOTES,
    amount,
    amount_in,
    day,
    each,
    first,
    needed,
    required,
    text,
)
from alfrd_events.reading.formats.xml import local

_NAMES = ("PartyLegalEntity/RegistrationName", "PartyName/Name")


def read(root: Element) -> Invoice:
    """:raise NotInvoice: a term that every invoice has is missing or makes no sense."""
    returns = local(root) == "CreditNote" or text(root, "InvoiceTypeCode") in CREDIT_NOTES
    seller, buyer = first(root, "AccountingSupplierParty/Party"), first(root, "AccountingCustomerParty/Party")
    sums = first(root, "LegalMonetaryTotal")
    currency = required(root, "currency", "DocumentCurrencyCode")
    return Invoice(
        syntax="UBL",
        kind="credit_note" if returns else "invoice",
        number=required(root, "number", "ID"),
        issue_date=needed("issue date", day(root, "IssueDate")),
        due_date=day(root, "DueDate", "PaymentMeans/PaymentDueDate"),
        seller=required(seller, "seller", *_NAMES),
        seller_tax_id=_tax_id(seller),
        buyer=text(buyer, *_NAMES),
        customer_number=text(buyer, "PartyIdentification/ID"),
        buyer_reference=text(root, "BuyerReference"),
        order_number=text(root, "OrderReference/ID"),
        period_start=day(root, "InvoicePeriod/StartDate"),
        period_end=day(root, "InvoicePeriod/EndDate"),
        currency=currency,
        net=amount(sums, "TaxExclusiveAmount"),
        tax=_tax(root, currency),
        total=needed("total", amount(sums, "TaxInclusiveAmount")),
        prepaid=amount(sums, "PrepaidAmount"),
        rounding=amount(sums, "PayableRoundingAmount"),
        due=amount(sums, "PayableAmount"),
        payment_terms=text(root, "PaymentTerms/Note"),
        payment_reference=text(root, "PaymentMeans/PaymentID"),
        iban=text(root, "PaymentMeans/PayeeFinancialAccount/ID"),
        lines=tuple(map(_line, (*each(root, "InvoiceLine"), *each(root, "CreditNoteLine")))),
    )


def _tax(root: Element, currency: str) -> Decimal | None:
    for total in each(root, "TaxTotal"):
        found = amount_in(currency, total, "TaxAmount")
        if found is not None:
            return found
    return None


def _tax_id(party: Element | None) -> str:
    """The VAT number, else the tax number."""
    ids = {
        text(scheme, "TaxScheme/ID"): text(scheme, "CompanyID") for scheme in each(party, "PartyTaxScheme")
    }
    return ids.get("VAT") or next(iter(ids.values()), "")


def _line(line: Element) -> InvoiceLine:
    quantity = first(line, "InvoicedQuantity", "CreditedQuantity")
    return InvoiceLine(
        description=text(line, "Item/Name", "Item/Description"),
        quantity=amount(line, "InvoicedQuantity", "CreditedQuantity"),
        unit=quantity.get("unitCode", "") if quantity is not None else "",
        unit_price=unit_price(amount(line, "Price/PriceAmount"), amount(line, "Price/BaseQuantity")),
        amount=amount(line, "LineExtensionAmount"),
    )
