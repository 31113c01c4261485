"""Open pages hear of changes: all of them through one connection, and none holds up another."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any, NoReturn
from uuid import UUID, uuid4

import pytest

from alfrd_events.console.live import Live, Subscription
from alfrd_events.console.rendering import Renderer
from alfrd_events.db.database import Database
from alfrd_events.errors import DatabaseUnavailable
from testing.harness import Harness
from testing.pgbouncer import past
from tests.console.conftest import Site


@asynccontextmanager
async def hearing(database: Database) -> AsyncIterator[Live]:
    live = Live(database, past(database.url))
    running = asyncio.create_task(live.run())
    try:
        yield live
    finally:
        running.cancel()
        await asyncio.wait({running})


async def next_change(messages: AsyncIterator[str]) -> dict[str, Any]:
    async with asyncio.timeout(10):
        async for message in messages:
            if message.startswith("event: change"):
                found: dict[str, Any] = json.loads(message.partition("data: ")[2])
                return found
    raise AssertionError("the stream ended")


async def settled(live: Live) -> AsyncIterator[str]:
    """The messages of a page, after the one that says that listening has begun."""
    subscription = Subscription()
    live._open.add(subscription)
    messages = subscription.messages()
    assert (await next_change(messages))["anything"]
    return messages


async def test_a_change_of_status_reaches_an_open_page(db: Harness) -> None:
    async with hearing(db.database) as live:
        messages = await settled(live)
        document = await db.given_document()
        heard = await next_change(messages)
        assert heard["anything"] or str(document) in heard["ids"]


async def test_a_task_that_begins_reaches_an_open_page(db: Harness) -> None:
    document = await db.given_document()
    async with hearing(db.database) as live:
        with live.subscribed() as subscription:
            messages = subscription.messages()
            assert (await next_change(messages))["anything"]
            await db.claim("ocr")
            assert (await next_change(messages))["ids"] == [str(document)]


async def test_fifty_pages_share_one_connection(db: Harness) -> None:
    async with hearing(db.database) as live:
        with ExitStack() as stack:
            pages = [stack.enter_context(live.subscribed()).messages() for _ in range(50)]
            await asyncio.gather(*map(next_change, pages))
            listening = await db.one(
                "select count(*) from pg_stat_activity where application_name = 'alfrd-events feed'"
                "   and datname = current_database()"
            )
            assert listening == 1
            document = await db.given_document()
            for heard in await asyncio.gather(*map(next_change, pages)):
                assert heard["anything"] or heard["ids"] == [str(document)]


async def test_what_comes_close_together_is_one_message(db: Harness) -> None:
    live = Live(db.database, None)
    delivering = asyncio.create_task(live._deliver())
    with live.subscribed() as subscription:
        messages = subscription.messages()
        ids = [uuid4() for _ in range(20)]
        for id in ids:
            live.note([id])
        assert {UUID(id) for id in (await next_change(messages))["ids"]} == set(ids)
    delivering.cancel()


async def test_a_page_that_does_not_read_keeps_one_message(db: Harness) -> None:
    subscription = Subscription()
    live = Live(db.database, None)
    live._open.add(subscription)
    delivering = asyncio.create_task(live._deliver())
    for _ in range(3):
        live.note({uuid4() for _ in range(150)})
        async with asyncio.timeout(60):
            while live._came.is_set():
                await asyncio.sleep(0.02)
    heard = await next_change(subscription.messages())
    assert heard == {"anything": True, "ids": []}
    delivering.cancel()


async def test_it_hears_again_after_its_connection_was_cut(db: Harness) -> None:
    async with hearing(db.database) as live:
        messages = await settled(live)
        await db.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'alfrd-events feed' and datname = current_database()"
        )
        assert (await next_change(messages))["anything"], "what was said meanwhile is unknown"
        document = await db.given_document()
        heard = await next_change(messages)
        assert heard["anything"] or str(document) in heard["ids"]


async def test_an_outage_is_told_once(
    db: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries = 0
    third = asyncio.Event()

    def is_away(_: str) -> NoReturn:
        nonlocal tries
        tries += 1
        if tries == 3:
            third.set()
        raise DatabaseUnavailable("the server is away")

    monkeypatch.setattr("alfrd_events.console.live.StatusFeed", is_away)
    monkeypatch.setattr("alfrd_events.console.live._LONGEST_BACKOFF_SECONDS", 0)
    async with hearing(db.database):
        await asyncio.wait_for(third.wait(), 60)

    assert [record.getMessage() for record in caplog.records].count(
        "pages hear of no changes until PostgreSQL is back"
    ) == 1


async def test_the_end_of_the_console_ends_its_streams(db: Harness) -> None:
    live = Live(db.database, None)
    with live.subscribed() as subscription:
        live.end()
        async with asyncio.timeout(60):
            assert [message async for message in subscription.messages()] == ["retry: 2000\n\n"]


async def test_pages_that_ask_for_the_same_share_one_rendering(
    site: Site, db: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = 0
    part = Renderer.part

    def counted(self: Renderer, *given: Any) -> str:
        nonlocal rendered
        rendered += 1
        return part(self, *given)

    monkeypatch.setattr(Renderer, "part", counted)
    await site.get("/")
    await asyncio.gather(*(site.get("/work?part=board") for _ in range(20)))
    assert rendered == 1
    await db.sql("insert into alfrd.pauses (step, paused_by) values ('ocr', 'somebody')")
    site.console.live.version += 1
    assert "Resume ocr" in await site.get("/work?part=board")
    assert rendered == 2


async def test_a_shared_rendering_carries_the_mark_of_who_gets_it(site: Site) -> None:
    for _ in range(2):
        site.client.cookies.clear()
        csrf = await site.csrf()
        found = set(re.findall(r'name="csrf" value="([^"]+)"', await site.get("/work?part=board")))
        assert found == {csrf}


async def test_what_a_reader_gets_is_not_what_an_operator_gets(guarded: Site) -> None:
    for role, has_buttons in (("operator", True), ("reader", False)):
        await guarded.sign_in(role)
        assert ("<button" in await guarded.get("/work?part=board")) == has_buttons


async def test_a_page_hears_of_what_changed_before_it_was_connected(site: Site, db: Harness) -> None:
    live = site.console.live
    shown = re.search(r'data-version="(\d+)"', await site.get("/"))
    assert shown
    with live.subscribed(shown[1]) as nothing_new:
        assert not nothing_new._change
    delivering = asyncio.create_task(live._deliver())
    with live.subscribed() as another:
        live.note([uuid4()])
        await next_change(another.messages())
    with live.subscribed(shown[1]) as late:
        assert (await next_change(late.messages()))["anything"]
    delivering.cancel()
