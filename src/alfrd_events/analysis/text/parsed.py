"""A document read once for its amounts, dates and periods, each tied to the place it stands.

All rules share one :class:`ParsedText`: what a number means is decided elsewhere, but which numbers
and dates there are, is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Generic, TypeVar

from alfrd_events.analysis.text.amounts import Money, counts_thousandths, find_amounts
from alfrd_events.analysis.text.date_order import DateOrder, infer_order
from alfrd_events.analysis.text.dates import (
    TIME,
    FoundDate,
    FoundPeriod,
    Order,
    find_dates,
    find_periods,
)
from alfrd_events.analysis.text.layout import Layout, Row, Segment
from alfrd_events.analysis.text.taught import taught_order
from alfrd_events.analysis.text.vocabulary import any_of, pattern, words
from alfrd_events.model import Document

_ROWS_WITH_A_HEADING = 15
_LONGEST_HEADING = 60
_BEFORE_CREDIT = re.compile(rf"\W*(?:{any_of('papers.before_credit')}\s*)?")
_NO_CREDIT_AFTER = re.compile(rf"\W*(?:{any_of('papers.no_credit')}|{any_of('papers.no_credit_whole')}\s)")
"""A refund that is only spoken of."""
_REMINDER = re.compile(rf"\W*{words('papers.reminder')}")

Value = TypeVar("Value")
YEAR_TO_DATE = re.compile(
    rf"^\W*{any_of('papers.sum_since_january')}(?:\s*{any_of('papers.sum_since_january_of')})?\W*$"
)
NOT_MONEY = re.compile(
    r"\(?\+?\d{2,4}\)?[ -]\d{3,4}[ -]\d{4}"  # a telephone number
    r"|(?<![\d.,])\d{7,}(?![\d.,])"  # a bar code, an account
)


@dataclass(frozen=True, slots=True)
class Placed(Generic[Value]):
    """A value and the segment that holds it."""

    value: Value
    segment: Segment
    start: int
    """Offset in the row's text."""
    end: int


@dataclass(frozen=True)
class ParsedText:
    """A sheet with its amounts, dates and periods by row."""

    layout: Layout
    order: Order
    is_order_sure: bool
    """Whether anything on the paper says which of two numbers is the day."""
    amounts: tuple[tuple[Placed[Money], ...], ...]
    dates: tuple[tuple[Placed[FoundDate], ...], ...]
    periods: tuple[tuple[Placed[FoundPeriod], ...], ...]

    @classmethod
    def of(cls, document: Document) -> ParsedText:
        layout = Layout.of(document)
        taught = taught_order(document)
        inferred = DateOrder(taught, True) if taught else infer_order(layout.folded)
        order = inferred.order
        dates = tuple(_dates(row, order) for row in layout.rows)
        periods = tuple(
            _periods(row, order, bool(found)) for row, found in zip(layout.rows, dates, strict=True)
        )
        thousandths = counts_thousandths(layout.folded)
        amounts = tuple(
            _amounts(row, found, thousandths=thousandths)
            for row, found in zip(layout.rows, dates, strict=True)
        )
        return cls(layout, order, inferred.is_sure, amounts, dates, periods)

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.layout.rows

    @cached_property
    def _year_to_date(self) -> tuple[Segment, ...]:
        heads = (segment for segment in self.layout.segments() if YEAR_TO_DATE.search(segment.folded))
        return tuple(islice(heads, 40))

    def is_year_to_date(self, segment: Segment) -> bool:
        """Whether it stands in a column of sums since January, beside the one that the paper is about."""
        return any(
            head.page == segment.page
            and head.row < segment.row
            and head.box is not None
            and head.overlaps_horizontally(segment)
            for head in self._year_to_date
        )

    @cached_property
    def is_credit(self) -> bool:
        """Whether the paper calls itself a credit note or a refund, in a heading: its amounts are given back."""
        return any(map(_is_credit, self._headings()))

    @cached_property
    def is_reminder(self) -> bool:
        """Whether the paper calls itself a reminder, in a heading: the invoices and days that it names are others'."""
        return any(_REMINDER.match(heading) for heading in self._headings())

    def _headings(self) -> Iterator[str]:
        for row in self.rows[:_ROWS_WITH_A_HEADING]:
            yield from (each.folded for each in row.segments if len(each.folded) <= _LONGEST_HEADING)

    @cached_property
    def usual_height(self) -> float:
        """The middle height of a segment as a ratio of its page; 0 without positions."""
        heights = sorted(segment.box[3] - segment.box[1] for segment in self.layout.segments() if segment.box)
        return heights[len(heights) // 2] if heights else 0.0

    @cached_property
    def squashed(self) -> str:
        """Letters and digits of the first pages, to count how often a name is mentioned."""
        return re.sub(r"[^a-z0-9]", "", self.layout.folded[:40_000])

    @cached_property
    def all_amounts(self) -> tuple[Placed[Money], ...]:
        """Every amount that looks like money, top to bottom."""
        return tuple(placed for row in self.amounts for placed in row if placed.value.looks_like_money)

    def segment_at(self, offset: int) -> Segment:
        """The segment that holds an offset of the folded text."""
        before = self.layout.folded[:offset]
        return segment_at(self.rows[before.count("\n")], offset - before.rfind("\n") - 1)

    def amounts_below(self, segment: Segment, reach: int = 2) -> Iterator[Placed[Money]]:
        for other in self.layout.below(segment, reach=reach):
            yield from (placed for placed in self.amounts[other.row] if placed.segment is other)

    def dates_below(self, segment: Segment, reach: int = 2) -> Iterator[Placed[FoundDate]]:
        for other in self.layout.below(segment, reach=reach):
            yield from (placed for placed in self.dates[other.row] if placed.segment is other)


def _is_credit(heading: str) -> bool:
    found = pattern("papers.credit").search(heading)
    return (
        found is not None
        and _BEFORE_CREDIT.fullmatch(heading[: found.start()]) is not None
        and not _NO_CREDIT_AFTER.match(heading[found.end() :])
    )


def segment_at(row: Row, offset: int) -> Segment:
    """The segment of a row that holds an offset of the row's text."""
    end = -2
    for segment in row.segments:
        end += 2 + len(segment.text)
        if offset < end:
            return segment
    return row.segments[-1]


def _dates(row: Row, order: Order) -> tuple[Placed[FoundDate], ...]:
    if not any(character.isdigit() for character in row.text):
        return ()
    return tuple(
        Placed(found, segment_at(row, found.start), found.start, found.end)
        for found in find_dates(row.text, order)
    )


def _periods(row: Row, order: Order, has_dates: bool) -> tuple[Placed[FoundPeriod], ...]:
    if not has_dates:
        return ()
    return tuple(
        Placed(found, segment_at(row, found.start), found.start, found.end)
        for found in find_periods(row.text, order)
    )


def _amounts(
    row: Row, dates: tuple[Placed[FoundDate], ...], *, thousandths: bool
) -> tuple[Placed[Money], ...]:
    if not any(character.isdigit() for character in row.text):
        return ()
    blanked = row.text
    spans = [(placed.start, placed.end) for placed in dates]
    spans += [match.span() for pattern in (TIME, NOT_MONEY) for match in pattern.finditer(row.folded)]
    for start, end in spans:
        blanked = blanked[:start] + " " * (end - start) + blanked[end:]
    return tuple(
        Placed(money, segment_at(row, money.at), money.start, money.end)
        for money in find_amounts(blanked, thousandths=thousandths)
    )
