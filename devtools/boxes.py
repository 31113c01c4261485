"""Where values are printed, as people have marked it: does the box that is given with a value lie there?

The folder holds a file for each receipt, a line for each line of print: four corners in pixels, then the words
(``x1,y1,x2,y2,x3,y3,x4,y4,TEXT``), as the SROIE competition gives them. A receipt is known by its lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import fuzz

from alfrd_events.analysis.rules.value_signs import squash
from alfrd_events.analysis.text.amounts import find_amounts
from alfrd_events.analysis.text.dates import find_dates
from alfrd_events.model import Box
from devtools.corpus import SIMILAR
from devtools.outcome import Outcome

COVERED = 0.5
"""The share of a value's true box that must lie in the given one: people draw boxes wider than the print."""
MOST_LINES = 3
"""Over which a company's name goes."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A line of print, in pixels."""

    text: str
    box: Box

    def part(self, start: int, end: int) -> Box:
        """About where some of its characters are."""
        left, top, right, bottom = self.box
        step = (right - left) / max(1, len(self.text))
        return (left + start * step, top, left + end * step, bottom)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether the box of a right value covers where it is printed."""

    file: str
    field: str
    share: float
    """Of the true box that lies within the given one."""

    @property
    def is_covered(self) -> bool:
        return self.share >= COVERED


def read_marks(folder: Path) -> dict[str, list[Marked]]:
    """The marked lines of each receipt, by its words."""
    found = {}
    for path in sorted(folder.glob("*.csv")):
        lines = [_marked(line) for line in path.read_text("utf-8", errors="replace").splitlines() if line]
        found[_key(line.text for line in lines)] = lines
    return found


def coverage(outcome: Outcome, marks: dict[str, list[Marked]], size: tuple[int, int]) -> Iterator[Coverage]:
    """For each right main value of a marked receipt: how much of where it is printed its box covers.

    :param size: of the receipt's picture, in pixels; a reader may have made it smaller.
    """
    lines = marks.get(_key(outcome.known.truth["text_lines"]), [])
    width, height = size
    for field in ("entity", "document_date", "total_amount"):
        where = outcome.summary.evidence.get(field)
        printed = list(_printed(field, outcome, lines))
        if not outcome.right.get(field) or not printed or where is None or where.box is None:
            continue
        left, top, right, bottom = where.box
        given = (left * width, top * height, right * width, bottom * height)
        yield Coverage(outcome.known.truth["file"], field, max(_share(true, given) for true in printed))


def _printed(field: str, outcome: Outcome, lines: Sequence[Marked]) -> Iterator[Box]:
    """Every place where a value is printed."""
    summary = outcome.summary
    if field == "entity":
        yield from _printed_names(squash(summary.entity), lines)
        return
    for line in lines:
        spans = (
            [(each.start, each.end) for each in find_amounts(line.text) if each.value == summary.total_amount]
            if field == "total_amount"
            else [
                (each.start, each.end)
                for each in find_dates(line.text, "DMY")
                if each.value == summary.document_date
            ]
        )
        yield from (line.part(start, end) for start, end in spans)


def _printed_names(name: str, lines: Sequence[Marked]) -> Iterator[Box]:
    """The lines that print a company's name, alone or together with the next ones."""
    for first in range(len(lines)):
        for last in range(first, min(first + MOST_LINES, len(lines))):
            together = lines[first : last + 1]
            parts = [squash(re.sub(r"\(\d.*", "", line.text)) for line in together]
            if all(parts) and fuzz.ratio("".join(parts), name) >= SIMILAR:
                yield _around([line.box for line in together])


def _around(boxes: Sequence[Box]) -> Box:
    left, top, right, bottom = zip(*boxes, strict=True)
    return (min(left), min(top), max(right), max(bottom))


def _share(true: Box, given: Box) -> float:
    across = min(true[2], given[2]) - max(true[0], given[0])
    down = min(true[3], given[3]) - max(true[1], given[1])
    area = (true[2] - true[0]) * (true[3] - true[1])
    return max(0.0, across) * max(0.0, down) / area if area else 0.0


def _marked(line: str) -> Marked:
    *corners, text = line.split(",", 8)
    x, y = [float(each) for each in corners[::2]], [float(each) for each in corners[1::2]]
    return Marked(text, (min(x), min(y), max(x), max(y)))


def _key(texts: Iterable[str]) -> str:
    return squash("".join(texts))
