"""From a PDF's characters to lines.

A PDF places glyphs; it knows no words and no lines. Characters that follow each other on one baseline
become a piece, a gap wider than a few letters starts a new one, and pieces that a program wrote apart
but side by side are joined again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from alfrd_events.reading.formats.source import ReadPage
from alfrd_events.reading.text import layout, plain, rtl, spacing
from alfrd_events.reading.text.layout import Piece

COLUMN_GAP = 1.2
"""In heights of the text: a wider gap sets two pieces of a row apart."""
WORD_GAP = 0.15
BASELINE_SHIFT = 0.6
_HYPHENS = {0x02, 0xAD, 0xFFFE}
"""What pdfium gives for a hyphen at a line's end, and the soft hyphen."""


@dataclass(frozen=True, slots=True)
class Char:
    """A character on the displayed page, in points from its top left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    turn: int = 0
    """Degrees clockwise in which it runs; 0 is the usual way."""
    generated: bool = False
    """Put in by pdfium as a space or line break; it has no place on the page."""
    unmapped: bool = False
    font: int = 0
    """A number that characters of one font share."""


def character(code: int) -> str:
    """Give a character as it may be stored; empty where it means nothing."""
    if code in _HYPHENS:
        return "-"
    if code in {0x0A, 0x0D}:
        return "\n"
    if code > 0x10FFFF or is_unmapped(code):
        return ""
    return plain.clean(chr(code)) or ""


def is_unmapped(code: int) -> bool:
    """Whether a font gave no meaning to its glyph: none at all, a replacement mark, or private use."""
    return code in {0, 0xFFFD} or 0xE000 <= code <= 0xF8FF


def read(chars: Sequence[Char], size: tuple[float, float]) -> ReadPage:
    """Form lines; a page whose text runs sideways is turned first.

    :param size: width and height of the displayed page in points.
    """
    turns = Counter(char.turn for char in chars if not char.generated and not char.text.isspace())
    turn = turns.most_common(1)[0][0] if turns else 0
    # Text that runs 90 degrees clockwise is read by turning the page as far the other way.
    rotation = (360 - turn) % 360
    upright = [_turned(char, rotation, size) for char in chars] if rotation else list(chars)
    if rotation % 180:
        size = (size[1], size[0])
    rows = layout.arrange(_pieces(upright), size[0])
    rows = rtl.in_reading_order([layout.join_close(row, glued=WORD_GAP, spaced=COLUMN_GAP) for row in rows])
    return ReadPage.of_rows(rows, size, "text_layer", rotation)


def resized(piece: Piece, factor: float) -> Piece:
    """Bring a piece into another unit."""
    return replace(
        piece,
        left=piece.left * factor,
        top=piece.top * factor,
        right=piece.right * factor,
        bottom=piece.bottom * factor,
    )


def _turned(char: Char, rotation: int, size: tuple[float, float]) -> Char:
    edges = layout.turned((char.left, char.top, char.right, char.bottom), rotation, size)
    left, top, right, bottom = edges
    return replace(char, left=left, top=top, right=right, bottom=bottom, turn=(char.turn + rotation) % 360)


def _pieces(chars: Sequence[Char]) -> list[Piece]:
    runs = [run for run in _runs(chars) if any(char.text.strip() for char in run)]
    texts = ["".join(char.text for char in run).strip() for run in runs]
    wide = [number for number, text in enumerate(texts) if spacing.may_be_wide(text)]
    closed = spacing.closed_up([_letters(runs[number]) for number in wide])
    for number, text in zip(wide, closed, strict=True):
        texts[number] = text
    return [
        Piece(
            text,
            min(char.left for char in run),
            min(char.top for char in run),
            max(char.right for char in run),
            max(char.bottom for char in run),
        )
        for run, text in zip(runs, texts, strict=True)
    ]


def _runs(chars: Sequence[Char]) -> list[list[Char]]:
    """Characters that follow each other on one baseline, with a blank where there is a gap between words."""
    runs: list[list[Char]] = [[]]
    blank = False
    for char in chars:
        run = runs[-1]
        if char.text == "\n":
            runs.append([])
            blank = False
        elif not char.text or char.text.isspace():
            blank = True
        elif char.generated:
            if run:
                run.append(replace(run[-1], text=char.text))
        else:
            if run and not _continues(run[-1], char):
                run = []
                runs.append(run)
                blank = False
            if run and (blank or _gap(run[-1], char) > WORD_GAP * 2):
                run.append(replace(run[-1], text=" "))
            run.append(char)
            blank = False
    return runs


def _letters(run: Sequence[Char]) -> list[spacing.Glyph]:
    letters: list[spacing.Glyph] = []
    last: Char | None = None
    is_apart = False
    for char in run:
        if char.text.isspace():
            is_apart = True
            continue
        gap = _gap(last, char) if last is not None else 0.0
        letters.append(spacing.Glyph(char.text, gap, is_apart and last is not None))
        last, is_apart = char, False
    return letters


def _continues(last: Char, char: Char) -> bool:
    if char.turn != last.turn:
        return False
    if char.turn % 180:
        return _gap(last, char) < COLUMN_GAP
    height = max(min(last.bottom - last.top, char.bottom - char.top), 0.1)
    shift = abs((last.top + last.bottom) - (char.top + char.bottom)) / 2
    # A ligature comes as several characters in one place, and kerning steps back a little.
    forward = char.left > last.left - 0.1 * height
    return forward and shift < BASELINE_SHIFT * height and _gap(last, char) < COLUMN_GAP


def _gap(last: Char, char: Char) -> float:
    """Distance to the next character along the line, in heights of the text."""
    if char.turn % 180:
        size = max(min(last.right - last.left, char.right - char.left), 0.1)
        return max(char.top - last.bottom, last.top - char.bottom) / size
    size = max(min(last.bottom - last.top, char.bottom - char.top), 0.1)
    return (char.left - last.right) / size
