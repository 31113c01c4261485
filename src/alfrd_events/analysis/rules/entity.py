"""Who issued a document: the company as printed.

Every line near the top, and every line that ends in a legal form, is a candidate. What speaks for
one: its place, a legal form, a word that organisations use, a web site or an e-mail address of the
same name, being repeated. What speaks against one: being an address, a heading, a person that the
document is sent to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alfrd_events.analysis.rules.forms.form import find_form
from alfrd_events.analysis.rules.name_lines import (
    ROWS_AT_THE_TOP,
    ROWS_LOOKED_AT,
    is_broken_off,
    labelled_as_issuer,
    name_candidates,
)
from alfrd_events.analysis.rules.name_words import (
    ADDRESS,
    ATTRIBUTE,
    CONTACT,
    HEADING,
    HEADING_END,
    ISSUER,
    LABEL,
    NUMBER_LABEL,
    ORGANISATION,
    PERSON,
    PUBLIC_MAIL,
    RECIPIENT,
    SITE,
    TRADE,
)
from alfrd_events.analysis.text.layout import Segment, fold
from alfrd_events.analysis.text.naming import ENDS_WITH_LEGAL_FORM, LEGAL_FORM, OWNED_BY
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Document

POSTAL_CODE = re.compile(r"\b\d{4,5}\b|\b\d{2,3}[- ]\d{2,3}\b")
MONEY = re.compile(r"(?<![\d.,/-])\d{1,3}(?:[ .,']\d{3}){0,4}[.,]\d{2}(?![\d.,/-])")
ROWS_OF_A_SIGN = 3
"""In which a shop says who it is and what."""
SOLD_BY_A_PERSON = 4.0
WITH_ITS_DAY = re.compile(r"[a-z]\W{1,4}\d{1,4}[./-]\d{1,2}[./-]\d{2,4}\W*$")
"""A label and the day that it names: "Anreise 08.03.2024"."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A name and where it is printed."""

    name: str
    segment: Segment
    score: float
    is_organisation: bool
    """Whether more than its place speaks for it: a legal form, a word of organisations, a site, a label."""


def find_issuer_of(document: Document, parsed: ParsedText) -> Issuer | None:
    """The issuer of a document by its type: a paper of no known type needs more than a first line."""
    return best_for(
        document, parsed, propose_issuers(parsed, is_receipt=document.document_type in {"receipt", ""})
    )


def names_a_company(document: Document) -> bool:
    """Whether a document's text says who it is from, by more than the place of a line."""
    parsed = ParsedText.of(document)
    form = find_form(parsed)
    if form is not None and form.issuer is not None:
        return True
    recipients = _recipient_rows(parsed)
    return any(
        issuer.is_organisation
        and issuer.score >= 0
        and not _belongs_to_recipient(issuer.segment, recipients, parsed)
        for issuer in propose_issuers(parsed, is_receipt=False)
    )


def best_for(document: Document, parsed: ParsedText, issuers: Iterable[Issuer]) -> Issuer | None:
    """The one of the proposed issuers that a document of this type is from.

    A paper of no known type that names an amount is from a company, also where no more than its first line says from
    which; a letter could begin with anything.
    """
    issuer = max(issuers, key=lambda each: each.score, default=None)
    if issuer is None or issuer.score < 0:
        return None
    if document.document_type == "other" and not issuer.is_organisation:
        speaks_of_money = MONEY.search(parsed.layout.folded) is not None
        return issuer if speaks_of_money and issuer.segment.row == 0 and issuer.score > 2 else None
    return issuer


def propose_issuers(parsed: ParsedText, *, is_receipt: bool) -> Iterator[Issuer]:
    """Every line, and every part of one, that could be the issuer's name, with what speaks for it."""
    recipients = _recipient_rows(parsed)
    sites = _sites(parsed)
    for name, segment in name_candidates(parsed):
        score = _score(name, segment, parsed, recipients, sites, is_receipt=is_receipt)
        yield Issuer(name, segment, score, _is_organisation(name, segment, parsed, sites))


def _is_organisation(name: str, segment: Segment, parsed: ParsedText, sites: tuple[str, ...]) -> bool:
    core = re.sub(r"[^a-z0-9]", "", LEGAL_FORM.sub("", name.lower()))
    return (
        bool(LEGAL_FORM.search(name) or ORGANISATION.search(fold(name)) or OWNED_BY.match(segment.text))
        or any(_names_the_same(core, site) for site in sites)
        or labelled_as_issuer(segment, parsed)
    )


def _recipient_rows(parsed: ParsedText) -> list[Segment]:
    return [
        segment
        for row in parsed.rows[:ROWS_LOOKED_AT]
        for segment in row.segments
        if RECIPIENT.search(segment.folded) and len(segment.text) < 60
    ]


def _sites(parsed: ParsedText) -> tuple[str, ...]:
    names = []
    for match in SITE.finditer(parsed.layout.folded, 0, 60_000):
        name = (match[1] or match[2]).replace("-", "")
        if name not in PUBLIC_MAIL and len(name) > 2:
            names.append(name)
    return tuple(dict.fromkeys(names))[:12]


def _score(
    name: str,
    segment: Segment,
    parsed: ParsedText,
    recipients: list[Segment],
    sites: tuple[str, ...],
    *,
    is_receipt: bool,
) -> float:
    folded = fold(name)
    squashed = re.sub(r"[^a-z0-9]", "", folded)
    score = _place(segment, parsed, is_receipt=is_receipt)
    if ENDS_WITH_LEGAL_FORM.search(name):
        score += 1.5 if is_receipt and _follows_the_address(segment, parsed) else 4.0
    elif LEGAL_FORM.search(name):
        score += 2.5
    if ORGANISATION.search(folded) and not (is_receipt and _describes_the_line_above(name, segment, parsed)):
        score += 2.0
    if _is_beside_its_address(segment, parsed):
        score += 1.5
    if OWNED_BY.match(segment.text) and not _follows_the_address(segment, parsed):
        score += 3.0
    core = re.sub(r"[^a-z0-9]", "", LEGAL_FORM.sub("", folded))
    if any(_names_the_same(core, site) for site in sites):
        score += 2.5
    score += min(1.5, 0.5 * (_mentions(core, parsed) - 1))
    if labelled_as_issuer(segment, parsed):
        score += -SOLD_BY_A_PERSON if is_receipt and _serves_at_a_till(name, segment) else 4.0
    score -= _unlike_a_name(name, folded, segment)
    if _belongs_to_recipient(segment, recipients, parsed):
        score -= 6.0
    if len(squashed) <= 3 and not is_receipt:
        score -= 0.5
    if MONEY.search(parsed.rows[segment.row].folded):
        score -= 3.0  # a row of a table
    if is_broken_off(segment, parsed):
        score -= 3.0
    if TRADE.match(folded) and _under_a_name(segment, parsed):
        score -= 3.0
    return score


def _is_beside_its_address(segment: Segment, parsed: ParsedText) -> bool:
    """Whether the first line has a name with its street and town: a sender's head, and no recipient's."""
    row = parsed.rows[segment.row]
    return segment.row == 0 and any(
        ADDRESS.search(other.folded) and POSTAL_CODE.search(other.folded)
        for other in row.segments
        if other is not segment
    )


def _follows_the_address(segment: Segment, parsed: ParsedText) -> bool:
    """Whether the shop's head (name, address, telephone) is over before this line."""
    return any(CONTACT.search(row.folded) for row in parsed.rows[max(0, segment.row - 8) : segment.row])


def _describes_the_line_above(name: str, segment: Segment, parsed: ParsedText) -> bool:
    """Whether a line says what the shop is whose name is above it in capitals: "Pure Vegetarian Restaurant"."""
    if segment.row == 0 or name.isupper() or LEGAL_FORM.search(name):
        return False
    above = parsed.rows[segment.row - 1]
    return above.text.isupper() and segment.row <= ROWS_OF_A_SIGN and _under_a_name(segment, parsed)


def _serves_at_a_till(name: str, segment: Segment) -> bool:
    """Whether "seller" is a person who works there: a receipt's head says who the shop is."""
    is_company = LEGAL_FORM.search(name) or ORGANISATION.search(fold(name))
    return not is_company and segment.row > ROWS_OF_A_SIGN and len(name.split()) < 3


def _under_a_name(segment: Segment, parsed: ParsedText) -> bool:
    """Whether the line above could be a name itself."""
    if segment.row == 0:
        return False
    above = parsed.rows[segment.row - 1].folded
    said_elsewhere = HEADING.match(above) or ADDRESS.search(above) or CONTACT.search(above)
    return not said_elsewhere and bool(re.search(r"[a-z]{3}", above))


def _place(segment: Segment, parsed: ParsedText, *, is_receipt: bool) -> float:
    """The nearer to the top, the likelier; big print too, except on receipts, where it is a pen's."""
    top = 3.5 * max(0.0, 1 - segment.row / ROWS_AT_THE_TOP)
    if segment.page > 1:
        top -= 1
    if is_receipt or segment.box is None:
        return top
    usual = parsed.usual_height
    size = (segment.box[3] - segment.box[1]) / usual if usual else 1
    return top + min(2.0, max(0.0, size - 1.2) * 1.5)


def _unlike_a_name(name: str, folded: str, segment: Segment) -> float:
    penalty = 0.0
    if HEADING.match(folded):
        penalty += 7
    elif HEADING_END.search(folded):
        penalty += 4
    if ADDRESS.search(folded) and not ENDS_WITH_LEGAL_FORM.search(name):
        penalty += 3.5
    if CONTACT.search(folded):
        penalty += 4
    digits = sum(character.isdigit() for character in name)
    letters = sum(character.isalpha() for character in name)
    if digits > letters / 2:
        penalty += 6
    words = name.split()
    if len(words) > 7:
        penalty += 2.5
    if len(words) > 4 and sum(word[0].islower() for word in words) * 2 >= len(words):
        penalty += 2.5  # a sentence
    if name.endswith((":", "?")) or segment.text.rstrip().endswith(":"):
        penalty += 4
    if re.search(r"[a-z]\.\s*$", name) and not ENDS_WITH_LEGAL_FORM.search(name):
        penalty += 1.5
    if LABEL.search(folded) or NUMBER_LABEL.search(fold(name)):
        penalty += 4
    if PERSON.search(name) and not ORGANISATION.search(folded):
        penalty += 4
    if re.search(r":\s*\S*\d", name) or WITH_ITS_DAY.search(segment.folded):
        penalty += 5  # a label with its value
    if ATTRIBUTE.match(folded):
        penalty += 4
    if letters < 4 and "&" not in name:
        penalty += 3
    if re.match(r"^[a-z]", name) and not LEGAL_FORM.search(name):
        penalty += 1
    return penalty


def _belongs_to_recipient(segment: Segment, recipients: list[Segment], parsed: ParsedText) -> bool:
    """Whether it stands under (or beside) "Bill to" and the like, within an address block."""
    for recipient in recipients:
        distance = segment.row - recipient.row
        if recipient.page != segment.page or not 0 <= distance <= 4 or ISSUER.search(recipient.folded):
            continue
        if recipient is segment:
            return bool(re.search(r"[:\s]\S", segment.folded[RECIPIENT.search(segment.folded).end() :]))  # type: ignore[union-attr]
        if distance == 0:
            if segment.box and recipient.box and 0 <= segment.box[0] - recipient.box[2] < 0.1:
                return True
            continue
        if segment.overlaps_horizontally(recipient) or not parsed.layout.has_boxes:
            return True
    return False


def _mentions(core: str, parsed: ParsedText) -> int:
    if len(core) < 4:
        return 1
    return parsed.squashed.count(core)


def _names_the_same(core: str, site: str) -> bool:
    if len(core) < 3 or len(site) < 3:
        return False
    return (
        core == site
        or (len(site) >= 4 and core.startswith(site))
        or (len(core) >= 4 and site.startswith(core))
    )
