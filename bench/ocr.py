"""Real OCR through the whole route, against a bare loop of the same OCR."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import psutil
import psycopg

from bench.contender import STEPS
from bench.measure import Goal, Measure
from bench.plan import Measured, Plan
from bench.process import ROOT, worker
from bench.processor import processor_seconds

SAMPLES = ROOT / "samples"


@dataclass(frozen=True)
class Done:
    """How the images were read."""

    seconds: float
    processor_seconds: float


async def measure(plan: Plan) -> Measured:
    """Measure 14."""
    processes = os.cpu_count() or 1
    count = plan.pick(100, 4)
    images = list(islice(cycle(_images()), count))
    engine, bare = [], []
    for _ in range(plan.repeats):
        bare.append(await _bare(images, processes))
        engine.append(await _engine(plan, images, processes))
        plan.say(f"{count / engine[-1].seconds:.2f} images/s, a bare loop {count / bare[-1].seconds:.2f}")
    yield Measure(
        14,
        f"OCR of {count} images, {processes} processes",
        "images/s",
        [count / done.seconds for done in engine],
        [Goal("at least", 0.95, "ratio")],
        "bare loop",
        [count / done.seconds for done in bare],
    )
    yield Measure(
        14,
        "processor time of all processes",
        "s each",
        [done.processor_seconds / count for done in engine],
        (),
        "bare loop",
        [done.processor_seconds / count for done in bare],
    )


def _images() -> list[Path]:
    return sorted(path for path in SAMPLES.iterdir() if path.suffix in (".png", ".jpg"))


async def _engine(plan: Plan, images: Sequence[Path], processes: int) -> Done:
    """From the commit of the images to the last completed document; the models are loaded before."""
    async with (
        plan.cluster.database(plan.engine) as url,
        worker(plan.engine, url, "route", ocr_processes=processes) as process,
        plan.engine.client(url) as client,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        process.go()
        done = 0
        read = Done(0, 0)
        warm_up = [images[0]] * (2 * processes)
        for batch in (warm_up, images):
            done += len(batch) * STEPS["route"]
            async with connection.transaction():
                for image in batch:
                    await connection.execute(
                        "insert into alfrd.documents (filename, content) values (%s, %s)",
                        [image.name, image.read_bytes()],
                    )
            spent = process.cpu_seconds()
            began = time.monotonic()
            while process.finished < done:
                await process.progress.wait()
                process.progress.clear()
                process.check()
            while await client.unfinished():
                await asyncio.sleep(0.005)
            read = Done(time.monotonic() - began, process.cpu_seconds() - spent)
        return read


async def _bare(images: Sequence[Path], processes: int) -> Done:
    """The same images in as many processes, each given the next one when it is free."""
    async with AsyncExitStack() as stack:
        loops = [await stack.enter_async_context(_loop()) for _ in range(processes)]
        await asyncio.gather(*(_feed(loop, iter(images[:1])) for loop in loops))
        seen = [psutil.Process(loop.pid) for loop in loops]
        waiting = iter(images)
        spent = sum(map(processor_seconds, seen))
        began = time.monotonic()
        await asyncio.gather(*(_feed(loop, waiting) for loop in loops))
        return Done(time.monotonic() - began, sum(map(processor_seconds, seen)) - spent)


async def _feed(loop: asyncio.subprocess.Process, images: Iterator[Path]) -> None:
    assert loop.stdin is not None
    assert loop.stdout is not None
    for image in images:
        loop.stdin.write(f"{image}\n".encode())
        if not await loop.stdout.readline():
            raise RuntimeError("a process of the bare loop ended: see its messages above")


@asynccontextmanager
async def _loop() -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.ocr_loop"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,  # as the reader's: Linux shares a busy machine out by sessions
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()
