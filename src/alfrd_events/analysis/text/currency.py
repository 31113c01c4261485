"""The currency of a document's amounts: by their signs, by a word, by the country."""

from __future__ import annotations

import re

from alfrd_events.analysis.text.amounts import CURRENCY_SIGNS
from alfrd_events.analysis.text.dates import AMERICAN_ZIP
from alfrd_events.analysis.text.parsed import ParsedText

_CODES = "rm|" + "|".join(sorted({code.lower() for code in CURRENCY_SIGNS.values() if code != "$"}))

COUNTRY_OF_A_DOLLAR: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("SGD", re.compile(r"singapore|(?<![a-z])uen(?![a-z])|pte\W{0,2}ltd|\+65")),
    ("AUD", re.compile(r"australia|(?<![a-z])abn(?![a-z])|(?<![a-z])(?:nsw|qld|vic)\s?\d{4}|pty\W{0,2}ltd")),
    (
        "CAD",
        re.compile(
            r"canada|(?<![a-z])(?:hst|qst|pst)(?![a-z])|\b[a-z]\d[a-z]\s?\d[a-z]\d\b|ontario|quebec"
            r"|british columbia"
        ),
    ),
    ("NZD", re.compile(r"new zealand|auckland")),
)
COUNTRY_HINTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "MYR",
        re.compile(
            r"(?<![a-z])(?:sdn|bhd|s/b|jalan|jln|selangor|kuala\s*lumpur|malaysia|johor|ringgit)(?![a-z])"
            r"|\(rm\)|gst\s*(?:id|reg)\W{0,4}(?:no)?\W{0,4}00\d{10}"
        ),
    ),
    ("INR", re.compile(r"gstin|(?<![a-z])pvt\W{0,2}ltd|india(?![a-z])|rupees")),
    ("USD", re.compile(rf"{AMERICAN_ZIP}|us\s*dollars|united\s*states")),
    ("GBP", re.compile(r"united\s*kingdom|vat\s*reg|\bgb\s?\d{9}")),
    (
        "EUR",
        re.compile(
            r"gmbh|(?<![a-z])b\.v\.|s\.a\.r\.l|(?<![a-z])(?:mwst|btw|tva|iva)(?![a-z])|(?<![a-z])eur(?:os?)?(?![a-z])"
        ),
    ),
)


def find_currency(parsed: ParsedText, total_currency: str) -> str:
    """The ISO code of the amounts: the total's own sign, the commonest sign, else the country."""
    code = total_currency or _commonest(parsed)
    text = parsed.layout.folded
    if code == "$":
        return next((currency for currency, hints in COUNTRY_OF_A_DOLLAR if hints.search(text)), "USD")
    if code:
        return code
    named = re.search(
        rf"\(({_CODES})\)|(?:amounts?|total|price|currency|betrage?|wahrung|devise|moneda|valuta|waluta|mena|munt)"
        rf"\W{{0,4}}(?:in\s*)?({_CODES})(?![a-z])",
        text,
    )
    if named:
        code = named[1] or named[2]
        return CURRENCY_SIGNS.get(code, code.upper())
    return next((currency for currency, hints in COUNTRY_HINTS if hints.search(text)), "")


def _commonest(parsed: ParsedText) -> str:
    signs = [placed.value.currency for placed in parsed.all_amounts if placed.value.currency]
    return max(sorted(set(signs)), key=signs.count) if signs else ""
