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
    "fr.": "CHF", "sfr.": "CHF", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "pln": "PLN", "zł": "PLN", "¥": "JPY",
    "jpy": "JPY", "cny": "CNY", "php": "PHP", "₱": "PHP", "idr": "IDR", "rp": "IDR", "thb": "THB",
    "₩": "KRW", "원": "KRW", "krw": "KRW", "円": "JPY", "元": "CNY", "rmb": "CNY", "nt$": "TWD", "twd": "TWD",
    "₫": "VND", "vnd": "VND", "₺": "TRY", "₪": "ILS", "ils": "ILS", "₽": "RUB", "rub": "RUB", "₴": "UAH",
    "uah": "UAH", "₦": "NGN", "kč": "CZK", "czk": "CZK", "huf": "HUF", "bgn": "BGN", "sar": "SAR", "qar": "QAR",
    "egp": "EGP", "pkr": "PKR", "lkr": "LKR", "kwd": "KWD", "bhd": "BHD", "omr": "OMR", "jod": "JOD", "tnd": "TND",
    "iqd": "IQD", "lyd": "LYD", "฿": "THB", "brl": "BRL", "r$": "BRL", "mxn": "MXN", "zar": "ZAR",
    "aed": "AED", "kr": "kr", "kr.": "kr", "bd": "BHD", "kd": "KWD", "ron": "RON", "lei": "RON", "isk": "ISK",
}  # fmt: skip
"""How a currency is printed → its ISO 4217 code; a bare dollar sign and a bare "kr" need the document's country."""

OF_SEVERAL_COUNTRIES = {"$": re.compile("[A-Z]{2}D"), "kr": re.compile("SEK|NOK|DKK|ISK")}
"""Signs that need the document's country, and the codes that they can stand for."""

THREE_DECIMALS = frozenset({"KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD"})
"""Currencies with a thousand parts (ISO 4217): ``12.750`` is no twelve thousand there."""

_BHD = r"bhd(?=\s?\d[\d,]*\.\d{3}(?!\d))|(?<=\.\d{3})bhd|(?<=\.\d{3} )bhd"
"""Bahrain's dinar, and no company's Malaysian form ("Sdn Bhd")."""
_DINAR = r"[bk]d(?=\s?\d[\d,]*\.\d{3}(?!\d))"
_FRANC = r"(?<![-–])s?fr\.(?=\s?\d)(?!\s?\d{1,2}[.:]\d\d\s?(?:[-–]|uhr|h))|(?<=\d )s?fr\."
"""Swiss francs, and no Friday: "Fr. 8.00-12.00 Uhr"."""
_KRONE = r"kr\.?(?=\s\d)|(?:(?<=\d\s)|(?<=\d))kr\.?(?!\d)"
_SIGN = (
    r"(?:us|au|ca|hk|nz|nt|[sacr])?\$|[€£₹¥₱฿₩원円元₫₺₪₽₴₦]|(?<![a-z])(?:rm|myr|sgd|usd|aud|cad|hkd|nzd|euros?|eur"
    r"|gbp|rs\.?|inr|chf|sek|nok|dkk|pln|jpy|cny|php|idr|rp|thb|brl|mxn|zar|aed|krw|rmb|twd|vnd|ils|rub|uah|kč"
    rf"|czk|huf|bgn|sar|qar|egp|pkr|lkr|kwd|omr|jod|tnd|iqd|lyd|zł|{_KRONE}|ron|lei|isk|{_DINAR}|{_FRANC}|{_BHD})(?![a-z])"
)
_NUMBER = (
    r"\d{1,3}(?:[ ,.']\d{2,3}){0,5}[ ,.']\d{3}"  # grouped by thousands …
    r"(?:\s?[.,]\s?\d{1,4})?(?!\d)"  # … with or without decimals
    r"|\d{1,9}\s?[.,]\s{0,1}\d{1,4}(?!\d)"  # plain with decimals
    r"|\d{1,9}(?!\d)"  # whole
    r"|[.,]\d{2}(?!\d)"  # a lost leading zero
)
AMOUNT = re.compile(
    rf"(?P<open>\()?(?P<minus>[-−–]\s?)?(?P<before>{_SIGN})?\s{{0,3}}(?P<inner>[-−–])?"
    rf"(?<![\d])(?P<number>{_NUMBER})"
    rf"(?P<trail>[-−–](?![\d\w])|\s?cr\b)?(?P<close>\))?"
    rf"(?(before)|(?:\s{{0,2}}(?P<after>{_SIGN})(?!\s?\d)(?P<last>\s?[-−–](?!\s?[\d\w]))?)?)",
    re.IGNORECASE,
)
PLAUSIBLE_MISREADING = re.compile(
    r"(?<=[\d.,])[oODlI|SsB](?=[\d.,]|$)|(?:(?<![A-Za-z\d])|(?<=RM))[oOlI|](?=\d*[.,]\d)"
)
AS_DIGIT = {"o": "0", "O": "0", "D": "0", "l": "1", "I": "1", "|": "1", "S": "5", "s": "5", "B": "8"}
TWO_DECIMALS = re.compile(r"[.,]\s?\d{2}$")
_THREE = re.compile(r"[.,]\d{3}$")
_UNIT_PRICE = re.compile(
    rf"\s?(?:{_SIGN})?\s?(?:/|per|pro|je|par)\s?(?:l|lit|liter|litre|kg|kwh|m3|gal|gallon|stk)\b", re.I
)
"""What follows the price of a litre, which has three decimals."""
_AS_PLAIN = {
    **dict.fromkeys([0xA0, 0x202F, 0x205F, 0x3000, *range(0x2000, 0x200B)], " "),
    **dict.fromkeys(map(ord, "’‘ʼ´`′＇"), "'"),
    **{zero + digit: str(digit) for zero in (0xFF10, 0x660, 0x6F0) for digit in range(10)},
    0x66B: ".",
    0x66C: ",",
    **dict(zip(map(ord, "，．￥￦＄－"), ",.¥₩$-", strict=True)),
}
"""Blanks, apostrophes, wide forms and Arabic digits, each as the one that is looked for."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount found in a text."""

    value: Decimal
    currency: str
    """ISO code, ``$`` or ``kr`` where the sign is of several countries, or empty."""
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


def find_amounts(text: str, *, thousandths: bool = False) -> Iterator[Money]:
    """All numbers in a text that could be amounts, left to right.

    :param thousandths: the text is of a document whose currency has three decimals, also where no sign says so.
    """
    mended = _mend(text)
    for match in AMOUNT.finditer(mended):
        start, end = match.span()
        if not _stands_alone(mended, match):
            continue
        sign = CURRENCY_SIGNS.get((match["before"] or match["after"] or "").lower(), "")
        fine = bool(_THREE.search(match["number"])) and (
            sign in THREE_DECIMALS
            or (thousandths and not sign)
            or bool(_UNIT_PRICE.match(mended, match.end("number")))
        )
        value = _to_decimal(match["number"], fine=fine)
        if value is None:
            continue
        if (
            match["minus"]
            or match["inner"]
            or match["trail"]
            or match["last"]
            or (match["open"] and match["close"])
        ):
            value = -value
        has_decimals = fine or bool(TWO_DECIMALS.search(match["number"]))
        yield Money(
            value,
            sign,
            has_decimals,
            match.start("number"),
            start,
            end,
            text[start:end].strip(),
        )


def _mend(text: str) -> str:
    """Undo the common misreadings of digits; the text keeps its length."""
    mended = PLAUSIBLE_MISREADING.sub(lambda match: AS_DIGIT[match[0]], text)
    return mended.translate(_AS_PLAIN)


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


def counts_thousandths(text: str) -> bool:
    """Whether a document has an amount in a currency of three decimals."""
    return any(money.currency in THREE_DECIMALS and money.value % 1 != 0 for money in find_amounts(text))


def _to_decimal(number: str, *, fine: bool = False) -> Decimal | None:
    digits = re.sub(r"\s(?=[.,])|(?<=[.,])\s", "", number)
    digits = re.sub(r"[ ']", "", digits)
    last = max(digits.rfind("."), digits.rfind(","))
    if last >= 0:
        whole, fraction = digits[:last], digits[last + 1 :]
        groups = (
            not fine
            and len(fraction) == 3
            and (bool(re.search(r"[.,]", whole)) or (whole not in {"", "0"} and len(whole) <= 3))
        )
        if groups and re.search(r"[.,]", whole) and digits[last] not in whole:
            groups = False  # 1.234,567: two kinds of separators, so the last one is the decimal one
        whole = re.sub(r"[.,]", "", whole)
        digits = whole + fraction if groups else f"{whole or '0'}.{fraction}"
    try:
        return Decimal(digits)
    except InvalidOperation:
        return None
