"""Names, texts and tags of strangers on every page, in Chromium: nothing runs, and nothing breaks the layout."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.async_api import Browser, expect

from alfrd_events.db import bulk, prompts
from testing.harness import Harness
from tests.console.browser import needs_chromium, visitor
from tests.console.conftest import pages_of
from tests.console.test_guard import HOSTILE

pytestmark = needs_chromium


@pytest.mark.parametrize("width", [390, 1280])
async def test_a_list_of_two_hundred_hostile_names(
    browser: Browser, served: str, db: Harness, width: int
) -> None:

    await db.sql("insert into alfrd.pauses (step, paused_by) values ('ocr', 'a test')")
    openings = [
        *(name[:2000] for name in HOSTILE),
        "</a></td></tr></table><h1>",
        "<!--",
        "&lt;script&gt;",
        "\u202e\u2066\u2067",
        "\u0e47" * 500,
        "W" * 2000,
        "]]><![CDATA[",
        "%00%0a<style>*{display:none}</style>",
        "⟦⟧⟦<b>",
        "\U000e0041\U000e0042",
        "<base href=//elsewhere.example/>",
    ]
    names = [f"{openings[number % len(openings)]} {number}" for number in range(200)]
    for number, name in enumerate(names):
        await db.sql(
            "insert into alfrd.documents (filename, content, entity, tags, error, status, created_at)"
            " values (%s, %s, %s, %s, %s, 'failed', now() - %s * interval '1 second')",
            name,
            name.encode(),
            name if number % 2 else "",
            [name[:300]],
            name,
            number,
        )
    async with visitor(browser, served, width=width) as one:
        seen = []
        for page in range(1, 5):
            await one.goto(f"/documents?page={page}")
            rows = one.page.locator("table.documents tbody tr")
            await expect(rows).to_have_count(50)
            assert await one.page.locator("h1").count() == 1
            assert await one.page.evaluate("document.documentElement.scrollWidth") <= width
            assert await one.page.evaluate("document.baseURI") == one.page.url
            seen += [
                text.strip().rsplit(maxsplit=1)[-1]
                for text in await rows.locator("td.main > a").all_inner_texts()
            ]
        shown = [word for word in seen if word.isdecimal()]
        assert shown == [str(number) for number in range(200) if str(number) in shown]
        assert len(shown) > 120, "the others are cut"


@pytest.mark.parametrize("width", [390, 1280])
async def test_hostile_names_run_nothing_and_keep_the_layout(
    browser: Browser, served: str, db: Harness, width: int
) -> None:

    await db.sql("insert into alfrd.pauses (step, paused_by) values ('ocr', 'a test')")
    ids = []
    for number, name in enumerate([*HOSTILE, "<b>" * 300, "\u0e47" * 500, "W" * 3000]):
        ids.append(
            await db.one(
                "insert into alfrd.documents (filename, content, tags, metadata)"
                " values (%s, %s, %s, '{\"x\": 1}') returning id",
                name,
                b"<script>alert(%d)</script>" % number,
                [name[:300].replace("\n", " ")],
            )
        )
        await db.sql(
            "update alfrd.documents set entity = %s, summary = %s, account_number = %s where id = %s",
            name[:5000],
            name,
            name[:900],
            ids[-1],
        )
    async with visitor(browser, served, width=width) as one:
        for path in ["/", "/documents", "/work", *(f"/documents/{id}" for id in ids)]:
            await one.goto(path)
            across = await one.page.evaluate("document.documentElement.scrollWidth")
            assert across <= width, path


async def test_every_page_shows_strangers_texts_as_texts(browser: Browser, served: str, db: Harness) -> None:
    """A series, a file, a view, a tag of many and a version of a prompt, each named by a stranger, and one by one."""
    await db.sql("insert into alfrd.pauses (step, paused_by) values ('ocr', 'a test')")
    names = [*HOSTILE, "\u202e\u2066\u2067 reversed", "W" * 10_000, "\u0e47" * 500, "</table><h1>"]
    series = await db.one(
        "insert into alfrd.series (entity, entity_key, slug) values ('x', 'x', 'x') returning id"
    )
    await db.sql("set alfrd.actor = 'worker'")
    document = await db.one(
        "insert into alfrd.documents (filename, content, status, tags, series_id)"
        " values ('x', 'x', 'completed', '{home}', %s) returning id",
        series,
    )
    await db.sql("reset alfrd.actor")
    file = await db.one("insert into alfrd.files (tags) values ('{home}') returning id")
    version = await prompts.import_version(
        db.database, "classifier", "", " ".join(names), origin="person", note=names[0]
    )
    async with visitor(browser, served, width=390) as one:
        for number, name in enumerate(names):
            await _named(db, name, document, series, file)
            await bulk.save_view(db.database, name[:70] + str(number), f"q={name[:300]}")
            await bulk.tag(db.database, [document], f"{name[:400]}{number}")
            pages = [
                *pages_of(document, series, file),
                f"/prompts/classifier?old={version.version}",
                "/documents?q=alert",
            ]
            for page in (
                pages
                if number in (0, len(names) - 3)
                else [f"/series/{series}", f"/files/{file}", "/selection"]
            ):
                await one.goto(page)
                assert await one.page.locator("h1").count() == 1, (page, name[:40])
                assert await one.page.evaluate("document.documentElement.scrollWidth") <= 390, (
                    page,
                    name[:40],
                )


async def _named(db: Harness, name: str, document: UUID, series: UUID, file: UUID) -> None:
    """Let everything be called so."""
    await db.sql("set alfrd.actor = 'worker'")
    await db.sql(
        "update alfrd.documents set filename = %s, entity = %s, summary = %s, error = %s, review_reason = %s,"
        " needs_review = true where id = %s",
        name, name[:9000], name, name, name, document,
    )  # fmt: skip
    await db.sql("reset alfrd.actor")
    await db.sql(
        "update alfrd.series set entity = %s, title = %s, kind = %s where id = %s", *[name[:900]] * 3, series
    )
    await db.sql("update alfrd.files set title = %s where id = %s", name[:900], file)
    await db.sql(
        "update alfrd.files set summary = %s, insights = array[%s], error = %s where id = %s",
        *[name] * 3,
        file,
    )
