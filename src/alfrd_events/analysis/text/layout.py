"""A document's text as rows of segments, whatever its reader knew about positions.

Every rule works on this one view. A *segment* is a run of text as the reader detected it; a *row* is
what a person sees as one line, its segments left to right. Where the reader gives boxes, rows come
from the boxes; where it gives none (plain text), they come from the line breaks, and wide gaps
within a line part its segments.

Segments are short (see ``LONGEST_SEGMENT``), and so are rows (``LONGEST_ROW``): a megabyte on one line costs a rule
time in proportion to its length, never its square. Of a very long document only an :mod:`.excerpt` is looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from alfrd_events.analysis.text.excerpt import excerpt
from alfrd_events.model import Box, Document, Evidence, Page

LONGEST_SEGMENT = 400
LONGEST_ROW = 50
"""Segments; the widest table of a page has half of that."""
LONGEST_ROW_CHARACTERS = 1_200
WIDE_GAP = re.compile(r"\t+| {2,}")
DIGIT_IN_A_WORD = re.compile(r"(?<=[a-z])[015](?=[a-z])")
LETTERS_FOR_DIGITS = {"0": "o", "1": "l", "5": "s"}


def fold(text: str) -> str:
    """Lower case without accents, digits misread inside words put right; of the same length.

    Offsets into the folded text are offsets into the original, so that a value is always quoted as
    printed.
    """
    return DIGIT_IN_A_WORD.sub(lambda match: LETTERS_FOR_DIGITS[match[0]], without_accents(text))


def without_accents(text: str) -> str:
    """Lower case without accents, of the same length."""
    return text.lower() if text.isascii() else "".join(_fold_character(each) for each in text)


def _fold_character(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character)
    bare = decomposed[0].lower()
    return bare if len(bare) == 1 and all(map(unicodedata.combining, decomposed[1:])) else character


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of text as the reader detected it."""

    text: str
    folded: str
    page: int
    row: int
    """Index of its row in the sheet."""
    box: Box | None = None

    @property
    def evidence(self) -> Evidence:
        return Evidence(page=self.page, text=self.text, box=self.box)

    def overlaps_horizontally(self, other: Segment) -> bool:
        """Whether one stands above or below the other."""
        if self.box is None or other.box is None:
            return True
        return min(self.box[2], other.box[2]) - max(self.box[0], other.box[0]) > 0


@dataclass(frozen=True, slots=True)
class Row:
    """One visual line of a page."""

    index: int
    page: int
    segments: tuple[Segment, ...]
    text: str
    folded: str

    @property
    def top(self) -> float:
        return min((segment.box[1] for segment in self.segments if segment.box), default=0.0)

    @property
    def height(self) -> float:
        """Height of its tallest segment as a ratio of the page; 0 where positions are not known."""
        return max((segment.box[3] - segment.box[1] for segment in self.segments if segment.box), default=0.0)


@dataclass(frozen=True)
class Layout:
    """All rows of a document."""

    rows: tuple[Row, ...]
    folded: str = field(repr=False)
    """The folded rows, one line each."""
    has_boxes: bool = False

    @classmethod
    def of(cls, document: Document) -> Layout:
        rows: list[Row] = []
        has_boxes = False
        for page in excerpt(document).pages:
            has_boxes = has_boxes or bool(page.lines)
            for pieces in _visual_rows(page):
                rows.append(_row(len(rows), page.number, pieces))
        return cls(tuple(rows), "\n".join(row.folded for row in rows), has_boxes)

    @property
    def is_blank(self) -> bool:
        return not self.rows

    def segments(self) -> Iterator[Segment]:
        for row in self.rows:
            yield from row.segments

    def below(self, segment: Segment, *, reach: int = 3) -> Iterator[Segment]:
        """The segments under this one, nearest row first, at most ``reach`` rows down the page."""
        for row in self.rows[segment.row + 1 : segment.row + 1 + reach]:
            if row.page != segment.page:
                return
            yield from (other for other in row.segments if segment.overlaps_horizontally(other))

    def right_of(self, segment: Segment) -> tuple[Segment, ...]:
        """The segments that follow this one in its row."""
        segments = self.rows[segment.row].segments
        return segments[segments.index(segment) + 1 :]


Piece = tuple[str, Box | None]


def _row(index: int, page: int, pieces: list[Piece]) -> Row:
    segments = tuple(Segment(text, fold(text), page, index, box) for text, box in pieces)
    return Row(
        index,
        page,
        segments,
        "  ".join(segment.text for segment in segments),
        "  ".join(segment.folded for segment in segments),
    )


def _short_rows(pieces: list[Piece]) -> Iterator[list[Piece]]:
    """Cut a row that no page could hold."""
    row: list[Piece] = []
    characters = 0
    for piece in pieces:
        characters += len(piece[0])
        if row and (len(row) >= LONGEST_ROW or characters > LONGEST_ROW_CHARACTERS):
            yield row
            row, characters = [], len(piece[0])
        row.append(piece)
    yield row


def _visual_rows(page: Page) -> Iterator[list[Piece]]:
    if page.lines:
        as_read, by_boxes = _rows_as_read(page), list(_rows_by_boxes(page))
        # A reader that writes each piece on a line of its own has put no rows together.
        yield from as_read if as_read and len(as_read) <= len(by_boxes) else by_boxes
        return
    for line in page.text.splitlines():
        for piece in _short_pieces(line):
            cells: list[Piece] = [(cell.strip(), None) for cell in WIDE_GAP.split(piece) if cell.strip()]
            if cells:
                yield from _short_rows(cells)


def _short_pieces(line: str) -> Iterator[str]:
    """Cut a line that no page could hold, at white space where there is some."""
    start = 0
    while len(line) - start > LONGEST_SEGMENT:
        space = line.rfind(" ", start, start + LONGEST_SEGMENT)
        end = space if space > start else start + LONGEST_SEGMENT
        yield line[start:end]
        start = end
    yield line[start:]


def _rows_as_read(page: Page) -> list[list[Piece]]:
    """The rows of a scan as its reader has put them together, by the slope of the page; none where that cannot be told.

    Boxes are upright: on a page that was laid askew by some degrees, the box of an amount is beside the row below.
    """
    if page.source != "ocr":
        return []
    left = iter(page.lines)
    rows: list[list[Piece]] = []
    for text in page.text.splitlines():
        row: list[Piece] = []
        while text:
            line = next(left, None)
            if line is None or not line.text or not text.startswith(line.text):
                return []
            row.append((line.text, line.box))
            text = text[len(line.text) :].lstrip(" ")
        if row:
            pieces = [
                (part.strip(), box) for words, box in row for part in _short_pieces(words) if part.strip()
            ]
            rows.extend(_short_rows(pieces))
    return rows if next(left, None) is None else []


def _rows_by_boxes(page: Page) -> Iterator[list[Piece]]:
    """Group a page's lines by height: a line joins the row whose nearest neighbour it lies beside."""
    pieces: list[tuple[str, Box]] = []
    for line in page.lines:
        pieces.extend((text.strip(), line.box) for text in _short_pieces(line.text) if text.strip())
    pieces.sort(key=lambda piece: (piece[1][1] + piece[1][3]) / 2)
    open_rows: list[list[tuple[str, Box]]] = []
    for piece in pieces:
        # Of a row that is long already the last ones tell, too: they were put there because they lie beside the others.
        home = next(
            (row for row in reversed(open_rows[-4:]) if _is_beside(piece[1], row[-LONGEST_ROW:])), None
        )
        if home is None:
            open_rows.append([piece])
        else:
            home.append(piece)
    for row in open_rows:
        row.sort(key=lambda piece: piece[1][0])
        yield from _short_rows(list(row))


def _is_beside(box: Box, row: list[tuple[str, Box]]) -> bool:
    centre = (box[0] + box[2]) / 2
    neighbour = min((other for _, other in row), key=lambda other: abs((other[0] + other[2]) / 2 - centre))
    shared = min(box[3], neighbour[3]) - max(box[1], neighbour[1])
    smaller = min(box[3] - box[1], neighbour[3] - neighbour[1])
    taller = max(box[3] - box[1], neighbour[3] - neighbour[1])
    overlap_across = min(box[2], neighbour[2]) - max(box[0], neighbour[0])
    narrower = min(box[2] - box[0], neighbour[2] - neighbour[0])
    if overlap_across > 0.5 * narrower:
        return False
    return shared > 0.5 * smaller and taller < 3 * smaller
