"""Which files are meant, and their bytes."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from alfrd_events.db.documents import NewDocument, NewPart
from alfrd_events.errors import AlfrdError

META = "meta.json"


class NotSubmitted(AlfrdError):
    """A file or folder that does not become a document; the message says which and why."""


class Incomplete(NotSubmitted):
    """It is wrong as it stands, and may merely not be whole yet."""


def expand(given: Sequence[str]) -> Iterator[Path | NotSubmitted]:
    """The files that paths and patterns name, and the folders that are a document of their own.

    Folders are searched through, sorted by name, without hidden files and links; a folder with a
    ``meta.json`` is one document. What names nothing, or cannot be looked into, comes as the reason why.
    """
    seen: set[Path] = set()
    for entry in given:
        found = False
        for path in _matches(entry):
            for file in _within(path):
                found = True
                if isinstance(file, NotSubmitted):
                    yield file
                elif file not in seen:
                    seen.add(file)
                    yield file
        if not found:
            yield NotSubmitted(_why_nothing(entry))


def _matches(entry: str) -> list[Path]:
    if not entry.strip():
        return []  # Path("") is the current directory, and a shell's unset variable would submit all of it
    path = Path(entry).expanduser()
    if os.path.lexists(path):
        return [path]
    if glob.has_magic(entry):
        return sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    return []


def _within(path: Path) -> Iterator[Path | NotSubmitted]:
    try:
        whole = not path.is_dir() or (path / META).is_file()
        entries = [] if whole else sorted(path.iterdir())
    except OSError as error:
        yield NotSubmitted(f"{path}: cannot be looked into ({error.strerror})")
        return
    if whole:
        yield path
    for entry in entries:
        if not entry.name.startswith(".") and not entry.is_symlink():
            yield from _within(entry)


def _why_nothing(entry: str) -> str:
    if not entry.strip():
        return "an empty path names no file"
    path = Path(entry).expanduser()
    if path.is_dir():
        return f"{entry}: the folder holds no files"
    return f"{entry}: nothing fits this pattern" if glob.has_magic(entry) else f"{entry}: no such file"


def read_file(path: Path, max_bytes: int, *, follow: bool = True) -> bytes:
    """A file's bytes.

    :param follow: whether a link may be followed at the last step.
    :raise NotSubmitted: it cannot be read, is no ordinary file, or is too large.
    """
    name = printable(path.name)
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise NotSubmitted(f"{name}: not an ordinary file")
            if found.st_size > max_bytes:
                raise NotSubmitted(
                    f"{name}: {found.st_size:,} bytes is too large; the limit is {max_bytes:,} (ALFRD_MAX_FILE_BYTES)"
                )
            content = file.read(max_bytes + 1)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise Incomplete(f"{name}: no such file") from error
        raise NotSubmitted(f"{name}: cannot be read ({os.strerror(error.errno or 0)})") from error
    if len(content) > max_bytes:
        raise NotSubmitted(f"{name}: it grew past the limit of {max_bytes:,} bytes while it was read")
    return content


def single(path: Path, max_bytes: int, tags: Sequence[str] = (), *, follow: bool = True) -> NewDocument:
    """A file as a document of one part.

    :raise NotSubmitted: as :func:`read_file`.
    """
    name = printable(path.name)
    return NewDocument(name, (NewPart(name, read_file(path, max_bytes, follow=follow)),), tuple(tags))


def printable(name: str) -> str:
    """A file name as text that PostgreSQL takes, also where it is not valid UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
