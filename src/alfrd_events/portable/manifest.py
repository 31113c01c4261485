"""What an export says of itself: ``manifest.json``, and ``SHA256SUMS``, which ``sha256sum --check`` reads, too."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alfrd_events.errors import Refused

FORMAT = "alfrd-events export"
VERSION = 1
"""Raised when an older program could not read what a newer one writes."""
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64})  (.+)\n")
_PIECE = 1024 * 1024


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an export that this program can read.

    :raise Refused: there is none, it is damaged, another program wrote it, or a newer release of this one.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused(
            f"{folder} is no export: it has no {MANIFEST}; name the folder that was exported"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(f"{path} cannot be read ({type(error).__name__}): export again") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Refused(f"{path} was not written by alfrd-events: its format is not {FORMAT!r}")
    version = found.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Refused(f"{path} has no version of its format: export again")
    if version > VERSION:
        raise Refused(
            f"{path} is of version {version}, and this release reads up to {VERSION}: upgrade alfrd-events"
        )
    return found


def check_sums(folder: Path, manifest: dict[str, Any], on_file: Callable[[], None] = lambda: None) -> int:
    """See that every file is there as it was written; how many there are.

    :raise Refused: names the first that is missing or changed, or that lies outside of the folder.
    """
    sums = folder / SUMS
    if not sums.is_file() or digest_of(sums) != manifest.get("sha256_of_sums"):
        raise Refused(f"{sums} is missing or changed: export again")
    number = 0
    for digest, name in _lines(sums):
        path = inside(folder, name)
        if digest_of(path) != digest:
            raise Refused(f"{path} has changed since it was exported: export again")
        number += 1
        on_file()
    if number != manifest.get("files"):
        raise Refused(f"{sums} names {number} files and {MANIFEST} {manifest.get('files')}: export again")
    return number


def inside(folder: Path, name: str) -> Path:
    """A regular file of an export, by its name in it.

    :raise Refused: there is none, or the name leads out of the folder, also through a link.
    """
    path = folder / name
    try:
        resolved = path.resolve(strict=True)
        is_file = stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError, RuntimeError):
        raise Refused(f"{folder} lacks {name!r}: export again") from None
    if not resolved.is_relative_to(folder.resolve()) or not is_file:
        raise Refused(f"{name!r} is no file of {folder}: this export is not to be trusted")
    return path


def _lines(sums: Path) -> Iterator[tuple[str, str]]:
    with sums.open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            found = _LINE.fullmatch(line)
            if found is None:
                raise Refused(f"{sums}, line {number}: not a sum and a name")
            yield found[1], found[2]
