"""Labelled values other than totals and dates: numbers of accounts, invoices and meters, usage, fees.

A value stands after its label in the same segment, else to the right of it, else below. The first
place that holds a value of the right shape wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from alfrd_events.analysis.text.amounts import Money
from alfrd_events.analysis.text.layout import Segment
from alfrd_events.analysis.text.parsed import ParsedText, Placed
from alfrd_events.analysis.text.vocabulary import any_of, beginnings, listed, phrases, words

IDENTIFIER = re.compile(
    r"(?:[A-Z]{1,4}[\s-])?(?:\d{2,6}[\s-]){1,5}\d{2,6}(?:-\d\b)?(?![\d/.,])"  # groups: KM 620 118 447, 8841-20773-5
    r"|[A-Z]{2}\s[A-Z\d]{1,8}/\d{1,8}"  # a series and its number: FT 2024/115
    r"|(?=[A-Z\d*/.-]{0,29}\d)[A-Z\d][A-Z\d*/.-]{2,29}",
    re.IGNORECASE,
)
SHORT_IDENTIFIER = re.compile(r"(?<![\d.,])\d{1,2}(?![\d.,/-])")
"""A small firm's forty-second invoice."""
ROWS_OF_A_HEAD = 25
TITLED = re.compile(rf"^\W*{any_of('identifiers.paper_before_number')}\b")
NUMBER_ALONE = re.compile(
    rf"^\W*{any_of('identifiers.number_alone')}(?![a-z])\W{{0,4}}(?=\s*$|[a-z]{{0,4}}\W?\d)"
)
TITLED_WITH_NUMBER = re.compile(
    rf"^\W*{any_of('identifiers.paper_before_number', 'identifiers.invoice_number_kind')}\b[^\d:]{{0,40}}?"
    rf"(?:(?<![a-z]){any_of('identifiers.number_alone')}(?![a-z])\W{{0,4}}|\s)(?=[a-z]{{0,4}}[-/ ]?\d)"
)
QUANTITY = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\d.,])\d+(?:\.\d+)?")


NO_QUANTITY = re.compile(rf"{any_of('fields.no_quantity')}|[@$]")
PAYMENT_ROW = re.compile(any_of("fields.payment_row"))
PAYMENT_LABEL = re.compile(rf"{any_of('fields.payment_label')}\W{{0,4}}([a-z][a-z ]{{2,20}})?$")
_FEES = (
    "base_rent",
    "late_fee",
    "electric_charges",
    "electric_generation",
    "electric_delivery",
    "gas_charges",
    "water_charges",
    "taxes_and_fees",
    "premium",
    "deductible",
    "tuition",
    "credits",
    "previous_balance",
    "payments_received",
    "current_charges",
    "minimum_payment",
    "credit_limit",
    "ending_balance",
    "gross_pay",
    "net_pay",
    "deductions",
    "service_charge",
    "discount",
    "shipping",
    "tip",
)


def _identifier(name: str) -> str:
    return rf"{beginnings(f'identifiers.{name}')}\W{{0,4}}"


@cache
def identifier_labels() -> dict[str, re.Pattern[str]]:
    """For each number that a paper can have, what stands before it."""
    other_registration = "".join(
        rf"(?<!{re.escape(word)}\s)" for word in listed("identifiers.no_registration")
    )
    plate = rf"{beginnings('identifiers.license_plate')}|{any_of('identifiers.license_plate_within')}"
    vin = beginnings("identifiers.vin")
    sources = {
        "account_number": rf"{_identifier('account_number')}|{_identifier('account_before_digits')}(?=\d{{5}})",
        "policy_number": _identifier("policy_number"),
        "customer_number": rf"{_identifier('customer_number')}(?=[a-z]{{0,4}}\d|\s*$)",
        "student_id": _identifier("student_id"),
        "invoice_number": _invoice_number(),
        "receipt_number": _identifier("receipt_number"),
        "order_number": _identifier("order_number"),
        "meter_number": _identifier("meter_number"),
        "vin": rf"{vin}\W{{0,4}}(?=[a-z0-9]{{11}})|{vin}\s*:?$",
        "license_plate": rf"(?:{plate})\W{{1,4}}",
        "claim_number": _identifier("claim_number"),
        "registration_number": rf"{other_registration}{_identifier('registration_number')}",
        "employee_id": _identifier("employee_id"),
    }
    return {name: re.compile(source) for name, source in sources.items()}


def _invoice_number() -> str:
    """Before its number, or as the title of the paper, with the number right after the word.

    The words for "number" are also one letter with a sign: n°, n., č.
    """
    kind = any_of("identifiers.invoice_number_kind")
    compound = any_of("identifiers.invoice_number_compound")
    return (
        rf"(?<![a-z])(?:{kind}|[a-z]{{0,20}}{compound})\s*(?:\(\d{{3}}\)\s*)?"
        rf"-?(?:{any_of('identifiers.number_of_a_paper')}|n\W?[oº°]|[nc](?![a-z]))\W{{0,4}}"
        rf"|(?<![a-z]){any_of('identifiers.invoice_number_whole')}\W{{0,4}}"
        rf"|^\W*{any_of('identifiers.paper_before_number')}(?:\s|\s?:)\s*(?=(?:[a-z]{{1,4}}[-/.]?)?\d[\da-z/.-]*$"
        rf"|{any_of('identifiers.series_of_a_paper')}\s(?:[a-z]{{1,3}}/)?\d)"
    )


@cache
def quantity_labels() -> dict[str, re.Pattern[str]]:
    """For each plain number that a paper can have, what stands before, behind or above it."""
    sources = {name: any_of(f"fields.quantity.{name}") for name in phrases("fields.quantity")}
    sources["usage_ccf"] = words("fields.quantity.usage_ccf")
    sources["billing_days"] += rf"|^{any_of('fields.quantity_alone')}$"
    return {name: re.compile(source) for name, source in sources.items()}


def _fee(name: str) -> re.Pattern[str]:
    """The label of a fee, in each of the ways in which ``fields.toml`` has words for it."""
    around = {
        "fee": "{label}",
        "fee_first": r"^\W*{label}",
        "fee_last": r"{label}\s*$",
        "fee_alone": r"^\W*{label}\W*$",
        "fee_unless": r"{label}(?!\s*{other})",
        "fee_first_unless": r"^\W*{label}(?![a-z])(?!\s*{other})",
    }
    other = any_of(f"fields.no_fee.{name}") if name in phrases("fields.no_fee") else ""
    return re.compile(
        "|".join(
            template.format(label=any_of(f"fields.{how}.{name}"), other=other)
            for how, template in around.items()
            if name in phrases(f"fields.{how}")
        )
    )


@cache
def fee_labels() -> dict[str, re.Pattern[str]]:
    """For each amount beside the totals, what stands before or above it."""
    return {name: _fee(name) for name in _FEES}


@cache
def payment_methods() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each way of paying, with what papers call it."""
    cash = (
        rf"{words('fields.paid_whole.cash')}"
        rf"|{words('fields.paid_unless.cash')}(?!\s*{any_of('fields.no_paid.cash')})"
    )
    sources = {
        "card": rf"{words('fields.paid_whole.card')}|\*{{4,}}\s?\d{{4}}",
        "bank transfer": words("fields.paid_whole.bank_transfer"),
        "direct debit": any_of("fields.paid_within.direct_debit"),
        "check": any_of("fields.paid_within.check"),
        "iDEAL": words("fields.paid_whole.iDEAL"),
        "PayPal": any_of("fields.paid_within.PayPal"),
        "e-wallet": words("fields.paid_whole.e-wallet"),
        "cash": cash,
    }
    return tuple((name, re.compile(source)) for name, source in sources.items())


@dataclass(frozen=True, slots=True)
class LabelledValue:
    """A value under its name, and where it stands."""

    value: str
    segment: Segment


def find_identifiers(parsed: ParsedText) -> dict[str, LabelledValue]:
    """Numbers that name an account, a policy, an invoice … by their labels."""
    found: dict[str, LabelledValue] = {}
    for segment in parsed.layout.segments():
        for name, label in identifier_labels().items():
            if name in found:
                continue
            match = label.search(segment.folded)
            if match is None:
                continue
            value = _identifier_at(segment, match.end(), parsed)
            if value is None and name == "invoice_number":
                value = _short_number(segment, match.end())
            if value is not None:
                found[name] = value
    if "invoice_number" not in found and (value := _number_of_titled(parsed)):
        found["invoice_number"] = value
    return found


def _number_of_titled(parsed: ParsedText) -> LabelledValue | None:
    """The number under or behind the title of an invoice: "N° : F2024-0207", "Facture d'honoraires n° 24-7"."""
    is_titled = False
    for row in parsed.rows[:ROWS_OF_A_HEAD]:
        for segment in row.segments:
            titled = TITLED_WITH_NUMBER.match(segment.folded)
            is_titled = is_titled or TITLED.match(segment.folded) is not None
            label = titled or (NUMBER_ALONE.match(segment.folded) if is_titled else None)
            if label and (value := _identifier_at(segment, label.end(), parsed)):
                return value
    return None


def _identifier_at(segment: Segment, end: int, parsed: ParsedText) -> LabelledValue | None:
    tail = segment.text[end:].lstrip(" :.#=-–")
    if tail:
        match = IDENTIFIER.match(tail)
        return LabelledValue(_trim(match[0]), segment) if match and _names_something(match[0]) else None
    for other in _neighbours(segment, parsed):
        match = IDENTIFIER.match(other.text.lstrip(" :.#"))
        if match and _names_something(match[0]):
            return LabelledValue(_trim(match[0]), other)
    return None


def _short_number(segment: Segment, end: int) -> LabelledValue | None:
    match = SHORT_IDENTIFIER.match(segment.text[end:].lstrip(" :.#="))
    return LabelledValue(match[0], segment) if match else None


def _trim(identifier: str) -> str:
    return " ".join(identifier.split()).rstrip("-./")


def _names_something(text: str) -> bool:
    """Not a date, an amount or a word."""
    if sum(character.isdigit() for character in text) < 2:
        return False
    return not re.fullmatch(
        r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|(?:19|20)\d\d[/.-]\d{1,2}[/.-]\d{1,2}|\d{1,6}[.,]\d{2}", text
    )


def _neighbours(segment: Segment, parsed: ParsedText) -> Iterator[Segment]:
    """Where a label's value can stand: first to the right, then below."""
    right = parsed.layout.right_of(segment)
    yield from right[:1]
    yield from parsed.layout.below(segment, reach=2)


def find_quantities(parsed: ParsedText) -> dict[str, LabelledValue]:
    """Usage, days, hours: plain numbers with their labels before, after or above them."""
    found: dict[str, LabelledValue] = {}
    for segment in parsed.layout.segments():
        for name, label in quantity_labels().items():
            if name in found:
                continue
            match = label.search(segment.folded)
            if match is None or NO_QUANTITY.search(segment.folded):
                continue
            value = _quantity_at(segment, match, parsed)
            if value is not None:
                found[name] = value
    return found


def _quantity_at(segment: Segment, label: re.Match[str], parsed: ParsedText) -> LabelledValue | None:
    after = QUANTITY.match(segment.text[label.end() :].lstrip(" :.=("))
    if after:
        return LabelledValue(after[0].replace(",", ""), segment)
    before = re.search(r"([\d,]*\d(?:\.\d+)?)\s*$", segment.text[: label.start()])
    if before:
        return LabelledValue(before[1].replace(",", ""), segment)
    if len(segment.text) > 40:
        return None
    for other in _neighbours(segment, parsed):
        match = QUANTITY.fullmatch(other.text.strip())
        if match:
            return LabelledValue(match[0].replace(",", ""), other)
    return None


def find_fees(parsed: ParsedText) -> dict[str, tuple[Decimal, Segment]]:
    """Amounts by their labels in the same row (or below, for headings over a figure)."""
    found: dict[str, tuple[Decimal, Segment]] = {}
    for row in parsed.rows:
        money = [placed for placed in parsed.amounts[row.index] if placed.value.looks_like_money]
        for name, label in fee_labels().items():
            if name in found:
                continue
            for segment in row.segments:
                if len(segment.text) > 60 or not label.search(segment.folded):
                    continue
                here = [placed for placed in money if _is_right_of(placed.segment, segment)]
                here = [placed for placed in here if not parsed.is_year_to_date(placed.segment)] or here
                if not money:
                    below = parsed.amounts_below(segment, 1)
                    here = [placed for placed in below if _stands_without_words(placed, parsed)]
                if here:
                    found[name] = (here[-1].value.value, here[-1].segment)
                    break
    return found


def _stands_without_words(placed: Placed[Money], parsed: ParsedText) -> bool:
    """Whether a row holds amounts only, so that the words above them are their labels."""
    return placed.value.looks_like_money and not re.search(
        r"[a-z]{4}", parsed.rows[placed.segment.row].folded
    )


def _is_right_of(one: Segment, other: Segment) -> bool:
    if one is other or one.box is None or other.box is None:
        return True
    return one.box[0] >= other.box[0]


def find_payment_method(parsed: ParsedText) -> LabelledValue | None:
    """How it was paid, by the first row that names a way of paying beside an amount, or a label."""
    for row in parsed.rows:
        if not parsed.amounts[row.index] and not PAYMENT_ROW.search(row.folded):
            continue
        for name, words_for_it in payment_methods():
            if words_for_it.search(row.folded) and len(row.text) < 80:
                return LabelledValue(name, row.segments[0])
    for row in parsed.rows:
        match = PAYMENT_LABEL.search(row.folded)
        if match and match[1]:
            return LabelledValue(match[1].strip(), row.segments[0])
    return None
