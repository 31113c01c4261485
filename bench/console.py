"""How long the console takes to answer with many documents: ``python -m bench.console [DOCUMENTS] [REPEATS]``.

The rows are written straight into the tables of a server of its own, and the pages are asked for in this process:
what is measured is queries and templates, without a network and without pictures. Each page is asked for once
before it is measured. The table has milliseconds; ``docs/console.md`` has a copy of it. CPU is what a request costs in
processor time on average, here and in PostgreSQL: unlike the others it hardly depends on what else the machine does.

Where Chromium is installed, a second table says how long it takes there until a page is loaded, scripts and styles
with it, from a server on this machine.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import psutil
import psycopg
import uvicorn
from playwright.async_api import async_playwright

from alfrd_events.console.app import build
from alfrd_events.console.guard import Guard
from alfrd_events.console.live import Live
from alfrd_events.console.pictures import PageImages
from alfrd_events.console.roles import Tokens
from alfrd_events.console.state import Console
from alfrd_events.db.database import Database
from alfrd_events.db.migrate import migrate
from alfrd_events.model import Part, PartSource
from bench.measure import percentile
from testing.server import Server

_CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{directory}'
shared_buffers = '256MB'
max_wal_size = 4GB
"""

# Without triggers: nothing is to be done with these documents.
_FILL = """
set session_replication_role = replica;
insert into alfrd.series (entity, entity_key, kind, slug, title)
select format('Company %%s', n), format('company%%s', n), 'phone bill', format('company-%%s', n),
       format('Company %%s: phone bill', n)
  from generate_series(1, %(series)s) as n;
insert into alfrd.documents (
  filename, content, status, error, failed_step, entity, document_type, summary, document_date, due_date,
  total_amount, currency, tags, page_count, series_id, needs_review, review_reason, review_confidence,
  created_at, evidence)
select format('%%s-%%s.pdf', s.slug, n), '\\x00', case when n %% 500 = 0 then 'failed' else 'completed' end,
       case when n %% 500 = 0 then format('%%s-%%s.pdf: the file is damaged', s.slug, n) else '' end,
       case when n %% 500 = 0 then 'ocr' else '' end, s.entity, 'utility_bill', format('The bill of %%s.', s.entity),
       current_date - (n / 50)::integer %% 2000, current_date - (n / 50)::integer %% 2000 + 14, n %% 1000, 'USD',
       array['tag' || n %% 50], 1, s.id, n %% 200 = 0,
       case when n %% 200 = 0 then 'The total is unsure.' else '' end,
       case when n %% 200 = 0 then 0.5 else 1 end, now() - n * interval '1 minute',
       '{"total_amount": {"page": 1, "text": "45.00", "box": [0.1, 0.1, 0.2, 0.2], "confidence": 0.9}}'
  from generate_series(1, %(documents)s) as n
  join alfrd.series s on s.slug = format('company-%%s', n %% %(series)s + 1);
insert into alfrd.pages (document_id, number, text, source, language)
select id, 1, format('%%s sends a bill for the month. Total %%s USD. ', entity, total_amount)
              || repeat('Thank you. ', 20), 'ocr', 'english'
  from alfrd.documents;
insert into alfrd.search_languages values ('english');
insert into alfrd.document_words select d.id, strip(alfrd.lexemes(alfrd.called(d), 'english')) from alfrd.documents d;
insert into alfrd.tags (document_id, tag, source) select id, tags[1], 'user' from alfrd.documents;
insert into alfrd.files (tags, title) select array['tag' || n], 'File ' || n from generate_series(0, 49) as n;
insert into alfrd.events (at, subject_type, subject_id, kind, step)
select created_at, 'document', id, 'completed', steps.step
  from alfrd.documents cross join unnest(array['ocr', 'classify', 'summarize', 'file', 'extract']) as steps(step)
 order by created_at;
insert into alfrd.series_rhythms (
  series_id, frequency, confidence, every_months, expected, expected_from, expected_to, usual_amount, currency)
select id, 'monthly', 0.98, 1, current_date + 5, current_date, current_date + 10, 45, 'USD' from alfrd.series;
insert into alfrd.series_alerts (series_id, kind, key, detail, expected, expected_from, expected_to)
select id, 'late', 'late', format('%%s has not come.', slug), current_date - 20, current_date - 25, current_date - 15
  from alfrd.series order by slug limit 20;
set session_replication_role = origin;
"""

_PAGES = (
    "/",
    "/?part=now",
    "/documents",
    "/documents?part=list",
    "/documents?page=20",
    "/documents?status=failed",
    "/documents?order=amount",
    "/documents?tag=tag7",
    "/documents?series=company-7",
    "/documents?q=company+42",
    "/documents?q=bill",
    "/documents?q=nothing",
    "/documents?since=2020-01-01&least=500",
    "/documents/{document}",
    "/series",
    "/series/{series}",
    "/files",
    "/files/{file}",
    "/work",
    "/selection",
    "/selection?status=failed",
    "/prompts",
    "/prompts/classifier",
    "/money",
    "/money?by=series",
    "/setup",
)


_IN_CHROMIUM = (
    "/",
    "/documents",
    "/documents?tag=tag7",
    "/documents/{document}",
    "/series/{series}",
    "/work",
)
_LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


class _NoPictures:
    """Gives each page the picture of nothing: drawing is not what is measured."""

    async def draw(self, part: Part, page: int, *, rotation: int = 0, side: int = 1600) -> bytes | None:
        assert part.content is not None, (page, rotation, side)
        return None


async def _no_bytes(source: PartSource) -> Part:
    return Part(source.number, source.filename, b"nothing")


async def measure(documents: int, repeats: int) -> None:
    """Print the table."""
    server = Server(_CONFIGURATION)
    try:
        with server.database() as url_name:
            url = server.url(url_name)
            await migrate(url)
            _fill(url, documents)
            async with Database(url, max_size=2) as database:
                await _ask(
                    database,
                    documents,
                    repeats,
                    psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0])),
                )
    finally:
        server.remove()


def _fill(url: str, documents: int) -> None:
    with psycopg.ClientCursor(psycopg.connect(url, autocommit=True)) as cursor:
        cursor.execute(_FILL, {"documents": documents, "series": max(10, documents // 200)})
        cursor.execute("vacuum analyze")


async def _ask(database: Database, documents: int, repeats: int, postmaster: psutil.Process) -> None:
    (known,) = await database.rows(
        "select (select id from alfrd.documents order by created_at desc limit 1) as document,"
        " (select id from alfrd.series limit 1) as series, (select id from alfrd.files limit 1) as file"
    )
    console = Console(
        database,
        Live(database, None),
        PageImages(database, _NoPictures(), _no_bytes),
        Tokens.parse(""),
        1_000_000,
    )
    app = build(console, ["127.0.0.1"])
    print(f"{f'{documents:,} documents':<40}{'p50':>8}{'p95':>8}{'CPU':>8}{'KB':>8}")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8470"
    ) as client:
        for page in _PAGES:
            address = page.format(**known)
            answer = await client.get(address)
            assert answer.status_code == 200, (address, answer.text)
            size = len(answer.content)
            times = []
            before = _processor_seconds(postmaster)
            for number in range(repeats):
                began = time.perf_counter()
                # a part is shared between those who ask at once; each of these is made anew
                (await client.get(address, params=_anew(address, number))).raise_for_status()
                times.append(1000 * (time.perf_counter() - began))
            cpu = 1000 * (_processor_seconds(postmaster) - before) / repeats
            _line(page, times, f"{cpu:>8.0f}{size / 1024:>8.0f}")
    if chromium := shutil.which("chromium"):
        async with _served(app) as site:
            await _load(chromium, site, known, repeats)


def _processor_seconds(postmaster: psutil.Process) -> float:
    """Of this process and of all of the server."""
    spent = postmaster.cpu_times()
    found = time.process_time() + spent.user + spent.system + spent.children_user + spent.children_system
    for session in postmaster.children():
        with suppress(psutil.NoSuchProcess):
            spent = session.cpu_times()
            found += spent.user + spent.system
    return found


def _line(page: str, times: list[float], more: str = "") -> None:
    p50, p95 = (percentile(times, percent) for percent in (50, 95))
    print(f"{page:<40}{p50:>8.0f}{p95:>8.0f}{more}", flush=True)


@asynccontextmanager
async def _served(app: Guard) -> AsyncIterator[str]:
    """The address at which the console answers."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    server.force_exit = True
    await running


async def _load(chromium: str, site: str, known: dict[str, object], repeats: int) -> None:
    """Load pages in Chromium, each once before it is measured."""
    print(f"{'until it is loaded in Chromium':<40}{'p50':>8}{'p95':>8}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        window = await browser.new_page(viewport={"width": 1280, "height": 900})
        for page in _IN_CHROMIUM:
            times = []
            for _ in range(repeats + 1):
                await window.goto(site + page.format(**known))
                times.append(float(await window.evaluate(_LOADED)))
            _line(page, times[1:])
        await browser.close()


def _anew(address: str, number: int) -> dict[str, str]:
    return {**httpx.QueryParams(httpx.URL(address).query.decode()), "number": str(number)}


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(measure(*(given + [100_000, 20][len(given) :])))
