"""Where on the page of a sender a value stands, told by the texts that are printed on all of its papers: the anchors.

A place is found on a page that is shifted and turned a little, and longer or shorter than the one that taught it. All
is reckoned in widths of the page, of which papers of one sender have one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from alfrd_events.analysis.rules.taught_labels import Value, values_of
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Box, Document, Evidence, Lesson, Page, TaughtPlace

LEAST_ANCHORS = 4
MOST_ANCHORS = 60
NEAREST = 8
"""Anchors that tell how a place has moved; what is further up or down may have moved by other lines."""
OF_A_LINE = 0.6
"""Parts of the taught line's height by which a line may be above or below its place."""
LEAST_HEIGHT = 0.008
ACROSS = 0.02
"""Part of the page's width by which an end of the line may be beside its place."""
LAST_PAGE = 20
_SHORTEST, _LONGEST = 4, 60
Anchors = Mapping[str, tuple[float, float]]


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


def place_of(field: str, value: Value, document: Document, parsed: ParsedText) -> TaughtPlace | None:
    """Where the value stands; ``None``: nowhere, or on a page that has too few anchors.

    Of several the last: a total is repeated below the rows and sums that may happen to be as high.
    """
    there = [segment for _, _, found, segment in values_of(field, parsed) if found == value]
    if not there or (box := there[-1].box) is None or there[-1].page > LAST_PAGE:
        return None
    segment = there[-1]
    page = next(page for page in document.pages if page.number == segment.page)
    height = (box[1] + box[3]) / 2
    anchors = sorted(_anchors(page).items(), key=lambda anchor: (abs(anchor[1][1] - height), anchor[0]))
    if len(anchors) < LEAST_ANCHORS:
        return None
    told = tuple((text, round(x, 4), round(y, 4)) for text, (x, y) in anchors[:MOST_ANCHORS])
    return TaughtPlace(page.number, box, round(_aspect(page), 4), told)


def in_words(place: TaughtPlace) -> str:
    """A place as people read it."""
    return f"page {place.page}, {100 * place.box[0]:.0f} % across, {100 * place.box[1]:.0f} % down"


def value_at(lesson: Lesson, document: Document, parsed: ParsedText) -> tuple[Value, Evidence] | None:
    """The one value at the taught place; ``None``: there is none, or more than one, or the layout is another one."""
    place = lesson.place
    page = next((page for page in document.pages if place and page.number == place.page), None)
    if place is None or page is None or (moved := _moved(place, _anchors(page), _aspect(page))) is None:
        return None
    there = [
        (value, segment)
        for _, _, value, segment in values_of(lesson.field, parsed)
        if segment.page == page.number and segment.box and moved.is_at(segment.box)
    ]
    if len(there) != 1:
        return None
    value, segment = there[0]
    return value, segment.evidence


def agree(one: TaughtPlace, other: TaughtPlace) -> bool | None:
    """Whether two places are one and the same of a layout; ``None``: they are of two layouts."""
    if one.page != other.page:
        return None
    moved = _moved(one, {text: (x, y) for text, x, y in other.anchors}, other.aspect)
    return None if moved is None else moved.is_at(other.box)


def _aspect(page: Page) -> float:
    """Height by width."""
    return min(max(page.height / page.width, 0.1), 10) if page.width > 0 and page.height > 0 else sqrt(2)


def _moved(place: TaughtPlace, here: Anchors, aspect: float) -> _Moved | None:
    """Where the place is on a page of these anchors, by their mean shift and the turn that fits them best.

    By the shared anchors that are nearest to its height. ``None`` where fewer than half of the anchors are there, or
    one of the nearest does not move with the others.
    """
    shared = [
        (x, y * place.aspect, here[text][0] - x, here[text][1] * aspect - y * place.aspect)
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
    height = max(bottom - top, LEAST_HEIGHT) * place.aspect
    if any(abs(dy - down - turn * (x - mean_x)) > OF_A_LINE * height for x, _, _, dy in near):
        return None
    middle = (top + bottom) / 2 * place.aspect
    across = right - turn * (middle - mean_y)
    middle += down + turn * ((left_end + right_end) / 2 - mean_x)
    return _Moved(left_end + across, middle / aspect, right_end + across, height / aspect)


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
