"""Providers that cost nothing: for tests and measurements of the engine alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Mapping, Sequence
from datetime import date
from decimal import Decimal

from alfrd_events.model import (
    Classification,
    Document,
    DocumentType,
    Extraction,
    File,
    FileSummary,
    Filing,
    Page,
    Part,
    PartInfo,
    Prompt,
    Score,
    Series,
    Summary,
)
from alfrd_events.providers.base import Analyst, Reader
from alfrd_events.providers.sources import Sources
from alfrd_events.steps.registry import BUILT_IN, Tools
from alfrd_events.worker.run import WorkerOptions
from tests.support.routes import listen_url


class NoopReader:
    """Takes the bytes for text."""

    name = "noop"
    is_paid = False

    async def inspect(self, part: Part) -> PartInfo:
        return PartInfo("text/plain", 1)

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncIterator[Page]:
        if 1 not in skip:
            yield Page(number=1, text=part.content.decode(), confidence=1.0, source="plain")

    async def aclose(self) -> None:
        return None


class NoopAnalyst:
    """Says the same of everything. The entity is the filename up to its first hyphen."""

    name = "noop"
    prompt_prefixes: tuple[str, ...] = ("rules_",)
    learns_from = 0

    def __init__(self, delay: float = 0) -> None:
        self.delay = delay

    async def classify(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Classification:
        await asyncio.sleep(self.delay)
        return Classification(document_type="receipt", confidence=1, reasoning="always")

    async def score_classification(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Score:
        return Score(score=1, feedback="fine")

    async def summarize(self, document: Document, prompt: Prompt) -> Summary:
        return Summary(
            summary=document.text[:80],
            entity=document.filename.partition("-")[0],
            document_date=date(2024, 1, 1),
            total_amount=Decimal("1.00"),
            currency="USD",
        )

    async def score_summary(self, document: Document, prompt: Prompt) -> Score:
        return Score(score=1, feedback="fine")

    async def detect_series(self, document: Document, candidates: Sequence[Series], prompt: Prompt) -> Filing:
        return Filing(entity=document.entity, kind="purchases", frequency="irregular", title=document.entity)

    async def extract(self, document: Document, series: Series, prompt: Prompt) -> Extraction:
        return Extraction(fields={"total_amount": str(document.total_amount)})

    async def summarize_file(self, file: File, prompt: Prompt) -> FileSummary:
        return FileSummary(
            summary=f"{len(file.members)} documents",
            columns=("total_amount",),
            rows=tuple({"document_id": str(member.id)} for member in file.members),
        )

    async def aclose(self) -> None:
        return None


async def refuse_pages(page: Page, part: int) -> None:
    """Stands where the runner puts its own."""
    raise AssertionError("the runner gives each task its own save_page")


def noop_tools(analyst: Analyst | None = None, reader: Reader | None = None) -> Tools:
    """Tools whose providers cost nothing."""
    return Tools(reader or NoopReader(), analyst or NoopAnalyst(), Sources(), refuse_pages)


def options(
    url: str | None, *, until_quiet: bool = True, slots: Mapping[str, int] | None = None, **changes: float
) -> WorkerOptions:
    """Worker options for a test: every step, many slots; it listens where the tests' route lets it.

    :param url: where the worker's pool connects to; ``None``: it does not listen at all.
    """
    return WorkerOptions(
        slots=slots or dict.fromkeys(BUILT_IN, 20),
        listen_url=listen_url(url),
        until_quiet=until_quiet,
        **changes,  # type: ignore[arg-type]
    )
