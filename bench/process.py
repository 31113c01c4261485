"""Worker processes as the harness sees them: started, told to go, watched, stopped."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.contender import Contender, Shape
from bench.processor import processor_seconds

ROOT = Path(__file__).resolve().parents[1]
_READY_WITHIN = 60.0
_ENDS_WITHIN = 10.0


class WorkerProcess:
    """A worker in a process of its own; see :mod:`bench.teller` for what it tells."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ready = asyncio.Event()
        self.seen = psutil.Process(process.pid)
        self.finished = 0
        self.progress = asyncio.Event()
        """Set whenever ``finished`` has changed."""
        self._starts: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            word, *values = line.decode().split()
            if word == "ready":
                self._ready.set()
            elif word == "finished":
                self.finished = int(values[0])
                self.progress.set()
            elif word == "started":
                self._starts.put_nowait((values[0], int(values[1])))
        await self._process.wait()
        self.progress.set()

    async def next_start(self) -> tuple[str, int]:
        """The key of the next handler that started, and when it did, in nanoseconds.

        :raise RuntimeError: the worker has ended.
        """
        waiting = asyncio.create_task(self._starts.get())
        await asyncio.wait({waiting, self._reading}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            waiting.cancel()
            self.check()
        return await waiting

    def check(self) -> None:
        """
        :raise RuntimeError: it has ended, which no worker does by itself.
        """
        if self._process.returncode is not None:
            raise RuntimeError(
                f"a worker ended by itself with exit code {self._process.returncode}: see its messages above"
            )

    async def ready(self) -> None:
        """Wait until it could begin."""
        async with asyncio.timeout(_READY_WITHIN):
            waiting = asyncio.create_task(self._ready.wait())
            await asyncio.wait({waiting, self._reading}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if not self._ready.is_set():
                raise RuntimeError("a worker ended before it was ready: see its messages above")

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")

    def cpu_seconds(self) -> float:
        """Processor time of the process and its children so far."""
        self.check()
        return processor_seconds(self.seen)

    def resident_bytes(self) -> int:
        """Memory that it holds now."""
        self.check()
        return int(self.seen.memory_info().rss)

    async def stop(self) -> None:
        """Ask it to end, and make it end."""
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(_ENDS_WITHIN):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
        await self._process.wait()
        await self._reading


@asynccontextmanager
async def worker(
    contender: Contender, url: str, shape: Shape, *, quiet: bool = False, **wishes: Any
) -> AsyncIterator[WorkerProcess]:
    """A worker process that is ready, and waits to be told to go.

    :param quiet: drop what it writes to standard error; for peers whose farewell is a traceback.
    """
    command = [sys.executable, "-m", "bench.worker", contender.name, url, shape, json.dumps(wishes)]
    process = WorkerProcess(
        await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL if quiet else None,
        )
    )
    try:
        await process.ready()
        yield process
    finally:
        await process.stop()


@asynccontextmanager
async def workers(
    number: int, contender: Contender, url: str, shape: Shape, **wishes: Any
) -> AsyncIterator[Sequence[WorkerProcess]]:
    """Several."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(worker(contender, url, shape, **wishes)) for _ in range(number)
        ]
