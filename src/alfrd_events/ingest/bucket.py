"""A bucket as an inbox: each object that is put there becomes a document, whose bytes stay where they are.

Either S3 announces new objects by a queue, or the bucket is listed again and again. Both go by place and content, so
that nothing becomes a document twice: not by a message that comes twice, nor by a listing after a restart, nor by both
ways together. A message leaves the queue only when its rows are committed; one that is no event of S3 stays, and SQS
moves it to the dead-letter queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from alfrd_events.clients.queues import Message, NoEvent, Queue, objects_made
from alfrd_events.clients.s3 import Buckets, ObjectUri, StoredObject
from alfrd_events.db.database import Database
from alfrd_events.db.documents import by_fingerprint
from alfrd_events.db.errors import Doubtful, Interrupted
from alfrd_events.errors import DatabaseUnavailable, Transient
from alfrd_events.ingest.files import NotSubmitted
from alfrd_events.ingest.submit import hand_over_object, how_to_retry, is_left_behind
from alfrd_events.observe import Log

log = Log("bucket")

_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_LONG_POLL_SECONDS = 20
"""What SQS allows at most; an empty answer costs a request."""


class Watch:
    """Watches one bucket, or what is under a prefix of it.

    :param queue: where S3 announces new objects; without one the bucket is listed.
    :param scan_seconds: pause between two listings.
    """

    def __init__(
        self,
        database: Database,
        buckets: Buckets,
        place: ObjectUri,
        *,
        queue: Queue | None = None,
        tags: Sequence[str] = (),
        scan_seconds: float = 60.0,
    ) -> None:
        self._database = database
        self._buckets = buckets
        self._place = place
        self._queue = queue
        self._tags = tuple(tags)
        self._scan_seconds = scan_seconds
        self._seen: set[str] = set()
        self.rejected = 0

    async def watch(self, *, once: bool = False) -> int:
        """Look again and again, also while S3, SQS or the database are away.

        :param once: return when nothing new is left.
        :return: how many objects and messages were rejected.
        :raise Permanent: the bucket or the queue does not exist or may not be read.
        """
        log.info("watching", bucket=self._place.uri, queue=self._queue.url if self._queue else "")
        pause = _PAUSE_SECONDS
        while True:
            try:
                nothing_left = await (self._receive(last=once) if self._queue else self._scan())
            except (Transient, DatabaseUnavailable, Interrupted, Doubtful) as error:
                log.warning("waiting, then looking again", seconds=pause, error=error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                continue
            pause = _PAUSE_SECONDS
            if once and nothing_left:
                return self.rejected
            if self._queue is None:
                await asyncio.sleep(self._scan_seconds)

    # --- by listing ----------------------------------------------------------------------------------

    async def _scan(self) -> bool:
        async for found in self._buckets.listed(self._place):
            unseen = [one for one in found if one.fingerprint not in self._seen]
            known = await by_fingerprint(self._database, [one.fingerprint for one in unseen])
            for one in unseen:
                if is_left_behind(one, self._place):
                    log.info("left alone", object=one.place.uri, reason="what systems leave behind")
                elif one.fingerprint not in known:
                    await self._submit(one)
                self._seen.add(one.fingerprint)
        return True

    # --- by a queue ----------------------------------------------------------------------------------

    async def _receive(self, *, last: bool) -> bool:
        assert self._queue is not None
        messages = await self._queue.receive(1 if last else _LONG_POLL_SECONDS)
        for message in messages:
            if await self._take(message):
                await self._queue.delete(message)
        return not messages

    async def _take(self, message: Message) -> bool:
        """Make documents of what a message tells; ``False``: it is to stay on the queue."""
        try:
            made = objects_made(message.body)
        except NoEvent as problem:
            self.rejected += 1
            log.warning(
                "a message is left on the queue",
                id=message.id,
                received=message.received,
                reason=problem,
            )
            return False
        done = True
        for found in made:
            if found.place.key.endswith("/"):
                continue
            if not self._is_ours(found.place):
                self.rejected += 1
                log.warning("not under what is watched", id=message.id, object=found.place.uri)
                done = False
            elif is_left_behind(found, self._place):
                log.info("left alone", object=found.place.uri, reason="what systems leave behind")
            elif not await self._submit(found):
                done = False
        return done

    def _is_ours(self, place: ObjectUri) -> bool:
        return place.bucket == self._place.bucket and place.key.startswith(self._place.key)

    async def _submit(self, found: StoredObject) -> bool:
        """Make a document of an object; ``False``: PostgreSQL does not take it."""
        try:
            submitted = await hand_over_object(self._database, found, self._tags)
        except NotSubmitted as problem:
            self.rejected += 1
            log.warning("rejected", object=found.place.uri, reason=problem)
            return False
        if retry := "" if submitted.is_new else how_to_retry(submitted.id, submitted.status):
            log.warning(
                f"known and {submitted.status}", document=submitted.id, object=found.place.uri, retry=retry
            )
            return True
        log.info(
            "added" if submitted.is_new else "already known", document=submitted.id, object=found.place.uri
        )
        return True
