"""Right-to-left text: from the order on the page to the order of reading.

Lines are formed from left to right. Of Hebrew and Arabic that gives each word backwards, where no search finds it. A
few programs draw the letters in the order of reading, which a person sees mirrored: final letters tell, since they end
words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from unicodedata import normalize

from alfrd_events.reading.text.layout import Row

_LETTER = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LATIN = re.compile(r"[^\W\d_\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_SHAPED = re.compile("[\ufb1d-\ufdff\ufe70-\ufefc]+")
"""Letters in the form that they take at their place in a word; the plain ones are what people search for."""
_FINALS = "\u05da\u05dd\u05df\u05e3\u05e5\u0629\u0649"
_ENDS_A_WORD = re.compile(f"[{_FINALS}](?!\\w)")
_BEGINS_A_WORD = re.compile(f"(?<!\\w)[{_FINALS}]")


def in_reading_order(rows: Sequence[Row]) -> list[Row]:
    """Turn what is right to left on a page; other pages stay as they are.

    :param rows: with their text from left to right, as on the page.
    """
    text = "\n".join(piece.text for row in rows for piece in row)
    if not _LETTER.search(text):
        return list(rows)
    rows = [[replace(piece, text=_plain(piece.text)) for piece in row] for row in rows]
    if len(_ENDS_A_WORD.findall(text)) > len(_BEGINS_A_WORD.findall(text)):
        return rows
    return [_turned(row) for row in rows]


def _turned(row: Row) -> Row:
    from bidi import get_display  # seldom needed

    text = " ".join(piece.text for piece in row)
    is_rtl = len(_LETTER.findall(text)) > len(_LATIN.findall(text))
    turned = [
        replace(piece, text=get_display(piece.text, base_dir="R" if is_rtl else "L"))
        if _LETTER.search(piece.text)
        else piece
        for piece in row
    ]
    return turned[::-1] if is_rtl else turned


def _plain(text: str) -> str:
    return _SHAPED.sub(lambda shaped: normalize("NFKC", shaped[0]), text)
