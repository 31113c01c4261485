"""The inbox: a directory into which scanners, mail filters and people put files.

What is whole becomes a document and moves to ``done/``; what is wrong moves to ``rejected/`` with the
reason beside it; what was taken and then failed moves to ``failed/`` (:mod:`.following`). What systems leave
behind, links to folders, pipes and devices stay where they are.

Whole means: nothing in it changed for ``quiet_seconds``, nor while it was read, no process has it open for writing,
and its end is there. A format without an end, such as text, has to be quiet for longer; a file whose end is missing
much longer, since it may be damaged and never become whole: then it is taken as it is. What looks wrong only
because something is missing gets ``patience_seconds`` without a change before it is given up.

A crash between insert and move does no harm: at the next look the content is known, so that it moves
without a second document.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alfrd_events.db.database import Database
from alfrd_events.db.documents import NewDocument, Submitted
from alfrd_events.db.errors import Doubtful, Interrupted
from alfrd_events.errors import DatabaseUnavailable, Refused
from alfrd_events.filenames import printable
from alfrd_events.ingest.entries import Look, is_being_written, look_at, seconds_to_wait, why_left_alone
from alfrd_events.ingest.files import META, Denied, Incomplete, NotSubmitted
from alfrd_events.ingest.following import DONE, FAILED, Followed, Followers
from alfrd_events.ingest.moving import move, write_reason
from alfrd_events.ingest.rights import check_usable, unreadable, unusable
from alfrd_events.ingest.submit import hand_over, how_to_retry, load, try_again
from alfrd_events.observe import Log

log = Log("inbox")

REJECTED = "rejected"
_PLACES = (DONE, REJECTED)
_OPEN = 200
"""How many times ``quiet_seconds`` a file waits that somebody has open for writing."""
_FOLLOW_EVERY_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 600.0


@dataclass(slots=True)
class _Entry:
    """What is known of something in the inbox."""

    look: Look
    since: float
    """When it was first seen like this, by the monotonic clock."""
    wait: float
    """Seconds that it has to be unchanged."""
    doubts: int = 0
    """How often PostgreSQL could not take it for a reason that may lie in it."""
    settled: bool = False
    """It was dealt with and could not be moved away."""

    @property
    def quiet(self) -> float:
        """Seconds since it last changed."""
        return time.monotonic() - self.since


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
        self._left_alone: set[str] = set()
        self._followers = Followers(database, directory, max_bytes, quiet_seconds)
        self._followed_at = 0.0
        self._found = False
        self._away = False
        self._gone = False
        self.rejected = 0

    async def watch(self, *, once: bool = False) -> int:
        """Look again and again.

        :param once: return when nothing is left that could still be taken.
        :return: how many were rejected.
        :raise Refused: the directory cannot be used.
        """
        for place in (self._directory, *(self._directory / name for name in _PLACES)):
            try:
                place.mkdir(parents=True, exist_ok=True)
                check_usable(place)
            except OSError as error:
                raise Refused(unusable(place, error)) from error
        log.info("watching", inbox=printable(self._directory))
        while True:
            waiting = await self.scan()
            await self.follow(at_once=once)
            if once and not waiting:
                return self.rejected
            await asyncio.sleep(self._scan_seconds)

    async def scan(self) -> int:
        """Look once; the number of entries that have to wait for another look."""
        try:
            found = await asyncio.to_thread(lambda: dict(self._look()))
        except OSError as error:
            if not self._gone:
                log.warning(
                    "the inbox is away; waiting for it",
                    inbox=printable(self._directory),
                    error=error.strerror,
                )
            self._gone = True
            return 1
        if self._gone:
            log.info("the inbox is back", inbox=printable(self._directory))
        self._gone = False
        self._entries = {name: entry for name, entry in self._entries.items() if name in found}
        waiting = 0
        for name, look in found.items():
            known = self._entries.get(name)
            if known is None or known.look != look:
                self._entries[name] = _Entry(look, time.monotonic(), self._quiet_seconds)
                waiting += 1
            elif known.settled:
                continue
            elif known.quiet < known.wait:
                waiting += 1
            else:
                waiting += not await self._take(self._directory / name, known)
        return waiting

    async def follow(self, *, at_once: bool = False) -> None:
        """See what became of what was taken; now and then only, unless ``at_once``."""
        if not at_once and time.monotonic() - self._followed_at < _FOLLOW_EVERY_SECONDS:
            return
        try:
            if not self._found:
                await self._followers.find()
                self._found = True
            await self._followers.look()
        except (DatabaseUnavailable, Interrupted, Doubtful) as error:
            self._wait_for_database(error)
        else:
            self._away = False
        self._followed_at = time.monotonic()

    def _look(self) -> Iterator[tuple[str, Look]]:
        entries = sorted(self._directory.iterdir())
        for place in _PLACES:
            (self._directory / place).mkdir(exist_ok=True)  # it may have gone away and come back
        left_alone = set()
        for entry in entries:
            if entry.name in (*_PLACES, FAILED):
                continue
            if why := why_left_alone(entry):
                left_alone.add(entry.name)
                if entry.name not in self._left_alone and why != "hidden":
                    log.info("left alone", name=printable(entry.name), reason=why)
            elif look := look_at(entry):
                yield entry.name, look
        self._left_alone = left_alone

    async def _take(self, path: Path, entry: _Entry) -> bool:
        """Make it a document and move it; ``False``: it has to wait."""
        try:
            if entry.quiet < _OPEN * self._quiet_seconds and await asyncio.to_thread(is_being_written, path):
                return False
            document = await asyncio.to_thread(self._load, path)
            if not await asyncio.to_thread(self._is_whole, path, entry, document):
                return False
            submitted = await self._hand_over(path, document)
        except Incomplete as problem:
            if entry.quiet < self._patience_seconds:
                return False
            self._reject(path, entry, str(problem))
        except Denied as problem:
            # Where it is, so that the command fits that the message names; rights that change make it look changed.
            self.rejected += 1
            entry.settled = True
            log.warning("left where it is until it may be read", name=printable(path.name), reason=problem)
        except NotSubmitted as problem:
            self._reject(path, entry, str(problem))
        except Doubtful as error:
            self._doubt(path, entry, error)
            return False
        except (DatabaseUnavailable, Interrupted) as error:
            self._wait_for_database(error)
            return False
        else:
            self._away = False
            moved = self._move(path, entry, DONE)
            if moved is not None:
                self._followers.follow(moved, submitted.id)
        return True

    async def _hand_over(self, path: Path, document: NewDocument) -> Submitted:
        name = printable(path.name)
        early = self._followers.failed_copy(path.name) if len(document.parts) == 1 else None
        if early is not None and await self._resent(early, document):
            log.info("the rest of what failed; it is read again", document=early.id, name=name)
            return Submitted(early.id, is_new=False, same_content=True, status="pending", error="")
        submitted = await hand_over(self._database, document)
        if submitted.is_new:
            log.info("added", document=submitted.id, name=name, parts=len(document.parts))
        elif await self._tried_again(submitted):
            log.info("known and failed; it is tried again", document=submitted.id, name=name)
        elif submitted.status == "cancelled":
            retry = how_to_retry(submitted.id, "cancelled")
            log.warning("known and cancelled; it stays so", document=submitted.id, name=name, retry=retry)
        else:
            log.info("already known", document=submitted.id, name=name, status=submitted.status)
        return submitted

    async def _resent(self, early: Followed, document: NewDocument) -> bool:
        """Whether the early copy has its rest now; where that is refused, the file becomes a document of its own."""
        try:
            return await self._followers.resend_copy(early, document)
        except Refused as error:
            log.warning("an early copy cannot be replaced", document=early.id, error=error)
            return False

    async def _tried_again(self, submitted: Submitted) -> bool:
        """Whether what failed is tried again; where that is refused, the command for a login that may is logged."""
        try:
            return await try_again(self._database, submitted)
        except Refused as error:
            log.warning(
                "known and failed",
                document=submitted.id,
                error=error,
                retry=how_to_retry(submitted.id, "failed"),
            )
            return False

    def _load(self, path: Path) -> NewDocument:
        name = printable(path.name)
        if path.is_symlink():
            raise NotSubmitted(f"{name}: is a link; put the file itself into the inbox")
        try:
            if path.is_dir() and not (path / META).exists():
                raise Incomplete(
                    f"{name}: the folder has no {META}; write one if its files are one document, "
                    "or put the files into the inbox itself"
                )
        except OSError as error:
            raise Denied(f"{name}: {unreadable(path, error)}") from error
        return load(path, self._max_bytes, self._tags, follow=False)

    def _is_whole(self, path: Path, entry: _Entry, document: NewDocument) -> bool:
        """Whether it may be taken; how long it has to wait if not is noted in the entry."""
        if look_at(path) != entry.look:
            return False  # it was written to while it was read: the next scan begins its quiet time anew
        wait = seconds_to_wait(path, document, self._quiet_seconds)
        entry.wait = wait.seconds
        is_whole = entry.quiet >= entry.wait
        if wait.end_is_missing and wait.seconds:
            message = (
                "taken although its end is missing" if is_whole else "its end is missing; waiting for it"
            )
            log.info(message, name=printable(path.name), seconds=entry.wait)
        return is_whole

    def _doubt(self, path: Path, entry: _Entry, error: Doubtful) -> None:
        """It is tried again ever more rarely: it may be what PostgreSQL cannot take, and others go on."""
        entry.doubts += 1
        entry.wait = entry.quiet + min(2.0**entry.doubts, _LONGEST_PAUSE_SECONDS)
        if entry.doubts == 1:
            log.warning("cannot be handed over yet", name=printable(path.name), error=error)

    def _wait_for_database(self, error: Exception) -> None:
        if not self._away:
            log.warning("the database is away; the inbox waits", error=error)
        self._away = True

    def _reject(self, path: Path, entry: _Entry, reason: str) -> None:
        self.rejected += 1
        log.warning("rejected", name=printable(path.name), reason=reason)
        moved = self._move(path, entry, REJECTED)
        if moved is None:
            return
        try:
            write_reason(moved, reason)
        except OSError as error:
            log.error("the reason could not be written", name=printable(moved.name), error=error.strerror)

    def _move(self, path: Path, entry: _Entry, place: str) -> Path | None:
        try:
            return move(path, self._directory / place)
        except FileNotFoundError:
            return None  # another watcher was faster
        except OSError as error:
            entry.settled = True
            log.error(
                "cannot be moved and stays where it is",
                name=printable(path.name),
                to=place,
                error=error.strerror,
            )
            return None
