"""A document's values under the names that all members of its series share."""

from __future__ import annotations

from typing import Any

from alfrd_events.analysis.text.written import iso
from alfrd_events.model import Document, Extraction, JsonObject, Series

SYNONYMS: dict[str, tuple[str, ...]] = {
    "date": (
        "document_date",
        "bill_date",
        "statement_date",
        "invoice_date",
        "receipt_date",
        "payment_date",
        "issue_date",
    ),
    "total_amount": (
        "total",
        "amount",
        "amount_due",
        "total_due",
        "amount_paid",
        "total_amount_due",
        "grand_total",
    ),
    "usage_kwh": ("kwh", "total_kwh", "electricity_usage", "kwh_used"),
    "therms": ("usage_therms", "gas_usage", "total_therms"),
    "premium": ("monthly_premium", "total_premium"),
    "account_number": ("account", "account_no", "customer_account"),
    "period_start": ("billing_period_start", "service_from", "start_date"),
    "period_end": ("billing_period_end", "service_to", "end_date"),
    "due_date": ("payment_due_date", "due"),
    "base_rent": ("rent", "monthly_rent", "rent_amount"),
    "tax": ("taxes", "tax_amount", "gst", "vat", "sales_tax"),
    "subtotal": ("sub_total", "net_amount"),
}
"""Our name → other names that a series may have been given for the same value, by a person or a model."""
KIND_FIELDS: dict[str, tuple[str, ...]] = {
    "purchases": (
        "subtotal",
        "tax",
        "rounding",
        "payment_method",
        "invoice_number",
        "receipt_number",
        "item_count",
    ),
    "electricity bill": (
        "usage_kwh",
        "therms",
        "billing_days",
        "electric_generation",
        "electric_delivery",
        "electric_charges",
        "gas_charges",
        "taxes_and_fees",
        "previous_balance",
        "current_charges",
    ),
    "gas bill": (
        "therms",
        "billing_days",
        "gas_charges",
        "taxes_and_fees",
        "previous_balance",
        "current_charges",
    ),
    "water bill": (
        "usage_gallons",
        "usage_ccf",
        "billing_days",
        "water_charges",
        "previous_balance",
        "current_charges",
    ),
    "rent": ("base_rent", "late_fee", "payment_method", "receipt_number"),
    "tuition": ("tuition", "credits", "units", "student_id", "subtotal"),
    "pay stub": (
        "gross_pay",
        "net_pay",
        "net_earnings",
        "deductions",
        "income_tax",
        "social_security_tax",
        "hours_worked",
    ),
    "income tax": (
        "form",
        "tax_year",
        "wages",
        "nonemployee_compensation",
        "interest_income",
        "ordinary_dividends",
        "gross_distribution",
        "federal_income_tax_withheld",
    ),
    "bank statement": ("previous_balance", "ending_balance"),
    "credit card statement": ("minimum_payment", "credit_limit", "previous_balance", "ending_balance"),
    "mortgage": ("previous_balance", "current_charges", "late_fee"),
}
INSURANCE_FIELDS = ("premium", "policy_number", "deductible", "vin", "license_plate")
OTHER_FIELDS = ("subtotal", "tax", "invoice_number", "previous_balance", "current_charges")


def extract(document: Document, series: Series) -> Extraction:
    """Fill the series' own fields first, then base fields, then those of its kind.

    A field that the series knows and this document lacks is ``null``: its column stays, its cell is empty.
    """
    values = _values(document)
    former = {field.name: field.former_names for field in series.named}
    fields: JsonObject = {}
    used: set[str] = set()
    for name in series.fields:
        known_as = (name, *former.get(name, ()))
        source = next(filter(None, (_source_of(each, values) for each in known_as)), "")
        fields[name] = values.get(source) if source else None
        used.add(source or name)
    for name, value in values.items():
        if name not in used and value not in (None, "") and name in fields_for(series.kind):
            fields[name] = value
    return Extraction(fields=fields)


def _values(document: Document) -> JsonObject:
    values: JsonObject = {
        "date": iso(document.document_date),
        "total_amount": str(document.total_amount) if document.total_amount is not None else None,
        "currency": document.currency or None,
        "due_date": iso(document.due_date),
        "account_number": document.account_number or None,
        "period_start": iso(document.period_start),
        "period_end": iso(document.period_end),
    }
    for name, value in document.structured_data.items():
        if name not in values and _is_plain(value):
            values[name] = str(value) if not isinstance(value, bool | int) else value
    items = document.structured_data.get("line_items")
    if isinstance(items, list) and items:
        values["item_count"] = len(items)
    return values


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool) and value != ""


def _source_of(field: str, values: JsonObject) -> str:
    """The name under which we know a series' field; empty if we do not."""
    if field in values:
        return field
    for ours, others in SYNONYMS.items():
        if field in others and ours in values:
            return ours
        if field == ours:
            return next((other for other in others if other in values), "")
    return ""


def fields_for(kind: str) -> frozenset[str]:
    base = ("date", "total_amount", "currency", "due_date", "account_number", "period_start", "period_end")
    own = INSURANCE_FIELDS if kind.endswith("insurance") else KIND_FIELDS.get(kind, OTHER_FIELDS)
    return frozenset(base + own)
