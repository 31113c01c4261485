"""Whether a font's characters can be what its map says: by their shapes.

A font's map from glyphs to characters serves copying and searching only; a wrong one is not seen on the page. An 8 has
two holes, whatever the typeface, and an A has one. A glyph that is said to be an 8 and has none is something else. That
costs no recognition; what is found is a doubt, for recognition to confirm.
"""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pypdfium2.raw as pdfium

from alfrd_events.reading.formats.text_layer import Char

_OUTLINES = {
    **dict.fromkeys("0469ADOPRabdegijopq", 2),
    **dict.fromkeys("8B", 3),
    **dict.fromkeys("2357", 1),
}
"""How many outlines draw a character: its parts and its holes. One is no sign, but for figures."""
_OPEN_TOO = frozenset("4")
"""May be drawn without a hole."""
_TELLING = frozenset("2357")
"""Figures that no typeface draws with a hole or in parts, unlike letters, whose strokes may overlap."""
MAX_MISSING_LETTERS = 0.25
"""Part of a font's letters with holes or dots that may lack them, as in stencils and in capitals for small letters."""
MAX_SHAPELESS = 0.5
"""Part of a font's characters that may be drawn by no outline; more, and it tells nothing of itself."""


class Fonts:
    """The fonts of a document, each looked at once."""

    def __init__(self) -> None:
        self._outlines: dict[tuple[str, int, str], int | None] = {}

    def odd(self, chars: Iterable[Char], handles: Mapping[int, Any]) -> dict[int, frozenset[str]]:
        """Name the characters that do not look like what they are said to be, for each font of a page that has some.

        :param handles: the open fonts, by the number that characters have.
        """
        used: defaultdict[int, set[str]] = defaultdict(set)
        for char in chars:
            if char.text in _OUTLINES and char.font in handles:
                used[char.font].add(char.text)
        judged = {font: self._odd(font, handles[font], said) for font, said in used.items()}
        return {font: odd for font, odd in judged.items() if odd}

    def _odd(self, number: int, handle: Any, said: set[str]) -> frozenset[str]:
        name = _name(handle)
        drawn = {}
        for char in said:
            key = name, number, char
            if key not in self._outlines:
                self._outlines[key] = _outlines(handle, char)
            if count := self._outlines[key]:
                drawn[char] = count
        if len(drawn) < (1 - MAX_SHAPELESS) * len(said):
            return frozenset(said)
        lacking = {c for c, count in drawn.items() if count < _OUTLINES[c] and c not in _OPEN_TOO}
        figures = {c for c in lacking if c.isdigit()} | {c for c in _TELLING & drawn.keys() if drawn[c] > 1}
        letters = {c for c in lacking if c.isalpha()}
        if len(letters) < 2 or len(letters) <= MAX_MISSING_LETTERS * sum(c.isalpha() for c in drawn):
            letters = set()
        return frozenset(figures | letters)


def _outlines(font: Any, char: str) -> int | None:
    """Count the outlines that draw a character; ``None``: it is drawn by none, as in fonts of pictures."""
    path = pdfium.FPDFFont_GetGlyphPath(font, ord(char), 10.0)
    if not path:
        return None
    moves = 0
    for index in range(pdfium.FPDFGlyphPath_CountGlyphSegments(path)):
        segment = pdfium.FPDFGlyphPath_GetGlyphPathSegment(path, index)
        moves += pdfium.FPDFPathSegment_GetType(segment) == pdfium.FPDF_SEGMENT_MOVETO
    return moves or None


def _name(font: Any) -> str:
    buffer = ctypes.create_string_buffer(200)
    pdfium.FPDFFont_GetBaseFontName(font, buffer, len(buffer))
    return buffer.value.decode("utf-8", errors="replace")
