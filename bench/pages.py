"""How the pages of one document are spread over the reading processes: ``python -m bench.pages WHAT``.

- ``spread``: a scan on all processes, against one page in one process;
- ``beside``: a document of one page that comes while a long one is read;
- ``memory``: what a scan of many pages keeps of memory, in the worker and its reading processes together.

The scans are made here: letters of forty lines at 150 dpi. Processor time is that of the reading processes.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from statistics import median

import psutil
from PIL import Image, ImageDraw, ImageFont

from alfrd_events.model import Page, Part
from alfrd_events.reading.local import LocalReader
from bench.processor import processor_seconds

DPI = 150
A4 = (8.27, 11.69)
LONG = 30
ALONE = 1_000
"""Pages that are read alone begin at this number,"""
WARM_UP = 2_000
"""and those that only load the models at this one."""


def scan(pages: int, lines: int = 40, dpi: int = DPI, every: int = 1, start: int = 1) -> Part:
    """A scanned letter as a PDF: each page one JPEG, with a text of its own.

    :param every: so many pages make one with text; the others are blank.
    :param start: the number of the first page. A reader reads no page twice, so one that is timed needs a new number.
    """
    images = (_page(number, 0 if number % every else lines, dpi) for number in range(start, start + pages))
    first = next(images)
    out = io.BytesIO()
    first.save(out, "PDF", save_all=True, append_images=images, resolution=dpi, quality=60)
    return Part(1, f"{pages}-pages.pdf", out.getvalue())


def _page(number: int, lines: int, dpi: int) -> Image.Image:
    image = Image.new("L", (int(A4[0] * dpi), int(A4[1] * dpi)), 250)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=dpi * 0.16)
    for line in range(lines):
        words = f"Page {number}, line {line}: {1000 + 7 * number + 13 * line} pieces at {line}.50 for Corner Hardware"
        draw.text((dpi * 0.7, dpi * (0.7 + line * 0.25)), words, fill=20, font=font)
    return image


@asynccontextmanager
async def warm(processes: int) -> AsyncIterator[LocalReader]:
    """A reader whose processes have loaded their models."""
    reader = LocalReader(processes=processes)
    try:
        await asyncio.gather(*(_read(reader, scan(1, start=WARM_UP + n)) for n in range(processes)))
        yield reader
    finally:
        await reader.aclose()


async def _read(reader: LocalReader, part: Part) -> list[Page]:
    await reader.inspect(part)
    async with aclosing(reader.read(part)) as pages:
        return [page async for page in pages]


def _children() -> list[psutil.Process]:
    return psutil.Process().children()


def _spent() -> float:
    return sum(map(processor_seconds, _children()))


async def _timed(reader: LocalReader, part: Part) -> tuple[float, float]:
    """Seconds on the clock, and of processors."""
    began, spent = time.monotonic(), _spent()
    await _read(reader, part)
    return time.monotonic() - began, _spent() - spent


async def spread(processes: int, pages: int, repeats: int, lines: int) -> None:
    """A scan on all processes, against its pages one by one in one process; taken in turns."""
    whole = scan(pages, lines)
    ones = [scan(1, lines, start=ALONE + n) for n in range(5)]
    singles, wholes = [], []
    for _ in range(repeats):
        async with warm(1) as reader:
            singles += [await _timed(reader, one) for one in ones]
        async with warm(processes) as reader:
            wholes.append(await _timed(reader, whole))
    clock, processor = (median(column) for column in zip(*singles, strict=True))
    all_clock, all_processor = (median(column) for column in zip(*wholes, strict=True))
    share = clock * pages / processes
    print(f"one page, one process: {clock:.2f} s, processor {processor:.2f} s")
    print(
        f"{pages} pages, {processes} processes: {all_clock:.1f} s, processor {all_processor / pages:.2f} s a page: "
        f"{all_clock / share:.2f} x of one page x {pages / processes:g}"
    )


async def beside(processes: int, repeats: int, lines: int) -> None:
    """How long a document of one page takes beside a long one, in pages of the long one; cut off then."""
    async with warm(processes) as reader:
        waits = []
        for repeat in range(repeats):
            one = scan(1, lines, start=ALONE + repeat)
            ends: list[float] = []
            long = scan(LONG, lines, start=1 + LONG * repeat)
            reading = asyncio.create_task(_note_ends(reader, long, ends))
            while len(ends) < 2 * processes:
                await asyncio.sleep(0.01)
            began = time.monotonic()
            await _read(reader, one)
            came = time.monotonic()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            page = (ends[-1] - ends[0]) / (len(ends) - 1) * processes
            waits.append((came - began) / page)
            meanwhile = sum(began < end < came for end in ends)
            print(
                f"one page beside {LONG}: {came - began:.1f} s, a page takes {page:.1f} s: {waits[-1]:.1f} pages, its "
                f"own included; {meanwhile} of the long one came meanwhile"
            )
    print(f"{median(waits):.1f} pages in the median, {max(waits):.1f} at most")


async def _note_ends(reader: LocalReader, part: Part, ends: list[float]) -> None:
    async with aclosing(reader.read(part)) as pages:
        async for _ in pages:
            ends.append(time.monotonic())  # noqa: PERF401 - the caller looks at it meanwhile


async def memory(processes: int, pages: int, at_most: int, dpi: int, every: int) -> None:
    """Resident memory while a scan is read: of this process, and of the reading processes."""
    part = await asyncio.to_thread(scan, pages, 3, dpi, every)
    print(f"{pages} pages at {dpi} dpi, {len(part.content) / 1e6:.0f} MB; of which {at_most} are read")
    most = 0
    async with aclosing(LocalReader(processes=processes)) as reader, aclosing(reader.read(part)) as read:
        count = 0
        async for _ in read:
            count += 1
            sizes = [_resident(each.pid) for each in (psutil.Process(), *_children())]
            most = max(most, sum(sizes))
            if count % 100 == 0 or count == at_most:
                print(
                    f"page {count}: {' + '.join(f'{size / 1e6:.0f}' for size in sizes)} MB, most {most / 1e6:.0f}"
                )
            if count == at_most:
                break


def _resident(process: int) -> int:
    """Bytes in memory; pages that several processes share count in shares, as in ``smaps_rollup``."""
    with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("what", choices=("spread", "beside", "memory"))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--pages", type=int, help="of the scan; 30, or 1,000 for memory")
    parser.add_argument("--at-most", type=int, help="for memory: read so many of them")
    parser.add_argument("--dpi", type=int, default=DPI, help="for memory")
    parser.add_argument("--lines", type=int, default=40, help="of a page, but for memory")
    parser.add_argument("--every", type=int, default=1, help="for memory: of so many pages one has text")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    if given.what == "spread":
        asyncio.run(spread(given.processes, given.pages or 30, given.repeats, given.lines))
    elif given.what == "beside":
        asyncio.run(beside(given.processes, given.repeats, given.lines))
    else:
        pages = given.pages or 1_000
        asyncio.run(memory(given.processes, pages, given.at_most or pages, given.dpi, given.every))


if __name__ == "__main__":
    main()
