"""The part of the page that a value was read from, for a terminal that shows pictures."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from alfrd_events.cli import wiring
from alfrd_events.errors import NotFound, Permanent, Transient

if TYPE_CHECKING:
    from alfrd_events.db.database import Database
    from alfrd_events.reading.pictures import Pictures
    from alfrd_events.reading.sources import Sources
    from alfrd_events.terminal.keys import Keyboard
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.pictures import Protocol

_OF_A_PAGE = 100
"""Columns that a whole page's width would take, where the terminal has so many."""


class CutOuts:
    """Cuts values out of their pages, each once while it is looked at."""

    def __init__(
        self,
        database: Database,
        sources: Sources,
        pictures: Pictures,
        how: Protocol | None,
        keys: Keyboard,
        output: Output,
    ) -> None:
        self._database = database
        self._sources = sources
        self._pictures = pictures
        self._how = how
        self._keys = keys
        self._output = output
        self._last: tuple[tuple[UUID, int, tuple[float, ...]], str] | None = None
        self.failed = ""
        """Why the last one could not be drawn."""

    async def of(self, document: UUID, value: Mapping[str, Any]) -> str:
        """What shows a value on this terminal; empty where it takes no pictures, or none can be drawn.

        :param value: a row of ``alfrd.document_values``.
        """
        from alfrd_events.terminal.pictures import by_late_answer

        self._how = self._how or by_late_answer(self._keys)
        if self._how is None or not value.get("box") or not value.get("page"):
            self._last, self.failed = None, ""
            return ""
        key = document, value["page"], tuple(value["box"])
        if self._last is None or self._last[0] != key:
            self.failed = ""
            self._last = key, await self._drawn(document, value, self._how)
        return self._last[1]

    async def _drawn(self, document: UUID, value: Mapping[str, Any], how: Protocol) -> str:
        from alfrd_events.db.console import page_place
        from alfrd_events.terminal.pictures import pixels_of, sequence
        from alfrd_events.terminal.review import around

        left, top, right, bottom = map(float, value["box"])
        mark = left, top, right, bottom
        area = around(mark)
        columns = max(round((area[2] - area[0]) * min(self._output.console.width - 1, _OF_A_PAGE)), 1)
        try:
            place = await page_place(self._database, document, value["page"])
            picture = await self._pictures.cut(
                await self._sources.fetch(place.source),
                place.within,
                rotation=place.rotation,
                area=area,
                mark=mark,
                width=pixels_of(columns),
                form="sixel" if how == "sixel" else "png",
            )
        except (Permanent, Transient, NotFound) as error:
            self.failed = str(error)
            return ""
        return sequence(how, picture, columns) if picture else ""


@asynccontextmanager
async def cut_outs(context: wiring.CommandContext, keys: Keyboard, output: Output) -> AsyncIterator[CutOuts]:
    """What cuts out, while it is needed."""
    from alfrd_events.terminal.pictures import protocol

    async with wiring.drawing(context.settings) as (sources, pictures):
        yield CutOuts(context.database, sources, pictures, await protocol(keys, os.environ), keys, output)
