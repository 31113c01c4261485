"""The console as people meet it: in Chromium, served by ``alfrd-events up`` with a real worker."""

from __future__ import annotations

import re
import signal
from datetime import date, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest
from playwright.async_api import Browser, FilePayload, expect

from alfrd_events.console.roles import new_token
from alfrd_events.db import bulk
from testing.harness import Harness
from tests.cli.program import BILL, Program
from tests.console.browser import needs_chromium, visitor
from tests.console.conftest import address_of, pages_of
from tests.console.test_prompts import PAGE, given_trial, given_version
from tests.faults.processes import until

pytestmark = needs_chromium
SAMPLES = Path(__file__).resolve().parents[2] / "samples"
A_BILL = SAMPLES / "2024-03-kittiwake-mobile.pdf"
ANOTHER = SAMPLES / "2024-02-kittiwake-mobile.pdf"
WAIT = 60_000


@pytest.fixture
def site(served: str) -> str:
    """A console with a worker."""
    return served


async def test_a_bill_from_upload_to_correction_and_search(browser: Browser, site: str, db: Harness) -> None:
    async with visitor(browser, site) as one, visitor(browser, site) as other:
        page = one.page
        await one.goto("/documents")
        await page.locator("#bring summary").click()
        await page.get_by_label("Files or photos").set_input_files(str(A_BILL))
        await page.get_by_role("button", name="Bring in").click()
        await page.wait_for_url("**/documents/*-*")
        await page.evaluate("window.loaded = 'once'")
        await expect(page.locator("#now .status").first).to_have_text("Done", timeout=WAIT)
        assert await page.evaluate("window.loaded") == "once", "the page came to this without a reload"
        await expect(page.locator("#place-total_amount")).to_have_count(1)
        assert await page.locator(".sheet img").first.evaluate(
            "image => image.decode().then(() => image.naturalWidth)"
        )
        total = page.get_by_label("Total", exact=True)
        await expect(total).to_have_value("84.63")

        series = await page.locator('section a[href^="/series/"]').get_attribute("href")
        await other.goto(str(series))
        await other.page.evaluate("window.loaded = 'once'")
        await expect(other.page.locator("td.number")).to_contain_text("84.63")
        due = page.get_by_label("Due", exact=True)
        printed = await due.input_value()
        await due.fill("2001-01-01")
        await page.locator("rect.line").nth(await _line_of(db, "due")).dispatch_event("click")
        await expect(due).to_have_value(printed)
        await total.fill("90.00")
        await page.get_by_role("button", name="Correct").click()
        await expect(page.get_by_text("Corrected: Total.")).to_be_visible()
        await expect(page.locator("#now .status").first).to_have_text("Done", timeout=WAIT)
        await expect(other.page.locator("td.number")).to_contain_text("90.00", timeout=WAIT)
        assert await other.page.evaluate("window.loaded") == "once"
        assert str(await db.one("select total_amount from alfrd.documents")) == "90.00"

        await one.goto("/documents")
        await page.get_by_label("Search").press_sequentially("kittiwake mobi")
        await expect(page).to_have_url(re.compile(r"q=kittiwake\+mobi"))
        await expect(page.locator("td.main a")).to_have_count(1)
        await page.get_by_label("Search").fill("nothing like it")
        await expect(page.get_by_text("No document fits.")).to_be_visible()


async def _line_of(db: Harness, words: str) -> int:
    """The first line of the first page that says the date of these words."""
    lines = await db.one("select layout -> 'lines' from alfrd.pages where number = 1")
    value = (await db.one("select evidence -> 'due_date' ->> 'text' from alfrd.documents")) or words
    return next(place for place, line in enumerate(lines) if value in line["text"])


async def test_what_somebody_types_stays_while_the_document_goes_on(
    browser: Browser, site: str, db: Harness
) -> None:
    document = await db.one(
        "insert into alfrd.documents (filename, content) values ('bill.pdf', %s) returning id",
        A_BILL.read_bytes(),
    )
    async with visitor(browser, site) as one:
        await one.goto(f"/documents/{document}")
        await expect(one.page.locator("#now .status").first).to_have_text("Done", timeout=WAIT)
        account = one.page.locator("#value-account_number")
        await account.fill("half typ")
        history = one.page.locator(".history tbody tr")
        before = await history.count()
        await db.sql("update alfrd.documents set status = 'pending' where id = %s", document)
        await expect(history.nth(before + 4)).to_be_visible(timeout=WAIT)
        await expect(one.page.locator("#now .status").first).to_have_text("Done", timeout=WAIT)
        await expect(account).to_have_value("half typ")
        await expect(account).to_be_focused()


async def test_files_are_dropped_on_any_page(browser: Browser, site: str, db: Harness) -> None:
    async with visitor(browser, site) as one:
        await one.goto("/work")
        await one.page.evaluate(
            """() => {
              const carried = new DataTransfer();
              carried.items.add(new File(['hello from a drop'], 'dropped.txt'));
              for (const kind of ['dragenter', 'dragover', 'drop'])
                document.body.dispatchEvent(
                  new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}));
            }"""
        )
        await one.page.wait_for_url("**/documents/*-*")
        assert await db.one("select filename from alfrd.documents") == "dropped.txt"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_accessible(
    browser: Browser, site: str, db: Harness, scheme: Literal["light", "dark"]
) -> None:
    for path in (A_BILL, ANOTHER, SAMPLES / "broken-scan.pdf"):
        await db.sql(
            "insert into alfrd.documents (filename, content) values (%s, %s)", path.name, path.read_bytes()
        )
    async with visitor(browser, site, scheme=scheme) as one:
        await one.goto("/")
        figures = one.page.locator(".figures li")
        await expect(figures.nth(2)).to_contain_text("2", timeout=WAIT)
        await expect(figures.last).to_contain_text("1", timeout=WAIT)
        document = await db.one("select id from alfrd.documents where status = 'completed' limit 1")
        series = await db.one("select id from alfrd.series limit 1")
        await _given_alerts(db, series, document)
        file = await db.one("select id from alfrd.files limit 1")
        await given_trial(db, await given_version(db))
        await bulk.save_view(db.database, "Kittiwake", "q=kittiwake")
        await bulk.tag(db.database, [document], "attic")
        more = [f"/documents/{document}?zoom=2", "/setup?check=1", PAGE, "/documents?q=kittiwake"]
        found = {}
        for address in [*pages_of(document, series, file), *more]:
            await one.goto(address)
            if violations := await one.violations():
                found[address] = violations
        assert found == {}


async def _given_alerts(db: Harness, series: UUID, document: UUID) -> None:
    """One alert of each kind, a bill that is due, and one that is expected."""
    for number, kind in enumerate(("late", "missing", "amount", "duplicate", "changed", "ended")):
        day = date(2024, 5, 1) + timedelta(days=31 * number) if kind in ("late", "missing") else None
        await db.sql(
            "insert into alfrd.series_alerts (series_id, kind, key, detail, document_id, expected, expected_from,"
            "  expected_to) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            series,
            kind,
            kind,
            f"It is {kind}.",
            None if day else document,
            *[day] * 3,
        )
    await db.sql("update alfrd.documents set due_date = current_date + 3 where id = %s", document)
    await db.sql(
        "insert into alfrd.series_rhythms (series_id, frequency, confidence, every_months, expected, expected_from,"
        "  expected_to, usual_amount, currency)"
        " select %s, 'monthly', 1, 1, d, d, d, 45, 'USD' from (select current_date + 5 as d) as d"
        " on conflict (series_id) do update set frequency = 'monthly', every_months = 1, every_days = 0,"
        "  expected = excluded.expected, expected_from = excluded.expected, expected_to = excluded.expected,"
        "  usual_amount = 45, has_ended = false",
        series,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_log_in_and_what_refuses_are_accessible(
    browser: Browser, database_url: str, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    token, line = new_token("reader")
    program = Program(database_url, ALFRD_DATA_DIR=str(tmp_path), ALFRD_CONSOLE_TOKEN=line)
    with program.started("console", "--port", "0") as process:
        async with visitor(browser, address_of(process), scheme=scheme) as one:
            found = {}
            await one.goto("/documents")
            await expect(one.page).to_have_url(re.compile("/sign-in$"))
            found["log-in"] = await one.violations()
            for given, heading in (("wrong", "alfrd-events"), (token, "Today")):
                await one.page.get_by_label("Token").fill(given)
                await one.page.get_by_role("button", name="Sign in").click()
                await expect(one.page.locator("h1")).to_have_text(heading)
                found[f"after {heading}"] = await one.violations()
            for address in ("/nothing", f"/documents/{UUID(int=0)}", "/work?preview=failed"):
                await one.goto(address)
                await expect(one.page.get_by_role("alert")).to_be_visible()
                found[address] = await one.violations()
            refused = [each for each in one.wrong if re.search(r"status of (401|403|404) ", each)]
            assert len(refused) == 4, "the browser tells of each page that refuses"
            one.wrong = [each for each in one.wrong if each not in refused]
        assert {where: each for where, each in found.items() if each} == {}


async def test_a_review_takes_a_key_where_all_is_right_and_few_for_a_wrong_total(
    browser: Browser, site: str, db: Harness
) -> None:
    await db.sql("insert into alfrd.pauses (step, paused_by) values ('summarize', 'a test')")
    for number in range(2):
        await db.sql(
            "insert into alfrd.documents (filename, content, needs_review, review_reason, review_confidence)"
            " values (%s, %s, true, 'The total is unsure.', %s)",
            f"{number}.txt",
            b"paper %d" % number,
            number / 10,
        )
    async with visitor(browser, site) as one:
        await one.goto("/")
        await one.page.keyboard.press("r")
        await one.page.wait_for_url("**/documents/*review=1")
        await expect(one.page.locator("h1")).to_have_text("0.txt")
        await one.page.keyboard.press("a")
        await expect(one.page.locator("h1")).to_have_text("1.txt")
        await one.page.locator("#value-total_amount").focus()
        await one.page.keyboard.type("7.50")
        await one.page.keyboard.press("Enter")
        await expect(one.page.get_by_text("Nothing is left to review.")).to_be_visible()
    assert str(await db.one("select total_amount from alfrd.documents where filename = '1.txt'")) == "7.50"


async def test_a_key_applies_what_was_learned_to_the_other_reviews(
    browser: Browser, site: str, db: Harness
) -> None:
    for day in range(10, 13):
        await db.sql(
            "insert into alfrd.documents (filename, content) values (%s, %s)",
            f"{day}.txt",
            f"{BILL.format(day=day)}Kindly remit 13.00\n".encode(),
        )
    await until(db, "not exists (select from alfrd.documents where status <> 'completed')")
    await db.sql("insert into alfrd.pauses (step, paused_by) values ('summarize', 'a test')")
    await db.sql("set alfrd.actor = 'worker'")
    await db.sql(
        "update alfrd.documents set needs_review = true, review_reason = 'The total is unsure.',"
        " review_confidence = 0.5"
    )
    await db.sql("reset alfrd.actor")
    async with visitor(browser, site) as one:
        await one.goto("/")
        await one.page.keyboard.press("r")
        await one.page.wait_for_url("**/documents/*review=1")
        await one.page.locator("#value-total_amount").fill("13.00")
        await one.page.keyboard.press("Enter")
        await expect(one.page.get_by_text("Apply what was learned to 2 more of that sender")).to_be_visible()
        await one.page.locator("h1").click()
        await one.page.keyboard.press("l")
        await expect(
            one.page.get_by_text("2 documents will be done again with what was taught.")
        ).to_be_visible()
    again = "review_claimed_by like 'lessons of %%'"
    assert await db.one(f"select count(*) from alfrd.documents where {again}") == 2


async def test_keys_edit_the_doubtful_value_and_take_the_verdict_back(
    browser: Browser, site: str, db: Harness
) -> None:
    await db.sql("insert into alfrd.pauses (step, paused_by) values ('ocr', 'a test')")
    await db.sql("set alfrd.actor = 'worker'")
    for confidence in (0.1, 0.9):
        await db.sql(
            "insert into alfrd.documents (filename, content, status, entity, total_amount, evidence, needs_review,"
            " review_reason, review_confidence) values (%s, %s, 'completed', 'Acme', 12, %s, true, 'Look.', %s)",
            f"{confidence}.txt",
            str(confidence).encode(),
            '{"entity": {"page": 1, "text": "Acme", "confidence": 0.99},'
            ' "total_amount": {"page": 1, "text": "12", "confidence": 0.3}}',
            confidence,
        )
    await db.sql("reset alfrd.actor")
    async with visitor(browser, site) as one:
        keys = one.page.keyboard
        await one.goto("/")
        await keys.press("r")
        await one.page.wait_for_url("**/documents/*review=1")
        await expect(one.page.locator("h1")).to_have_text("0.1.txt")
        await keys.press("e")
        await expect(one.page.locator("#value-total_amount")).to_be_focused()
        await keys.type("13")
        await keys.press("Enter")
        await expect(one.page.locator("h1")).to_have_text("0.9.txt")
        assert (
            str(await db.one("select total_amount from alfrd.documents where filename = '0.1.txt'")) == "13"
        )
        assert await one.violations() == []
        await keys.press("u")
        await expect(one.page.locator("h1")).to_have_text("0.1.txt")
        assert (
            str(await db.one("select total_amount from alfrd.documents where filename = '0.1.txt'")) == "12"
        )


async def test_pages_work_without_scripts(browser: Browser, site: str, db: Harness) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{site}documents")
    await page.locator("#bring summary").click()
    await page.get_by_label("Files or photos").set_input_files(
        files=FilePayload(name="plain.txt", mimeType="text/plain", buffer=b"without a script")
    )
    await page.get_by_role("button", name="Bring in").click()
    await page.wait_for_url("**/documents/*-*")
    await page.goto(f"{site}documents")
    await page.get_by_label("Search").fill("plain")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("td.main a")).to_have_count(1)
    await page.goto(f"{site}work")
    await page.get_by_role("button", name="Pause ocr").click()
    await expect(page.get_by_role("button", name="Resume ocr")).to_be_visible()
    await context.close()


def test_ctrl_c_ends_all_of_it(database_url: str, tmp_path: Path) -> None:
    program = Program(database_url, ALFRD_DATA_DIR=str(tmp_path))
    with program.started("up", "--port", "0") as process:
        assert process.stderr is not None
        assert any("worker started" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


async def test_photos_of_a_camera_are_the_pages_of_one_document(
    browser: Browser, site: str, db: Harness
) -> None:
    async with visitor(browser, site) as one:
        await one.goto("/documents")
        await one.page.locator("#bring summary").click()
        for number in range(3):
            await one.page.locator("#camera").set_input_files(
                files=FilePayload(name="image.txt", mimeType="image/jpeg", buffer=b"page %d" % number)
            )
        await expect(one.page.get_by_label("All of them are the pages")).to_be_checked()
        await one.page.get_by_role("button", name="Bring in").click()
        await one.page.wait_for_url("**/documents/*-*")
    parts = await db.sql("select number, content from alfrd.document_parts order by number")
    assert [bytes(part["content"]) for part in parts] == [b"page 0", b"page 1", b"page 2"]


async def test_what_is_ticked_is_tagged_and_deleted(browser: Browser, site: str, db: Harness) -> None:
    await db.sql("insert into alfrd.pauses (step, paused_by) values ('ocr', 'a test')")
    await db.sql(
        "insert into alfrd.documents (filename, content) select n || '.txt', convert_to(n::text, 'UTF8')"
        " from generate_series(1, 4) as n"
    )
    async with visitor(browser, site) as one:
        await one.goto("/documents?order=name")
        act = one.page.get_by_role("button", name="Change or export what is ticked")
        await expect(act).to_be_hidden()
        for name in ("2.txt", "3.txt"):
            await one.page.get_by_label(f"Choose {name}").check()
        await act.click()
        await expect(one.page.locator("h1")).to_have_text("2 documents")
        await one.page.get_by_label("A tag").fill("attic")
        await one.page.get_by_role("button", name="Give it to all").click()
        await expect(
            one.page.get_by_role("status").filter(has_text="2 documents got the tag attic")
        ).to_be_visible()
        assert await one.violations() == []
        await one.page.get_by_label("This cannot be undone").check()
        await one.page.get_by_role("button", name="Delete for good").click()
        await expect(one.page.get_by_text("2 documents deleted.")).to_be_visible()
    left = await db.sql("select filename from alfrd.documents order by 1")
    assert [row["filename"] for row in left] == ["1.txt", "4.txt"]
