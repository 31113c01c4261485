"""Which lines, and which parts of lines, could be the name of a company.

A name may share its line with an address, a label or a capital, and it may begin on the line above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from alfrd_events.analysis.rules.name_words import (
    ADDRESS,
    ATTRIBUTE,
    BEFORE_ITS_CAPITAL,
    BEGINS_WITH_TRADE,
    CONTACT,
    HEADING,
    ISSUER,
    LABEL_BEFORE_ISSUER,
    LABEL_OF_ISSUER,
    MAILBOX,
    NUMBER_LABEL,
    ORGANISATION,
    PARTY,
    RECIPIENT,
    SOLD_BY,
)
from alfrd_events.analysis.text.layout import Segment, fold
from alfrd_events.analysis.text.naming import ENDS_WITH_LEGAL_FORM, LEGAL_FORM, ONLY_LEGAL_FORM, clean_name
from alfrd_events.analysis.text.parsed import ParsedText

ROWS_AT_THE_TOP = 14
LONGEST_NAME = 64
SHORTEST_NAME = 3
_ROWS_OF_A_BLOCK = 4
ROWS_LOOKED_AT = 400
"""Names are on the first pages; a book is not read through for its publisher."""
SAME_PRINT = 1.35
"""Heights of two lines, one to the other, up to which they are one print."""

_PARTS = re.compile(rf"\s[|*–—-]\s|\s?[•·]\s?|\s{{2,}}(?!{ONLY_LEGAL_FORM})|,\s(?=P\.?O)", re.IGNORECASE)
SENDER = re.compile(
    r"([^\W\d_][^|•·*,]{2,60}?)\s?[|•·*,]\s?[^|•·*,]{3,40}\d\s?[a-z]?\s?[|•·*,]\s?(?:[A-Z]{1,2}-)?\d{5}\s+[^\W\d_]{3}"
)
"""A sender on one line, over the window of an envelope: "Eisvogel GmbH · Lange Straße 5 · 80333 München"."""


def name_candidates(parsed: ParsedText) -> Iterator[tuple[str, Segment]]:
    """Every name that could be the issuer's, with its segment: near the top, or where a word of companies is in it."""
    for row in parsed.rows[:ROWS_LOOKED_AT]:
        at_top = row.index < ROWS_AT_THE_TOP
        for segment in row.segments:
            for piece in _pieces(segment):
                name = clean_name(_whole_name(piece, segment, parsed))
                letters = len(re.findall(r"[^\W\d_]", name))
                if not SHORTEST_NAME <= len(name) <= LONGEST_NAME or letters < 2:
                    continue
                if (
                    at_top
                    or LEGAL_FORM.search(name)
                    or ORGANISATION.search(fold(name))
                    or labelled_as_issuer(segment, parsed)
                ):
                    yield name, segment


def _pieces(segment: Segment) -> Iterator[str]:
    """A segment's parts that could be names: "Mutual Insurance | One Plaza, Springfield" has two."""
    text = segment.text
    if label := LABEL_BEFORE_ISSUER.match(text):
        text = re.split(r",\s(?=\d)", text[label.end() :])[0]
    if party := PARTY.match(text):
        yield party[1]
        return
    if sender := MAILBOX.match(text):
        yield sender[1]
        return
    if sender := SENDER.match(text):
        yield sender[1]
        return
    yield from (part for part in _PARTS.split(text)[:4] if part)
    capital = BEFORE_ITS_CAPITAL.match(text)
    if capital:
        yield capital[1]
    sold = SOLD_BY.search(text)
    if sold:
        yield sold[1]


def _whole_name(piece: str, segment: Segment, parsed: ParsedText) -> str:
    """A name that begins before its line, or before a gap in it: here is a legal form alone, or what the company does.

    "POPULAR BOOK / CO. (M) SDN BHD", "Eastern / Stationery Ltd". A first line in a print of its own is a brand.
    """
    rest = re.sub(r"[^a-z]", "", LEGAL_FORM.sub("", re.sub(r"\([^)]*\)", "", piece.lower())))
    is_form = bool(LEGAL_FORM.search(piece)) and len(rest) <= 2
    row = parsed.rows[segment.row]
    before = row.segments.index(segment) - 1
    if is_form and before >= 0:
        return f"{row.segments[before].text} {piece}"
    if segment.row == 0 or not segment.text.lstrip().startswith(piece[:1]):
        return piece
    above = parsed.rows[segment.row - 1]
    said_elsewhere = (HEADING, ADDRESS, CONTACT, NUMBER_LABEL, ISSUER, RECIPIENT)
    if above.page != segment.page or any(pattern.search(above.folded) for pattern in said_elsewhere):
        return piece
    first = above.segments[0]
    joined = f"{first.text} {piece}"
    begins_above = BEGINS_WITH_TRADE.match(fold(piece)) or _is_said_in_one_line(joined, segment, parsed)
    return joined if is_form or (begins_above and is_first_half(first, segment)) else piece


def _is_said_in_one_line(name: str, segment: Segment, parsed: ParsedText) -> bool:
    """Whether the paper says elsewhere, without a break, what its head says in two lines."""
    squashed = re.sub(r"[^a-z0-9]", "", fold(name))
    both = parsed.rows[segment.row - 1].folded + parsed.rows[segment.row].folded
    here = squashed in re.sub(r"[^a-z0-9]", "", both)
    return segment.row < ROWS_AT_THE_TOP and parsed.squashed.count(squashed) > here


def is_first_half(above: Segment, segment: Segment) -> bool:
    """Whether a line reads as the beginning of the next one: words of the same print that end no name."""
    words = above.text.split()
    if not 1 <= len(words) <= 4 or any(character.isdigit() for character in above.text):
        return False
    if ENDS_WITH_LEGAL_FORM.search(above.text) or ORGANISATION.search(above.folded):
        return False
    if sum(character.isalpha() for character in above.text) < 4 or not above.text[0].isupper():
        return False
    if above.text.isupper() != ENDS_WITH_LEGAL_FORM.sub("", segment.text).isupper():
        return False
    if above.box is None or segment.box is None:
        return True
    heights = sorted(each.box[3] - each.box[1] for each in (above, segment) if each.box)
    return heights[1] <= SAME_PRINT * heights[0] and above.overlaps_horizontally(segment)


def _is_label(segment: Segment) -> bool:
    """Whether it says who stands beside or below it; "Riverbend Elementary School" is a name, and no label."""
    found = ISSUER.search(segment.folded)
    if found is None or not found.start() or segment.folded.rstrip().endswith(":"):
        return found is not None
    return not ORGANISATION.search(segment.folded)


def labelled_as_issuer(segment: Segment, parsed: ParsedText) -> bool:
    """Whether a label such as "Seller" is before it, or over the block that it is in."""
    row = parsed.rows[segment.row]
    before = [
        other
        for other in row.segments
        if other is not segment and (other.box or (0,))[0] <= (segment.box or (0,))[0]
    ]
    if before and _is_label(before[-1]):
        return True
    reach = 0 if ATTRIBUTE.search(segment.folded) or ADDRESS.search(segment.folded) else _ROWS_OF_A_BLOCK
    for other in reversed(parsed.rows[max(0, segment.row - reach) : segment.row]):
        above = [
            each
            for each in other.segments
            if each.page == segment.page and each.overlaps_horizontally(segment)
        ]
        if any(_is_label(each) for each in above):
            return True
        if segment.row - other.index > 1 and not any(ATTRIBUTE.search(each.folded) for each in above):
            break
    return bool(LABEL_OF_ISSUER.match(segment.folded))
