"""Names of files as text: for a row, a line of the log, a message."""

from __future__ import annotations

import os
import re
from pathlib import Path

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, ends of lines, and what turns the direction of writing, so that a name shows another suffix."""


def printable(name: str | Path) -> str:
    """A name as text of one line that PostgreSQL takes, also where it is not valid UTF-8.

    What does not print becomes U+FFFD; the file keeps its name.
    """
    try:
        text = os.fsencode(name).decode("utf-8", "replace")
    except UnicodeEncodeError:  # half a character that no file system gave, but a JSON text can
        text = str(name).encode("utf-8", "replace").decode()
    return _UNPRINTABLE.sub("\ufffd", text)
