"""What a number of documents a day needs, and which part is full first: arithmetic over measured figures.

Run: ``python -m bench.capacity [DOCUMENTS_A_DAY …] [--pages 2.5] [--kilobytes 300]`` for a table, and
``python -m bench.capacity --sizes URL`` for the bytes of a document, a page and an event in a database of your own.

The figures are of ``docs/performance.md`` and ``docs/scale.md``, with how they were taken. It is a model of averages:
what waits, dies and is tried again is only in the share of the processors that it leaves free.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from alfrd_events.db.database import Database

DAY_SECONDS = 86_400
YEAR_DAYS = 365
LEVELS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)


@dataclass(frozen=True)
class Figures:
    """Measured once; the sizes are of small papers, so measure your own."""

    page_seconds: float = 1.21
    """Processor time of a scanned page of 63 lines, OpenVINO in bfloat16."""
    rules_seconds: float = 0.05
    """Processor time of a worker for the rest of a document: rules and the engine's own."""
    server_seconds: float = 0.0006
    """Processor time of the server for a document of one page."""
    document_bytes: float = 11_500
    """Of a document in all tables, without its pages, events and contents."""
    page_bytes: float = 870
    event_bytes: float = 221
    events: float = 7.3
    """Of a document."""
    log_bytes: float = 42_600
    """That a document writes to the write-ahead log, without its contents."""


@dataclass(frozen=True)
class Papers:
    """What comes in."""

    pages: float = 1.5
    scanned: float = 1.0
    """The share of pages that has to be recognised."""
    content_bytes: float = 150_000
    in_database: bool = True
    """Contents are rows; else they stay where ``uri`` says."""
    peak: float = 3.0
    """The busiest hour against the average of the day."""


@dataclass(frozen=True)
class Limits:
    """What one machine of each kind does well."""

    worker_cores: float = 16
    server_cores: float = 32
    busy: float = 0.6
    """The share of processors that is used in the busiest hour."""
    database_bytes: float = 10e12
    """What can be dumped, restored and vacuumed in a night or two."""
    log_bytes_a_second: float = 100e6
    events: float = 1e9
    """Rows of ``alfrd.events`` in one table that vacuum gets through."""
    kept_days: float = 30
    """How long events are kept (``prune``)."""


@dataclass(frozen=True)
class Need:
    """What a rate of documents needs."""

    documents: float
    """A day."""
    worker_cores: float
    server_cores: float
    bytes_a_year: float
    """Of the database."""
    log_bytes_a_second: float
    """In the busiest hour."""
    events: float
    """At once, in the table."""


def need(documents: float, figures: Figures, papers: Papers, limits: Limits) -> Need:
    """What so many documents a day need.

    :raise ValueError: a number that makes no sense.
    """
    if (
        documents < 0
        or papers.pages < 0
        or not 0 <= papers.scanned <= 1
        or papers.peak < 1
        or not 0 < limits.busy <= 1
    ):
        raise ValueError("documents and pages are 0 or more, shares are 0 to 1, and a peak is 1 or more")
    at_peak = documents / DAY_SECONDS * papers.peak
    contents = papers.content_bytes if papers.in_database else 0.0
    kept = figures.document_bytes + papers.pages * figures.page_bytes + contents
    events = documents * figures.events * limits.kept_days
    work = papers.pages * papers.scanned * figures.page_seconds + figures.rules_seconds
    return Need(
        documents,
        at_peak * work / limits.busy,
        at_peak * figures.server_seconds / limits.busy,
        documents * YEAR_DAYS * kept + events * figures.event_bytes,
        at_peak * (figures.log_bytes + contents),
        events,
    )


def full(needed: Need, limits: Limits) -> dict[str, float]:
    """How often over the need fills what one server has: 1 is full. Workers are many machines, and never full."""
    return {
        "server's processors": needed.server_cores / limits.server_cores,
        "database's size": needed.bytes_a_year / limits.database_bytes,
        "write-ahead log": needed.log_bytes_a_second / limits.log_bytes_a_second,
        "events": needed.events / limits.events,
    }


def first(needed: Need, limits: Limits) -> tuple[str, float]:
    """What of the server is full first, and how full it is."""
    shares = full(needed, limits)
    name = max(shares, key=lambda each: shares[each])
    return name, shares[name]


def row(documents: float, figures: Figures, papers: Papers, limits: Limits) -> str:
    """A line of the table."""
    needed = need(documents, figures, papers, limits)
    name, share = first(needed, limits)
    return (
        f"| {documents:,.0f} | {documents / DAY_SECONDS * papers.peak:,.2f} | {needed.worker_cores:,.1f}"
        f" | {needed.server_cores:,.2f} | {needed.bytes_a_year / 1e9:,.1f}"
        f" | {needed.log_bytes_a_second / 1e6:,.2f} | {needed.events / 1e6:,.1f} | {name} {share:.3g} × |"
    )


HEAD = (
    "| documents a day | a second, busiest hour | worker cores | server cores | GB a year | log MB/s"
    " | events (million) | fullest |\n|---|---|---|---|---|---|---|---|"
)

_SIZES = """
with size as (
  select c.relname as name, pg_total_relation_size(c.oid) as bytes
    from pg_class c where c.relnamespace = 'alfrd'::regnamespace and c.relkind = 'r')
select (select count(*) from alfrd.documents)::float as documents,
       (select count(*) from alfrd.pages)::float as pages, (select count(*) from alfrd.events)::float as events,
       (select sum(bytes) from size where name = 'pages')::float as page_bytes,
       (select sum(bytes) from size where name = 'events')::float as event_bytes,
       (select coalesce(sum(octet_length(content)), 0) from alfrd.documents)::float
         + (select coalesce(sum(octet_length(content)), 0) from alfrd.document_parts)::float as contents,
       (select sum(bytes) from size where name not in ('pages', 'events'))::float as others
"""


async def sizes_of(url: str) -> Mapping[str, float]:
    """The bytes of a document, a page and an event in a database, and how many events a document has.

    :raise ValueError: the database has no documents to measure.
    """
    async with Database(url, max_size=1) as database:
        found = await database.row(_SIZES)
    if found is None or not found["documents"] or not found["pages"] or not found["events"]:
        raise ValueError("the database has no documents that were worked on: there is nothing to measure")
    return {
        "document_bytes": (found["others"] - found["contents"]) / found["documents"],
        "page_bytes": found["page_bytes"] / found["pages"],
        "event_bytes": found["event_bytes"] / found["events"],
        "events": found["events"] / found["documents"],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or the sizes in a database."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("documents", nargs="*", type=float, default=list(LEVELS))
    parser.add_argument("--pages", type=float, default=Papers.pages)
    parser.add_argument("--scanned", type=float, default=Papers.scanned)
    parser.add_argument("--kilobytes", type=float, default=Papers.content_bytes / 1000)
    parser.add_argument("--outside", action="store_true", help="contents are files or objects, named by uri")
    parser.add_argument("--sizes", metavar="URL", help="measure a database")
    for each in fields(Figures):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=float, default=each.default)
    chosen = parser.parse_args(arguments)
    if chosen.sizes:
        for name, value in asyncio.run(sizes_of(chosen.sizes)).items():
            print(f"--{name.replace('_', '-')} {value:.1f}")
        return
    figures = replace(Figures(), **{name: getattr(chosen, name) for name in asdict(Figures())})
    papers = Papers(chosen.pages, chosen.scanned, chosen.kilobytes * 1000, in_database=not chosen.outside)
    print(HEAD)
    for documents in chosen.documents:
        print(row(documents, figures, papers, Limits()))


if __name__ == "__main__":
    main()
