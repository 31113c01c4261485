"""How a segment is printed: its place, its size, and how well it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alfrd_events.analysis.text.layout import Row, Segment
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.model import Box, Document

TALLEST = 4.0
"""Times the usual height; taller print says no more."""


@dataclass(frozen=True)
class Printed:
    """A document's text, and what describes any segment of it."""

    parsed: ParsedText
    confidences: Mapping[tuple[int, Box], float]
    rows_by_page: Mapping[int, int]

    @classmethod
    def of(cls, document: Document, parsed: ParsedText) -> Printed:
        confidences = {
            (page.number, line.box): line.confidence for page in document.pages for line in page.lines
        }
        rows_by_page: dict[int, int] = {}
        for row in parsed.rows:
            rows_by_page[row.page] = rows_by_page.get(row.page, 0) + 1
        return cls(parsed, confidences, rows_by_page)

    def confidence(self, segment: Segment) -> float:
        """The reader's own, of the line that holds the segment."""
        return self.confidences.get((segment.page, segment.box), 1.0) if segment.box else 1.0

    def relative_height(self, segment: Segment) -> float:
        """1 for print of the usual height."""
        usual = self.parsed.usual_height
        if segment.box is None or not usual:
            return 1.0
        return min(TALLEST, (segment.box[3] - segment.box[1]) / usual)

    def neighbour(self, segment: Segment, distance: int) -> Row | None:
        """The row so many rows below (above if negative) on the same page."""
        index = segment.row + distance
        if not 0 <= index < len(self.parsed.rows):
            return None
        row = self.parsed.rows[index]
        return row if row.page == segment.page else None
