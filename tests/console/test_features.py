"""What people do on single pages: turn a page, take a verdict back, make a file, take a series along."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from alfrd_events.console.pictures import PageImages
from alfrd_events.db import console as ask
from alfrd_events.db.database import Database
from testing.harness import Harness
from tests.console.conftest import Drawer, Site, fetch, words_of
from tests.console.test_series import bill, series_of


async def given_review(db: Harness, name: str, confidence: float = 0.5) -> UUID:
    """A document that is read and needs review."""
    document: UUID = await db.one(
        "insert into alfrd.documents (filename, content) values (%s, convert_to(%s, 'UTF8')) returning id",
        name,
        name,
    )
    await db.sql("set alfrd.actor = 'worker'")
    await db.sql(
        "update alfrd.documents set status = 'completed', needs_review = true, review_reason = 'Look at it.',"
        " review_confidence = %s, total_amount = 5 where id = %s",
        confidence,
        document,
    )
    await db.sql("reset alfrd.actor")
    return document


@pytest.mark.parametrize("verdict", ["accept", "correct"])
async def test_the_last_verdict_is_taken_back(site: Site, db: Harness, verdict: str) -> None:
    first, second = await given_review(db, "worst", 0.1), await given_review(db, "better", 0.9)
    begun = await site.post("/review")
    assert begun.headers["location"] == f"/documents/{first}?review=1"
    assert "take-back" not in await site.get(begun.headers["location"])
    fields = {"review": "1", "total_amount": "6", "was.total_amount": "5"}
    after = await site.post(f"/documents/{first}/{verdict}", fields)
    assert after.headers["location"] == f"/documents/{second}?review=1"
    page = await site.get(after.headers["location"])
    assert f'action="/documents/{first}/take-back"' in page
    assert 'data-key="u"' in page
    taken = await site.post(f"/documents/{first}/take-back", {"shown": str(second)})
    assert taken.headers["location"] == f"/documents/{first}?review=1"
    assert "Taken back: it needs review as before." in await site.get(taken.headers["location"])
    rows = await db.sql("select needs_review, total_amount from alfrd.documents where id = %s", first)
    assert (rows[0]["needs_review"], rows[0]["total_amount"]) == (True, 5)
    claimed = await db.sql("select id from alfrd.documents where review_claimed_until is not null")
    assert [row["id"] for row in claimed] == [first], "the one that was shown is given back"


async def test_the_verdict_of_the_last_review_is_taken_back_from_today(site: Site, db: Harness) -> None:
    only = await given_review(db, "only")
    await site.post("/review")
    after = await site.post(f"/documents/{only}/accept", {"review": "1"})
    assert after.headers["location"] == "/"
    assert f'action="/documents/{only}/take-back"' in await site.get("/")
    assert f'action="/documents/{only}/take-back"' not in await site.get("/?part=now"), "parts are for all"
    await site.post(f"/documents/{only}/take-back")
    assert await db.one("select needs_review from alfrd.documents where id = %s", only)


async def test_nobody_takes_the_verdict_of_others_back(site: Site, db: Harness) -> None:
    document = await given_review(db, "theirs")
    await db.sql("select alfrd.accept(%s)", document)
    done = await site.post(f"/documents/{document}/take-back")
    assert "There is no verdict of yours" in await site.get(done.headers["location"])
    assert not await db.one("select needs_review from alfrd.documents where id = %s", document)


async def test_a_page_is_turned_with_the_places_on_it(site: Site, db: Harness) -> None:
    document = await db.one(
        "insert into alfrd.documents (filename, content, status) values ('a.png', 'a', 'completed') returning id"
    )
    for number in (1, 2):
        await db.sql(
            "insert into alfrd.pages (document_id, number, part, text, source, layout)"
            " values (%s, %s, 1, 'text', 'ocr', '{\"width\": 800, \"height\": 1000}')",
            document,
            number,
        )
    straight = await site.get(f"/documents/{document}?review=1")
    assert "<g transform" not in straight
    assert 'height="1250"' in straight
    assert f'href="/documents/{document}?review=1&amp;turn=90"' in straight, "the review goes on"
    assert straight.count("side=120&amp;") == 2, "a small picture for each page"
    turned = await site.get(f"/documents/{document}?turn=90")
    assert '<g transform="rotate(90 500 500)">' in turned
    assert 'height="800"' in turned
    assert "&amp;turn=90" in turned
    assert f'href="/documents/{document}?turn=180"' in turned
    assert f'href="/documents/{document}?"' in await site.get(f"/documents/{document}?turn=270")
    assert "<g transform" not in await site.get(f"/documents/{document}?turn=45")


async def test_a_picture_is_turned_beyond_how_it_was_read(database_of_pages: Database, db: Harness) -> None:
    document = await db.one(
        "insert into alfrd.documents (filename, content) values ('a.png', 'a') returning id"
    )
    await db.sql(
        "insert into alfrd.pages (document_id, number, part, text, source, layout)"
        " values (%s, 1, 1, 'text', 'ocr', '{\"rotation\": 270}')",
        document,
    )
    drawer = Drawer()
    images = PageImages(database_of_pages, drawer, fetch)
    for turn in (0, 90, 90, 180):
        await images.page(document, 1, 1, 480, turn)
    assert [rotation for _, _, rotation, _ in drawer.drawn] == [270, 0, 90], "each once"


async def test_a_file_is_made_of_tags(site: Site, db: Harness) -> None:
    await db.sql(
        "insert into alfrd.documents (filename, content, status, tags, total_amount, currency)"
        " values ('a', 'a', 'completed', '{home,2024}', 12, 'EUR'), ('b', 'b', 'completed', '{home}', 30, 'EUR'),"
        " ('c', 'c', 'completed', '{2024,home}', 8.5, 'EUR')"
    )
    made = await site.post("/files", {"tags": " home, 2024 ,", "title": "Home in 2024"})
    page = words_of(await site.get(made.headers["location"]))
    assert "Home in 2024" in page
    assert "2 documents 20.50 EUR" in page
    again = await site.post("/files", {"tags": "2024,home"}, status=409)
    assert "there is a file of the tags" in again.text
    assert "Nothing was changed." in again.text
    assert "a file needs a tag" in (await site.post("/files", {"tags": " , "}, status=409)).text


async def test_a_file_is_made_by_editors_alone(guarded: Site) -> None:
    await guarded.sign_in("operator")
    assert "/files" not in [
        line.split('"')[0] for line in (await guarded.get("/files")).split('method="post" action="')[1:]
    ]
    await guarded.post("/files", {"tags": "home"}, status=403)


async def test_a_series_is_taken_along(site: Site, db: Harness) -> None:
    series = await series_of(db, await bill(db, date(2026, 1, 5), total="45.00"))
    page = await site.get(f"/series/{series}")
    assert f'href="/series/{series}/documents.csv"' in page
    assert f'href="/series/{series}/documents.xlsx"' in page
    plain = await site.client.get(f"/series/{series}/documents.csv")
    assert plain.headers["content-disposition"].startswith("attachment; ")
    (row,) = csv.DictReader(io.StringIO(plain.text))
    assert (row["document_date"], row["total_amount"], row["currency"]) == ("2026-01-05", "45.00", "USD")
    book = await site.client.get(f"/series/{series}/documents.xlsx")
    assert book.headers["content-disposition"].endswith(".xlsx")
    assert "xl/worksheets/sheet1.xml" in zipfile.ZipFile(io.BytesIO(book.content)).namelist()
    nothing = "00000000-0000-0000-0000-000000000000"
    await site.get(f"/series/{nothing}/documents.csv", 404)


async def test_work_shows_what_was_done_in_the_last_hour(site: Site, db: Harness) -> None:
    now = datetime.now(UTC)
    for minutes in (1, 1, 59, 70):
        await db.sql(
            "insert into alfrd.events (at, subject_type, subject_id, kind, step)"
            " values (%s, 'document', gen_random_uuid(), 'completed', 'ocr')",
            now - timedelta(minutes=minutes),
        )
    done = await ask.done_in_hour(site.console.database)
    assert sum(done["ocr"]) == 3
    assert len(done["ocr"]) == 30
    assert done["ocr"][29] + done["ocr"][28] == 2
    assert 'aria-label="3 done in the last hour"' in await site.get("/work")


async def test_today_says_what_holds_the_work_up(site: Site, db: Harness) -> None:
    assert "No worker is running" not in await site.get("/"), "there is nothing to do"
    await db.sql("insert into alfrd.documents (filename, content) values ('a', 'a')")
    await db.sql("insert into alfrd.pauses (step, paused_by) values ('ocr', 'a test')")
    page = words_of(await site.get("/"))
    assert "No worker is running." in page
    assert "Paused: Reading. Resume them under Work" in page
    assert "paused" in words_of(await site.get("/work"))


async def test_days_amounts_and_percentages_are_not_torn_apart(site: Site, db: Harness) -> None:
    document = await db.one(
        "insert into alfrd.documents (filename, content, status, summary) values ('a', 'a', 'completed', %s)"
        " returning id",
        "Due 2024-05-01: 1,250.00 USD, 6.0 % <b>more</b>.",
    )
    page = await site.get(f"/documents/{document}")
    for whole in ("2024-05-01", "1,250.00 USD", "6.0 %"):
        assert f'<span class="whole">{whole}</span>' in page
    assert "&lt;b&gt;more&lt;/b&gt;" in page
