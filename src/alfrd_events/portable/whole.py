"""Files that appear whole, and overwrite nothing unasked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from alfrd_events.errors import Refused


def what_is_there(path: Path) -> Refused:
    """The error for a place that is taken."""
    return Refused(f"{path} is there already: replace it with --force, or name another place")


def write_bytes(path: Path, content: bytes, replace: bool) -> None:
    """Let a file of these bytes appear."""

    def fill(file: IO[bytes]) -> None:
        file.write(content)

    write_whole(path, fill, replace)


def write_whole(path: Path, fill: Callable[[IO[bytes]], None], replace: bool) -> None:
    """Let a file appear when it is written: under its name at once, or not at all.

    :raise Refused: something is there, and is not to be replaced.
    """
    if not replace and (path.exists() or path.is_symlink()):
        raise what_is_there(path)
    if path.is_dir():
        raise Refused(f"{path} is a folder: name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=".alfrd-", delete=False) as file:
        try:
            fill(file)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            if replace:
                Path(file.name).replace(path)
            else:
                try:
                    os.link(file.name, path)  # refuses what came meanwhile
                except FileExistsError:
                    raise what_is_there(path) from None
        finally:
            Path(file.name).unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
