"""Whether a text layer says what its page shows.

Two kinds are worth a doubt: the layer that a scanner put behind its picture, and a font whose glyphs do not look like
the characters that they are said to be. A few lines of the page are recognised then and compared; where most differ,
the layer is not believed, and the page is recognised as a whole. Other pages cost nothing here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.fuzz import partial_ratio_alignment, ratio

from alfrd_events.reading import ocr
from alfrd_events.reading.formats.source import ReadPage
from alfrd_events.reading.formats.text_layer import Char
from alfrd_events.reading.inference.lines import Pixels, Quad
from alfrd_events.reading.text import layout
from alfrd_events.reading.text.layout import Piece

PROBES = 3
"""Lines that are recognised."""
MIN_PROBE = 4
"""Letters and figures of a line that is worth it."""
MAX_PROBE = 60
SURE = 0.6
"""Confidence from which recognition can contradict."""
ALIKE = 70
"""Per cent of two lines that are the same in substance."""
MAX_WRONG_FIGURES = 0.25
"""Part of a line's figures that recognition may read otherwise, and one in any case."""
LAYER_SLACK = 0.25
"""Part of a line's width by which a scanner's layer may be too narrow: it is set in another typeface than the page."""
AGREED_ENOUGH = 10
"""Pages over a picture whose layer was found right; from then on the document is believed."""
MAX_INK_OUTSIDE = 0.3
"""Part of a scan's ink that may be where the layer has no text, before lines are looked for there."""
MAX_LINES_OUTSIDE = 0.3
"""Part of a scan's text, by length, that a layer may lack."""
_INK = 96
"""Darker by that much than the paper."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a layer is compared: some of its fonts, or a picture below it."""

    odd: Mapping[int, frozenset[str]]
    """Characters that do not look like what they are said to be, by the number of their font."""
    over_a_picture: bool = False

    def __bool__(self) -> bool:
        return bool(self.odd) or self.over_a_picture


def is_right(layer: ReadPage, chars: Sequence[Char], doubt: Doubt, pixels: Pixels) -> bool:
    """Compare a layer with the page as it is drawn.

    :param chars: those of the layer, as they stand on the displayed page.
    :param pixels: of the displayed page.
    """
    turned = ocr.turned(pixels, layer.rotation)
    scale = turned.shape[1] / layer.width
    pieces = [piece for row in layer.rows for piece in row]
    probes = _with_odd(pieces, layer, chars, doubt.odd) if doubt.odd else _with_figures(pieces)
    slack = LAYER_SLACK if doubt.over_a_picture else 0.0
    seen = ocr.read_lines(turned, [_box(piece, scale, slack) for piece in probes])
    wrong = [
        _differ(piece.text, text)
        for piece, (text, confidence) in zip(probes, seen, strict=True)
        if confidence >= SURE
    ]
    if wrong and 2 * sum(wrong) > len(wrong):
        return False
    return not doubt.over_a_picture or not _lacks_lines(layer, turned, scale)


def _with_odd(
    pieces: Sequence[Piece], layer: ReadPage, chars: Sequence[Char], odd: Mapping[int, frozenset[str]]
) -> list[Piece]:
    """The lines with most of the odd characters."""
    shown = layer.width, layer.height
    size = shown if layer.rotation % 180 == 0 else shown[::-1]
    middles = [
        _middle(char, layer.rotation, size) for char in chars if char.text in odd.get(char.font, frozenset())
    ]
    counts = [sum(_holds(piece, x, y) for x, y in middles) for piece in pieces]
    ranked = sorted((n for n, count in enumerate(counts) if count), key=lambda n: -counts[n])
    short = [n for n in ranked if MIN_PROBE <= len(_substance(pieces[n].text)) <= MAX_PROBE]
    return [pieces[n] for n in (short or ranked)[:PROBES]]


def _with_figures(pieces: Sequence[Piece]) -> list[Piece]:
    """A few lines from top to bottom: those with figures if there are any, since figures matter most."""
    worth = [piece for piece in pieces if MIN_PROBE <= len(_substance(piece.text)) <= MAX_PROBE]
    worth = [piece for piece in worth if len(_figures(piece.text)) >= MIN_PROBE] or worth
    if len(worth) <= PROBES:
        return worth
    return [worth[round(n * (len(worth) - 1) / (PROBES - 1))] for n in range(PROBES)]


def _middle(char: Char, rotation: int, size: layout.Size) -> tuple[float, float]:
    left, top, right, bottom = layout.turned((char.left, char.top, char.right, char.bottom), rotation, size)
    return (left + right) / 2, (top + bottom) / 2


def _holds(piece: Piece, x: float, y: float) -> bool:
    return piece.left <= x <= piece.right and piece.top <= y <= piece.bottom


def _box(piece: Piece, scale: float, slack: float = 0.0) -> tuple[int, int, int, int]:
    """A line's box in pixels, widened by a part of its width."""
    more = slack * (piece.right - piece.left)
    return (
        round((piece.left - more / 4) * scale),
        round(piece.top * scale),
        round((piece.right + more) * scale),
        round(piece.bottom * scale),
    )


def _differ(said: str, seen: str) -> bool:
    said, seen = _substance(said), _substance(seen)
    if len(seen) > len(said):  # OCR saw text beside the line, too
        part = partial_ratio_alignment(said, seen)
        seen = seen[part.dest_start : part.dest_end] if part else seen
    figures = _figures(said)
    wrong = Levenshtein.distance(figures, _figures(seen))
    return wrong > max(1, MAX_WRONG_FIGURES * len(figures)) or ratio(said, seen) < ALIKE


def _substance(text: str) -> str:
    """Letters and figures, without accents and case, on which recognition errs."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if char.isalnum())


def _figures(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())


def _lacks_lines(layer: ReadPage, pixels: Pixels, scale: float) -> bool:
    """Whether a scan has more text than its layer knows. Lines are looked for only where ink is left over."""
    covered = np.zeros(pixels.shape[:2], dtype=bool)
    for row in layer.rows:
        for piece in row:
            left, top, right, bottom = _box(piece, scale)
            margin = (bottom - top) // 2
            covered[max(top - margin, 0) : bottom + margin, max(left - margin, 0) : right + margin] = True
    dark = pixels.min(axis=2)
    ink = dark < int(np.median(dark)) - _INK
    if ink[~covered].sum() <= MAX_INK_OUTSIDE * max(ink.sum(), 1):
        return False
    lengths = [(_is_covered(quad, covered), float(np.ptp(quad, axis=0).max())) for quad in ocr.detect(pixels)]
    outside = sum(length for known, length in lengths if not known)
    return outside > MAX_LINES_OUTSIDE * sum(length for _, length in lengths)


def _is_covered(quad: Quad, covered: NDArray[np.bool_]) -> bool:
    x, y = quad.mean(axis=0).astype(int)
    return bool(covered[min(y, covered.shape[0] - 1), min(x, covered.shape[1] - 1)])
