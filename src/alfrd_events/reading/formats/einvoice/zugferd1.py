"""ZUGFeRD 1.0, which most PDFs before 2019 have: the same tree as CII D16B under older names."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from alfrd_events.model import Invoice
from alfrd_events.reading.formats.einvoice import cii
from alfrd_events.reading.formats.xml import local

_NEWER_NAMES = {
    "SpecifiedExchangedDocumentContext": "ExchangedDocumentContext",
    "HeaderExchangedDocument": "ExchangedDocument",
    "SpecifiedSupplyChainTradeTransaction": "SupplyChainTradeTransaction",
    "ApplicableSupplyChainTradeAgreement": "ApplicableHeaderTradeAgreement",
    "ApplicableSupplyChainTradeSettlement": "ApplicableHeaderTradeSettlement",
    "SpecifiedSupplyChainTradeAgreement": "SpecifiedLineTradeAgreement",
    "SpecifiedSupplyChainTradeDelivery": "SpecifiedLineTradeDelivery",
    "SpecifiedSupplyChainTradeSettlement": "SpecifiedLineTradeSettlement",
}
_NEWER_NAMES_WITHIN = {
    ("ApplicableSupplyChainTradeSettlement", "SpecifiedTradeSettlementMonetarySummation"): (
        "SpecifiedTradeSettlementHeaderMonetarySummation"
    ),
    ("SpecifiedSupplyChainTradeSettlement", "SpecifiedTradeSettlementMonetarySummation"): (
        "SpecifiedTradeSettlementLineMonetarySummation"
    ),
    ("BuyerOrderReferencedDocument", "ID"): "IssuerAssignedID",
}


def read(root: Element) -> Invoice:
    """:raise NotInvoice: a term that every invoice has is missing or makes no sense."""
    return cii.read(_renamed(root, ""))


def _renamed(element: Element, parent: str) -> Element:
    name = local(element)
    newer = _NEWER_NAMES_WITHIN.get((parent, name)) or _NEWER_NAMES.get(name, name)
    copy = Element(newer, element.attrib)
    copy.text = element.text
    copy.extend(_renamed(child, name) for child in element)
    return copy
