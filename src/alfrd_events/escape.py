"""Make foreign text safe to print: this module alone decides what reaches a terminal or a log.

Strangers write file names, documents, tags and servers' messages. A control character in them moves the cursor, changes
colours or forges a line; a bidirectional override shows ``txt.exe`` as ``exe.txt``. All of these become visible:
``\\x1b``, ``\\n``, ``\\u202e``.

A backslash is not escaped: text with the four characters ``\\x1b`` looks the same, and is just as harmless.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

_SUSPECTS = re.compile(r"[^\x20-\x7e]")
_SUSPECTS_OF_LINES = re.compile(r"[^\x20-\x7e\t\n]")
_SUSPECTS_OF_JSON = re.compile(r"[^\x20-\x7e\n]")
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks by their category, and nothing to be seen of them."""


def visible(text: str) -> str:
    """One line of text in which nothing is hidden, and nothing steers a terminal."""
    return _SUSPECTS.sub(lambda found: _escaped(found[0]), text)


def visible_lines(text: str) -> str:
    """The same for text of many lines: their ends and tabs stay."""
    lines = text.replace("\r\n", "\n")
    return _SUSPECTS_OF_LINES.sub(lambda found: _escaped(found[0]), lines)


def json_text(
    value: Any,
    *,
    indent: int | None = None,
    ascii_only: bool = False,
    default: Callable[[Any], Any] | None = None,
) -> str:
    """JSON that means the same and can be shown on a terminal, too.

    :param ascii_only: for output whose encoding is unknown.
    :param default: makes something of what JSON has no form for.
    :raise ValueError: a number that JSON does not know, such as ``NaN``.
    """
    text = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, indent=indent, default=default)
    # What is suspect is within strings: all else is ASCII. Line ends are those of the indentation.
    return _SUSPECTS_OF_JSON.sub(
        lambda found: found[0] if _is_harmless(found[0]) else json.dumps(found[0])[1:-1], text
    )


def _is_harmless(character: str) -> bool:
    """Whether it is seen as what it is; blanks of any width are."""
    if character in _INVISIBLE:
        return False
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    return character if _is_harmless(character) else character.encode("unicode_escape").decode("ascii")
