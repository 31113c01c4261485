"""One reader with one process for all tests that only ask what it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator

import pytest

from alfrd_events.model import Page
from alfrd_events.reading.local import LocalReader
from tests.readers.reader_inputs import Inspect, Read, part


@pytest.fixture(scope="session")
def _running() -> Iterator[tuple[asyncio.Runner, LocalReader]]:
    with asyncio.Runner() as runner:
        reader = LocalReader(processes=1)
        yield runner, reader
        runner.run(reader.aclose())


@pytest.fixture(scope="session")
def read(_running: tuple[asyncio.Runner, LocalReader]) -> Read:
    runner, reader = _running

    async def pages(content: bytes, filename: str, skip: Container[int]) -> list[Page]:
        return [page async for page in reader.read(part(content, filename), skip=skip)]

    def call(content: bytes, filename: str = "given.bin", skip: Container[int] = ()) -> list[Page]:
        return runner.run(pages(content, filename, skip))

    return call


@pytest.fixture(scope="session")
def inspect(_running: tuple[asyncio.Runner, LocalReader]) -> Inspect:
    runner, reader = _running
    return lambda content: runner.run(reader.inspect(part(content)))
