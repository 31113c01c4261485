"""What an inbox has handed over, followed until its documents end.

A file whose document fails moves from ``done/`` to ``failed/``, and back when the document is replayed. A file that
changes after it was taken is sent again as the same document. What is followed is remembered by the process; a new one
finds the newest files of ``done/`` and ``failed/`` by their content.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from uuid import UUID

from alfrd_events.db.database import Database
from alfrd_events.db.documents import NewDocument, by_fingerprint, resend, statuses
from alfrd_events.errors import Refused
from alfrd_events.filenames import printable
from alfrd_events.ingest.entries import Look, is_being_written, look_at, seconds_to_wait
from alfrd_events.ingest.files import META, NotSubmitted
from alfrd_events.ingest.moving import is_reason, move, reason_of, write_reason
from alfrd_events.ingest.submit import how_to_retry, load
from alfrd_events.observe import Log

log = Log("inbox")

DONE, FAILED = "done", "failed"
_AT_A_LOOK = 500
"""Files that are looked at at a time, and of each folder when the process begins."""
_FILES_AT_MOST = 100_000
_GROWTH_SECONDS = 3600.0
"""How long a completed document's file is looked at for changes."""
_FOUND_SECONDS = 86_400.0
"""Files of done/ that were put there longer ago are not looked for when the process begins."""
_FOUND_BYTES = 200_000_000
"""How much is read at most to find the documents of files."""
_REFUSALS = {
    "known": "another document has this content",
    "other": "the document has other content, which would be lost",
    "gone": "its document has no content of its own",
    "parts": "its document has several parts",
}


@dataclass(slots=True)
class Followed:
    """A file that was taken."""

    path: Path
    id: UUID
    taken: float
    """By the monotonic clock."""
    written: tuple[tuple[int, int], ...]
    """Size and time of change of its files; the time of any change is that of its move, too."""
    changing: Look = ()
    """How it was when it was last seen changed, until it is quiet."""
    since: float = 0.0

    @property
    def place(self) -> str:
        """The folder that it is in."""
        return self.path.parent.name


@dataclass(slots=True)
class Followers:
    """The files of one inbox.

    :param quiet_seconds: how long a file that changes must be unchanged before it is sent again.
    """

    database: Database
    directory: Path
    max_bytes: int
    quiet_seconds: float
    _files: deque[Followed] = field(default_factory=lambda: deque(maxlen=_FILES_AT_MOST))
    _failed: dict[str, Followed] = field(default_factory=dict)
    """Those in failed/, by their names."""

    def follow(self, path: Path, id: UUID) -> None:
        """Follow a file that was moved to done/."""
        self._files.append(Followed(path, id, time.monotonic(), _written(look_at(path))))

    def failed_copy(self, name: str) -> Followed | None:
        """A file of this name whose document failed: perhaps this one, before it was whole."""
        return self._failed.get(name)

    async def resend_copy(self, early: Followed, document: NewDocument) -> bool:
        """Whether a whole file of the same name took the place of an early copy's content.

        :raise Refused: PostgreSQL does not take it.
        """
        if await resend(self.database, early.id, document, copy=True) != "resent":
            return False
        self._move(early, DONE)
        return True

    async def find(self) -> None:
        """Follow what an earlier process left in done/ lately, and all that is in failed/.

        :raise DatabaseUnavailable, Interrupted, Doubtful: do it later.
        """
        await statuses(self.database, [])  # before anything is read in vain
        found = await asyncio.to_thread(lambda: list(self._found()))
        known = await by_fingerprint(self.database, [fingerprint for _, fingerprint in found])
        for path, fingerprint in found:
            if fingerprint in known:
                self.follow(path, known[fingerprint])
                if path.parent.name == FAILED:
                    self._failed[path.name] = self._files[-1]

    def _found(self) -> Iterator[tuple[Path, str]]:
        left = _FOUND_BYTES
        for place, seconds in ((FAILED, float("inf")), (DONE, _FOUND_SECONDS)):
            for path in _newest(self.directory / place, seconds):
                try:
                    document = load(path, self.max_bytes, follow=False)
                except NotSubmitted:
                    continue  # a person's own file, or one that a person has mended wrongly: theirs to see to
                left -= sum(len(part.content) for part in document.parts)
                if left < 0:
                    return
                yield path, document.fingerprint

    async def look(self) -> None:
        """Look at the next files and the statuses of their documents.

        :raise DatabaseUnavailable, Interrupted, Doubtful: look again later.
        """
        batch = list(islice(self._files, _AT_A_LOOK))
        ended = await statuses(self.database, [one.id for one in batch])
        looks = await asyncio.to_thread(lambda: [look_at(one.path) for one in batch])
        for one, look in zip(batch, looks, strict=True):
            status, error = ended.get(one.id, ("deleted", ""))
            if status == "deleted" or not look or _is_over(one, status):
                self._files.popleft()
                self._failed.pop(one.path.name, None)
                continue
            if _written(look) != one.written:
                await self._changed(one, look)
            elif status == "failed" and one.place == DONE:
                self._fail(one, error)
            elif status != "failed" and one.place == FAILED and self._move(one, DONE):
                log.info("failed no longer", document=one.id, name=printable(one.path.name), status=status)
            self._files.rotate(-1)

    def _fail(self, one: Followed, error: str) -> None:
        name, retry = printable(one.path.name), how_to_retry(one.id, "failed")
        error = " ".join(error.split())  # a trigger of the user's may have written it
        log.warning("failed", name=name, document=one.id, error=error, retry=retry)
        if not self._move(one, FAILED):
            return
        try:
            write_reason(one.path, f"{error}\nTo try again: {retry}")
        except OSError as problem:
            log.error("the reason could not be written", name=name, error=problem.strerror)

    async def _changed(self, one: Followed, look: Look) -> None:
        """Send a file again that was written to after it was taken, once it is quiet and whole."""
        if look != one.changing:
            one.changing, one.since = look, time.monotonic()
        waited = time.monotonic() - one.since
        if waited < self.quiet_seconds or await asyncio.to_thread(is_being_written, one.path):
            return
        try:
            document = await asyncio.to_thread(load, one.path, self.max_bytes, follow=False)
        except NotSubmitted:
            return  # it is looked at again, as it will be once it can be read
        wait = await asyncio.to_thread(seconds_to_wait, one.path, document, self.quiet_seconds)
        if waited < wait.seconds or await asyncio.to_thread(look_at, one.path) != look:
            return
        one.written = _written(look)
        try:
            became = await resend(self.database, one.id, document) if len(document.parts) == 1 else "parts"
        except Refused as problem:
            became = str(problem)
        self._tell(one, became)

    def _tell(self, one: Followed, became: str) -> None:
        name = printable(one.path.name)
        if became == "resent":
            one.taken = time.monotonic()
            log.info("changed after it was taken; it is read again", document=one.id, name=name)
            if one.place == FAILED:
                self._move(one, DONE)
        elif became != "unchanged":
            log.warning(
                "changed after it was taken; put it into the inbox again to have it read",
                document=one.id,
                name=name,
                reason=_REFUSALS.get(became, became),
            )

    def _move(self, one: Followed, place: str) -> bool:
        """Move a followed file, and take away the reason that lies beside it; ``False``: it stays where it is."""
        reason = reason_of(one.path)
        self._failed.pop(one.path.name, None)
        try:
            (self.directory / place).mkdir(exist_ok=True)
            one.path = move(one.path, self.directory / place)
            if place == DONE:
                reason.unlink(missing_ok=True)
        except FileNotFoundError:
            return False  # another watcher was faster
        except OSError as error:
            log.error("cannot be moved", name=printable(one.path.name), to=place, error=error.strerror)
            return False
        if place == FAILED:
            self._failed[one.path.name] = one
        return True


def _is_over(one: Followed, status: str) -> bool:
    old = time.monotonic() - one.taken > _GROWTH_SECONDS
    return old and one.place == DONE and status in ("completed", "cancelled")


def _newest(directory: Path, seconds: float) -> list[Path]:
    """The newest entries of a directory by the time of their move, newest first."""
    found = []
    if not directory.is_dir():
        return []
    try:
        for path in directory.iterdir():
            changed = path.lstat().st_ctime
            is_document = not path.is_symlink() and (not path.is_dir() or (path / META).is_file())
            if is_document and not is_reason(path) and time.time() - changed < seconds:
                found.append((changed, path))
    except OSError as error:
        log.warning("cannot be looked into", directory=printable(directory), error=error.strerror)
    return [path for _, path in sorted(found, reverse=True)[:_AT_A_LOOK]]


def _written(look: Look) -> tuple[tuple[int, int], ...]:
    return tuple((size, changed) for _, size, changed, _ in look)
