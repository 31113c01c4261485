"""Words that are set wide: ``G E S A M T  1 . 2 3 4 , 5 0``.

Each letter looks like a word then. Letters that stand alone, one after the other, with a gap that is always the same,
are words, and a wider gap is the space between two. That takes evidence: a word or an amount that comes out. Where
there is some, the shorter words beside it with the same gap are closed up too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

MIN_LETTERS = 5
"""That stand alone, to be evidence: fewer are marks, initials or columns of figures."""
WORD_GAP = 1.6
"""In gaps between letters: from there on it is the space between two words."""
SAME_GAP = 0.3
"""Part by which two gaps may differ that are the same."""
_FIGURES = re.compile(
    r"[-+]?\d{1,3}(?:[.,' ]\d{3})*[.,]\d{2}|[-+]?\d+[.,]\d{2}|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
)
_WIDE_FIGURES = re.compile(r"(?<!\S)\d[.,]?(?: ?[.,]? \d[.,]?){3,}(?!\S)")
_TWO_ALONE = re.compile(r"(?<!\S)\S\s+\S(?!\S)")
_WIDE_LETTERS = re.compile(r"(?<!\S)[^\W\d_](?: [^\W\d_]){2,}(?!\S)")


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character, and its distance from the one before it, in heights of the text."""

    text: str
    gap: float
    is_apart: bool
    """A space comes before it."""


def may_be_wide(text: str) -> bool:
    """Whether characters of a line stand alone one after the other: most lines need no closer look."""
    return bool(_TWO_ALONE.search(text))


def closed_up(runs: Sequence[Sequence[Glyph]]) -> list[str]:
    """Give the text of each run of a page, with wide words closed up."""
    stretches = [_stretches(run) for run in runs]
    gaps = [
        _gap(run[start:end])
        for run, found in zip(runs, stretches, strict=True)
        for start, end in found
        if _is_evidence(run[start:end])
    ]
    return [_text(run, found, gaps) for run, found in zip(runs, stretches, strict=True)]


def closed_up_figures(text: str) -> str:
    """The same for a line of which only the text is known: its amounts and dates, and the letters beside them."""
    closed = _WIDE_FIGURES.sub(lambda found: _figures(found[0]), text)
    if closed == text:
        return text
    return _WIDE_LETTERS.sub(lambda found: found[0].replace(" ", ""), closed)


def _figures(wide: str) -> str:
    closed = wide.replace(" ", "")
    return closed if _FIGURES.fullmatch(closed) else wide


def _stretches(run: Sequence[Glyph]) -> list[tuple[int, int]]:
    """Where characters stand alone one after the other: first and end of each stretch of two and more."""
    starts = [index for index, letter in enumerate(run) if index == 0 or letter.is_apart] + [len(run)]
    alone = [(start, end) for start, end in pairwise(starts) if end - start == 1]
    found: list[tuple[int, int]] = []
    for start, end in alone:
        if found and found[-1][1] == start:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return [(start, end) for start, end in found if end - start >= 2]


def _gap(letters: Sequence[Glyph]) -> float:
    return median(letter.gap for letter in letters[1:])


def _words(letters: Sequence[Glyph]) -> list[str]:
    limit = WORD_GAP * max(_gap(letters), 0.05)
    words = [letters[0].text]
    for letter in letters[1:]:
        if letter.gap > limit:
            words.append("")
        words[-1] += letter.text
    return words


def _is_evidence(letters: Sequence[Glyph]) -> bool:
    return len(letters) >= MIN_LETTERS and any(
        (word.isalpha() and len(word) >= 4) or _FIGURES.fullmatch(word) for word in _words(letters)
    )


def _text(run: Sequence[Glyph], stretches: Sequence[tuple[int, int]], gaps: Sequence[float]) -> str:
    closed = [stretch for stretch in stretches if _is_same(_gap(run[slice(*stretch)]), gaps)]
    text = ""
    index = 0
    for start, end in [*closed, (len(run), len(run))]:
        text += "".join(f" {one.text}" if one.is_apart else one.text for one in run[index:start])
        if start < end:
            text += (" " if start else "") + " ".join(_words(run[start:end]))
        index = end
    return text.strip()


def _is_same(gap: float, gaps: Sequence[float]) -> bool:
    return any(abs(gap - other) <= SAME_GAP * other for other in gaps)
