"""Move files between the folders of an inbox, over nothing that is there, and write reasons beside them."""

from __future__ import annotations

import os
from pathlib import Path

_REASON = ".reason.txt"
_NAME_BYTES_AT_MOST = 255
"""What file systems take."""
_SUFFIX_BYTES_AT_MOST = 32
"""A longer one is no suffix but a part of the name, and may be cut."""


def move(path: Path, directory: Path) -> Path:
    """Move a file or folder into a directory, under another name if its own is taken; where it is now.

    :raise OSError: it stays where it is.
    """
    target = _free(directory, path.name)
    os.rename(path, target)
    return target


def write_reason(moved: Path, reason: str) -> None:
    """Say beside a file what is wrong with it.

    :raise OSError: it could not be written.
    """
    # Names that were cut alike would overwrite each other's reason.
    _free(moved.parent, moved.name, _REASON).write_text(reason + "\n", encoding="utf-8", errors="replace")


def reason_of(moved: Path) -> Path:
    """Where the reason of a file is, unless its name left no room."""
    return moved.with_name(_cut(moved.name, _NAME_BYTES_AT_MOST - len(_REASON)) + _REASON)


def is_reason(path: Path) -> bool:
    return path.name.endswith(_REASON)


def _free(directory: Path, name: str, added: str = "") -> Path:
    """A path that is not taken: a second ``bill.pdf`` becomes ``bill-2.pdf``.

    :param added: comes after the name, of which only as much is kept as there is room for.
    """
    stem, suffix = (name, added) if added else os.path.splitext(name)
    if not added and len(os.fsencode(suffix)) > _SUFFIX_BYTES_AT_MOST:
        stem, suffix = name, ""
    end, number = suffix, 1
    while True:
        target = directory / (_cut(stem, _NAME_BYTES_AT_MOST - len(os.fsencode(end))) + end)
        if not os.path.lexists(target):
            return target
        number += 1
        end = f"-{number}{suffix}"


def _cut(name: str, bytes_at_most: int) -> str:
    """The beginning of a name that has room, never half a character."""
    encoded = os.fsencode(name)
    end = max(bytes_at_most, 0)
    if len(encoded) <= end:
        return name
    while end and 0x80 <= encoded[end] < 0xC0:
        end -= 1
    return os.fsdecode(encoded[:end])
