"""A summary of an electronic invoice: its values as they are, with nothing to find and nothing to guess."""

from __future__ import annotations

from decimal import Decimal

from alfrd_events.analysis.rules.value_signs import values_of as values_of_summary
from alfrd_events.model import Document, Evidence, Invoice, JsonObject, Page, Summary

LABELS = {
    "entity": "Seller",
    "document_date": "Invoice date",
    "due_date": "Due date",
    "account_number": "Customer number",
    "period_start": "Billing period",
    "period_end": "Billing period",
    "invoice_number": "Invoice number",
    "subtotal": "Subtotal",
    "tax": "Tax",
    "amount_due": "Amount due",
}
"""Field → how the reader's page says it."""


def find_invoice(document: Document) -> tuple[Page, Invoice] | None:
    """The page of a document that tells exact values, if it has just one: two invoices are no single bill."""
    found = [(page, page.invoice) for page in document.pages if page.invoice is not None]
    return found[0] if len(found) == 1 else None


def values_of(page: Page, invoice: Invoice) -> Summary:
    """Every value of an invoice under the names that all analysts use; its line is left to the caller.

    What is to be paid is the total, unless a part was paid before. A credit note's amounts are negative, so that
    a file's sums are right.
    """
    sign = invoice.sign
    to_pay = invoice.due if invoice.due else invoice.total
    found = Summary(
        summary="-",
        entity=invoice.seller,
        document_date=invoice.issue_date,
        due_date=invoice.due_date,
        total_amount=sign * to_pay,
        currency=invoice.currency,
        account_number=invoice.customer_number,
        period_start=invoice.period_start,
        period_end=invoice.period_end,
        structured_data=_structured(invoice, sign),
        unsupported=() if invoice.adds_up else ("total_amount",),
    )
    total = "Amount due" if invoice.due else "Total amount"
    return found.model_copy(update={"evidence": _exact(page, found) | _evidence(page, total)})


def _structured(invoice: Invoice, sign: int) -> JsonObject:
    stated: JsonObject = {
        "invoice_number": invoice.number,
        "order_number": invoice.order_number,
        "buyer_reference": invoice.buyer_reference,
        "buyer": invoice.buyer,
        "seller_tax_id": invoice.seller_tax_id,
        "iban": invoice.iban,
        "payment_reference": invoice.payment_reference,
        "payment_terms": invoice.payment_terms,
        "subtotal": _text(invoice.net, sign),
        "tax": _text(invoice.tax, sign),
        "grand_total": _text(invoice.total, sign),
        "prepaid": _text(invoice.prepaid, sign),
        "rounding": _text(invoice.rounding, sign),
        "amount_due": _text(invoice.due, sign),
        "line_items": [
            {
                name: value
                for name, value in (
                    ("description", line.description),
                    ("quantity", _text(line.quantity)),
                    ("unit", line.unit),
                    ("unit_price", _text(line.unit_price)),
                    ("amount", _text(line.amount, sign)),
                )
                if value
            }
            for line in invoice.lines
        ],
    }
    return {name: value for name, value in stated.items() if value} | {"e_invoice": invoice.syntax}


def _text(number: Decimal | None, sign: int = 1) -> str:
    return "" if number is None else f"{sign * number:f}"


def _exact(page: Page, found: Summary) -> dict[str, Evidence]:
    """Each value with the first line that says it; all of them are certain."""
    lines = page.text.splitlines()
    return {
        value.field: Evidence(
            page=page.number, text=next((line for line in lines if value.text in line), ""), confidence=1
        )
        for value in values_of_summary(found)
    }


def _evidence(page: Page, total: str) -> dict[str, Evidence]:
    lines = page.text.splitlines()
    found = {}
    for field, label in (LABELS | {"total_amount": total}).items():
        if said := next((line for line in lines if line.startswith(f"{label}: ")), ""):
            found[field] = Evidence(page=page.number, text=said, confidence=1, label=label)
    return found
