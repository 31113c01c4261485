"""Long texts: what they cost is bounded, a stop ends the work on them, and a short one does not wait for them."""

from __future__ import annotations

import asyncio
import importlib
import os
import pkgutil
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import alfrd_events.analysis.rules as rules
from alfrd_events.analysis.rules import RulesAnalyst, checks, classify, series, summary
from alfrd_events.analysis.rules.isolated import IsolatedRules
from alfrd_events.analysis.text import excerpt, naming
from alfrd_events.analysis.text.excerpt import FIRST_CHARACTERS, LAST_CHARACTERS
from alfrd_events.analysis.text.layout import Layout
from alfrd_events.errors import Permanent, Transient, WorkerUnfit
from alfrd_events.model import Document, Line, Page
from alfrd_events.model.jobs import Classify, DetectSeries, Summarize
from alfrd_events.sandbox.limits import ReaderLimits
from alfrd_events.sandbox.turns import Turn, turn
from tests.analysts.paper import PROMPT, TYPES, plain, run

LONG = plain("Total amount due 12.50 on 2024-03-01\n" * 700)
ENDLESS = plain("01/02/2024 " * 30_000)


def children() -> set[int]:
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


@asynccontextmanager
async def an_analyst(**limits: Any) -> AsyncIterator[RulesAnalyst]:
    """An analyst with one process, which is gone afterwards."""
    before = children()
    analyst = RulesAnalyst(IsolatedRules(1, ReaderLimits(**limits)))
    try:
        yield analyst
    finally:
        await analyst.aclose()
        assert children() <= before, "a process is left behind"


async def the_process(before: set[int]) -> int:
    while not (new := children() - before):
        await asyncio.sleep(0.01)
    return new.pop()


async def is_gone(pid: int) -> bool:
    async with asyncio.timeout(60):
        while pid in children():
            await asyncio.sleep(0.01)
    return True


# --- in a process of their own -----------------------------------------------------------------


def test_a_process_finds_what_is_found_here() -> None:
    async def scenario() -> None:
        here = RulesAnalyst()
        async with an_analyst() as apart:
            for ask in (
                lambda analyst: analyst.run(Summarize(LONG, PROMPT)),
                lambda analyst: analyst.run(Classify(LONG, TYPES, PROMPT)),
                lambda analyst: analyst.run(DetectSeries(LONG, [], PROMPT)),
            ):
                assert await ask(apart) == await ask(here)

    run(scenario())


def test_a_long_text_does_not_stop_the_worker_s_heart() -> None:
    async def scenario() -> int:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0.005)
                beats += 1

        async with an_analyst() as analyst:
            heart = asyncio.create_task(beat())
            await analyst.run(Summarize(LONG, PROMPT))
            heart.cancel()
        return beats

    assert run(scenario()) > 3


def test_a_stop_or_a_time_out_ends_the_work_and_the_next_text_gets_a_process() -> None:
    async def scenario() -> None:
        before = children()
        async with an_analyst() as analyst:
            work = asyncio.create_task(analyst.run(Summarize(ENDLESS, PROMPT)))
            pid = await the_process(before)
            os.kill(pid, signal.SIGSTOP)  # as slow as a process can be
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            assert work.cancelled()
            assert await is_gone(pid)
            assert (await analyst.run(Summarize(LONG, PROMPT))).total_amount is not None

    run(scenario())


def test_a_process_that_ends_is_no_refusal_and_one_that_takes_too_long_is() -> None:
    async def scenario() -> None:
        before = children()
        async with an_analyst(page_cpu_seconds=0) as analyst:
            work = asyncio.create_task(analyst.run(Summarize(ENDLESS, PROMPT)))
            pid = await the_process(before)
            os.kill(pid, signal.SIGSTOP)
            os.kill(pid, signal.SIGKILL)
            with pytest.raises((Transient, WorkerUnfit)):
                await work
            with pytest.raises(Permanent, match="more than 0 seconds of processor time"):
                await analyst.run(Summarize(ENDLESS, PROMPT))

    run(scenario())


def test_a_short_text_does_not_wait_for_long_ones_and_a_wait_is_told_apart() -> None:
    async def scenario() -> None:
        before = children()
        async with an_analyst() as analyst:
            long_one = asyncio.create_task(analyst.run(Summarize(ENDLESS, PROMPT)))
            os.kill(await the_process(before), signal.SIGSTOP)

            async with asyncio.timeout(60):  # the long one has stopped for good
                await analyst.run(Summarize(plain("Total amount due 12.50 on 2024-03-01"), PROMPT))

            waited = Turn()
            turn.set(waited)
            innocent = asyncio.create_task(analyst.run(Summarize(LONG, PROMPT)))
            await asyncio.wait([innocent], timeout=0.3)
            for task in (innocent, long_one):
                task.cancel()
            await asyncio.wait([innocent, long_one])
            assert waited.seconds >= 0.2

    run(scenario())


# --- what is looked at -------------------------------------------------------------------------


def _placed(pages: int, lines: int, text: str = "12.50") -> Document:
    """Pages of many runs of text on one height."""
    runs = tuple(Line(text, (n / lines, 0.1, (n + 0.9) / lines, 0.11)) for n in range(lines))
    each = [Page(number + 1, "  ".join([text] * lines), 1.0, runs, 100, 100) for number in range(pages)]
    return replace(plain(""), pages=tuple(each))


@pytest.mark.parametrize(
    "document",
    [
        plain("x" * 5_000_000),
        plain("x" + "\n" * 5_000_000 + "y"),
        plain("a b\n" * 1_000_000),
        plain("a\r" * 1_000_000),
        replace(LONG, pages=tuple(Page(n, "word " * 400, 1.0) for n in range(1, 1_001))),
        replace(LONG, pages=tuple(Page(n, f"page {n}\n" * 20, 1.0) for n in range(1, 1_001))),
        _placed(100, 1_000),
        _placed(1, 100_000),
    ],
    ids=["letters", "breaks", "lines", "returns", "pages", "short pages", "columns", "one line"],
)
def test_of_a_book_the_beginning_and_the_end_are_looked_at_and_the_result_says_so(document: Document) -> None:
    seen = excerpt.excerpt(document)

    assert "characters were looked at" in seen.note
    assert sum(len(page.text) for page in seen.pages) <= FIRST_CHARACTERS + LAST_CHARACTERS
    lines = [page.lines or page.text.splitlines() for page in seen.pages]
    assert sum(map(len, lines)) <= excerpt.FIRST_LINES + excerpt.LAST_LINES
    assert seen.pages[0].number == document.pages[0].number
    assert seen.pages[-1].number == document.pages[-1].number
    assert seen.pages[-1].text[-1:] in (document.pages[-1].text.rstrip("\r\n")[-1:], "\n")
    assert excerpt.excerpt(replace(document, pages=seen.pages)) == excerpt.Excerpt(seen.pages), "it is one"


def test_the_note_of_an_excerpt_goes_with_the_result() -> None:
    first = "Acme Power Company\nInvoice date: March 5, 2024\n"
    last = "\nTotal amount due: $12.50\n"
    found = run(RulesAnalyst().run(Summarize(plain(first + "a word and a word\n" * 100_000 + last), PROMPT)))

    assert (str(found.total_amount), str(found.document_date)) == ("12.50", "2024-03-05")
    assert found.provenance is not None
    assert found.provenance.prompt_id == PROMPT.id
    assert "only the first" in found.provenance.notes[0]


def test_an_ordinary_document_is_looked_at_whole() -> None:
    document = replace(LONG, pages=tuple(Page(n, "Total 12.50\n" * 50, 1.0) for n in range(1, 101)))

    assert excerpt.excerpt(document) == excerpt.Excerpt(document.pages)


@pytest.mark.parametrize(
    "document", [_placed(1, 5_000), plain("12.50  " * 5_000), plain("1,234.50 " * 5_000)]
)
def test_no_row_is_longer_than_a_page_could_hold(document: Document) -> None:
    rows = Layout.of(document).rows

    assert max(len(row.segments) for row in rows) <= 50
    assert max(len(row.text) for row in rows) <= 1_500


# --- time in proportion to the size ------------------------------------------------------------

UNITS = (
    *(
        "a",
        "1",
        " ",
        "\n",
        "A ",
        "1,",
        "1/",
        "-",
        "$1,234.56 ",
        "01/02/2024 ",
        "12.50  ",
        "Total due $1,234.56\n",
    ),
    *(
        "March 5, 2024 - April 4, 2024\n",
        "2  Widget blue  3.50  7.00\n",
        "Total: Invoice number: Due date: \n",
    ),
)
PIECES = (
    "a",
    "1",
    " ",
    "-",
    ".",
    "a ",
    "a-",
    "1.",
    "1,",
    "1/",
    "no. ",
    "& ",
    "12 34 ",
    "1-",
    "x1 ",
    "(1",
    "'",
    "ltd ",
)


@pytest.mark.parametrize("unit", UNITS)
def test_eight_times_the_text_takes_nowhere_near_the_square_of_that(unit: str) -> None:
    short, long = (_work_on(plain((unit * size)[:size])) for size in (2_000, 16_000))

    # In proportion: 8. By the square: 64. What takes no time at all is not measured.
    assert long < 24 * max(short, 0.02)


def _work_on(document: Document) -> float:
    """Seconds of processor time for all that the rules do."""
    started = time.process_time()
    found = summary.summarize(document)
    classify.classify(document, TYPES, PROMPT)
    checks.score_summary(replace(document, document_type="invoice", entity=found.entity or "Acme"))
    series.detect_series(document, [])
    return time.process_time() - started


def _patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    names = [module.name for module in pkgutil.iter_modules(rules.__path__, f"{rules.__name__}.")]
    for module in (naming, *map(importlib.import_module, names)):
        source = Path(str(module.__file__)).read_text()
        for name, value in _values(vars(module)):
            yield f"{module.__name__}.{name}", value
        for written in re.findall(
            r're\.(?:search|match|fullmatch|sub|findall|split)\(\s*(r".*?")\s*,', source
        ):
            yield f"{module.__name__}: {written}", re.compile(eval(written))


def _values(given: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, re.Pattern[str]]]:
    if isinstance(given, re.Pattern):
        yield name, given
    elif isinstance(given, dict) and depth < 3:
        for key, value in given.items():
            yield from _values(value, f"{name}.{key}", depth + 1)
    elif isinstance(given, (tuple, list, frozenset)) and depth < 3:
        for value in given:
            yield from _values(value, name, depth + 1)


def test_no_pattern_blows_up_on_a_row() -> None:
    """A row has some thousand characters. By the cube, or worse, it would take seconds."""
    patterns = {pattern.pattern: (name, pattern) for name, pattern in _patterns()}
    assert len(patterns) > 100
    slow = []
    for name, pattern in patterns.values():
        for unit in PIECES:
            text = (unit * 1_500)[:1_500] + "!"
            started = time.process_time()
            for _ in pattern.finditer(text):
                pass
            if time.process_time() - started > 0.5:
                slow.append((name, unit))
    assert not slow
