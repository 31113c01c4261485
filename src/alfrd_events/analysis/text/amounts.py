"""Amounts of money, as printed in many countries and as misread by a reader.

``1,234.56``, ``1.234,56``, ``1 234,56``, ``1'234.56`` and ``1,23,456.00`` (Indian grouping) all mean
what their readers take them for. The last separator is the decimal one if one or two digits follow
it; with three digits after it, it groups thousands, unless it is the only one and the number starts
with zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

CURRENCY_SIGNS: dict[str, str] = {
    "rm": "MYR", "myr": "MYR", "s$": "SGD", "sgd": "SGD", "us$": "USD", "usd": "USD", "a$": "AUD",
    "au$": "AUD", "aud": "AUD", "c$": "CAD", "ca$": "CAD", "cad": "CAD", "hk$": "HKD", "hkd": "HKD",
    "nz$": "NZD", "nzd": "NZD", "$": "$", "€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR",
    "£": "GBP", "gbp": "GBP", "rs": "INR", "rs.": "INR", "inr": "INR", "₹": "INR", "chf": "CHF",
    "fr.": "CHF", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "pln": "PLN", "zł": "PLN", "¥": "JPY",
    "jpy": "JPY", "cny": "CNY", "php": "PHP", "₱": "PHP", "idr": "IDR", "rp": "IDR", "thb": "THB",
    "฿": "THB", "brl": "BRL", "r$": "BRL", "mxn": "MXN", "zar": "ZAR", "aed": "AED", "kr": "SEK",
}  # fmt: skip
"""How a currency is printed → its ISO 4217 code; a bare dollar sign needs the document's country."""

_SIGN = (
    r"(?:us|au|ca|hk|nz|[sacr])?\$|[€£₹¥₱฿]|(?<![a-z])(?:rm|myr|sgd|usd|aud|cad|hkd|nzd|euros?|eur"
    r"|gbp|rs\.?|inr|chf|sek|nok|dkk|pln|jpy|cny|php|idr|rp|thb|brl|mxn|zar|aed)(?![a-z])"
)
_NUMBER = (
    r"\d{1,3}(?:[ ,.'’\u00a0\u202f]\d{2,3}){0,5}[ ,.'’\u00a0\u202f]\d{3}"  # grouped by thousands …
    r"(?:\s?[.,]\s?\d{1,4})?(?!\d)"  # … with or without decimals
    r"|\d{1,9}\s?[.,]\s{0,1}\d{1,4}(?!\d)"  # plain with decimals
    r"|\d{1,9}(?!\d)"  # whole
    r"|[.,]\d{2}(?!\d)"  # a lost leading zero
)
AMOUNT = re.compile(
    rf"(?P<open>\()?(?P<minus>[-−–]\s?)?(?P<before>{_SIGN})?\s{{0,3}}(?P<inner>[-−–])?"
    rf"(?<![\d])(?P<number>{_NUMBER})"
    rf"(?P<trail>[-−–](?![\d\w])|\s?cr\b)?(?P<close>\))?(?(before)|(?:\s{{0,2}}(?P<after>{_SIGN})(?!\s?\d))?)",
    re.IGNORECASE,
)
PLAUSIBLE_MISREADING = re.compile(
    r"(?<=[\d.,])[oODlI|SsB](?=[\d.,]|$)|(?:(?<![A-Za-z\d])|(?<=RM))[oOlI|](?=\d*[.,]\d)"
)
AS_DIGIT = {"o": "0", "O": "0", "D": "0", "l": "1", "I": "1", "|": "1", "S": "5", "s": "5", "B": "8"}
TWO_DECIMALS = re.compile(r"[.,]\s?\d{2}$")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount found in a text."""

    value: Decimal
    currency: str
    """ISO code, ``$`` for a dollar sign without a country, or empty."""
    has_decimals: bool
    at: int
    """Where its digits begin; ``start`` is where its sign does."""
    start: int
    end: int
    text: str

    @property
    def looks_like_money(self) -> bool:
        """A bare whole number may be a count, a table or a code; this is more than that."""
        return self.has_decimals or bool(self.currency)


def parse_amount(text: str) -> Decimal | None:
    """The one amount that a text consists of, or ``None``."""
    found = list(find_amounts(text))
    if len(found) != 1:
        return None
    rest = text[: found[0].start] + text[found[0].end :]
    return None if re.search(r"\w", rest) else found[0].value


def find_amounts(text: str) -> Iterator[Money]:
    """All numbers in a text that could be amounts, left to right."""
    mended = _mend(text)
    for match in AMOUNT.finditer(mended):
        start, end = match.span()
        if not _stands_alone(mended, match):
            continue
        value = _to_decimal(match["number"])
        if value is None:
            continue
        if match["minus"] or match["inner"] or match["trail"] or (match["open"] and match["close"]):
            value = -value
        sign = (match["before"] or match["after"] or "").lower()
        has_decimals = bool(TWO_DECIMALS.search(match["number"]))
        yield Money(
            value,
            CURRENCY_SIGNS.get(sign, ""),
            has_decimals,
            match.start("number"),
            start,
            end,
            text[start:end].strip(),
        )


def _mend(text: str) -> str:
    """Undo the common misreadings of digits; the text keeps its length."""
    mended = PLAUSIBLE_MISREADING.sub(lambda match: AS_DIGIT[match[0]], text)
    return mended.replace("，", ",").replace("．", ".")


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    """Not a part of a code, a date, a time, a phone number, a percentage or a measure."""
    start, end = match.start("number"), match.end("number")
    before = text[max(0, start - 2) : start]
    after = text[end : end + 3]
    if before[-1:].isalpha() and not match["before"]:
        return False
    if before[-1:] in "/#" and before[:1].isalnum() and not match["before"]:
        return False
    if before[-1:] in "-:" and before[:1].isdigit():
        return False
    if before[-1:] in ".," and before[:1].isdigit():
        return False
    if after[:1] == "%" or after[:2] == " %":
        return False
    if after[:1] in "/:-" and after[1:2].isdigit():
        return False
    if after[:1] in ".," and after[1:2].isdigit():
        return False
    glued_to_a_word = after[:2].isalpha() and not match["after"]
    return not glued_to_a_word or bool(TWO_DECIMALS.search(match["number"]))


def _to_decimal(number: str) -> Decimal | None:
    digits = re.sub(r"\s(?=[.,])|(?<=[.,])\s", "", number)
    digits = re.sub(r"[ '’\u00a0\u202f]", "", digits)
    last = max(digits.rfind("."), digits.rfind(","))
    if last >= 0:
        whole, fraction = digits[:last], digits[last + 1 :]
        groups = len(fraction) == 3 and (
            bool(re.search(r"[.,]", whole)) or (whole not in {"", "0"} and len(whole) <= 3)
        )
        if groups and re.search(r"[.,]", whole) and digits[last] not in whole:
            groups = False  # 1.234,567: two kinds of separators, so the last one is the decimal one
        whole = re.sub(r"[.,]", "", whole)
        digits = whole + fraction if groups else f"{whole or '0'}.{fraction}"
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None
