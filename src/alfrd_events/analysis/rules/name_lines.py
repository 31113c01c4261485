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
    CONTACT,
    ENDS_WITH_JOIN,
    ENDS_WITH_PARTNERS,
    HEADING,
    ISSUER,
    JOINS_TWO_LINES,
    LABEL_BEFORE_ISSUER,
    LABEL_OF_ISSUER,
    MAILBOX,
    NUMBER_LABEL,
    ORGANISATION,
    PARTY,
    RECIPIENT,
    SOLD_BY,
    begins_with_trade,
    says_only_what_it_is,
)
from alfrd_events.analysis.text.layout import Row, Segment, fold
from alfrd_events.analysis.text.naming import ENDS_WITH_LEGAL_FORM, LEGAL_FORM, ONLY_LEGAL_FORM, clean_name
from alfrd_events.analysis.text.parsed import ParsedText

ROWS_AT_THE_TOP = 14
LONGEST_NAME = 64
SHORTEST_NAME = 3
_ROWS_OF_A_BLOCK = 4
ROWS_LOOKED_AT = 400
"""Names are on the first pages; a book is not read through for its publisher."""
WIDEST_BLANK = 1.5
"""Between two words, in widths of a letter."""
SAME_PRINT = 1.35
"""Heights of two lines, one to the other, up to which they are one print."""

_IN_A_SENTENCE = re.compile(r"\([^\W\d_]{5}|,\s|:|\S+(?:\s+\S+){8}")
"""What no part of a name holds: a role in brackets, a comma, or very many words."""
_PARTS = re.compile(rf"\s[|*–—-]\s|\s?[•·]\s?|\s{{2,}}(?!{ONLY_LEGAL_FORM})|,\s(?=P\.?O)", re.IGNORECASE)
SENDER = re.compile(
    r"([^\W\d_][^|•·*,]{2,60}?)\s?[|•·*,]\s?[^|•·*,]{3,40}\d\s?[a-z]?\s?[|•·*,]\s?(?:[A-Z]{1,2}-)?\d{5}\s+[^\W\d_]{3}"
)
"""A sender on one line, over the window of an envelope: "Eisvogel GmbH · Lange Straße 5 · 80333 München"."""


def name_candidates(parsed: ParsedText) -> Iterator[tuple[str, Segment]]:
    """Every name that could be the issuer's, with its segment: near the top, or where a word of companies is in it."""
    for row in parsed.rows[:ROWS_LOOKED_AT]:
        at_top = row.index < ROWS_AT_THE_TOP
        for segment, joined in _without_gaps(row) if at_top else ((each, "") for each in row.segments):
            for piece in (joined,) if joined else _pieces(segment):
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


def _without_gaps(row: Row) -> Iterator[tuple[Segment, str]]:
    """The segments of a row; those that no more than a blank is between count as one, with the text of all."""
    runs: list[list[Segment]] = []
    for segment in row.segments:
        if runs and _is_blank_between(runs[-1][-1], segment):
            runs[-1].append(segment)
        else:
            runs.append([segment])
    for run in runs:
        yield run[0], " ".join(each.text for each in run) if len(run) > 1 else ""


def _is_blank_between(left: Segment, right: Segment) -> bool:
    """Whether two words of a name are as near as words are: a reader may take them for two lines."""
    if left.box is None or right.box is None or not (_is_words(left) and _is_words(right)):
        return False
    width = (left.box[2] - left.box[0]) / len(left.text)
    heights = sorted(each[3] - each[1] for each in (left.box, right.box))
    return right.box[0] - left.box[2] <= WIDEST_BLANK * width and heights[1] <= SAME_PRINT * heights[0]


def _is_words(segment: Segment) -> bool:
    return bool(re.fullmatch(r"[^\W\d_][^\d:]*", segment.text)) and len(segment.text) > 1


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
    if goes_on(first, segment):
        return f"{first.text} {segment.text}"
    joined = f"{first.text} {piece}"
    begins_above = begins_with_trade(fold(piece)) or _is_said_in_one_line(joined, segment, parsed)
    return joined if is_form or (begins_above and is_first_half(first, segment)) else piece


def goes_on(above: Segment, segment: Segment) -> bool:
    """Whether a line goes on with the name above it.

    A conjunction stands at the break, or the first lines say no more than what kind of a shop it is: "Boulangerie
    Pâtisserie / Maison Clémentin".
    """
    if sum(character.isalpha() for character in above.text) < 3:
        return False
    if JOINS_TWO_LINES.match(segment.folded) or ENDS_WITH_JOIN.search(above.folded):
        return not any(_IN_A_SENTENCE.search(each.text) for each in (above, segment))
    is_name = not (ADDRESS.search(segment.folded) or any(character.isdigit() for character in segment.text))
    is_name = is_name and not (HEADING.match(segment.folded) or CONTACT.search(segment.folded))
    return above.row == 0 and is_name and says_only_what_it_is(above.folded)


def is_broken_off(segment: Segment, parsed: ParsedText) -> bool:
    """Whether the line below goes on with the name in this one."""
    below = parsed.rows[segment.row + 1] if segment.row + 1 < len(parsed.rows) else None
    return below is not None and below.page == segment.page and goes_on(segment, below.segments[0])


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
    if ENDS_WITH_LEGAL_FORM.search(above.text) or ENDS_WITH_PARTNERS.search(above.folded):
        return False
    if ORGANISATION.search(above.folded):
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
