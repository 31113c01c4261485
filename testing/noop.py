"""Providers that cost nothing: for tests and measurements of the engine alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Container, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, cast

from alfrd_events.model import (
    AnalystResult,
    Classification,
    Extraction,
    FileSummary,
    Filing,
    Page,
    Part,
    PartInfo,
    Score,
    Summary,
)
from alfrd_events.model.jobs import (
    AnalysisJob,
    Classify,
    DetectSeries,
    Extract,
    ResultT,
    Summarize,
    SummarizeFile,
)
from alfrd_events.model.protocols import Analyst, Reader
from alfrd_events.reading.sources import Sources
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.steps.step import Tools
from alfrd_events.worker.run import WorkerOptions
from testing.routes import listen_url


class NoopReader:
    """Takes the bytes for text."""

    name = "noop"
    is_paid = False

    async def inspect(self, part: Part) -> PartInfo:
        return PartInfo("text/plain", 1)

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
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

    async def run(self, job: AnalysisJob[ResultT]) -> ResultT:
        if isinstance(job, Classify):
            await asyncio.sleep(self.delay)
        return cast(ResultT, self.answer(job))

    def answer(self, job: AnalysisJob[Any]) -> AnalystResult:
        """Overridden by tests for an analyst with a fault."""
        match job:
            case Classify():
                return Classification(document_type="receipt", confidence=1, reasoning="always")
            case Summarize():
                return Summary(
                    summary=job.document.text[:80],
                    entity=job.document.filename.partition("-")[0],
                    document_date=date(2024, 1, 1),
                    total_amount=Decimal("1.00"),
                    currency="USD",
                )
            case DetectSeries():
                name = job.document.entity
                return Filing(entity=name, kind="purchases", frequency="irregular", title=name)
            case Extract():
                return Extraction(fields={"total_amount": str(job.document.total_amount)})
            case SummarizeFile():
                return FileSummary(
                    summary=f"{len(job.file.members)} documents",
                    columns=("total_amount",),
                    rows=tuple({"document_id": str(member.id)} for member in job.file.members),
                )
        return Score(score=1, feedback="fine")

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
