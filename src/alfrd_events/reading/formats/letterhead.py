"""What the top of a page shows and its text layer does not say: the name in a logo, drawn as a picture or as outlines.

What the layer says is painted over first, so that recognition reads the rest and nothing twice; where no ink is left,
it costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alfrd_events.reading import ocr
from alfrd_events.reading.formats.source import Pixels
from alfrd_events.reading.text.layout import Piece, scaled

HEAD = 0.3
"""Part of the page's height, from its top."""
MARGIN = 0.25
"""Of a line's height, by which its box is painted over on all sides."""
SURE = 0.8
"""Confidence from which on print in a picture is taken for text."""
MOST_LINES = 12
"""The largest; a letterhead has a handful."""
Box = tuple[float, float, float, float]


def unwritten(pixels: Pixels, known: Sequence[Box]) -> list[Piece]:
    """Read the top of a page apart from the lines that are known.

    :param pixels: of the page, upright.
    :param known: boxes of lines as ratios of the page.
    :return: lines from the top, as ratios of the page.
    """
    height, width = pixels.shape[:2]
    head = pixels[: round(HEAD * height)].copy()
    paper = np.median(head.reshape(-1, 3), axis=0).astype(np.uint8)
    for left, top, right, bottom in known:
        margin = MARGIN * (bottom - top) * height
        up, down = max(0, round(top * height - margin)), round(bottom * height + margin)
        head[up:down, max(0, round(left * width - margin)) : round(right * width + margin)] = paper
    seen = ocr.read(head)
    if seen.rotation:
        return []  # print that stands on its side names nobody at the head of an upright page
    pieces = [piece for row in seen.rows for piece in row if _is_text(piece)]
    largest = sorted(pieces, key=lambda piece: -piece.height)[:MOST_LINES]
    return [scaled(piece, width, height) for piece in pieces if piece in largest]


def _is_text(piece: Piece) -> bool:
    return piece.confidence >= SURE and sum(character.isalpha() for character in piece.text) > 1
