"""Labelled values other than totals and dates: numbers of accounts, invoices and meters, usage, fees.

A value stands after its label in the same segment, else to the right of it, else below. The first
place that holds a value of the right shape wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from alfrd_events.analysis.text.amounts import Money
from alfrd_events.analysis.text.layout import Segment
from alfrd_events.analysis.text.parsed import ParsedText, Placed

IDENTIFIER = re.compile(
    r"(?:[A-Z]{1,4}[\s-])?(?:\d{2,6}[\s-]){1,5}\d{2,6}(?![\d/.,])"  # groups: KM 620 118 447
    r"|(?=[A-Z\d*/.-]{0,29}\d)[A-Z\d][A-Z\d*/.-]{2,29}",
    re.IGNORECASE,
)
SHORT_IDENTIFIER = re.compile(r"(?<![\d.,])\d{1,2}(?![\d.,/-])")
"""A small firm's forty-second invoice."""
QUANTITY = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\d.,])\d+(?:\.\d+)?")

_NUMBER = r"\s*(?:number|nummer|num|no|nr|id|#|n)?\W{0,3}"
IDENTIFIERS: dict[str, re.Pattern[str]] = {
    "account_number": re.compile(
        rf"(?<![a-z])(?:account|loan|acct|a/c|acc|konto|compte|cuenta|conto|rekening|kto)(?:\s*(?:number|nummer|num"
        rf"|no|nr|#)|-?nr|\s*:)\W{{0,4}}|account\s*#\s*|(?<![a-z])account{_NUMBER}(?=\d{{5}})"
    ),
    "policy_number": re.compile(
        r"(?<![a-z])(?:policy|polis|police|poliza|polizza|versicherungs(?:schein)?)\s*-?(?:number|no|nr"
        r"|nummer|#|n)\W{0,4}"
    ),
    "customer_number": re.compile(
        r"(?<![a-z])(?:customer|client|kunden|klant|cliente|member|membership|id\.?\s*client"
        r"|subscriber)\s*-?(?:number|no|nr|nummer|id|#|code)?\W{0,4}(?=[a-z]{0,4}\d|\s*$)"
    ),
    "student_id": re.compile(r"(?<![a-z])student\s*(?:id|number|no)\W{0,4}"),
    "invoice_number": re.compile(
        r"(?<![a-z])(?:(?:tax\s*)?invoice|inv|factuur|facture|factura|fattura|fatura|faktura?|bill|doc(?:ument)?|beleg|rg|re"
        r"|[a-z]{0,20}rechnungs?|credit\s*(?:note|memo)|[a-z]{0,12}gutschrifts?|avoir)"
        r"\s*(?:\(\d{3}\)\s*)?-?(?:number|nummer|numero|num|no|nr|n\W?[oº°]|cislo|#|n(?![a-z]))\W{0,4}"
        # … or as the title of the paper, with the number right after the word
        r"|^\W*(?:tax\s*invoice|invoice|facture|factura|fattura|fatura|faktura|factuur|rechnung|avoir|credit\s*note|gutschrift)\s+"
        r"(?=(?:[a-z]{1,4}[-/.]?)?\d[\da-z/.-]*$)"
    ),
    "receipt_number": re.compile(
        r"(?<![a-z])(?:receipt|slip|chk|check|trans(?:action)?|rcpt|resit|bon)\s*(?:number|num|no|nr"
        r"|#)\W{0,4}"
    ),
    "order_number": re.compile(
        r"(?<![a-z])(?:order|bestel|bestell|booking|po|purchase\s*order|commande)\s*-?(?:number|num|no"
        r"|nr|nummer|id|#)\W{0,4}"
    ),
    "meter_number": re.compile(
        r"(?<![a-z])(?:meter|zahler|compteur|contador)\s*-?(?:number|no|nr|nummer|#)\W{0,4}"
    ),
    "vin": re.compile(r"(?<![a-z])vin\W{0,4}(?=[a-z0-9]{11})|(?<![a-z])vin\s*:?$"),
    "license_plate": re.compile(
        r"(?<![a-z])(?:license|licence)?\s*plate\s*(?:number|no)?\W{1,4}|kennzeichen\W{1,4}"
    ),
    "claim_number": re.compile(r"(?<![a-z])claim\s*(?:number|no|#)\W{0,4}"),
    "registration_number": re.compile(
        r"(?<![a-z])(?<!gst\s)(?<!tax\s)(?<!vat\s)(?<!company\s)(?<!business\s)registration\s*(?:number|no)\W{0,4}"
    ),
    "employee_id": re.compile(r"(?<![a-z])employee\s*(?:id|number|no)\W{0,4}"),
}
QUANTITIES: dict[str, re.Pattern[str]] = {
    "usage_kwh": re.compile(
        r"(?:total\s*)?(?:kwh|kilowatt\s*hours)(?:\s*(?:used|usage|consumption\s*this\s*period"
        r"|this\s*period))?|electricity\s*(?:used|usage)"
    ),
    "therms": re.compile(r"(?:total\s*)?therms(?:\s*used)?|gas\s*usage"),
    "usage_gallons": re.compile(r"gallons(?:\s*used)?"),
    "usage_ccf": re.compile(r"(?<![a-z])ccf(?![a-z])"),
    "billing_days": re.compile(
        r"(?:billing\s*days|(?:no\.?|number)\s*of\s*days(?:\s*this\s*period)?|^days$"
        r"|days\s*in\s*(?:billing\s*)?period|service\s*days)"
    ),
    "hours_worked": re.compile(r"hours\s*worked|total\s*hours|regular\s*hours"),
    "units": re.compile(r"(?:credits|units)\s*(?:enrolled|attempted|total)|enrolled\s*units"),
}
FEES: dict[str, re.Pattern[str]] = {
    "base_rent": re.compile(
        r"(?:base|monthly)\s*rent|^\W*rent(?![a-z])(?!\s*(?:receipt|period|for\s*month))|rent\s*amount"
    ),
    "late_fee": re.compile(r"^\W*late\s*(?:fee|charge)"),
    "electric_charges": re.compile(r"electric(?:ity)?\s*(?:charges|service)\s*$|total\s*electric"),
    "electric_generation": re.compile(r"electric(?:ity)?\s*generation"),
    "electric_delivery": re.compile(r"electric(?:ity)?\s*delivery"),
    "gas_charges": re.compile(r"gas\s*charges|natural\s*gas\s*charges|total\s*gas"),
    "water_charges": re.compile(r"water\s*(?:charges|service)"),
    "taxes_and_fees": re.compile(r"taxes\s*(?:and|&)\s*(?:fees|surcharges)"),
    "premium": re.compile(r"(?:total\s*)?(?:monthly|annual|total|policy|semi.annual|renewal)\s*premium"),
    "deductible": re.compile(r"^deductible"),
    "tuition": re.compile(r"(?:base\s*)?tuition(?!\s*(?:&|and)\s*fees)"),
    "credits": re.compile(
        r"^\W*(?:less\W*)?(?:total\s*)?(?:credits|financial\s*aid|scholarships?|grants?)(?:\s*applied)?\W*$"
    ),
    "previous_balance": re.compile(
        r"previous\s*balance|opening\s*balance|beginning\s*balance|balance\s*(?:brought\s*)?forward"
    ),
    "payments_received": re.compile(r"payments?\s*(?:received|\W*thank\s*you)"),
    "current_charges": re.compile(r"(?:total\s*)?(?:current|new)\s*(?:charges|billing)"),
    "minimum_payment": re.compile(r"minimum\s*(?:payment|amount)(?:\s*due)?"),
    "credit_limit": re.compile(r"credit\s*(?:limit|line)"),
    "ending_balance": re.compile(r"(?:ending|closing|new)\s*balance"),
    "gross_pay": re.compile(r"gross\s*(?:pay|salary|earnings|wages)"),
    "net_pay": re.compile(r"net\s*(?:pay|salary)"),
    "deductions": re.compile(r"total\s*deductions"),
    "service_charge": re.compile(r"serv(?:ice)?\.?\s*(?:charge|chg)"),
    "discount": re.compile(r"^\W*(?:total\s*)?discount"),
    "shipping": re.compile(
        r"^\W*(?:shipping|delivery\s*(?:fee|charge)|verzendkosten|versandkosten|frais\s*de\s*port)"
    ),
    "tip": re.compile(r"^\W*(?:tip|gratuity)"),
}
PAYMENT_METHODS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "card",
        re.compile(
            r"(?<![a-z])(?:visa|master\s*card|mastercard|amex|american\s*express|credit\s*card|debit\s*card"
            r"|edc|maestro|nets|card\s*no|card\s*payment|card\s*ending|(?:gift|bank)\s*card)(?![a-z])|\*{4,}\s?\d{4}"
        ),
    ),
    (
        "bank transfer",
        re.compile(
            r"(?<![a-z])(?:bank\s*transfer|wire\s*transfer|ach|uberweisung|virement|overschrijving|giro)(?![a-z])"
        ),
    ),
    ("direct debit", re.compile(r"direct\s*debit|lastschrift|prelevement|autopay\s*is\s*on|incasso")),
    ("check", re.compile(r"payment\s*method\W*check|(?:by|paid)\s*(?:check|cheque)|cheque\s*no|check\s*no")),
    ("iDEAL", re.compile(r"(?<![a-z])ideal(?![a-z])")),
    ("PayPal", re.compile(r"paypal")),
    (
        "e-wallet",
        re.compile(
            r"(?<![a-z])(?:touch\s*n\s*go|e-?wallet|grab\s*pay|alipay|apple\s*pay|google\s*pay|gpay|paytm|upi)(?![a-z])"
        ),
    ),
    (
        "cash",
        re.compile(
            r"(?<![a-z])(?:cash(?!\s*(?:back|advance|bill|inv|sale))|tunai|bar|especes|contant|contanti"
            r"|efectivo)(?![a-z])"
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class LabelledValue:
    """A value under its name, and where it stands."""

    value: str
    segment: Segment


def find_identifiers(parsed: ParsedText) -> dict[str, LabelledValue]:
    """Numbers that name an account, a policy, an invoice … by their labels."""
    found: dict[str, LabelledValue] = {}
    for segment in parsed.layout.segments():
        for name, label in IDENTIFIERS.items():
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
    return found


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
    return not re.fullmatch(r"\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}|\d{1,6}[.,]\d{2}", text)


def _neighbours(segment: Segment, parsed: ParsedText) -> Iterator[Segment]:
    """Where a label's value can stand: first to the right, then below."""
    right = parsed.layout.right_of(segment)
    yield from right[:1]
    yield from parsed.layout.below(segment, reach=2)


def find_quantities(parsed: ParsedText) -> dict[str, LabelledValue]:
    """Usage, days, hours: plain numbers with their labels before, after or above them."""
    found: dict[str, LabelledValue] = {}
    for segment in parsed.layout.segments():
        for name, label in QUANTITIES.items():
            if name in found:
                continue
            match = label.search(segment.folded)
            if match is None or re.search(r"per|avg|average|cost|rate|/\s*day|@|\$", segment.folded):
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
        for name, label in FEES.items():
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
        if not parsed.amounts[row.index] and not re.search(
            r"pay(?:ment|ing)?\s*(?:method|mode|type|by|via)|paid|zahlungsform|betaal", row.folded
        ):
            continue
        for name, pattern in PAYMENT_METHODS:
            if pattern.search(row.folded) and len(row.text) < 80:
                return LabelledValue(name, row.segments[0])
    for row in parsed.rows:
        match = re.search(r"pay(?:ment)?\s*(?:method|mode|type)\W{0,4}([a-z][a-z ]{2,20})?$", row.folded)
        if match and match[1]:
            return LabelledValue(match[1].strip(), row.segments[0])
    return None
