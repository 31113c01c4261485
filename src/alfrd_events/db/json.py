"""JSON between here and the database, by orjson: a worker decodes a dozen small values for each task.

Importing this module has effect for every connection of the process.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb, set_json_loads

NESTED_AT_MOST = 100
"""Levels of arrays and objects that are decoded of a text that orjson finds too deep; what is deeper stays text."""
_DIGITS_AT_MOST = 300
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')


def jsonb(value: Any) -> Jsonb:
    """A value to be sent as ``jsonb``."""
    return Jsonb(value, dumps=_dumps)


def decoded(text: str) -> Any:
    """The value of a JSON text that the database has made."""
    return _loads(text)


def _loads(text: str | bytes) -> Any:
    """Any JSON text of PostgreSQL; what orjson refuses goes the slow way, and comes near."""
    try:
        return orjson.loads(text)
    except ValueError:
        told = text if isinstance(text, str) else bytes(text).decode()
        return json.loads(_shallow(told), parse_float=_number, parse_int=_number)


def _number(digits: str) -> int | float | str:
    """A number; the text of one that no float holds, such as 1e400."""
    if digits.lstrip("-").isdigit() and len(digits) <= _DIGITS_AT_MOST:
        return int(digits)
    number = float(digits)
    return number if math.isfinite(number) else digits


def _shallow(text: str) -> str:
    """The same JSON, in which what is nested too deep is a string that holds its own text."""
    kept: list[str] = []
    depth, place, cut_at = 0, 0, 0
    for token in _TOKENS.finditer(text):
        if token[0] in "[{":
            if depth == NESTED_AT_MOST:
                cut_at = token.start()
                kept.append(text[place:cut_at])
            depth += 1
        elif token[0] in "]}":
            depth -= 1
            if depth == NESTED_AT_MOST:
                place = token.end()
                kept.append(json.dumps(text[cut_at:place]))
    return "".join([*kept, text[place:]])


def _dumps(value: Any) -> bytes | str:
    try:
        return orjson.dumps(value)
    except TypeError:
        # Half a surrogate pair, say, which orjson refuses. The server refuses it too, and says of which task.
        return json.dumps(value, default=_unpacked)


def _unpacked(value: Any) -> Any:
    """What orjson knows and the standard library does not: JSON that is made already."""
    return orjson.loads(orjson.dumps(value))


uuid_of = lru_cache(maxsize=4096)(UUID)
"""The UUID that a text spells. A document's comes with each of its steps, and to read it takes 2 µs each time."""

set_json_loads(_loads)
