"""What can be told of something in an inbox: its files, their sizes and times, who writes to them, if more comes."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alfrd_events.db.documents import NewDocument
from alfrd_events.filenames import is_coming, is_leftover, is_leftover_folder
from alfrd_events.ingest.completeness import End, end_of
from alfrd_events.ingest.files import is_special

Look = tuple[tuple[str, int, int, int], ...]
"""Name, size, time of change and time of any change of every file; programs set the first time as they like."""
_UNTOLD, _MISSING = 2.5, 20
"""How many times the quiet seconds a file waits whose format has no end, or whose end is missing."""
_FILES_AT_MOST = 1000
"""Of a folder, how many are asked whether somebody writes to them."""


def look_at(entry: Path) -> Look:
    """The facts of a file, or of every file under a folder; empty where there is nothing of a person's."""
    facts = sorted(_facts(entry))
    root = str(entry)
    has_file = any(_is_of_a_person(path.removeprefix(root).lstrip("/")) for path, *_ in facts)
    return tuple(facts) if has_file else ()


def _is_of_a_person(path: str) -> bool:
    """Whether a folder with this file in it is more than an empty one."""
    return not path or not (is_leftover(path) or path.rpartition("/")[2].startswith("."))


def _facts(entry: Path) -> Iterator[tuple[str, int, int, int]]:
    waiting = [str(entry)]
    while waiting:
        path = waiting.pop()
        try:
            found = os.lstat(path)
            if stat.S_ISDIR(found.st_mode):
                waiting += [child.path for child in os.scandir(path)]
                continue
        except FileNotFoundError:
            continue  # it went away meanwhile: the next look tells
        except OSError:
            yield path, -1, 0, 0  # there is something, and reading it will tell what is wrong
            continue
        yield path, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def why_left_alone(entry: Path) -> str:
    """Why something in an inbox is not looked at; empty for what is."""
    if is_leftover(entry.name) or (is_leftover_folder(entry.name) and entry.is_dir()):
        return "still being written, by its name" if is_coming(entry.name) else "what systems leave behind"
    if entry.name.startswith("."):
        return "hidden"
    if is_special(entry):
        return "not an ordinary file"
    if entry.is_symlink() and entry.is_dir():
        return "a link to a folder"
    return ""


def is_being_written(entry: Path) -> bool:
    """Whether a program on this machine has a file of it open for writing, as far as the kernel says."""
    return any(_has_writer(Path(path)) for path, *_ in sorted(_facts(entry))[:_FILES_AT_MOST])


def _has_writer(path: Path) -> bool:
    """Ask for a lease, which the kernel refuses while the file is open for writing, and give it back at once.

    Without the right to ask (another user's file), on another system or file system the answer is no.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        # A program that opens it at this very moment makes the kernel signal us. The default signal would end us.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


@dataclass(frozen=True, slots=True)
class Wait:
    """How long something has to be unchanged before it is taken for whole."""

    seconds: float
    end_is_missing: bool


def seconds_to_wait(entry: Path, document: NewDocument, quiet_seconds: float) -> Wait:
    """How long to wait for more of a file, by what its end says."""
    ends = {end_of(part.content) for part in document.parts}
    missing = End.MISSING in ends or has_hole(entry)
    times = _MISSING if missing else _UNTOLD if End.UNTOLD in ends else 1
    return Wait(quiet_seconds * times, missing)


def has_hole(entry: Path) -> bool:
    """Whether a file has space that was never written, as one that got its size before its content."""
    try:
        descriptor = os.open(entry, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        size = os.fstat(descriptor).st_size
        return size > 0 and os.lseek(descriptor, 0, os.SEEK_HOLE) < size
    except OSError:
        return False  # a folder, or a file system that does not say
    finally:
        os.close(descriptor)
