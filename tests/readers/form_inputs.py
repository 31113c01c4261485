"""Forms with boxes, drawn cell by cell: as a PDF with digital text, or as a picture of the same page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw, ImageFont

from tests.readers.pdf_inputs import document
from tests.readers.reader_inputs import encoded

WIDTH, HEIGHT = 612, 792
SCALE = 200 / 72
"""Pixels for a point: a scan of 200 dots an inch."""
CAPTION, VALUE = 6.5, 10.0
"""Sizes of print in points."""
Cell = tuple[float, float, float, str]
"""Left edge, distance from the top to the baseline, size of print, text."""


def grid(
    rows: Sequence[Sequence[tuple[str, str]]], *, columns: Sequence[float], top: float, height: float = 26
) -> Iterator[Cell]:
    """Boxes in rows: each has its caption at its top left and its value, line by line, below.

    :param columns: left edges of the boxes.
    """
    for number, row in enumerate(rows):
        for left, (caption, value) in zip(columns, row, strict=False):
            y = top + number * height
            yield left + 3, y + 8, CAPTION, caption
            for line, text in enumerate(value.split("\n")):
                yield left + 12, y + 20 + line * 12, VALUE, text


def table(
    rows: Sequence[Sequence[str]], *, columns: Sequence[float], top: float, height: float = 16
) -> Iterator[Cell]:
    """Rows of cells, each at the left edge of its column."""
    for number, row in enumerate(rows):
        for left, text in zip(columns, row, strict=False):
            yield left, top + number * height, VALUE, text


def as_pdf(cells: Sequence[Cell]) -> bytes:
    drawn = [
        f"BT /F1 {size} Tf {left} {HEIGHT - down} Td ({_escaped(text)}) Tj ET\n"
        for left, down, size, text in cells
        if text
    ]
    return document("".join(drawn).encode("cp1252"))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def as_picture(cells: Sequence[Cell]) -> bytes:
    image = Image.new("RGB", (round(WIDTH * SCALE), round(HEIGHT * SCALE)), "white")
    draw = ImageDraw.Draw(image)
    for left, down, size, text in cells:
        font = ImageFont.load_default(size=size * SCALE)
        draw.text((left * SCALE, down * SCALE), text, fill="black", font=font, anchor="ls")
    return encoded(image)
