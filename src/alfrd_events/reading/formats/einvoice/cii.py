"""Invoices in UN/CEFACT Cross Industry Invoice, D16B: ZUGFeRD 2, Factur-X, XRechnung (CII)."""

from __future__ import annotations

from decimal import Decimal
from xml.etree.ElementTree import Element

from alfrd_events.model import Invoice, InvoiceLine
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

_DATE = "DateTimeString"
_MINIMUM = ":minimum"


def read(root: Element) -> Invoice:
    """:raise NotInvoice: a term that every invoice has is missing or makes no sense."""
    head = first(root, "ExchangedDocument")
    deal = first(root, "SupplyChainTradeTransaction")
    agreement = first(deal, "ApplicableHeaderTradeAgreement")
    settlement = first(deal, "ApplicableHeaderTradeSettlement")
    sums = first(settlement, "SpecifiedTradeSettlementHeaderMonetarySummation")
    seller, buyer = first(agreement, "SellerTradeParty"), first(agreement, "BuyerTradeParty")
    currency = required(settlement, "currency", "InvoiceCurrencyCode")
    total, due = needed("total", amount(sums, "GrandTotalAmount")), amount(sums, "DuePayableAmount")
    return Invoice(
        syntax="CII",
        kind="credit_note" if text(head, "TypeCode") in CREDIT_NOTES else "invoice",
        number=required(head, "number", "ID"),
        issue_date=needed("issue date", day(head, f"IssueDateTime/{_DATE}")),
        due_date=day(settlement, f"SpecifiedTradePaymentTerms/DueDateDateTime/{_DATE}"),
        seller=required(seller, "seller", "Name", "SpecifiedLegalOrganization/TradingBusinessName"),
        seller_tax_id=_tax_id(seller),
        buyer=text(buyer, "Name"),
        customer_number=text(buyer, "ID", "GlobalID"),
        buyer_reference=text(agreement, "BuyerReference"),
        order_number=text(agreement, "BuyerOrderReferencedDocument/IssuerAssignedID"),
        period_start=day(settlement, f"BillingSpecifiedPeriod/StartDateTime/{_DATE}"),
        period_end=day(settlement, f"BillingSpecifiedPeriod/EndDateTime/{_DATE}"),
        currency=currency,
        net=amount(sums, "TaxBasisTotalAmount"),
        tax=amount_in(currency, sums, "TaxTotalAmount"),
        total=total,
        prepaid=_prepaid(root, sums, total, due),
        rounding=amount(sums, "RoundingAmount"),
        due=due,
        payment_terms=text(settlement, "SpecifiedTradePaymentTerms/Description"),
        payment_reference=text(settlement, "PaymentReference"),
        iban=text(
            settlement, "SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount/IBANID"
        ),
        lines=tuple(map(_line, each(deal, "IncludedSupplyChainTradeLineItem"))),
    )


def _prepaid(root: Element, sums: Element | None, total: Decimal, due: Decimal | None) -> Decimal | None:
    """What was paid before. The profile MINIMUM has no term for it: there, less is due than the total."""
    stated = amount(sums, "TotalPrepaidAmount")
    profile = text(root, "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID")
    if stated is None and _MINIMUM in profile.lower() and due is not None and 0 <= due < total:
        return total - due
    return stated


def _tax_id(party: Element | None) -> str:
    """The VAT number (scheme VA), else the tax number (FC)."""
    ids = {id.get("schemeID", ""): text(holder, "ID") for holder, id in _registrations(party)}
    return ids.get("VA") or ids.get("FC") or ""


def _registrations(party: Element | None) -> list[tuple[Element, Element]]:
    return [(holder, id) for holder in each(party, "SpecifiedTaxRegistration") for id in each(holder, "ID")]


def _line(line: Element) -> InvoiceLine:
    agreement = first(line, "SpecifiedLineTradeAgreement")
    price = amount(agreement, "NetPriceProductTradePrice/ChargeAmount")
    per = amount(agreement, "NetPriceProductTradePrice/BasisQuantity")
    quantity = first(line, "SpecifiedLineTradeDelivery/BilledQuantity")
    return InvoiceLine(
        description=text(line, "SpecifiedTradeProduct/Name", "SpecifiedTradeProduct/Description"),
        quantity=amount(line, "SpecifiedLineTradeDelivery/BilledQuantity"),
        unit=quantity.get("unitCode", "") if quantity is not None else "",
        unit_price=unit_price(price, per),
        amount=amount(
            line, "SpecifiedLineTradeSettlement/SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount"
        ),
    )


def unit_price(price: Decimal | None, per: Decimal | None) -> Decimal | None:
    """The price of one: a seller may state it for a hundred (BT-149)."""
    if price is None or per is None or per in (0, 1):
        return price
    return (price / per).normalize()
