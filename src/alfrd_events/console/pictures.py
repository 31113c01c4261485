"""Pictures of pages, drawn when they are first looked at and kept while there is room."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from alfrd_events.db import console
from alfrd_events.db.database import Database
from alfrd_events.model import Part, PartSource

SIDES = (120, 480, 1200, 2000)
"""Pixels of the longer side that may be asked for; others would fill the memory with copies."""
_MOST_BYTES = 64 * 1024 * 1024

Key = tuple[UUID, int, int, int, int]
"""Document, its generation, page, side, turn."""


Fetch = Callable[[PartSource], Awaitable[Part]]
"""Gives a part its bytes."""


class Drawer(Protocol):
    """Draws pages in a process that may be killed."""

    async def draw(self, part: Part, page: int, *, rotation: int = 0, side: int = 1600) -> bytes | None:
        """One page as a JPEG; ``None``: there is nothing to see of it."""
        ...


class PageImages:
    """Pictures of pages, each drawn once however many ask for it."""

    def __init__(self, database: Database, drawer: Drawer, fetch: Fetch) -> None:
        self._database = database
        self._drawer = drawer
        self.fetch = fetch
        self._kept: OrderedDict[Key, bytes] = OrderedDict()
        self._size = 0
        self._under_way: dict[Key, asyncio.Task[bytes | None]] = {}

    async def page(
        self, document: UUID, generation: int, number: int, side: int, turn: int = 0
    ) -> bytes | None:
        """One page as a JPEG; ``None``: it is text alone.

        :param generation: of the document; another one may look otherwise.
        :param turn: degrees clockwise, a multiple of 90, beyond those by which it was turned to be read.
        :raise NotFound: there is no such page.
        :raise Permanent, Transient: it cannot be drawn.
        """
        key = (document, generation, number, side, turn)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._under_way:
            task = asyncio.create_task(self._draw(document, number, side, turn))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key))
        picture = await asyncio.shield(self._under_way[key])
        if picture:
            self._keep(key, picture)
        return picture

    async def _draw(self, document: UUID, number: int, side: int, turn: int) -> bytes | None:
        place = await console.page_place(self._database, document, number)
        part = await self.fetch(place.source)
        return await self._drawer.draw(part, place.within, rotation=(place.rotation + turn) % 360, side=side)

    def _keep(self, key: Key, picture: bytes) -> None:
        if key in self._kept:
            return
        self._kept[key] = picture
        self._size += len(picture)
        while self._size > _MOST_BYTES:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone)
