"""Names of files and folders that every system takes, made of names that strangers chose.

None of them leaves the folder that it is joined to: no separator, no ``..``, no drive, no device.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

from alfrd_events.filenames import printable

_FORBIDDEN = re.compile(r'[<>:"|?*\ufffd]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows gives to devices, with any suffix."""
_NAME_BYTES = 120
_SUFFIX_BYTES = 20
_SLUG_LETTERS = 40


def safe_name(name: str, fallback: str) -> str:
    """The last step of a path as a name of at most 120 bytes, its suffix kept; ``fallback`` where nothing is left."""
    last = printable(name).replace("\\", "/").rsplit("/", 1)[-1]
    plain = _FORBIDDEN.sub("_", last).strip(" .")
    if not plain.strip("_") or _DEVICES.fullmatch(plain):
        plain = f"{fallback}{PurePosixPath(plain).suffix}" if plain.strip("_") else fallback
    suffix = PurePosixPath(plain).suffix
    if len(suffix.encode()) > _SUFFIX_BYTES:
        suffix = ""
    stem = plain.removesuffix(suffix).encode()[: _NAME_BYTES - len(suffix.encode())].decode(errors="ignore")
    return stem.rstrip(" .") + suffix


def slug(text: str, fallback: str) -> str:
    """``acme-power-company``: lower-case letters and digits without accents, at most 40."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:_SLUG_LETTERS].strip("-") or fallback
