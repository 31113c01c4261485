"""A mail folder as an inbox: each message that comes becomes documents, then gets a flag or is moved; none is deleted.

The database remembers each message by its folder, the folder's UIDVALIDITY and its UID, once its documents are stored.
So a crash at any point does no harm: when the message is read again, the content of its documents is known; and a known
message is flagged without being read. When the folder gets a new UIDVALIDITY, messages are known by their digest.

The server announces new messages (IDLE), or is asked now and then. An announcement is a hint: losing one costs at most
``look_seconds``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from alfrd_events.clients.imap import Folder, MailPlace, OutOfStep, Wanted, folder
from alfrd_events.db.database import Database
from alfrd_events.db.errors import Doubtful, Interrupted
from alfrd_events.db.mail import documents_of, note_taken, taken
from alfrd_events.errors import DatabaseUnavailable, Permanent, Transient
from alfrd_events.ingest.files import NotSubmitted
from alfrd_events.ingest.letters import Letter, letter
from alfrd_events.ingest.submit import hand_over, how_to_retry
from alfrd_events.observe import Log

log = Log("mailbox")

DONE_FLAG = "alfrd-done"
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0
_AT_ONCE = 200
"""Messages in one question: servers take lines of a limited length."""
_MESSAGE_PER_FILE = 2
"""A message may have so many times the bytes of the largest file: base64 takes a third more."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """Which messages are taken, and what is done with them."""

    wanted: Wanted = field(default_factory=Wanted)
    attachments_only: bool = False
    """Pass over messages without attachments."""
    whole: bool = False
    """Each message is one document, with all that is attached."""
    tags: tuple[str, ...] = ()
    flag: str = DONE_FLAG
    move_to: str = ""
    """Folder to which a message goes that was taken; empty: it gets the flag."""
    per_minute: float = 0
    """At most so many messages a minute; 0: as many as come."""


class Pace:
    """Spreads what is done over time.

    :param per_minute: 0: does not wait.
    """

    def __init__(
        self,
        per_minute: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until the next one may be done."""
        if (wait := self._next - self._clock()) > 0:
            await self._sleep(wait)
        self._next = self._clock() + self._gap


class MailWatch:
    """Watches one folder.

    :param password: asked for at each connection, so that one in a file may change.
    :param look_seconds: the longest time between two looks.
    """

    def __init__(
        self,
        database: Database,
        place: MailPlace,
        password: Callable[[], str],
        treatment: Treatment = Treatment(),
        *,
        max_bytes: int,
        look_seconds: float = 60.0,
        pace: Pace | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._place = place
        self._password = password
        self._treatment = treatment
        self._max_bytes = max_bytes
        self._look_seconds = look_seconds
        self._pace = pace or Pace(treatment.per_minute)
        self._sleep = sleep
        self._uidvalidity = 0
        self._rejected: set[int] = set()
        """UIDs of messages that are not asked for again until the next start."""
        self._doubted: set[int] = set()
        """UIDs of messages that the database did not take for a reason that may go away."""
        self._has_looked = False
        self._away_since: float | None = None
        self.rejected = 0

    async def watch(self, *, once: bool = False) -> int:
        """Look again and again, also while the mail server or the database are away.

        :param once: return when each message that is there was looked at.
        :return: how many messages were rejected.
        :raise Permanent: at the first look: the server refuses us, or cannot do what is asked.
        """
        pause = _PAUSE_SECONDS
        while True:
            try:
                async with folder(self._place, self._password()) as opened:
                    await self._check(opened)
                    highest = 0
                    while True:
                        highest = await self._look(opened, highest)
                        self._is_back(opened)
                        pause = _PAUSE_SECONDS
                        if once:
                            return self.rejected + len(self._doubted)
                        await opened.wait(self._look_seconds)
            except OutOfStep:
                continue  # it has just told of something: no time to lose
            except (Transient, DatabaseUnavailable, Interrupted, Doubtful) as error:
                self._is_away(error)
            except Permanent as error:
                if not self._has_looked:
                    raise
                self._is_away(error)  # it has let us in before
            await self._sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _check(self, opened: Folder) -> None:
        if opened.uidvalidity != self._uidvalidity:  # the numbers are of other messages now
            self._uidvalidity = opened.uidvalidity
            self._rejected.clear()
            self._doubted.clear()
        target = self._treatment.move_to
        if target and not await opened.has_folder(target):
            raise Permanent(f"{self._place.uri}: there is no folder {target} to move messages to; make it")
        if target and not opened.can_move:
            raise Permanent(
                f"{self._place.uri}: the server cannot move messages (MOVE), only copy and delete them, which is never "
                "done here: leave --move-to out, and they get a flag"
            )

    # --- outages -------------------------------------------------------------------------------------

    def _is_away(self, error: Exception) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            log.warning(
                "no mail comes in now; trying again until it does", mailbox=self._place.uri, error=error
            )

    def _is_back(self, opened: Folder) -> None:
        if not self._has_looked:
            how = "told by the server" if opened.can_idle else f"asked for every {self._look_seconds:g} s"
            log.info("watching", mailbox=self._place.uri, new_mail=how, done=self._done_in_words(opened))
            self._has_looked = True
        elif self._away_since is not None:
            seconds = round(time.monotonic() - self._away_since)
            log.info("mail comes in again", mailbox=self._place.uri, after_seconds=seconds)
        self._away_since = None

    def _done_in_words(self, opened: Folder) -> str:
        if self._treatment.move_to:
            return f"moved to {self._treatment.move_to}"
        if opened.keeps(self._treatment.flag):
            return f"flagged {self._treatment.flag}"
        return "kept in the database only: the server keeps no flags of ours"

    # --- one look ------------------------------------------------------------------------------------

    async def _look(self, opened: Folder, after: int) -> int:
        """Take what has come after a UID, and what was doubted; the highest UID there is."""
        flag = (
            self._treatment.flag if not self._treatment.move_to and opened.keeps(self._treatment.flag) else ""
        )
        found = await opened.search(self._treatment.wanted, after=after, without_flag=flag)
        uids = sorted({*found, *self._doubted} - self._rejected)
        for at in range(0, len(uids), _AT_ONCE):
            await self._take_some(opened, uids[at : at + _AT_ONCE])
        return max([after, *found])

    async def _take_some(self, opened: Folder, uids: Sequence[int]) -> None:
        known = await taken(self._database, self._place.uri, opened.uidvalidity, uids)
        if not self._treatment.attachments_only:
            known = {uid: True for uid, is_document in known.items() if is_document}
        sizes = await opened.sizes([uid for uid in uids if uid not in known])
        for uid in uids:
            if uid in sizes:
                await self._take(opened, uid, sizes[uid])
            elif known.get(uid):
                await self._finish(opened, uid)
            else:
                self._doubted.discard(uid)  # it was passed over before, or taken away meanwhile

    async def _take(self, opened: Folder, uid: int, size: int) -> None:
        """Make documents of a message; one that cannot be taken does not stop the next."""
        await self._pace.turn()
        try:
            if size > _MESSAGE_PER_FILE * self._max_bytes:
                raise NotSubmitted(
                    f"the message has {size:,} bytes; the limit is {_MESSAGE_PER_FILE * self._max_bytes:,}, twice "
                    "ALFRD_MAX_FILE_BYTES"
                )
            content = await opened.fetch(uid)
            if content is not None:
                await self._make(opened, uid, content)
        except NotSubmitted as problem:
            self.rejected += 1
            self._rejected.add(uid)
            log.warning(
                "rejected; the message stays as it is", mailbox=self._place.uri, uid=uid, reason=problem
            )
        except Doubtful as error:
            if uid not in self._doubted:
                log.warning("cannot be handed over yet", mailbox=self._place.uri, uid=uid, error=error)
            self._doubted.add(uid)
            return
        self._doubted.discard(uid)

    async def _make(self, opened: Folder, uid: int, content: bytes) -> None:
        treatment = self._treatment
        one = await asyncio.to_thread(
            letter,
            content,
            mailbox=self._place.uri,
            max_bytes=self._max_bytes,
            tags=treatment.tags,
            whole=treatment.whole,
        )
        wanted = one.has_attachments or not treatment.attachments_only
        ids: Sequence[UUID] | None = await documents_of(self._database, self._place.uri, one.digest)
        if ids is not None:
            log.info("known under another number", name=one.name, uid=uid)
        else:
            ids = await self._hand_over(one) if wanted else []
        await note_taken(self._database, self._place.uri, opened.uidvalidity, uid, one.digest, ids)
        if ids:
            await self._finish(opened, uid)

    async def _hand_over(self, one: Letter) -> Sequence[UUID]:
        ids = []
        for document in one.documents:
            submitted = await hand_over(self._database, document)
            ids.append(submitted.id)
            facts = {"document": submitted.id, "name": document.filename, "mail": one.name}
            if retry := "" if submitted.is_new else how_to_retry(submitted.id, submitted.status):
                log.warning(f"known and {submitted.status}", **facts, retry=retry)
            else:
                log.info("added" if submitted.is_new else "already known", **facts)
        return ids

    async def _finish(self, opened: Folder, uid: int) -> None:
        """Mark a message as done; the database knows it already."""
        if self._treatment.move_to:
            await opened.move(uid, self._treatment.move_to)
        elif opened.keeps(self._treatment.flag):
            await opened.flag(uid, self._treatment.flag)
