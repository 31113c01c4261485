"""Wait for documents to be done, woken by the status feed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from uuid import UUID

from alfrd_events.db.database import Database
from alfrd_events.db.documents import statuses
from alfrd_events.db.feed import StatusFeed

ENDS = frozenset({"completed", "failed", "cancelled"})
_LOOK_EVERY_SECONDS = 15.0
"""The feed may be off, and a notification may be lost with its connection: look now and then all the same."""


async def wait_for(
    database: Database, feed: StatusFeed, ids: Sequence[UUID]
) -> AsyncIterator[tuple[UUID, str, str]]:
    """Id, status and error of each document as it ends; a deleted one ends as ``deleted``.

    :param feed: LISTENs already, so that what happens before the first look is not missed.
    """
    open_ids = set(ids)
    while open_ids:
        async for ended in _look(database, open_ids):
            yield ended
        if not open_ids:
            return
        async with aclosing(feed.changes(_LOOK_EVERY_SECONDS)) as changes:
            async for changed in changes:
                if changed is None or changed & open_ids:
                    async for ended in _look(database, open_ids):
                        yield ended
                    if not open_ids:
                        return


async def _look(database: Database, open_ids: set[UUID]) -> AsyncIterator[tuple[UUID, str, str]]:
    """Take out those that have ended."""
    found = await statuses(database, list(open_ids))
    for id in list(open_ids):
        status, error = found.get(id, ("deleted", "it was deleted"))
        if status in ENDS or id not in found:
            open_ids.discard(id)
            yield id, status, error
