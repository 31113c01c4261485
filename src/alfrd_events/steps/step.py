"""What a step is: a name, a handler, and the input that the handler is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from alfrd_events.model import Page
from alfrd_events.model.inputs import DocumentInput, StepInput
from alfrd_events.model.protocols import Analyst, Reader
from alfrd_events.reading.sources import Sources
from alfrd_events.steps.spending import Evolution

SavePage = Callable[[Page, int], Awaitable[None]]


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
