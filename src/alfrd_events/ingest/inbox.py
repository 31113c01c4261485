"""The inbox: a directory into which scanners, mail filters and people put files.

What is whole becomes a document and moves to ``done/``; what is wrong moves to ``rejected/`` with the
reason beside it. Whole means: nothing in it changed for ``quiet_seconds``, nor while it was read. What looks
wrong only because something is missing gets ``patience_seconds`` without a change before it is given up.

A crash between insert and move does no harm: at the next look the content is known, so that it moves
without a second document.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alfrd_events.db.database import Database
from alfrd_events.db.documents import NewDocument
from alfrd_events.db.errors import Doubtful, Interrupted
from alfrd_events.errors import DatabaseUnavailable, Refused
from alfrd_events.ingest.files import META, Incomplete, NotSubmitted
from alfrd_events.ingest.submit import hand_over, load
from alfrd_events.observe import Log

log = Log("inbox")

DONE, REJECTED = "done", "rejected"
_REASON = ".reason.txt"
_NAME_BYTES_AT_MOST = 255
"""What file systems take."""
_STILL_COMING = (".part", ".partial", ".tmp", ".crdownload", ".filepart", "~")
"""Names under which programs write what is not whole yet; they rename it at the end."""

Look = tuple[tuple[str, int, int], ...]
"""Name, size and time of change of everything in an entry."""


@dataclass(slots=True)
class _Entry:
    """What is known of something in the inbox."""

    look: Look
    since: float
    """When it was first seen like this, by the monotonic clock."""
    settled: bool = False
    """It was dealt with and could not be moved away."""


class Inbox:
    """Watches one directory.

    :param scan_seconds: pause between two looks; a notification of the kernel would come before a file is whole.
    :param quiet_seconds: how long an entry must be unchanged before it is taken: longer than its writer pauses.
    :param patience_seconds: how long something incomplete may stay unchanged.
    """

    def __init__(
        self,
        database: Database,
        directory: Path,
        *,
        max_bytes: int,
        tags: tuple[str, ...] = (),
        scan_seconds: float = 1.0,
        quiet_seconds: float = 3.0,
        patience_seconds: float = 10.0,
    ) -> None:
        self._database = database
        self._directory = directory
        self._max_bytes = max_bytes
        self._tags = tags
        self._scan_seconds = scan_seconds
        self._quiet_seconds = quiet_seconds
        self._patience_seconds = patience_seconds
        self._entries: dict[str, _Entry] = {}
        self._away = False
        self._gone = False
        self.rejected = 0

    async def watch(self, *, once: bool = False) -> int:
        """Look again and again.

        :param once: return when nothing is left that could still be taken.
        :return: how many were rejected.
        :raise Refused: the directory cannot be used.
        """
        try:
            for place in (self._directory, self._directory / DONE, self._directory / REJECTED):
                place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"{self._directory}: cannot be used as an inbox ({error.strerror})") from error
        log.info("watching", inbox=self._directory)
        while True:
            waiting = await self.scan()
            if once and not waiting:
                return self.rejected
            await asyncio.sleep(self._scan_seconds)

    async def scan(self) -> int:
        """Look once; the number of entries that have to wait for another look."""
        try:
            found = await asyncio.to_thread(lambda: dict(self._look()))
        except OSError as error:
            if not self._gone:
                log.warning("the inbox is away; waiting for it", inbox=self._directory, error=error.strerror)
            self._gone = True
            return 1
        if self._gone:
            log.info("the inbox is back", inbox=self._directory)
        self._gone = False
        self._entries = {name: entry for name, entry in self._entries.items() if name in found}
        waiting = 0
        for name, look in found.items():
            known = self._entries.get(name)
            if known is None or known.look != look:
                self._entries[name] = _Entry(look, time.monotonic())
                waiting += 1
            elif time.monotonic() - known.since < self._quiet_seconds:
                waiting += not known.settled
            elif not known.settled:
                waiting += not await self._take(self._directory / name, known)
        return waiting

    def _look(self) -> Iterator[tuple[str, Look]]:
        entries = sorted(self._directory.iterdir())
        for place in (DONE, REJECTED):
            (self._directory / place).mkdir(exist_ok=True)  # it may have gone away and come back
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(_STILL_COMING):
                continue
            if entry.name in (DONE, REJECTED):
                continue
            if look := self._look_at(entry):
                yield entry.name, look

    def _look_at(self, entry: Path) -> Look:
        return tuple(sorted(_facts(entry, self._directory)))

    async def _take(self, path: Path, entry: _Entry) -> bool:
        """Make it a document and move it; ``False``: it has to wait."""
        quiet = time.monotonic() - entry.since
        try:
            document = await asyncio.to_thread(self._load, path)
            if await asyncio.to_thread(self._look_at, path) != entry.look:
                return False  # it was written to while it was read: the next scan begins its quiet time anew
            submitted = await hand_over(self._database, document)
        except Incomplete as problem:
            if quiet < self._patience_seconds:
                return False
            self._reject(path, entry, str(problem))
        except NotSubmitted as problem:
            self._reject(path, entry, str(problem))
        except (DatabaseUnavailable, Interrupted, Doubtful) as error:
            if not self._away:
                log.warning("the database is away; the inbox waits", error=error)
            self._away = True
            return False
        else:
            self._away = False
            word = "added" if submitted.is_new else "already known"
            log.info(word, document=submitted.id, name=path.name, parts=len(document.parts))
            self._move(path, entry, DONE)
        return True

    def _load(self, path: Path) -> NewDocument:
        if path.is_symlink():
            raise NotSubmitted(f"{path.name}: is a link; put the file itself into the inbox")
        if path.is_dir() and not (path / META).exists():
            raise Incomplete(
                f"{path.name}: the folder has no {META}; write one if its files are one document, "
                "or put the files into the inbox itself"
            )
        return load(path, self._max_bytes, self._tags, follow=False)

    def _reject(self, path: Path, entry: _Entry, reason: str) -> None:
        self.rejected += 1
        log.warning("rejected", name=path.name, reason=reason)
        moved = self._move(path, entry, REJECTED)
        if moved is None:
            return
        # Names that were cut alike would overwrite each other's reason.
        beside = _free(moved.parent, moved.name, _REASON)
        try:
            beside.write_text(reason + "\n", encoding="utf-8")
        except OSError as error:
            log.error("the reason could not be written", name=moved.name, error=error.strerror)

    def _move(self, path: Path, entry: _Entry, place: str) -> Path | None:
        target = _free(self._directory / place, path.name)
        try:
            os.rename(path, target)
        except FileNotFoundError:
            return None  # another watcher was faster
        except OSError as error:
            entry.settled = True
            log.error("cannot be moved and stays where it is", name=path.name, to=place, error=error.strerror)
            return None
        return target


def _facts(entry: Path, root: Path) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of change of a file, or of every file under a folder."""
    try:
        found = entry.lstat()
        if stat.S_ISDIR(found.st_mode):
            for child in entry.iterdir():
                yield from _facts(child, root)
        else:
            yield str(entry.relative_to(root)), found.st_size, found.st_mtime_ns
    except OSError:
        return  # it went away meanwhile: the next look tells


def _free(directory: Path, name: str, added: str = "") -> Path:
    """A path that is not taken: a second ``bill.pdf`` becomes ``bill-2.pdf``.

    :param added: comes after the name, of which only as much is kept as there is room for.
    """
    stem, suffix = (name, added) if added else os.path.splitext(name)
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
