"""Lines that are names, and lines that are something else: headings, addresses, labels, recipients.

Their words are in ``text/words/names.toml``.
"""

from __future__ import annotations

import re

from rapidfuzz.distance import Levenshtein

from alfrd_events.analysis.text.vocabulary import any_of, beginnings, listed, words

HEADING = re.compile(rf"^\W*{any_of('names.heading')}\W*$")
HEADING_END = re.compile(rf"{words('names.heading_end')}\W*$")
ADDRESS = re.compile(
    rf"{words('names.address')}|^(?=.*\d).*{words('names.address_beside_number')}"
    rf"|{any_of('names.street_before_number')}\s*\d|\b\d{{5}}\b"
    rf"|^\W*{any_of('names.house_number')}\W{{0,3}}\d|\b[a-z]{{2}}\W{{1,2}}\d{{5}}"
    r"|\b[a-z]{1,2}\d[a-z\d]?\s\d[a-z]{2}\b|\b[a-z]\d[a-z]\s\d[a-z]\d\b"
    r"|^\W*\d{1,5}[a-z]?,?\s[a-z][^\d,]{3,30},\s*[a-z]{2}"
)
"""Also a British or a Canadian postcode, and what begins with the number of a house: "31 Market Row, York"."""
HOUSE_NUMBER_FIRST = re.compile(rf"\W*(?:{any_of('names.house_number')}\W*)?\d")
CONTACT = re.compile(rf"{words('names.contact')}|@|\+\d{{2}}")
RECIPIENT = re.compile(
    rf"{beginnings('names.recipient')}|{beginnings('names.customer')}(?!\s*{any_of('names.no_customer')})"
)
ISSUER = re.compile(
    rf"(?<![a-z])(?:{any_of('names.issuer')}|(?<!received\s)(?<!rec.d\s){any_of('names.from')})\W*$"
)
LABEL_OF_ISSUER = re.compile(rf"^{any_of('names.label_of_issuer')}\s*:")
LABEL_BEFORE_ISSUER = re.compile(
    rf"^{any_of('names.label_of_issuer', 'names.label_of_issuer_on_receipt')}\s*:\s*", re.IGNORECASE
)
ORGANISATION = re.compile(rf"{words('names.organisation')}|{any_of('names.organisation_within')}")
TRADE = re.compile(rf"^\W*(?:(?:{any_of('names.trade')}|\d{{4}})\W*)+$")
"""A line that says what a shop is, under the line that says who it is: "Kitchen & Bar"."""
LABEL = re.compile(
    rf"^{any_of('names.label_of')}\W*{any_of('names.label_what')}?$|{any_of('names.label_end')}\W*$"
)
"""Words over a value, which an organisation could also be named with."""
ATTRIBUTE = re.compile(
    rf":|^\W*(?:{any_of('names.attribute_qualifier')}\s*)?(?:{any_of('names.attribute')}"
    rf"|{any_of('names.attribute_whole')}\b|{any_of('names.attribute_abbreviated')}\W)|{any_of('names.version')}\W"
)
"""A line of an address block that says something of its company, and not its name."""
NUMBER_LABEL = re.compile(words("names.number_label"))
"""What a register calls a company, and not how it is called: "Company Reg. No."."""
JOINS_TWO_LINES = re.compile(rf"^\W*(?:&|\+|(?:{any_of('names.conjunction')})\s)")
"""A second line that goes on with a name: "Lim Brothers Hardware / & Electrical Ltd"."""
ENDS_WITH_JOIN = re.compile(rf"(?:&|\+|\s(?:{any_of('names.conjunction')}))\s*$")
ENDS_WITH_PARTNERS = re.compile(
    rf"(?:&|\+|\s(?:{any_of('names.conjunction')}))\s*{any_of('names.partners')}\W*$"
)
"""A name that ends here: "Bois & Compagnie"."""
BEGINS_WITH_TRADE = re.compile(rf"^{words('names.begins_with_trade')}")
"""A second line that says what a company does: its name began on the line above."""
TRADES = tuple(each for each in listed("names.begins_with_trade") if each.isalpha() and len(each) >= 8)
"""Those that are told from all other words with one letter misread."""
PERSON = re.compile(
    rf"^{any_of('names.form_of_address')}\b\.?\s|,\s*{any_of('names.degree')}\b", re.IGNORECASE
)
SITE = re.compile(
    r"(?:www\.|https?://(?:www\.)?|@)([a-z0-9][a-z0-9-]{1,40})\.[a-z]{2,6}"
    r"|(?<![a-z0-9.@])([a-z0-9-]{3,40})\.(?:com|net|org|gov|edu|co|de|fr|nl|my|eu)\b"
)
PUBLIC_MAIL = frozenset(listed("names.public_mail"))
PARTY = re.compile(
    rf"^{any_of('names.between')}\s+(.{{3,80}}?),?\s*\((?:{any_of('names.party_article')}\s+)?[\"“'‘]?"
    rf"{any_of('names.contract_party')}[\"”'’]?\)",
    re.IGNORECASE,
)
"""The party of a contract that has drawn it up: "between … (Landlord)"."""
_WITH_CAPITAL, _OF_CAPITAL, _SOLD_BY = (
    "|".join(re.escape(form) for form in listed(name))
    for name in ("companies.with_capital", "companies.of_capital", "companies.sold_by")
)
BEFORE_ITS_CAPITAL = re.compile(rf"(.{{2,40}}?\b(?:{_WITH_CAPITAL}))\s+(?:{_OF_CAPITAL})")
"""A company's name in a line that goes on with its capital or seat: "Exemple SAS au capital de …"."""
SOLD_BY = re.compile(rf"\bsold by ([A-Z][^.]{{3,50}}?(?:{_SOLD_BY})\b\.?)")
MAILBOX = re.compile(r"^\W{0,3}([^<>@]{2,100}?)[\s\"']*<[^<>\s]+@[^<>\s]+>\W*$")
"""A mail's sender: the name is before the address, with or without quotes."""


def says_only_what_it_is(folded: str) -> bool:
    """Whether all words are such as any company of a kind is named with: "Syarikat Perniagaan"."""
    named = re.findall(r"[^\W\d_]{2,}", folded)
    return bool(named) and all(ORGANISATION.fullmatch(each) for each in named)


def begins_with_trade(folded: str) -> bool:
    """Whether a line begins with what a company does, also with one letter misread or lost: "sttionery"."""
    first = folded.split()[0] if folded.split() else ""
    return bool(BEGINS_WITH_TRADE.match(folded)) or (
        len(first) >= len(min(TRADES, key=len)) - 1
        and any(Levenshtein.distance(first, each, score_cutoff=1) <= 1 for each in TRADES)
    )
