"""What a step is: a name, a handler, and the input that the handler is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from alfrd_events.model import Page
from alfrd_events.model.inputs import DocumentInput, StepInput
from alfrd_events.model.protocols import Analyst, Reader, SeriesKeeper
from alfrd_events.reading.sources import Sources
from alfrd_events.steps.spending import Evolution

SavePage = Callable[[Page, int], Awaitable[None]]
ExpectPages = Callable[[int, int], None]


def _told_to_no_one(total: int, saved: int) -> None:
    """Outside of tasks no one asks how far a reading is."""


@dataclass(frozen=True)
class Tools:
    """What a handler may use: the providers, and a way to hand over pages before it ends."""

    reader: Reader
    analyst: Analyst
    sources: Sources
    save_page: SavePage
    """``await save_page(page, part)``: the page is numbered within the document; it survives a crash."""
    evolution: Evolution | None = None
    """What prompts evolve with; ``None``: they do not, in this process."""
    keeper: SeriesKeeper | None = None
    """What keeps the views and payments of series; ``None``: nothing does, in this process."""
    expect_pages: ExpectPages = _told_to_no_one
    """``expect_pages(30, 12)``: the document has so many pages, and so many are saved: to tell how far it is."""


Handler = Callable[[Any, Tools], Awaitable[BaseModel]]
"""``async def handler(given, tools)``; ``given`` is of the step's input type."""


@dataclass(frozen=True)
class Step:
    """A step, as it is declared: once, and here.

    Which status it follows from, and what it leads to, is a row of ``alfrd.routes``.
    """

    name: str
    handler: Handler
    input: type[StepInput] = DocumentInput
    """Its fields are what is loaded for the step."""
