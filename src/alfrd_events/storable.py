"""Text and JSON as PostgreSQL can hold them.

Neither ``text`` nor ``jsonb`` accepts the character U+0000 or half of a surrogate pair; a model or a service may send
both. They are removed before storage: PostgreSQL would refuse the result of such a reply, again at each read from the
reply cache.
"""

from __future__ import annotations

import json
import math
from typing import Any

import orjson


def storable_text(text: str) -> str:
    """The text without U+0000; halves of surrogate pairs become one character, or U+FFFD where they are alone."""
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def storable(value: Any) -> Any:
    """A JSON value of which all text can be kept; numbers that JSON does not have become ``None``."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {storable_text(str(name)): storable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def parsed(body: bytes) -> Any:
    """The value of a JSON text that somebody else has made, also where it is not quite UTF-8 or not quite JSON.

    :raise ValueError: it is not JSON, or nested too deep.
    """
    try:
        return storable(orjson.loads(body))
    except ValueError:
        pass  # half a surrogate pair, a byte that is not UTF-8, NaN: the standard library is less strict
    try:
        return storable(json.loads(body.decode("utf-8", "replace"), strict=False))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
