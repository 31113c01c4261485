"""The status feed: channel ``alfrd_status``, for programs that wait for documents.

The feed announces each commit that changed a status. It is a hint like every notification, and can be
switched off (``ALFRD_STATUS_FEED``): a waiting program looks at the rows after each message, and now and
then without one.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Self
from uuid import UUID

from alfrd_events.db.errors import translated
from alfrd_events.db.session import Session


class StatusFeed:
    """A connection of its own that LISTENs; use it with ``async with``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Session | None = None

    async def __aenter__(self) -> Self:
        with translated():
            self._connection = await Session.connect(
                self._url, autocommit=True, application_name="alfrd-events feed", verify=False
            )
            await self._connection.execute("listen alfrd_status")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def changes(self, timeout: float) -> AsyncGenerator[frozenset[UUID] | None]:
        """Ids whose status changed, as it happens, until ``timeout`` seconds have passed.

        ``None``: so many changed that the feed does not name them.
        """
        assert self._connection is not None, "used inside `async with`"
        with translated():
            async with aclosing(self._connection.notifies(timeout=timeout)) as notifies:
                async for notify in notifies:
                    yield _ids(notify.payload)


def _ids(payload: str) -> frozenset[UUID] | None:
    try:
        change = json.loads(payload)
        found = change["ids"] if "ids" in change else [change["id"]]
        return frozenset(UUID(each) for each in found)
    except (ValueError, KeyError, TypeError):
        return None  # a count, or another program's message on the same channel
