"""An invoice as a page of text: what is searched, shown and checked."""

from __future__ import annotations

from decimal import Decimal

from alfrd_events.model import Invoice


def text_of(invoice: Invoice) -> str:
    """One value a line, after its label; a table of what was sold. What a credit note gives back is negative."""
    sign = invoice.sign
    stated = [
        ("Seller", invoice.seller),
        ("VAT ID", invoice.seller_tax_id),
        ("Credit note number" if invoice.is_credit else "Invoice number", invoice.number),
        ("Invoice date", invoice.issue_date.isoformat()),
        ("Due date", invoice.due_date.isoformat() if invoice.due_date else ""),
        ("Billing period", _period(invoice)),
        ("Bill to", invoice.buyer),
        ("Customer number", invoice.customer_number),
        ("Buyer reference", invoice.buyer_reference),
        ("Order number", invoice.order_number),
    ]
    sums = [
        ("Subtotal", invoice.net),
        ("Tax", invoice.tax),
        ("Total amount", invoice.total),
        ("Prepaid", invoice.prepaid),
        ("Rounding", invoice.rounding),
        ("Amount due", invoice.due),
    ]
    paid = [
        ("Payment terms", invoice.payment_terms),
        ("Payment reference", invoice.payment_reference),
        ("IBAN", invoice.iban),
    ]
    table = ["  ".join(("Description", "Quantity", "Unit price", "Amount"))] if invoice.lines else []
    for line in invoice.lines:
        amount = None if line.amount is None else sign * line.amount
        cells = (line.description, _plain(line.quantity), _plain(line.unit_price), _plain(amount))
        table.append("  ".join(cell for cell in cells if cell))
    return "\n".join(
        [
            "Credit note" if invoice.is_credit else "Invoice",
            *(f"{label}: {value}" for label, value in stated if value),
            *table,
            *(f"{label}: {sign * value:f} {invoice.currency}" for label, value in sums if value is not None),
            *(f"{label}: {value}" for label, value in paid if value),
        ]
    )


def _period(invoice: Invoice) -> str:
    if invoice.period_start is None or invoice.period_end is None:
        return ""
    return f"{invoice.period_start.isoformat()} to {invoice.period_end.isoformat()}"


def _plain(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"
