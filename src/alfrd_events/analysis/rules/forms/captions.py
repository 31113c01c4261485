"""Where the captions of a form's boxes are, and how far each box goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from alfrd_events.analysis.text.layout import Row, Segment
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.vocabulary import phrases, words

ROWS_LOOKED_AT = 250
"""A form is on the first pages; what follows explains it."""
LONGEST_WITH_CAPTIONS = 200
"""Characters; a longer segment is a sentence."""
MOST_LETTERS_AROUND = 70
"""Of a segment beside its captions; with more of them, a caption's words are part of a sentence."""
SLACK = 0.012
"""Ratio of the page by which a value may begin before its caption."""
_NUMBER_OF_BOX = r"(?:(?<![\w.,])(?:\d{1,2}[a-z]?|[a-f])\W{1,3})?"


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption, and the piece of its row that it heads."""

    name: str
    """What its value is called, such as ``wage.wages`` or ``issuer``."""
    segment: Segment
    start: int
    """Offset in the segment's text, with the number of the box."""
    end: int

    @property
    def has_amount(self) -> bool:
        """Whether its box holds money: ``wage.wages``, and not ``issuer`` or a number of a tax office."""
        return "." in self.name and not self.name.startswith("identifier.")

    @property
    def text(self) -> str:
        return self.segment.text[self.start : self.end].strip()

    @property
    def left(self) -> float:
        return across(self.segment, self.start)


def across(segment: Segment, offset: int) -> float:
    """How far to the right a character of a segment is, as a ratio of the page; by the share of the text before it."""
    if segment.box is None:
        return 0.0
    left, _, right, _ = segment.box
    return left + (right - left) * offset / max(1, len(segment.text))


def begin_of(segment: Segment, row: Row) -> int:
    """Offset of a segment in the text of its row, where segments are two blanks apart."""
    begin = 0
    for other in row.segments:
        if other is segment:
            break
        begin += len(other.text) + 2
    return begin


@cache
def _pattern(lists: tuple[str, ...]) -> re.Pattern[str]:
    """Every caption of some lists, one group a list."""
    sources = (f"(?P<g{number}>{words(name)})" for number, name in enumerate(lists))
    return re.compile(_NUMBER_OF_BOX + f"(?:{'|'.join(sources)})")


def names_in(*groups: str) -> tuple[str, ...]:
    """The lists of some groups of ``forms.toml``, in the order in which they are written: ``wage.wages`` …"""
    return tuple(f"{group}.{name}" for group in groups for name in phrases(f"forms.{group}"))


def find_captions(parsed: ParsedText, names: Sequence[str]) -> list[Caption]:
    """All captions of these names, from the top, from left to right."""
    found: list[Caption] = []
    for row in parsed.rows[:ROWS_LOOKED_AT]:
        for segment in row.segments:
            found.extend(_in_segment(segment, tuple(names)))
    return found


def _in_segment(segment: Segment, names: tuple[str, ...]) -> Iterator[Caption]:
    if len(segment.text) > LONGEST_WITH_CAPTIONS:
        return
    matches = list(_pattern(tuple(f"forms.{name}" for name in names)).finditer(segment.folded))
    inside = sum(match.end() - match.start() for match in matches)
    letters = sum(character.isalpha() for character in segment.text)
    if matches and letters - inside > MOST_LETTERS_AROUND:
        return
    for match in matches:
        yield Caption(names[int((match.lastgroup or "g0")[1:])], segment, match.start(), match.end())


@dataclass(frozen=True)
class Captions:
    """A form's captions by row, with the sides of each box."""

    parsed: ParsedText
    all: Sequence[Caption]

    def of_row(self, row: int) -> list[Caption]:
        return [caption for caption in self.all if caption.segment.row == row]

    def next_in_row(self, caption: Caption) -> Caption | None:
        """The caption of the box to the right."""
        place = (self.column(caption.segment), caption.start)
        return next(
            (
                other
                for other in self.of_row(caption.segment.row)
                if (self.column(other.segment), other.start) > place
            ),
            None,
        )

    def right_side(self, caption: Caption) -> float:
        following = self.next_in_row(caption)
        return following.left if following else 1.0

    def rows_of_box(self, caption: Caption, reach: int) -> Iterator[Row]:
        """The rows under a caption, down to the one with the caption of the next box below."""
        for row in self.parsed.rows[caption.segment.row + 1 : caption.segment.row + 1 + reach]:
            if row.page != caption.segment.page:
                return
            if any(self._ends_box(other, caption) for other in self.of_row(row.index)):
                return
            yield row

    def _ends_box(self, other: Caption, caption: Caption) -> bool:
        if caption.segment.box is None or other.segment.box is None:
            return self.column(other.segment) <= self.column(caption.segment)
        return caption.left - SLACK <= other.left < self.right_side(caption) - SLACK

    def column(self, segment: Segment) -> int:
        """Which segment of its row it is, from 0: its column, where no positions are known."""
        # By identity: without positions, two cells of a row with the same text are equal.
        cells = self.parsed.rows[segment.row].segments
        return next(place for place, each in enumerate(cells) if each is segment)

    def is_in_column(self, segment: Segment, caption: Caption) -> bool:
        """Whether a segment below begins within the sides of a caption's box."""
        if caption.segment.box is None or segment.box is None:
            return self.column(segment) == self.column(caption.segment)
        return caption.left - SLACK <= segment.box[0] < self.right_side(caption) - SLACK
