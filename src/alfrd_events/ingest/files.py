"""Which files are meant, and their bytes."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from alfrd_events.db.documents import NewDocument, NewPart
from alfrd_events.errors import AlfrdError
from alfrd_events.filenames import is_leftover, is_leftover_folder, printable
from alfrd_events.ingest.rights import DENIED, unreadable

META = "meta.json"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]")
_NEVER_READABLE = (errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENAMETOOLONG)
"""What no waiting mends; a disk or a network that fails may come back."""


class NotSubmitted(AlfrdError):
    """A file or folder that does not become a document; the message says which and why."""


class Incomplete(NotSubmitted):
    """It is wrong in its present state, and may merely not be whole yet."""


class Denied(NotSubmitted):
    """It may not be read; the message names the command that changes that."""


class LeftOut(NotSubmitted):
    """Something that systems leave beside documents, or that is no file: it stays where it is, and nothing is wrong."""


def looks_like_uri(text: str) -> bool:
    """Whether a text that should be a path begins like a URI, such as ``S3://…`` or ``file:/…``."""
    return bool(_URI.match(text)) and not os.path.lexists(text)


def expand(given: Sequence[str]) -> Iterator[Path | NotSubmitted]:
    """The files that paths and patterns name, and the folders that are a document of their own.

    Folders are searched through, sorted by name, without hidden files and links; a folder with a
    ``meta.json`` is one document. What names nothing, or cannot be looked into, comes as the reason why;
    what systems leave behind as :class:`LeftOut`, also where it is named, since a shell's ``*`` names it too.
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
    try:
        path = Path(entry).expanduser()
    except RuntimeError:  # "~someone" whom this machine does not know
        path = Path(entry)
    if os.path.lexists(path):
        return [path]
    if glob.has_magic(entry):
        return sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    return []


def _within(path: Path) -> Iterator[Path | NotSubmitted]:
    """A file, or the documents under a folder; without recursion, since folders may be nested deeper than calls."""
    waiting = [path]
    while waiting:
        path = waiting.pop()
        try:
            is_folder = path.is_dir()
            if is_leftover_folder(path.name) if is_folder else is_leftover(path.name):
                yield LeftOut(printable(path))
            elif not is_folder or (path / META).is_file():
                yield path
            else:
                waiting += sorted(_searched(path), reverse=True)
        except OSError as error:
            yield NotSubmitted(f"{printable(path)}: {unreadable(path, error, 'looked into')}")


def _searched(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_symlink() or is_special(entry):
            continue
        if not entry.name.startswith(".") or is_leftover(entry.name) or is_leftover_folder(entry.name):
            yield entry


def is_special(path: Path) -> bool:
    """Whether it is a pipe, a socket or a device, which somebody's program uses and is harmed by a reader."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


def _why_nothing(entry: str) -> str:
    if not entry.strip():
        return "an empty path names no file"
    name = printable(entry)
    if any(path.is_dir() for path in _matches(entry)):
        return f"{name}: the folder holds no files"
    if looks_like_uri(entry):
        return f"{name}: no such file; give the path of a file, or a URI that begins with s3://"
    return f"{name}: nothing fits this pattern" if glob.has_magic(entry) else f"{name}: no such file"


def read_file(path: Path, max_bytes: int, *, follow: bool = True) -> bytes:
    """A file's bytes.

    :param follow: whether a link may be followed at the last step.
    :raise Incomplete: it is not there, or the disk fails.
    :raise Denied: it may not be read.
    :raise NotSubmitted: it is no ordinary file, or is too large.
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
        kind = (
            Denied
            if error.errno in DENIED
            else NotSubmitted
            if error.errno in _NEVER_READABLE
            else Incomplete
        )
        raise kind(f"{name}: {unreadable(path, error)}") from error
    if len(content) > max_bytes:
        raise NotSubmitted(f"{name}: it grew past the limit of {max_bytes:,} bytes while it was read")
    return content


def single(path: Path, max_bytes: int, tags: Sequence[str] = (), *, follow: bool = True) -> NewDocument:
    """A file as a document of one part.

    :raise NotSubmitted: as :func:`read_file`.
    """
    name = printable(path.name)
    return NewDocument(name, (NewPart(name, read_file(path, max_bytes, follow=follow)),), tuple(tags))
