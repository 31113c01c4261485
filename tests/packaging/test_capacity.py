"""The calculator of docs/scale.md: its arithmetic, and that the page prints what it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alfrd_events.db.database import Database
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from bench.capacity import (
    HEAD,
    LEVELS,
    Figures,
    Limits,
    Papers,
    first,
    full,
    main,
    need,
    row,
    sizes_of,
)
from testing.harness import Harness
from testing.noop import noop_tools, options

SCALE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
FIGURES = Figures(
    page_seconds=1.0,
    rules_seconds=0.5,
    server_seconds=0.01,
    document_bytes=1_000,
    page_bytes=500,
    event_bytes=100,
    events=8,
    log_bytes=10_000,
)
PAPERS = Papers(pages=2, scanned=0.25, content_bytes=7_000, peak=2)
LIMITS = Limits(busy=0.5, kept_days=10)


def test_each_need_is_what_it_takes_in_the_busiest_hour() -> None:
    found = need(86_400, FIGURES, PAPERS, LIMITS)  # one a second, two at the peak
    assert found.worker_cores == pytest.approx(2 * (2 * 0.25 * 1.0 + 0.5) / 0.5)
    assert found.server_cores == pytest.approx(2 * 0.01 / 0.5)
    assert found.events == pytest.approx(86_400 * 8 * 10)
    assert found.bytes_a_year == pytest.approx(86_400 * 365 * (1_000 + 2 * 500 + 7_000) + found.events * 100)
    assert found.log_bytes_a_second == pytest.approx(2 * (10_000 + 7_000))


def test_contents_elsewhere_are_neither_kept_nor_logged() -> None:
    inside = need(86_400, FIGURES, PAPERS, LIMITS)
    outside = need(86_400, FIGURES, replace(PAPERS, in_database=False), LIMITS)
    assert inside.bytes_a_year - outside.bytes_a_year == pytest.approx(86_400 * 365 * 7_000)
    assert inside.log_bytes_a_second - outside.log_bytes_a_second == pytest.approx(2 * 7_000)


def test_needs_grow_with_the_documents() -> None:
    one, ten = (need(count, FIGURES, PAPERS, LIMITS) for count in (1_000, 10_000))
    for name in ("worker_cores", "server_cores", "bytes_a_year", "log_bytes_a_second", "events"):
        assert getattr(ten, name) == pytest.approx(10 * getattr(one, name))
    assert need(0, FIGURES, PAPERS, LIMITS).bytes_a_year == 0


def test_the_fullest_is_first() -> None:
    needed = need(86_400, FIGURES, PAPERS, LIMITS)
    shares = full(needed, LIMITS)
    assert first(needed, LIMITS) == (max(shares, key=lambda name: shares[name]), max(shares.values()))
    assert first(needed, replace(LIMITS, server_cores=1e-9))[0] == "server's processors"
    assert first(needed, replace(LIMITS, log_bytes_a_second=1e-9))[0] == "write-ahead log"


@pytest.mark.parametrize(
    ("documents", "papers", "limits"),
    [
        (-1, PAPERS, LIMITS),
        (1, replace(PAPERS, scanned=1.5), LIMITS),
        (1, replace(PAPERS, peak=0.5), LIMITS),
        (1, PAPERS, replace(LIMITS, busy=0)),
    ],
)
def test_numbers_that_make_no_sense_are_refused(documents: float, papers: Papers, limits: Limits) -> None:
    with pytest.raises(ValueError, match="documents and pages"):
        need(documents, FIGURES, papers, limits)


async def test_the_sizes_of_a_database_are_measured(db: Harness) -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        await sizes_of(db.database.url)
    await db.sql("insert into alfrd.documents (filename, content) values ('a.txt', 'text')")
    async with Database(db.database.url) as database:
        await run_worker(database, BUILT_IN, noop_tools(), options(db.database.url))
    found = await sizes_of(db.database.url)
    assert found["events"] == await db.one("select count(*)::float from alfrd.events")
    assert all(value > 0 for value in found.values())


async def test_contents_are_not_counted_as_the_bytes_of_a_document(db: Harness) -> None:
    await db.sql("insert into alfrd.documents (filename, content) values ('a.txt', 'text')")
    async with Database(db.database.url) as database:
        await run_worker(database, BUILT_IN, noop_tools(), options(db.database.url))
    before = await sizes_of(db.database.url)

    await db.sql("update alfrd.documents set content = convert_to(repeat('x', 3000000), 'UTF8')")

    grown = (await sizes_of(db.database.url))["document_bytes"] - before["document_bytes"]
    assert grown < 1_000_000, "what its table has beside the content itself"


@pytest.mark.parametrize("papers", [Papers(), Papers(in_database=False)], ids=["inside", "outside"])
def test_the_page_prints_what_the_calculator_says(papers: Papers) -> None:
    text = SCALE.read_text()
    assert HEAD in text
    for documents in LEVELS:
        assert row(documents, Figures(), papers, Limits()) in text


def test_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["1000"])
    assert capsys.readouterr().out == f"{HEAD}\n{row(1000, Figures(), Papers(), Limits())}\n"
