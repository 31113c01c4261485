"""Lines that are names, and lines that are something else: headings, addresses, labels, recipients.

Their words are in ``text/words/names.toml``.
"""

from __future__ import annotations

import re

from alfrd_events.analysis.text.vocabulary import any_of, beginnings, listed, words

HEADING = re.compile(rf"^\W*{any_of('names.heading')}\W*$")
HEADING_END = re.compile(rf"{words('names.heading_end')}\W*$")
ADDRESS = re.compile(
    rf"{words('names.address')}|{any_of('names.street_before_number')}\s*\d|\b\d{{5}}\b"
    rf"|^\W*{any_of('names.house_number')}\W{{0,3}}\d|\b[a-z]{{2}}\W{{1,2}}\d{{5}}"
)
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
BEGINS_WITH_TRADE = re.compile(rf"^{words('names.begins_with_trade')}")
"""A second line that says what a company does: its name began on the line above."""
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
