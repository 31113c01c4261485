"""Where a value stands on a paper: beside, below or after a label.

Labels are compared by their letters alone, so that lost blanks and different numbers in them do not matter. A page
is looked through once; what stands at a place is then a matter of a dictionary.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from alfrd_events.analysis.text.amounts import parse_amount
from alfrd_events.analysis.text.layout import Row, Segment, fold
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Document, Evidence

Sort = Literal["day", "first_day", "last_day", "number", "text"]
"""What a value is: a date, an end of a period, a number, anything else."""
Value = date | Decimal | str

_LETTERS = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"-?[$€£]?\s?\d[\d.,']*\d|-?[$€£]?\d")
_LONGEST_LABEL = 60
_COLON = re.compile(r":\s+")


@dataclass(frozen=True, slots=True)
class Place:
    """A label, and how a value stands to it."""

    how: Literal["after", "beside", "below"]
    """In the same run of text, further right in its row, or under it."""
    label: str
    """Its letters."""
    turn: Literal["only", "first", "last"]
    """Of several values that stand so: all are the same, or the first or the last one counts."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A value at a place of one document."""

    value: Value
    segment: Segment

    @property
    def evidence(self) -> Evidence:
        return self.segment.evidence


class Paper:
    """A document's values of each sort by their places."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.parsed = ParsedText.of(document)
        self._seen: dict[Sort, dict[tuple[str, str], list[Seen]]] = {}

    def at(self, place: Place, sort: Sort) -> Seen | None:
        """What stands there; ``None``: nothing, or several values where only one may be."""
        found = self._index(sort).get((place.how, place.label), [])
        if not found:
            return None
        if place.turn == "only":
            return found[0] if len({seen.value for seen in found}) == 1 else None
        return found[0 if place.turn == "first" else -1]

    def places_of(self, value: Value, sort: Sort) -> dict[Place, Seen]:
        """Every place of this document that tells this value."""
        found = {}
        for how, label in self._index(sort):
            for turn in ("only", "first", "last"):
                place = Place(how, label, turn)  # type: ignore[arg-type]
                seen = self.at(place, sort)
                if seen is not None and same(seen.value, value):
                    found[place] = seen
        return found

    def labels_of_amounts(self) -> set[str]:
        """What stands before the amounts of money, letters only: the rows that a bill has."""
        labels = set()
        for placed in self.parsed.all_amounts:
            row = self.parsed.rows[placed.segment.row]
            labels.add(letters(row.folded[: placed.start]))
        return labels - {""}

    def _index(self, sort: Sort) -> dict[tuple[str, str], list[Seen]]:
        if sort not in self._seen:
            index: dict[tuple[str, str], list[Seen]] = defaultdict(list)
            for value, segment, start in self._values(sort):
                for key in self._labels(segment, start, by_words=sort == "text"):
                    index[key].append(Seen(value, segment))
            self._seen[sort] = dict(index)
        return self._seen[sort]

    def _values(self, sort: Sort) -> Iterator[tuple[Value, Segment, int]]:
        """Each value, its segment, and where in the segment it starts."""
        for row in self.parsed.rows:
            if sort == "day":
                for day in self.parsed.dates[row.index]:
                    yield day.value.value, day.segment, day.start - _start(row, day.segment)
            elif sort in ("first_day", "last_day"):
                for period in self.parsed.periods[row.index]:
                    end = period.value.first if sort == "first_day" else period.value.last
                    yield end, period.segment, period.start - _start(row, period.segment)
            elif sort == "number":
                yield from self._numbers(row)
            else:
                yield from _texts(row)

    def _numbers(self, row: Row) -> Iterator[tuple[Value, Segment, int]]:
        for segment in row.segments:
            for match in _NUMBER.finditer(segment.text):
                number = parse_amount(match[0])
                if number is not None:
                    yield number, segment, match.start()

    def _labels(self, segment: Segment, start: int, *, by_words: bool) -> Iterator[tuple[str, str]]:
        if label := letters(segment.folded[:start]):
            yield "after", label
            return
        segments = self.parsed.rows[segment.row].segments
        before = segments[: segments.index(segment)]
        if label := next(filter(None, (letters(other.folded) for other in reversed(before))), ""):
            yield "beside", label
        if by_words and before:
            return
        for row in reversed(self.parsed.rows[max(0, segment.row - 3) : segment.row]):
            if row.page != segment.page:
                return
            for other in row.segments:
                if other.overlaps_horizontally(segment) and (label := letters(other.folded)):
                    yield "below", label
                    return


def letters(folded: str) -> str:
    """A label's letters, without blanks."""
    return "".join(_LETTERS.findall(folded))[-_LONGEST_LABEL:]


def same(one: Value, other: Value) -> bool:
    """Whether two values say the same: texts but for case and blanks."""
    if isinstance(one, str) and isinstance(other, str):
        return squashed(one) == squashed(other)
    return type(one) is type(other) and one == other


def squashed(text: str) -> str:
    return "".join(fold(text).split())


def _texts(row: Row) -> Iterator[tuple[Value, Segment, int]]:
    """Each run of text as a whole, and what stands after a colon in one."""
    for segment in row.segments:
        yield segment.text.strip(), segment, 0
        if colon := _COLON.search(segment.text):
            yield segment.text[colon.end() :].strip(), segment, colon.start()


def _start(row: Row, segment: Segment) -> int:
    """Where a segment starts in its row's text."""
    start = 0
    for other in row.segments:
        if other is segment:
            break
        start += len(other.text) + 2
    return start
