"""Which value is in which box: after its caption, to the right of it, or below.

Where a caption has a value beside it and one below, the one beside is its own, unless that one is all that a caption
above has: on a form whose boxes do not line up, the value of one box is beside the caption of another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from alfrd_events.analysis.rules.forms.captions import SLACK, Caption, Captions, across, begin_of
from alfrd_events.analysis.text.amounts import Money
from alfrd_events.analysis.text.dates import FoundDate
from alfrd_events.analysis.text.layout import Row, Segment
from alfrd_events.analysis.text.parsed import ParsedText, Placed
from alfrd_events.analysis.text.vocabulary import any_of

Value = TypeVar("Value")

ROWS_OF_A_BOX = 4
ROWS_OF_A_NAME = 6
DAYS = frozenset({"pay_date", "period_begin", "period_end"})
SINCE_JANUARY = 2
"""The last rank: a sum since January is taken where there is nothing else."""
LEAST_WHOLE = 100
"""A whole number below it may be that of a box, a count of hours or a rate."""
FARTHEST_BELOW = 0.09
"""Ratio of the page's height from a caption down to its value."""
GOES_ON = re.compile(rf"^\W*{any_of('forms.goes_on')}")
THIS_PERIOD = re.compile(rf"^\W*{any_of('forms.this_period')}\W*$")


@dataclass(frozen=True, slots=True)
class Boxed(Generic[Value]):
    """A value in a box and the caption of that box."""

    value: Value
    caption: Caption


def amounts_in_boxes(captions: Captions) -> dict[str, Boxed[Placed[Money]]]:
    """For each caption's name the amount in a box of it: of this period before those since January, then the first."""
    parsed = captions.parsed
    heads = [segment for segment in parsed.layout.segments() if THIS_PERIOD.search(segment.folded)]

    def values(row: int) -> list[_Ranked[Money]]:
        return [_Ranked(_rank(each, parsed, heads), each) for each in parsed.amounts[row] if _is_amount(each)]

    return _best_of_each(captions, values)


def dates_in_boxes(captions: Captions) -> dict[str, Boxed[Placed[FoundDate]]]:
    """The same for dates."""
    return _best_of_each(captions, lambda row: [_Ranked(0, each) for each in captions.parsed.dates[row]])


@dataclass(frozen=True, slots=True)
class _Ranked(Generic[Value]):
    """A value, and how late it is looked at among the values of one caption."""

    rank: int
    placed: Placed[Value]


_Values = Callable[[int], list[_Ranked[Value]]]
"""The values of a row."""


def _rank(placed: Placed[Money], parsed: ParsedText, heads: Sequence[Segment]) -> int:
    if any(_heads(head, placed.segment) for head in heads):
        return 0
    return SINCE_JANUARY if parsed.is_year_to_date(placed.segment) else 1


def _heads(head: Segment, segment: Segment) -> bool:
    return (
        head.box is not None
        and head.page == segment.page
        and head.row < segment.row
        and head.overlaps_horizontally(segment)
    )


def _is_amount(placed: Placed[Money]) -> bool:
    money = placed.value
    if money.looks_like_money:
        return True
    is_year = 1950 <= money.value <= 2100 and money.value == money.value.to_integral()
    return abs(money.value) >= LEAST_WHOLE and not is_year and money.text == placed.segment.text.strip()


def _best_of_each(captions: Captions, values: _Values[Value]) -> dict[str, Boxed[Placed[Value]]]:
    sides = [
        _Sides(_right_of(caption, captions, values), _below(caption, captions, values))
        for caption in captions.all
    ]
    found: dict[str, tuple[int, Boxed[Placed[Value]]]] = {}
    for caption, mine in zip(captions.all, sides, strict=True):
        own = _own(mine, sides)
        if own is None:
            continue
        rank = max(own.rank, SINCE_JANUARY if captions.parsed.is_year_to_date(caption.segment) else 0)
        if caption.name not in found or rank < found[caption.name][0]:
            found[caption.name] = rank, Boxed(own.placed, caption)
    return {name: boxed for name, (_, boxed) in found.items()}


@dataclass(frozen=True, slots=True)
class _Sides(Generic[Value]):
    """The nearest values beside and under one caption."""

    right: _Ranked[Value] | None
    below: _Ranked[Value] | None


def _own(mine: _Sides[Value], all_sides: Sequence[_Sides[Value]]) -> _Ranked[Value] | None:
    """The value beside, unless it is all that a caption above it has."""
    if mine.right is None or mine.below is None:
        return mine.right or mine.below
    only = [each.below for each in all_sides if each.right is None and each.below is not None]
    return mine.below if any(_is_same(each, mine.right) for each in only) else mine.right


def _is_same(one: _Ranked[Value], other: _Ranked[Value]) -> bool:
    return one.placed.segment is other.placed.segment and one.placed.start == other.placed.start


def _right_of(caption: Caption, captions: Captions, values: _Values[Value]) -> _Ranked[Value] | None:
    """The first value after a caption in its row, before the next caption."""
    row = captions.parsed.rows[caption.segment.row]
    begin = begin_of(caption.segment, row) + caption.end
    following = captions.next_in_row(caption)
    end = begin_of(following.segment, row) + following.start if following else len(row.text)
    # "en euros 1 776,82": the sign of an amount may be a part of the caption.
    between = [each for each in values(row.index) if begin < each.placed.end and each.placed.start < end]
    return min(between, key=lambda each: each.rank, default=None)


def _below(caption: Caption, captions: Captions, values: _Values[Value]) -> _Ranked[Value] | None:
    """The first value under a caption, within its box."""
    for row in captions.rows_of_box(caption, ROWS_OF_A_BOX):
        of_row = values(row.index)
        if caption.segment.box is None:
            found = _in_order(caption, of_row, row, captions)
        else:
            found = [each for each in of_row if _is_under(caption, each.placed, captions)]
        if found:
            return min(found, key=lambda each: each.rank)
    return None


def _is_under(caption: Caption, placed: Placed[Value], captions: Captions) -> bool:
    segment = placed.segment
    if caption.segment.box is None or segment.box is None:
        return False
    begin = max(0, placed.start - begin_of(segment, captions.parsed.rows[segment.row]))
    left, right = across(segment, begin), across(segment, begin + placed.end - placed.start)
    is_near = segment.box[1] - caption.segment.box[3] <= FARTHEST_BELOW
    return is_near and caption.left - SLACK <= (left + right) / 2 and left < captions.right_side(caption)


def _in_order(
    caption: Caption, of_row: list[_Ranked[Value]], row: Row, captions: Captions
) -> list[_Ranked[Value]]:
    """Without positions: the value in the caption's column, if both rows have as many cells; else the n-th of n."""
    own = captions.parsed.rows[caption.segment.row]
    if len(row.segments) == len(own.segments):
        column = captions.column(caption.segment)
        return [each for each in of_row if captions.column(each.placed.segment) == column]
    heads = [each for each in captions.of_row(own.index) if each.has_amount or each.name in DAYS]
    if caption not in heads or len(heads) != len(of_row):
        return []
    return [of_row[heads.index(caption)]]


@dataclass(frozen=True, slots=True)
class TextInBox:
    """A line of words in a box."""

    text: str
    segment: Segment


def lines_in_box(caption: Caption, captions: Captions) -> list[TextInBox]:
    """What is written in a box of words: after its caption, else to the right of it, else below."""
    after = _after(caption, captions)
    if after is not None:
        return [after]
    beside = _beside(caption, captions)
    below = list(_lines_below(caption, captions))
    written = [TextInBox(segment.text.strip(" :"), segment) for segment in beside if _is_words(segment)]
    is_right_by_colon = caption.segment.text[caption.end :].strip() == ":"
    if written and (is_right_by_colon or not below):
        return written
    return below or written


def _after(caption: Caption, captions: Captions) -> TextInBox | None:
    following = captions.next_in_row(caption)
    end = following.start if following and following.segment is caption.segment else None
    rest = caption.segment.text[caption.end : end]
    text = rest.lstrip(" :").rstrip()
    if rest[:1] not in (" ", ":") or not re.search(r"[^\W\d_]{2}", text) or GOES_ON.search(rest.lower()):
        return None
    return TextInBox(text, caption.segment)


def _beside(caption: Caption, captions: Captions) -> Sequence[Segment]:
    """The segments between a caption and the next one in its row."""
    following = captions.next_in_row(caption)
    end = captions.column(following.segment) if following else None
    return captions.parsed.rows[caption.segment.row].segments[captions.column(caption.segment) + 1 : end]


def _lines_below(caption: Caption, captions: Captions) -> Iterator[TextInBox]:
    for row in captions.rows_of_box(caption, ROWS_OF_A_NAME):
        for segment in row.segments:
            if captions.is_in_column(segment, caption) and _is_words(segment):
                yield TextInBox(segment.text.strip(), segment)


def _is_words(segment: Segment) -> bool:
    return bool(re.search(r"[^\W\d_]{2}", segment.text)) and not GOES_ON.search(segment.folded)


def identifier_in_box(caption: Caption, captions: Captions, shape: re.Pattern[str]) -> TextInBox | None:
    """A number of a given shape in a box: after its caption, to the right, or below."""
    following = captions.next_in_row(caption)
    end = following.start if following and following.segment is caption.segment else None
    if match := shape.search(caption.segment.text[caption.end : end]):
        return TextInBox(match[0], caption.segment)
    below = captions.rows_of_box(caption, ROWS_OF_A_BOX)
    inside = [segment for row in below for segment in row.segments if captions.is_in_column(segment, caption)]
    for segment in (*_beside(caption, captions), *inside):
        if match := shape.fullmatch(segment.text.strip()):
            return TextInBox(match[0], segment)
    return None


def first_amount(
    amounts: Mapping[str, Boxed[Placed[Money]]], names: Sequence[str]
) -> Boxed[Placed[Money]] | None:
    """Of some boxes the first that is not zero, else the first that has an amount at all."""
    found = [amounts[name] for name in names if name in amounts]
    return next((each for each in found if each.value.value.value != Decimal(0)), found[0] if found else None)
