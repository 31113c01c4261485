"""The currency of a document's amounts: by their signs, by a word, by the country."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from alfrd_events.analysis.text.amounts import CURRENCY_SIGNS, OF_SEVERAL_COUNTRIES, Money
from alfrd_events.analysis.text.date_order import AMERICAN_ZIP
from alfrd_events.analysis.text.layout import Segment
from alfrd_events.analysis.text.parsed import ParsedText, Placed
from alfrd_events.analysis.text.vocabulary import any_of, beginnings, pattern, phrases, words

_CODES = "rm|" + "|".join(
    sorted({code.lower() for code in set(CURRENCY_SIGNS.values()) - OF_SEVERAL_COUNTRIES.keys()})
)


CANADIAN_ZIP = r"\b[a-z]\d[a-z]\s?\d[a-z]\d\b"
AMERICAN_TELEPHONE = r"(?<![\d-])(?:\(\d{3}\)\s?|\d{3}-)\d{3}-\d{4}(?![\d-])"


def _country(currency: str, *forms: str) -> tuple[str, re.Pattern[str]]:
    """A currency, and what tells of its country: its words, and numbers of a form that is usual there."""
    named = [
        source(f"places.{how}.{currency}")
        for how, source in (("whole", words), ("within", any_of))
        if currency in phrases(f"places.{how}")
    ]
    return currency, re.compile("|".join([*named, *forms]))


@cache
def countries_of_a_dollar() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Where a bare dollar sign is not an American one."""
    australian_zip = rf"{beginnings('places.state_of.AUD')}\s?\d{{4}}"
    return (
        _country("SGD", r"\+65"),
        _country("AUD", australian_zip),
        _country("CAD", CANADIAN_ZIP),
        _country("NZD"),
    )


@cache
def countries_of_a_krone() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Whose "kr" it is: the code that is printed somewhere, or the country."""
    return (
        _country("SEK", r"\bsek\b"),
        _country("NOK", r"\bnok\b"),
        _country("DKK", r"\bdkk\b"),
        _country("ISK", r"\bisk\b"),
    )


@cache
def country_hints() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What tells of a country, where no currency is printed; the surest first."""
    number = any_of("places.number")
    tax_number = rf"{any_of('places.tax_number.MYR')}\W{{0,4}}{number}?\W{{0,4}}00\d{{10}}"
    return (
        _country("MYR", r"\(rm\)", tax_number, r"\(\d{4,7}-[a-z]\)", r"\b[a-z]{2}\d{7}-[a-z]\b"),
        _country("INR"),
        _country("CAD", r"\b[a-z]\d[a-z]\s\d[a-z]\d\b"),
        _country("USD", AMERICAN_ZIP, AMERICAN_TELEPHONE),
        _country("GBP", r"\bgb\s?\d{9}"),
        _country("PLN"),
        _country("CZK"),
        *countries_of_a_krone(),
        _country("EUR", r"(?<![a-z])b\.v\.|s\.a\.r\.l", r"\bttc\b"),
    )


@cache
def _named() -> re.Pattern[str]:
    return re.compile(
        rf"\(({_CODES})\)|{any_of('places.named_currency')}\W{{0,4}}(?:{any_of('places.named_in')}\s*)?({_CODES})(?![a-z])"
    )


How = Literal["total", "sign", "named", "country"]


@dataclass(frozen=True, slots=True)
class FoundCurrency:
    """A currency, and what tells of it."""

    code: str
    """ISO 4217."""
    how: How
    """By the sign beside the total, that of most amounts, a code in the text, or by the country."""
    segment: Segment
    others: tuple[str, ...] = ()
    """Currencies of other signs on the paper, the commonest first."""


def find_currency(parsed: ParsedText, total_currency: str) -> str:
    """The ISO code of the amounts, or an empty string: see :func:`place_currency`."""
    signs = _by_sign(parsed)
    sign = total_currency or next(iter(signs), "")
    if sign:
        return _code_of(sign, parsed)
    found = _from_text(parsed)
    return found.code if found else ""


def place_currency(parsed: ParsedText, total: Placed[Money] | None) -> FoundCurrency | None:
    """The currency of the amounts: the total's own sign, the commonest, else a code in the text, else the country."""
    signs = _by_sign(parsed)
    own = total.value.currency if total else ""
    sign = own or next(iter(signs), "")
    if not sign:
        return _from_text(parsed)
    segment = total.segment if total and own else signs[sign][0]
    others = tuple(code for other in signs if other != sign and (code := _code_of(other, parsed)))
    code = _code_of(sign, parsed)
    return FoundCurrency(code, "total" if own else "sign", segment, others) if code else None


def _by_sign(parsed: ParsedText) -> dict[str, list[Segment]]:
    """Where each sign stands beside an amount, the commonest sign first."""
    found: dict[str, list[Segment]] = {}
    for placed in parsed.all_amounts:
        if placed.value.currency and not _is_of_an_address(placed, parsed):
            found.setdefault(placed.value.currency, []).append(placed.segment)
    return dict(sorted(sorted(found.items()), key=lambda pair: -len(pair[1])))


def _is_of_an_address(placed: Placed[Money], parsed: ParsedText) -> bool:
    """Whether what looks like a currency is a word of an address: "Jln Mega 4, Sek 9"."""
    row = parsed.rows[placed.segment.row].folded
    return not placed.value.has_decimals and bool(pattern("names.address").search(row))


def _code_of(sign: str, parsed: ParsedText) -> str:
    text = parsed.layout.folded
    if sign == "$":
        return next((currency for currency, hints in countries_of_a_dollar() if hints.search(text)), "USD")
    if sign == "kr":
        return next((currency for currency, hints in countries_of_a_krone() if hints.search(text)), "")
    return sign


def _from_text(parsed: ParsedText) -> FoundCurrency | None:
    text = parsed.layout.folded
    if named := _named().search(text):
        code = named[1] or named[2]
        segment = parsed.segment_at(named.start(1) if named[1] else named.start(2))
        return FoundCurrency(CURRENCY_SIGNS.get(code, code.upper()), "named", segment)
    for currency, hints in country_hints():
        if hint := hints.search(text):
            return FoundCurrency(currency, "country", parsed.segment_at(hint.start()))
    return None
