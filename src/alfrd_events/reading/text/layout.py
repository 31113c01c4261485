"""Put pieces of text into the order in which a person reads them.

Pieces arrive as a detector or a PDF gives them, in any order. Those on one baseline become a visual row,
from left to right: a label and its value stay together even if half the page lies between them. Only
where two columns of running prose stand side by side is the left one read before the right one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

MIN_COLUMN_ROWS = 5
MIN_PROSE_LENGTH = 24
"""Characters in the usual line of a column of prose; address blocks and tables have shorter ones."""
MAX_SAME_ROW_SHIFT = 0.5
"""Part of the lower piece's height by which two neighbours on one row may be shifted."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text and its place, in any unit that is the same both ways; the origin is top left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    confidence: float = 1.0

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    def level(self, slope: float) -> float:
        """Where its middle would stand at the left edge of the page, on lines of this slope."""
        return self.middle - slope * (self.left + self.right) / 2


Row = list[Piece]
Edges = tuple[float, float, float, float]
"""Left, top, right and bottom."""
Size = tuple[float, float]
"""Width and height."""


def arrange(pieces: Sequence[Piece], width: float, slope: float = 0.0) -> list[Row]:
    """Give all pieces as visual rows in reading order.

    :param width: of the page, in the pieces' unit.
    :param slope: by how much its lines fall for each unit to the right; photos are rarely straight.
    """
    return _split_columns(_rows(pieces, slope), width)


def text_of(rows: Sequence[Row]) -> str:
    """One line per row; two spaces set the pieces of a row apart."""
    return "\n".join("  ".join(piece.text for piece in row) for row in rows)


def join_close(row: Row, *, glued: float, spaced: float) -> Row:
    """Merge neighbours that a program wrote apart but a person reads as one.

    :param glued: up to this gap, in heights of the text, there is no space between two pieces.
    :param spaced: up to this gap there is one space; beyond it they stay apart.
    """
    joined: Row = []
    for piece in row:
        gap = piece.left - joined[-1].right if joined else 0.0
        height = min(piece.height, joined[-1].height) if joined else 0.0
        if joined and gap <= spaced * height:
            blank = " " if gap > glued * height else ""
            joined[-1] = _merged(joined[-1], piece, blank)
        else:
            joined.append(piece)
    return joined


def _merged(first: Piece, second: Piece, blank: str) -> Piece:
    return Piece(
        text=first.text + blank + second.text,
        left=min(first.left, second.left),
        top=min(first.top, second.top),
        right=max(first.right, second.right),
        bottom=max(first.bottom, second.bottom),
        confidence=min(first.confidence, second.confidence),
    )


def _rows(pieces: Sequence[Piece], slope: float) -> list[Row]:
    """Group by baseline. Each piece is compared with its nearest neighbour in a row, not with the row's
    mean, so that the rows of a crumpled receipt stay whole."""
    rows: list[Row] = []
    for piece in sorted(pieces, key=lambda p: p.level(slope)):
        best: Row | None = None
        least = 1.0
        for row in rows[-12:]:
            shift = _shift(row, piece, slope)
            if shift < least:
                best, least = row, shift
        if best is not None and least <= MAX_SAME_ROW_SHIFT:
            best.append(piece)
        else:
            rows.append([piece])
    for row in rows:
        row.sort(key=lambda p: p.left)
    return sorted(rows, key=lambda row: sum(p.level(slope) for p in row) / len(row))


def _shift(row: Row, piece: Piece, slope: float) -> float:
    """How far a piece is off the row's baseline, in heights; 1.0 and more where it cannot belong to it."""
    for other in row:
        overlap = min(other.right, piece.right) - max(other.left, piece.left)
        if overlap > 0.3 * min(other.right - other.left, piece.right - piece.left):
            return 1.0
    nearest = min(row, key=lambda other: max(piece.left - other.right, other.left - piece.right))
    height = min(nearest.height, piece.height)
    return abs(nearest.level(slope) - piece.level(slope)) / height if height > 0 else 1.0


def _split_columns(rows: list[Row], width: float) -> list[Row]:
    """Read stretches of two-column prose column by column; leave everything else as it is."""
    ordered: list[Row] = []
    start = 0
    while start < len(rows):
        end, gutter = _prose_stretch(rows, start, width)
        if end > start:
            left = [[p for p in row if p.right <= gutter] for row in rows[start:end]]
            right = [[p for p in row if p.left >= gutter] for row in rows[start:end]]
            ordered += [row for row in (*left, *right) if row]
            start = end
        else:
            ordered.append(rows[start])
            start += 1
    return ordered


def _prose_stretch(rows: list[Row], start: int, width: float) -> tuple[int, float]:
    """Find how far two columns of prose go from row ``start`` on, and the gutter between them."""
    best = (start, 0.0)
    if len(rows[start]) < 2:
        return best
    for percent in range(35, 66, 2):
        gutter = width * percent / 100
        end = start
        while end < len(rows) and all(p.right <= gutter or p.left >= gutter for p in rows[end]):
            end += 1
        if end > best[0] and _is_prose(rows[start:end], gutter):
            best = (end, gutter)
    return best


def _is_prose(rows: list[Row], gutter: float) -> bool:
    for is_left in (True, False):
        lines = ["".join(p.text for p in row if (p.right <= gutter) == is_left) for row in rows]
        lines = [line for line in lines if line]
        if len(lines) < MIN_COLUMN_ROWS or median(map(len, lines)) < MIN_PROSE_LENGTH:
            return False
        letters = sum(char.isalpha() or char.isspace() for line in lines for char in line)
        if letters < 0.8 * sum(map(len, lines)):
            return False
    return True


def scaled(piece: Piece, width: float, height: float) -> Piece:
    """Turn a piece's box into ratios of the page, within 0 and 1."""
    return replace(
        piece,
        left=min(max(piece.left / width, 0.0), 1.0),
        top=min(max(piece.top / height, 0.0), 1.0),
        right=min(max(piece.right / width, 0.0), 1.0),
        bottom=min(max(piece.bottom / height, 0.0), 1.0),
    )


def turned(edges: Edges, rotation: int, size: Size) -> Edges:
    """Return where a box is once its page is turned.

    :param rotation: degrees clockwise: 0, 90, 180 or 270.
    :param size: of the page before.
    """
    (left, top, right, bottom), (width, height) = edges, size
    if rotation == 90:
        return height - bottom, left, height - top, right
    if rotation == 180:
        return width - right, height - bottom, width - left, height - top
    if rotation == 270:
        return top, width - right, bottom, width - left
    return edges
