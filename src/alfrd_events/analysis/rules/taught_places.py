"""The value at a place that a correction taught, on a page that may be shifted and turned a little.

The texts that are printed on all papers of a layout tell how a page lies. The arithmetic is that of ``alfrd.moved``, by
which lessons are tried.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import sqrt

from alfrd_events.analysis.text.layout import Segment
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Box, Document, Evidence, Lesson, Page, TaughtPlace

LEAST_ANCHORS = 4
NEAREST = 8
"""Anchors that tell how a place has moved; what is further up or down may have moved by other lines."""
OF_A_LINE = 0.6
"""Parts of the taught line's height by which a line may be above or below its place."""
LEAST_HEIGHT = 0.008
ACROSS = 0.02
"""Part of the page's width by which an end of the line may be beside its place."""
_SHORTEST, _LONGEST = 4, 60


@dataclass(frozen=True, slots=True)
class _Moved:
    """Where a taught line is expected, as fractions of the page."""

    left: float
    middle: float
    right: float
    height: float

    def is_at(self, box: Box) -> bool:
        if abs((box[1] + box[3]) / 2 - self.middle) > OF_A_LINE * self.height:
            return False
        return min(abs(box[0] - self.left), abs(box[2] - self.right)) <= ACROSS


def value_at(
    lesson: Lesson, document: Document, parsed: ParsedText
) -> tuple[Decimal | date, Evidence] | None:
    """The one value at the taught place; ``None``: there is none, or more than one, or the layout is another one."""
    place = lesson.place
    page = next((page for page in document.pages if place and page.number == place.page), None)
    if place is None or page is None or (moved := _moved(place, page)) is None:
        return None
    found: list[tuple[Decimal | date, Segment]] = []
    for row in parsed.rows:
        if row.page != page.number:
            continue
        if lesson.field == "total_amount":
            money = parsed.amounts[row.index]
            found += [(each.value.value, each.segment) for each in money if each.value.looks_like_money]
        else:
            found += [(day.value.value, day.segment) for day in parsed.dates[row.index]]
    there = [(value, segment) for value, segment in found if segment.box and moved.is_at(segment.box)]
    if len(there) != 1:
        return None
    value, segment = there[0]
    return value, segment.evidence


def _moved(place: TaughtPlace, page: Page) -> _Moved | None:
    """Where the place is on this page, by the mean shift of the nearest anchors and the turn that fits them best."""
    aspect = min(max(page.height / page.width, 0.1), 10) if page.width > 0 and page.height > 0 else sqrt(2)
    here = _anchors(page)
    shared = [
        (x, y * aspect, here[text][0] - x, (here[text][1] - y) * aspect)
        for text, x, y in place.anchors
        if text in here
    ]
    if len(shared) < max(LEAST_ANCHORS, len(place.anchors) / 2):
        return None
    near = shared[:NEAREST]
    mean_x, mean_y, right, down = (sum(each[of] for each in near) / len(near) for of in range(4))
    turns = sum((x - mean_x) * (dy - down) - (y - mean_y) * (dx - right) for x, y, dx, dy in near)
    spread = sum((x - mean_x) ** 2 + (y - mean_y) ** 2 for x, y, _, _ in near)
    turn = turns / spread if spread else 0.0
    left_end, top, right_end, bottom = place.box
    height = max(bottom - top, LEAST_HEIGHT)
    if any(abs(dy - down - turn * (x - mean_x)) > OF_A_LINE * height * aspect for x, _, _, dy in near):
        return None
    middle = (top + bottom) / 2 * aspect
    across = right - turn * (middle - mean_y)
    middle += down + turn * ((left_end + right_end) / 2 - mean_x)
    return _Moved(left_end + across, middle / aspect, right_end + across, height)


def _anchors(page: Page) -> dict[str, tuple[float, float]]:
    """The middles of the lines without a digit whose text is printed once."""
    texts = [line.text.replace(" ", "") for line in page.lines]
    times = Counter(texts)
    return {
        text: ((line.box[0] + line.box[2]) / 2, (line.box[1] + line.box[3]) / 2)
        for text, line in zip(texts, page.lines, strict=True)
        if times[text] == 1
        and _SHORTEST <= len(text) <= _LONGEST
        and not any(each in "0123456789" for each in text)
    }
