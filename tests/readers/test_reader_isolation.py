"""A file may take its process with it, and nothing else. The processes and signals here are real."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from alfrd_events.errors import Transient, Unreadable
from alfrd_events.reading.local import LocalReader
from alfrd_events.sandbox.limits import ReaderLimits
from tests.readers.reader_inputs import children_of, encoded, environment_of, is_alive, part, picture, tiff

NOTE = part(b"a note that is read without any library", "note.txt")
FOUR_PAGES = part(tiff([["First page"], ["Second page"], ["Third page"], ["Fourth page"]]), "four.tiff")


@asynccontextmanager
async def a_reader(**limits: float) -> AsyncIterator[LocalReader]:
    """A reader with one process; none of its processes may outlive it."""
    before = children_of(os.getpid())
    reader = LocalReader(ReaderLimits(**limits), processes=1)  # type: ignore[arg-type]
    try:
        yield reader
    finally:
        await reader.aclose()
        assert children_of(os.getpid()) <= before, "processes are left behind"


async def text_of(reader: LocalReader, given: object = NOTE) -> list[str]:
    return [page.text async for page in reader.read(given)]  # type: ignore[arg-type]


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def the_child(before: set[int]) -> int:
    (pid,) = children_of(os.getpid()) - before
    return pid


def test_a_killed_process_is_replaced_and_the_pages_before_stay() -> None:
    async def scenario() -> None:
        before = children_of(os.getpid())
        async with a_reader() as reader:
            pages = reader.read(FOUR_PAGES)
            first = await anext(pages)
            os.kill(the_child(before), signal.SIGKILL)
            with pytest.raises(Transient, match=r"four\.tiff: .*ended from outside \(signal 9\)"):
                async for _ in pages:
                    pass

            assert first.text == "First page"
            assert await text_of(reader) == [NOTE.content.decode()]

    asyncio.run(scenario())


def test_a_crash_is_tried_once_more_in_a_fresh_process() -> None:
    async def scenario() -> None:
        before = children_of(os.getpid())
        async with a_reader() as reader:
            texts = []
            async for page in reader.read(FOUR_PAGES):
                texts.append(page.text)
                if page.number == 1:
                    os.kill(the_child(before), signal.SIGSEGV)

            assert texts == ["First page", "Second page", "Third page", "Fourth page"]

    asyncio.run(scenario())


def test_a_part_that_crashes_twice_is_refused() -> None:
    async def killing_after_each_page(reader: LocalReader) -> None:
        async for page in reader.read(FOUR_PAGES):
            assert page.number < 3
            os.kill(the_child(before), signal.SIGSEGV)

    before = children_of(os.getpid())

    async def scenario() -> None:
        async with a_reader() as reader:
            with pytest.raises(Unreadable, match=r"crash or run out of memory \(SIGSEGV\), twice"):
                await killing_after_each_page(reader)

            assert await text_of(reader) == [NOTE.content.decode()]

    asyncio.run(scenario())


def test_a_process_that_hangs_is_replaced_after_its_time() -> None:
    async def scenario() -> None:
        before = children_of(os.getpid())
        async with a_reader(page_seconds=20) as reader:
            await text_of(reader)
            pages = reader.read(FOUR_PAGES)
            await anext(pages)
            frozen = the_child(before)
            os.kill(frozen, signal.SIGSTOP)
            with pytest.raises(Transient, match="no answer for 20 seconds"):
                async for _ in pages:
                    pass

            assert await text_of(reader) == [NOTE.content.decode()]
            await until(lambda: not is_alive(frozen))

    asyncio.run(scenario())


def test_a_page_that_eats_processor_time_is_refused() -> None:
    dense = picture([f"line {row} of a page that takes long" for row in range(75)], size=(900, 4000))

    async def scenario() -> None:
        async with a_reader(page_cpu_seconds=0) as reader:
            with pytest.raises(Unreadable, match="more than the limit of 0 seconds of processor time"):
                await text_of(reader, part(encoded(dense), "dense.png"))

            assert await text_of(reader) == [NOTE.content.decode()]

    asyncio.run(scenario())


def test_an_image_that_needs_too_much_memory_is_refused() -> None:
    white = Image.new("1", (20_000, 20_000), 1)

    async def scenario() -> None:
        async with a_reader(memory_bytes=600_000_000, max_pixels=500_000_000) as reader:
            with pytest.raises(Unreadable, match=r"white\.png: needs more memory than the limit"):
                await text_of(reader, part(encoded(white), "white.png"))

            assert await text_of(reader) == [NOTE.content.decode()]

    asyncio.run(scenario())


def test_a_process_that_died_in_its_sleep_disturbs_nobody() -> None:
    async def scenario() -> None:
        before = children_of(os.getpid())
        async with a_reader() as reader:
            await text_of(reader)
            os.kill(the_child(before), signal.SIGKILL)

            assert await text_of(reader) == [NOTE.content.decode()]

    asyncio.run(scenario())


def test_leaving_early_frees_the_place() -> None:
    async def scenario() -> None:
        before = children_of(os.getpid())
        async with a_reader() as reader:
            pages = reader.read(FOUR_PAGES)
            await anext(pages)
            abandoned = the_child(before)
            await pages.aclose()  # type: ignore[attr-defined]

            async with asyncio.timeout(5):
                assert await text_of(reader) == [NOTE.content.decode()]
            await until(lambda: not is_alive(abandoned))

    asyncio.run(scenario())


def test_a_cancelled_read_frees_the_place() -> None:
    async def scenario() -> None:
        before = children_of(os.getpid())
        async with a_reader() as reader:
            await text_of(reader)
            abandoned = the_child(before)
            task = asyncio.create_task(text_of(reader, FOUR_PAGES))
            await asyncio.sleep(0.3)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

            async with asyncio.timeout(5):
                assert await text_of(reader) == [NOTE.content.decode()]
            await until(lambda: not is_alive(abandoned))

    asyncio.run(scenario())


def test_one_process_serves_many_parts_in_turn() -> None:
    async def scenario() -> None:
        before = children_of(os.getpid())
        async with a_reader() as reader:
            texts = await asyncio.gather(*(text_of(reader) for _ in range(20)))
            assert len(texts) == 20
            the_child(before)

    asyncio.run(scenario())


def test_an_idle_process_gives_its_memory_back() -> None:
    async def scenario() -> None:
        before = children_of(os.getpid())
        async with a_reader(idle_seconds=0.3) as reader:
            await text_of(reader)
            assert children_of(os.getpid()) > before
            await until(lambda: children_of(os.getpid()) <= before)

            assert await text_of(reader) == [NOTE.content.decode()]

    asyncio.run(scenario())


def test_closing_the_reader_ends_a_read_that_is_under_way() -> None:
    async def scenario() -> None:
        async with a_reader() as reader:
            task = asyncio.create_task(text_of(reader, FOUR_PAGES))
            await asyncio.sleep(0.5)
            await reader.aclose()
            with pytest.raises(Transient):
                await task
            with pytest.raises(Transient, match="closed"):
                await text_of(reader)

    asyncio.run(scenario())


def test_the_terminals_interrupt_is_for_the_parent() -> None:
    async def scenario() -> None:
        before = children_of(os.getpid())
        async with a_reader() as reader:
            await text_of(reader)
            child = the_child(before)
            os.kill(child, signal.SIGINT)

            assert await text_of(reader) == [NOTE.content.decode()]
            assert the_child(before) == child
            assert os.getpgid(child) != os.getpgid(0)

    asyncio.run(scenario())


def test_a_process_knows_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALFRD_DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    async def scenario() -> None:
        before = children_of(os.getpid())
        async with a_reader() as reader:
            await text_of(reader)
            assert b"secret" not in environment_of(the_child(before))

    asyncio.run(scenario())


PARENT = """
import asyncio, os, sys
from alfrd_events.model import Part
from alfrd_events.reading.local import LocalReader
from tests.readers.reader_inputs import children_of, tiff

async def main():
    reader = LocalReader(processes=2)
    busy, idle = reader.read(Part(1, "t", tiff([["page"]] * 40))), reader.read(Part(2, "n", b"note"))
    await anext(busy)
    await anext(idle)
    print(*children_of(os.getpid()), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_no_process_outlives_a_parent_that_is_killed() -> None:
    paths = os.pathsep.join([*sys.path, str(Path(__file__).parents[2])])
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(is_alive, pids))
        parent.kill()
        parent.wait()

    deadline = time.monotonic() + 5
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(is_alive, pids))


def test_the_parent_loads_no_imaging_library() -> None:
    check = (
        "import sys, alfrd_events.reading.local as local; local.LocalReader(); "
        "print({'numpy', 'cv2', 'PIL', 'onnxruntime', 'rapidocr', 'pypdfium2'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == "set()"
