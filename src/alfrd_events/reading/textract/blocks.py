"""From Textract's blocks to a page in our own reading order.

Textract gives lines from top to bottom and mixes columns, and at times joins the text of two of them. Here the words
of a line are set apart again at wide gaps and at the edges of table cells, a page on its side is turned by the
direction in which most of its text runs, and :mod:`..layout` orders the rest as for every other reader.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from alfrd_events.reading.formats.source import ReadPage
from alfrd_events.reading.text import layout
from alfrd_events.reading.text.layout import Piece, Row, Size
from alfrd_events.sandbox.wire import Frame
from alfrd_events.storable import storable_text

COLUMN_GAP = 2.0
"""In heights of a line: words that far apart are not of one piece."""
_SLOPED_LINE = 0.05
"""Part of the page's width that a line must have to tell the page's slope."""


@dataclass(frozen=True, slots=True)
class Block:
    """What is needed of a block; the rest of it, mostly geometry, is let go."""

    id: str
    kind: str
    page: int
    text: str
    confidence: float
    box: layout.Edges
    """As ratios of the page that was sent."""
    direction: tuple[float, float]
    """From the start of its text to the end, as ratios of the page."""
    children: tuple[str, ...]
    row: int = 0
    column: int = 0
    selected: bool = False


def block_of(raw: Mapping[str, Any]) -> Block:
    """Take what is needed of a block as the service gives it.

    :raise LookupError, TypeError, ValueError: it is none.
    """
    geometry = raw.get("Geometry") or {}
    bounds = geometry.get("BoundingBox") or {}
    left, top = float(bounds.get("Left", 0)), float(bounds.get("Top", 0))
    polygon = geometry.get("Polygon") or []
    direction = (1.0, 0.0)
    if len(polygon) == 4:
        start, end = polygon[0], polygon[1]
        direction = (float(end["X"]) - float(start["X"]), float(end["Y"]) - float(start["Y"]))
    return Block(
        id=str(raw["Id"]),
        kind=str(raw["BlockType"]),
        page=int(raw.get("Page", 1)),
        text=storable_text(str(raw.get("Text", ""))),
        confidence=min(max(float(raw.get("Confidence", 0)) / 100, 0.0), 1.0),
        box=(left, top, left + float(bounds.get("Width", 0)), top + float(bounds.get("Height", 0))),
        direction=direction,
        children=tuple(
            str(id)
            for relation in raw.get("Relationships") or ()
            if relation["Type"] == "CHILD"
            for id in relation["Ids"]
        ),
        row=int(raw.get("RowIndex", 0)),
        column=int(raw.get("ColumnIndex", 0)),
        selected=raw.get("SelectionStatus") == "SELECTED",
    )


def frame_of(blocks: Iterable[Block], number: int, size: Size, turned_before: int = 0) -> Frame:
    """Make a ``page`` frame of the blocks of one page.

    :param size: of the page as it was sent, in its own unit.
    :param turned_before: degrees clockwise by which its source was turned before it was sent.
    """
    page = _Page(list(blocks), size)
    return ReadPage.of_rows(page.rows(), page.size, "ocr", (turned_before + page.rotation) % 360).frame(
        number
    )


class _Page:
    def __init__(self, blocks: Sequence[Block], sent_size: Size) -> None:
        self._blocks = {block.id: block for block in blocks}
        self._sent_size = sent_size
        self._lines = [block for block in blocks if block.kind == "LINE"]
        quarter, self._slope = self._direction()
        self.rotation = (360 - quarter) % 360
        """Degrees clockwise by which the page has to be turned to be read."""
        self.size = sent_size if quarter % 180 == 0 else (sent_size[1], sent_size[0])
        self._cell_of = self._cells()

    def rows(self) -> list[Row]:
        tables = self._table_rows()
        rows = []
        for lines in self._regions():
            pieces = [piece for line in lines for piece in self._pieces(line)]
            rows += layout.arrange(pieces, self.size[0], self._slope)
        boxes = [self._piece(b, "[x]" if b.selected else "[ ]") for b in self._of_kind("SELECTION_ELEMENT")]
        for row in [*tables, *([box] for box in boxes)]:
            _insert(rows, row, self._slope)
        return rows

    def _direction(self) -> tuple[int, float]:
        """In which quarter the text runs, clockwise, and by how much its lines fall beyond that."""
        width, height = self._sent_size
        vectors = [(line.direction[0] * width, line.direction[1] * height) for line in self._lines]
        across, down = (sum(values) for values in zip(*vectors, strict=True)) if vectors else (1.0, 0.0)
        quarter = round(math.degrees(math.atan2(down, across)) / 90) % 4 * 90
        length = width if quarter % 180 == 0 else height
        slopes = [
            math.tan(math.atan2(y, x) - math.radians(quarter))
            for x, y in vectors
            if math.hypot(x, y) > _SLOPED_LINE * length
            and round(math.degrees(math.atan2(y, x)) / 90) % 4 * 90 == quarter
        ]
        return quarter, median(slopes) if slopes else 0.0

    def _of_kind(self, kind: str) -> list[Block]:
        return [block for block in self._blocks.values() if block.kind == kind]

    def _known(self, ids: Iterable[str]) -> list[Block]:
        return [self._blocks[id] for id in ids if id in self._blocks]

    def _regions(self) -> list[list[Block]]:
        """The lines as LAYOUT groups them, in its order; else all of them as one."""
        left = {line.id: line for line in self._lines}
        regions = []
        for block in self._blocks.values():
            if block.kind.startswith("LAYOUT_"):
                region = [left.pop(id) for id in block.children if id in left]
                if region:
                    regions.append(region)
        if left:
            regions.append(list(left.values()))
        return regions

    # --- tables ------------------------------------------------------------------------------------

    def _cells(self) -> dict[str, str]:
        """Word -> cell of a table."""
        return {
            word.id: cell.id
            for cell in self._of_kind("CELL")
            for word in self._known(cell.children)
            if word.kind == "WORD"
        }

    def _table_rows(self) -> list[Row]:
        rows = []
        for table in self._of_kind("TABLE"):
            cells = [cell for cell in self._known(table.children) if cell.kind == "CELL"]
            for number in sorted({cell.row for cell in cells}):
                row = []
                for cell in sorted((c for c in cells if c.row == number), key=lambda c: c.column):
                    words = [word for word in self._known(cell.children) if word.kind == "WORD"]
                    if words:
                        row.append(_joined([self._piece(word) for word in words]))
                if row:
                    rows.append(row)
        return rows

    # --- pieces ------------------------------------------------------------------------------------

    def _pieces(self, line: Block) -> list[Piece]:
        """The words of a line that stand close; those that a table has are left to it."""
        words = [word for word in self._known(line.children) if word.kind == "WORD"]
        if not words:
            return [self._piece(line)]
        pieces: list[Piece] = []
        run: list[Piece] = []
        for word in words:
            if word.id in self._cell_of:
                continue
            piece = self._piece(word)
            if run and piece.left - run[-1].right > COLUMN_GAP * min(piece.height, run[-1].height):
                pieces.append(_joined(run))
                run = []
            run.append(piece)
        if run:
            pieces.append(_joined(run))
        return pieces

    def _piece(self, block: Block, text: str = "") -> Piece:
        width, height = self._sent_size
        left, top, right, bottom = block.box
        sent = (left * width, top * height, right * width, bottom * height)
        edges = layout.turned(sent, self.rotation, self._sent_size)
        return Piece(" ".join((text or block.text).split()), *edges, block.confidence)


def _joined(words: Sequence[Piece]) -> Piece:
    characters = sum(len(word.text) for word in words)
    return Piece(
        " ".join(word.text for word in words),
        min(word.left for word in words),
        min(word.top for word in words),
        max(word.right for word in words),
        max(word.bottom for word in words),
        sum(word.confidence * len(word.text) for word in words) / max(characters, 1),
    )


def _insert(rows: list[Row], row: Row, slope: float) -> None:
    """Put a row in its place: into the one that it levels with, else before the first one below it."""
    level = row[0].level(slope)
    for index, other in enumerate(rows):
        if abs(other[0].level(slope) - level) < layout.MAX_SAME_ROW_SHIFT * min(
            other[0].height, row[0].height
        ):
            rows[index] = sorted([*other, *row], key=lambda piece: piece.left)
            return
    at = next((n for n, other in enumerate(rows) if other[0].level(slope) > level), len(rows))
    rows.insert(at, row)
