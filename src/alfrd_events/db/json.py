"""JSON between here and the database, by orjson: a worker decodes a dozen small values for each task.

Importing this module has effect for every connection of the process.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb, set_json_loads


def jsonb(value: Any) -> Jsonb:
    """A value to be sent as ``jsonb``."""
    return Jsonb(value, dumps=_dumps)


def decoded(text: str) -> Any:
    """The value of a JSON text that the database has made.

    :raise ValueError: it holds what Python has no value for, such as 1e400, or is nested too deep.
    """
    return orjson.loads(text)


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
"""The UUID that a text stands for. A document's comes with each of its steps, and to read it takes 2 µs each time."""

set_json_loads(orjson.loads)
