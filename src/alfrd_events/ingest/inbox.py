"""The inbox: a directory into which scanners, mail filters and people put files.

What is whole becomes a document and moves to ``done/``; what is wrong moves to ``rejected/`` with the
reason beside it. Whole means: nothing in it changed between two looks. What looks wrong only because
something is missing gets ``patience_seconds`` without a change before it is given up.

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
from alfrd_events.errors import DatabaseUnavailable, Refused
from alfrd_events.ingest.files import META, Incomplete, NotSubmitted
from alfrd_events.ingest.submit import hand_over, load
from alfrd_events.observe import Log

log = Log("inbox")

DONE, REJECTED = "done", "rejected"
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
        patience_seconds: float = 10.0,
    ) -> None:
        self._database = database
        self._directory = directory
        self._max_bytes = max_bytes
        self._tags = tags
        self._scan_seconds = scan_seconds
        self._patience_seconds = patience_seconds
        self._entries: dict[str, _Entry] = {}
        self._away = False
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
        found = await asyncio.to_thread(lambda: dict(self._look()))
        self._entries = {name: entry for name, entry in self._entries.items() if name in found}
        waiting = 0
        for name, look in found.items():
            known = self._entries.get(name)
            if known is None or known.look != look:
                self._entries[name] = _Entry(look, time.monotonic())
                waiting += 1
            elif not known.settled:
                waiting += not await self._take(self._directory / name, known)
        return waiting

    def _look(self) -> Iterator[tuple[str, Look]]:
        for entry in sorted(self._directory.iterdir()):
            if entry.name.startswith(".") or entry.name.endswith(_STILL_COMING):
                continue
            if entry.name in (DONE, REJECTED):
                continue
            if look := tuple(sorted(_facts(entry, self._directory))):
                yield entry.name, look

    async def _take(self, path: Path, entry: _Entry) -> bool:
        """Make it a document and move it; ``False``: it has to wait."""
        quiet = time.monotonic() - entry.since
        try:
            document = await asyncio.to_thread(self._load, path)
            submitted = await hand_over(self._database, document)
        except Incomplete as problem:
            if quiet < self._patience_seconds:
                return False
            self._reject(path, entry, str(problem))
        except NotSubmitted as problem:
            self._reject(path, entry, str(problem))
        except DatabaseUnavailable as error:
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
        if moved is not None:
            moved.with_name(f"{moved.name}.reason.txt").write_text(reason + "\n", encoding="utf-8")

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


def _free(directory: Path, name: str) -> Path:
    """A path that is not taken: a second ``bill.pdf`` becomes ``bill-2.pdf``."""
    target, number = directory / name, 1
    stem, suffix = os.path.splitext(name)
    while os.path.lexists(target):
        number += 1
        target = directory / f"{stem}-{number}{suffix}"
    return target
