"""Throughput: how long a contender takes to finish a given pile of work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.cluster import Cluster
from bench.contender import STEPS, Client, Contender, Shape
from bench.process import WorkerProcess, workers

_AT_MOST_SECONDS = 900.0


@dataclass(frozen=True)
class Drained:
    """How a pile of work was finished."""

    rate: float
    """Documents per second."""
    worker_ms: float
    """Processor time of the workers for each document, in milliseconds."""
    server_ms: float
    """The same of the server."""


async def drain(
    cluster: Cluster,
    contender: Contender,
    url: str,
    shape: Shape,
    count: int,
    *,
    number: int = 1,
    **wishes: Any,
) -> Drained:
    """Let workers finish documents; the time counts from their beginning until the last one is durably done.

    The workers are started, imported and connected before, and the documents are inserted before, so that neither
    is counted. Only when the handlers say that they are through is the database asked, so that asking costs nothing.

    :raise RuntimeError: it was not done in time, or a worker ended by itself.
    """
    async with (
        contender.client(url) as client,
        workers(number, contender, url, shape, **wishes) as processes,
    ):
        await client.submit(shape, count)
        await cluster.settle()
        spent = cluster.cpu_seconds()
        spent_before = [(process, process.cpu_seconds()) for process in processes]
        started = time.monotonic()
        for process in processes:
            process.go()
        try:
            async with asyncio.timeout(_AT_MOST_SECONDS):
                await _done(client, processes, count * STEPS[shape])
        except TimeoutError:
            left = await client.unfinished()
            raise RuntimeError(
                f"{contender.name}: {left} steps were not done in {_AT_MOST_SECONDS:g} s"
            ) from None
        seconds = time.monotonic() - started
        return Drained(
            rate=count / seconds,
            worker_ms=sum(process.cpu_seconds() - before for process, before in spent_before) / count * 1000,
            server_ms=(cluster.cpu_seconds() - spent) / count * 1000,
        )


async def _done(client: Client, processes: Sequence[WorkerProcess], handlers: int) -> None:
    while sum(process.finished for process in processes) < handlers:
        waits = [asyncio.create_task(process.progress.wait()) for process in processes]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for process, wait in zip(processes, waits, strict=True):
            wait.cancel()
            process.progress.clear()
            process.check()
    while await client.unfinished():
        await asyncio.sleep(0.005)
