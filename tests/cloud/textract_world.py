"""A ``textract`` reader with the services that it speaks to, as the tests of it want them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from alfrd_events.clients.aws import Aws
from alfrd_events.clients.calls import Call, Caller, Calls, NoLedger, Reply, caller
from alfrd_events.clients.jobs import PaidJob
from alfrd_events.model import Page, Task
from alfrd_events.reading.local import LocalReader
from alfrd_events.reading.textract import TextractReader
from alfrd_events.reading.textract.service import Textract as Requests
from tests.cloud.server import CloudServer
from tests.cloud.textract import Objects, Read, Textract
from tests.readers.reader_inputs import part, pdf, picture, scan_page

Play = Callable[..., Any]
"""Runs a scenario, a coroutine function that is given a :class:`World`."""


class Ledger(NoLedger):
    """Keeps what was paid, in memory."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int, str]] = []
        """Operation, pages, outcome."""
        self.models: list[str] = []
        self.replies: dict[str, Reply] = {}

    async def known(self, call: Call) -> Reply | None:
        return self.replies.get(call.key)

    async def settle(
        self, number: int, call: Call, reply: Reply | None, outcome: str, milliseconds: int
    ) -> None:
        self.lines.append((call.operation, call.pages, outcome))
        self.models.append(call.model)
        if reply and call.key:
            self.replies[call.key] = reply


class MemoryJobs:
    """Jobs of one document, in memory."""

    def __init__(self) -> None:
        self.saved: list[PaidJob] = []

    async def known(self, who: Caller, provider: str, part: int, request: str) -> list[PaidJob]:
        return [job for job in self.saved if (job.part, job.request) == (part, request)]

    async def save(self, who: Caller, provider: str, job: PaidJob) -> None:
        self.saved.append(job)

    async def drop(self, who: Caller, provider: str, job: PaidJob) -> None:
        self.saved.remove(job)


async def _not_at_all(_: float) -> None:
    """How long tests wait before another try."""


@dataclass
class World:
    """A reader, and the services that it speaks to."""

    reader: TextractReader
    cloud: CloudServer
    textract: Textract
    ledger: Ledger
    jobs: MemoryJobs

    async def read(
        self, content: bytes, filename: str = "given.bin", skip: Container[int] = ()
    ) -> list[Page]:
        return sorted(
            [page async for page in self.reader.read(part(content, filename), skip=skip)],
            key=lambda page: page.number,
        )

    @property
    def operations(self) -> list[str]:
        return [
            exchange.request.headers["X-Amz-Target"].removeprefix("Textract.") for exchange in self.cloud.log
        ]


@asynccontextmanager
async def world(
    read: Read, objects: Objects, monkeypatch: pytest.MonkeyPatch, **wishes: Any
) -> AsyncIterator[World]:
    """Open all of it, on behalf of a task.

    :param wishes: of the reader's requests.
    """
    textract = Textract(read, objects)
    ledger, jobs = Ledger(), MemoryJobs()
    async with CloudServer(textract) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_TEXTRACT", cloud.url)
        aws = Aws()
        asked = Requests(aws, **{"look_seconds": 0.01, **wishes})
        reader = TextractReader(LocalReader(processes=1), aws, asked, Calls(ledger, sleep=_not_at_all), jobs)
        caller.set(Caller(1, Task(1, "ocr", "document", uuid4(), 1, 5)))
        try:
            yield World(reader, cloud, textract, ledger, jobs)
        finally:
            await reader.aclose()
        assert cloud.complaints == []


def scans(*texts: tuple[str, ...]) -> bytes:
    """A PDF of scanned pages."""
    return pdf([scan_page(picture(lines, size=(850, 1100))) for lines in texts])
