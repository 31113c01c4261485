"""``alfrd.metrics`` and the page of a worker: what exists is named, and the numbers are right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from alfrd_events.clients.calls import Call, Calls, Reply
from alfrd_events.db import metrics
from alfrd_events.db.database import Database
from alfrd_events.errors import SettingsInvalid, Transient
from alfrd_events.metrics.catalogue import ALL, OF_THE_DATABASE
from alfrd_events.metrics.exposition import Exposition
from alfrd_events.metrics.server import MetricsServer, address
from alfrd_events.metrics.vitals import Vitals
from alfrd_events.model import Outcome
from alfrd_events.model.inputs import SummarizeInput
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.steps.step import Tools
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options
from testing.server import Server

Numbers = dict[tuple[str, ...], float]


async def numbers(db: Harness) -> dict[str, Numbers]:
    """Metric -> the values of its labels, in the catalogue's order, -> its number."""
    known = {metric.name: metric for metric in OF_THE_DATABASE}
    found: dict[str, Numbers] = {}
    for name, labels, value in await metrics.samples(db.database):
        assert set(labels) == set(known[name].labels), name
        key = tuple(labels[label] for label in known[name].labels)
        assert key not in found.setdefault(name, {}), f"{name} {key} is there twice"
        found[name][key] = value
    return found


async def test_an_empty_database_has_a_number_for_each_step(db: Harness) -> None:
    found = await numbers(db)
    steps = {row["step"] for row in await db.sql("select distinct step from alfrd.routes")}
    for name in ("alfrd_oldest_ready_seconds", "alfrd_step_workers", "alfrd_step_paused"):
        assert found[name] == {(step,): 0 for step in steps}
    assert len(found["alfrd_tasks"]) == 5 * len(steps)
    assert set(found["alfrd_tasks"].values()) == {0}
    assert found["alfrd_workers"] == {("alive",): 0, ("silent",): 0}
    assert found["alfrd_review_backlog"] == {(): 0}


async def test_the_view_counts_tasks_outcomes_and_workers(db: Harness) -> None:
    await db.given_document("completed")
    await db.given_document("pending")
    await db.given_document("pending")
    running = await db.claim("ocr", worker="a")
    assert running is not None
    await db.sql("select alfrd.pause('classify')")
    await db.advance_clock(40)  # beyond a's lease

    found = await numbers(db)

    assert found["alfrd_tasks"]["ocr", "running"] == 1
    assert found["alfrd_tasks"]["ocr", "ready"] == 1
    assert found["alfrd_oldest_ready_seconds"]["ocr",] == pytest.approx(40, abs=5)
    assert found["alfrd_oldest_ready_seconds"]["extract",] == 0
    assert found["alfrd_step_paused"]["classify",] == 1
    assert found["alfrd_workers"] == {("alive",): 0, ("silent",): 2}
    assert found["alfrd_heartbeat_age_seconds"]["a",] == pytest.approx(40, abs=5)
    assert found["alfrd_recent_outcomes"]["ocr", "completed"] == 1
    assert found["alfrd_recent_pages"] == {(): 1}
    assert found["alfrd_recent_run_seconds"]["ocr", "0.5"] < 5
    assert found["alfrd_recent_wait_seconds"]["ocr", "0.95"] < 5

    await db.rescue()
    assert not await db.hand_in(Outcome(running, "released"), "b")
    found = await numbers(db)
    assert found["alfrd_recent_outcomes"]["ocr", "lost"] == 1
    assert found["alfrd_recent_outcomes"]["ocr", "stale"] == 1


async def test_what_is_older_than_five_minutes_is_not_recent(db: Harness) -> None:
    await db.given_document("completed")
    await db.advance_clock(360)
    found = await numbers(db)
    assert not {
        name for name in found if name.startswith("alfrd_recent_") and set(found[name].values()) != {0}
    }


async def test_the_view_counts_calls_money_reviews_and_alerts(db: Harness) -> None:
    document = await db.given_document("completed")
    await db.sql(
        "insert into alfrd.usage (document_id, step, provider, pages, input_tokens, cache_read_tokens, output_tokens,"
        " usd, outcome) values (%s, 'ocr', 'textract', 3, 0, 0, 0, 0.0045, 'ok'),"
        " (%s, 'classify', 'openai', 0, 100, 20, 7, 0.01, 'malformed'),"
        " (%s, 'classify', 'openai', 0, 0, 0, 0, 0, 'reserved')",
        document,
        document,
        document,
    )
    await db.sql(
        "insert into alfrd.spending (scope, usd)"
        " values ('day:' || to_char(alfrd.now() at time zone 'UTC', 'YYYY-MM-DD'), 1.5)"
    )
    await db.sql("update alfrd.documents set needs_review = true")
    series = await db.one(
        "insert into alfrd.series (entity, entity_key, slug) values ('Acme', 'acme', 'acme') returning id"
    )
    await db.sql(
        "insert into alfrd.series_alerts (series_id, kind, key, detail) values (%s, 'amount', 'a', 'dear')",
        series,
    )

    found = await numbers(db)

    assert found["alfrd_recent_calls"] == {("textract", "ok"): 1, ("openai", "malformed"): 1}
    assert found["alfrd_recent_cost_usd"] == {("textract",): 0.0045, ("openai",): 0.01}
    assert found["alfrd_recent_call_pages"]["textract",] == 3
    assert found["alfrd_recent_tokens"]["openai", "input"] == 120
    assert found["alfrd_recent_tokens"]["openai", "output"] == 7
    assert found["alfrd_calls_under_way"] == {("openai",): 1}
    assert found["alfrd_spent_today_usd"] == {(): 1.5}
    assert found["alfrd_review_backlog"] == {(): 1}
    assert found["alfrd_open_alerts"]["amount",] == 1
    assert found["alfrd_open_alerts"]["missing",] == 0
    assert {metric.name for metric in OF_THE_DATABASE} - set(found) <= {"alfrd_complaints"}


async def test_tasks_that_only_the_poll_found_are_missed_notifications(db: Harness) -> None:
    await db.given_document()
    answer = await db.exchange("a", [], woken_by="poll", ocr=1)
    await db.complete(answer.claimed[0])
    assert (await numbers(db))["alfrd_recent_missed_notifications"] == {(): 1}


@pytest.mark.parametrize("login", ["shop", "mill", "wall"])
def test_each_role_may_scrape_it(
    server: Server, database: str, signed_in: dict[str, str], login: str
) -> None:
    url = psycopg.conninfo.make_conninfo(server.url(database), user=login)
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(distinct name) from alfrd.metrics").fetchone()
    assert row is not None
    assert row[0] > 10


async def asked(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    """The status and the body of an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return int(head.split(" ")[1]), body


def parsed(page: str) -> dict[str, Numbers]:
    """Metric -> the values of its labels -> its number."""
    order = {metric.name: metric.labels for metric in ALL}
    found: dict[str, Numbers] = {}
    for family in text_string_to_metric_families(page):
        found.setdefault(family.name, {})
        for sample in family.samples:
            labels = order.get(sample.name, tuple(sample.labels))
            found.setdefault(sample.name, {})[tuple(sample.labels[label] for label in labels)] = sample.value
    return found


@asynccontextmanager
async def shown(
    db: Harness, vitals: Vitals, calls: Calls | None = None
) -> AsyncIterator[tuple[int, Database]]:
    """A server of metrics on a port that is free, and its database."""
    async with Database(db.url) as database:
        server = MetricsServer(database, vitals, Exposition(vitals, calls))
        async with server.listening("127.0.0.1", 0) as port:
            yield port, database


async def test_a_worker_shows_each_metric_while_it_works_and_when_it_is_done(db: Harness) -> None:
    for _ in range(3):
        await db.given_document()
    reached, go = asyncio.Event(), asyncio.Event()

    async def held(given: SummarizeInput, tools: Tools) -> Any:
        reached.set()
        await go.wait()
        return await BUILT_IN["summarize"].handler(given, tools)

    steps = {**BUILT_IN, "summarize": replace(BUILT_IN["summarize"], handler=held)}
    vitals = Vitals()
    async with shown(db, vitals) as (port, database):
        run = asyncio.create_task(run_worker(database, steps, noop_tools(), options(db.url), vitals=vitals))
        await reached.wait()
        during = parsed((await asked(port, "/metrics"))[1])
        assert (await asked(port, "/readyz"))[0] == 200
        go.set()
        await run
        _, page = await asked(port, "/metrics")

    assert during["alfrd_running"]["summarize",] > 0
    assert during["alfrd_slots"]["summarize",] == 20
    assert during["alfrd_database_up"] == {(): 1}
    after = parsed(page)
    assert after["alfrd_outcomes_total"]["extract", "done"] == 3
    assert after["alfrd_task_seconds_count"]["summarize",] == 3
    assert after["alfrd_running"]["summarize",] == 0
    assert after["alfrd_pages_total"] == {("noop",): 3}
    assert {metric.name.removesuffix("_total") for metric in ALL} <= set(after)
    assert "process_cpu_seconds_total" in after


async def test_calls_and_their_breaker_are_shown() -> None:
    calls = Calls(sleep=lambda _: asyncio.sleep(0))

    async def answer() -> Reply:
        return Reply({})

    async def fail() -> Reply:
        raise Transient("nothing there")

    await calls.make(Call("openai", "chat"), answer, lambda content: content)
    for _ in range(10):
        with pytest.raises(Transient):
            await calls.make(Call("bedrock", "Converse"), fail, lambda content: content)
    found = parsed(Exposition(Vitals(), calls).page(None).decode())
    assert found["alfrd_calls_total"]["openai", "ok"] == 1
    assert found["alfrd_calls_total"]["bedrock", "failed"] >= 10
    assert found["alfrd_breaker_open"] == {("openai",): 0, ("bedrock",): 1}
    assert found["alfrd_limiter_calls"]["openai",] == 64
    assert found["alfrd_database_up"] == {(): 0}


async def test_it_is_ready_with_database_and_listener_and_until_it_drains(db: Harness) -> None:
    vitals = Vitals(is_listening=True)
    async with shown(db, vitals) as (port, database):
        assert await asked(port, "/readyz") == (
            200,
            '{"ready":true,"database":true,"listener":true,"draining":false}\n',
        )
        for change in ({"is_listening": False}, {"is_draining": True}):
            for name, value in change.items():
                setattr(vitals, name, value)
            assert (await asked(port, "/readyz"))[0] == 503
            vitals.is_listening, vitals.is_draining = True, False
        vitals.is_listening, vitals.listens = False, False
        assert (await asked(port, "/readyz"))[0] == 200  # it polls, and is not to listen
        await database.close()
        status, body = await asked(port, "/readyz")
        assert (status, json.loads(body)["database"]) == (503, False)
        assert (await asked(port, "/healthz"))[0] == 200
        status, page = await asked(port, "/metrics")
        assert (status, parsed(page)["alfrd_database_up"]) == (200, {(): 0})


async def test_a_worker_notes_its_listener_and_that_it_drains(db: Harness) -> None:
    vitals = Vitals()
    async with Database(db.url) as database:
        chosen = options(db.url)
        await run_worker(database, BUILT_IN, noop_tools(), chosen, vitals=vitals)
    assert vitals.listens is (chosen.listen_url is not None)
    assert vitals.connections == (1 if vitals.listens else 0)
    assert not vitals.is_listening


async def test_strange_requests_are_refused_and_disturb_nobody(db: Harness) -> None:
    async with shown(db, Vitals()) as (port, _):
        assert (await asked(port, "/metrics", "POST"))[0] == 405
        assert (await asked(port, "/../etc/passwd"))[0] == 404
        for nonsense in (b"\x00\xff\r\n\r\n", b"A" * 100_000, b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
        assert (await asked(port, "/healthz", "HEAD")) == (200, "")


async def test_an_address_that_is_taken_is_said(db: Harness) -> None:
    async with shown(db, Vitals()) as (port, database):
        server = MetricsServer(database, Vitals(), Exposition(Vitals(), None))
        with pytest.raises(SettingsInvalid, match=f"127.0.0.1:{port}"):
            async with server.listening("127.0.0.1", port):
                pass


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("[::1]:1", ("::1", 1)), (":9464", ("127.0.0.1", 9464))],
)
def test_an_address_is_a_host_and_a_port(text: str, expected: tuple[str, int]) -> None:
    assert address(text) == expected


@pytest.mark.parametrize("text", ["", "9464", "here:", "here:port", "here:70000"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"127\.0\.0\.1:9464"):
        address(text)
