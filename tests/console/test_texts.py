"""All that the console says is in its catalogues, whole in each language, and pages hold with longer texts."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from markupsafe import Markup
from playwright.async_api import Browser

from alfrd_events import console
from alfrd_events.console import rendering
from alfrd_events.console.app import build
from alfrd_events.console.formats import Formats
from alfrd_events.console.rendering import TEMPLATES, Renderer
from alfrd_events.console.serve import ConsoleOptions, Server
from alfrd_events.console.texts import ENGLISH, Texts, catalogues, english, preferred
from alfrd_events.db import bulk
from alfrd_events.db.database import Database
from alfrd_events.errors import SettingsInvalid
from testing.harness import Harness
from tests.console.browser import needs_chromium, visitor
from tests.console.conftest import Drawer, Site, fetch, pages_of, site_of, words_of
from tests.console.test_prompts import given_trial, given_version
from tests.console.test_series import alert, bill, series_of

NAMES = {
    "alfrd",
    "events",
    "alfrd-events",
    "openapi",
    "json",
    "CSV",
    "XLSX",
    "JSON",
    "API",
    "SQL",
    "Usage",
    "kwh",
}
"""Are the same in every language, or come from the document that these tests make."""
SOURCES = sorted(Path(console.__file__).parent.rglob("*.py"))
FOR_PROGRAMS = {"describing.py"}
"""Modules whose texts are for people who write programs: OpenAPI is in English."""
PROTOCOL = re.compile(r"charset=|max-age=|filename\*?=|^event: |data: $|^: |^Bearer$|^Role$")
"""What a browser reads and nobody else, and what a template calls a type."""
WORDS = re.compile(r"[A-Za-z]{2,}[,:;.]? [a-z]{2,}|^[A-Z][a-z]+$")


def entries(texts: Texts) -> dict[str, Any]:
    return {
        f"{section}.{key}": entry
        for section, found in texts.sections.items()
        if section != "format"
        for key, entry in found.items()
    }


# --- the catalogues --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", catalogues())
def test_a_language_says_all_that_english_says(language: str) -> None:
    ours, of_english = entries(catalogues()[language]), entries(english())
    assert ours.keys() == of_english.keys()
    assert catalogues()[language].sections["format"].keys() == english().sections["format"].keys()
    for key, entry in of_english.items():
        assert type(ours[key]) is type(entry), key
        assert set(re.findall(r"\{\w+\}", str(ours[key]))) == set(re.findall(r"\{\w+\}", str(entry))), key
        if isinstance(entry, dict):
            assert ours[key].keys() == entry.keys(), key


def test_every_text_that_is_asked_for_is_there_and_every_text_is_asked_for() -> None:
    known = entries(english())
    sources = "\n".join(path.read_text() for path in [*TEMPLATES.iterdir(), *SOURCES])
    asked = set(re.findall(r"\"((?:told|error|[a-z_]+)\.[a-z_]+)\"", sources)) & {
        *known,
        *re.findall(r"(?:\bt|plain)\(\s*\"([a-z_]+\.[a-z_]+)\"(?! ~)", sources),
    }
    assert asked - known.keys() == set()
    made_up = {  # "money.by_" ~ each, f"error.{why}", t.name("status", row.status)
        *re.findall(r"\"([a-z_]+\.[a-z_]*)\" ~", sources),
        *re.findall(r"f\"([a-z_]+\.)\{", sources),
        *(f"{section}." for section in re.findall(r"\.name\(\s*\"(\w+)\"", sources)),
        "field.",
    }
    assert [key for key in known if key not in asked and not key.startswith(tuple(made_up))] == []


def test_a_text_writes_numbers_escapes_values_and_knows_plurals() -> None:
    german = catalogues()["de"]
    assert english()("many.document", n=1) == "1 document"
    assert english()("many.document", n=12_345) == "12,345 documents"
    assert german("many.document", n=12_345) == "12.345 Dokumente"
    assert english()("common.choose", name="<b>") == "Choose &lt;b&gt;"
    assert english().plain("common.choose", name="<b>") == "Choose <b>"
    assert english().name("status", "no_such") == "no such"
    assert english().field("line_items.0.amount") == "Line items 1 amount"
    with pytest.raises(KeyError):
        english()("common.no_such_text")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,en;q=0.5", "de"),
        ("fr,de;q=0.3,en;q=0.8", "en"),
        ("fr-CH, fr;q=0.9, DE;q=0.7", "de"),
        ("de;q=0, en;q=0.1", "en"),
        ("*", "en"),
        ("de;q=many", "en"),
        (",;=q" * 200, "en"),
    ],
)
def test_a_browser_gets_the_language_that_it_asks_for(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


def test_values_are_written_as_the_language_does() -> None:
    ours, theirs = english().formats, catalogues()["de"].formats
    day, moment = date(2024, 3, 5), datetime(2024, 3, 5, 9, 7, 1, tzinfo=UTC).astimezone()
    for given, in_english, in_german in (
        (lambda it: it.number(1234567), "1,234,567", "1.234.567"),
        (lambda it: it.amount(Decimal("1850")), "1,850.00", "1.850,00"),
        (lambda it: it.money(Decimal("-0.5"), "EUR"), "-0.50 EUR", "-0,50 EUR"),
        (lambda it: it.money(None, "EUR"), "", ""),
        (lambda it: it.usd("0.5"), "0.5000 USD", "0,5000 USD"),
        (lambda it: it.show(day), "2024-03-05", "05.03.2024"),
        (lambda it: it.show(moment), f"2024-03-05 {moment:%H:%M:%S}", f"05.03.2024 {moment:%H:%M:%S}"),
        (lambda it: it.show(0.5), "0.50", "0,50"),
        (lambda it: it.show([day, None, "a.b"]), "2024-03-05  a.b", "05.03.2024  a.b"),
        (lambda it: it.seconds(3400), "3.4 s", "3,4 s"),
        (lambda it: it.entry("1850.00"), "1850.00", "1850,00"),
        (lambda it: it.entry("INV-1.5"), "INV-1.5", "INV-1.5"),
        (lambda it: it.ago(datetime.now(UTC) - timedelta(minutes=4)), "4 min ago", "vor 4 min"),
    ):
        assert (given(ours), given(theirs)) == (in_english, in_german)


@pytest.mark.parametrize(
    ("typed", "in_english", "in_german"),
    [
        ("12.50", "12.50", "12.50"),
        ("12,50", "12.50", "12.50"),
        ("1,850", "1850", "1.850"),
        ("1.850", "1.850", "1850"),
        ("1,850.00", "1850.00", "1850.00"),
        ("1.850,00", "1850.00", "1850.00"),
        ("1.234.567", "1234567", "1234567"),
        ("1234.567", "1234.567", "1234.567"),
        (" -3,5 ", "-3.5", "-3.5"),
        ("7", "7", "7"),
        ("7,", "7", "7"),
        ("seven", "seven", "seven"),
        ("1e9", "1e9", "1e9"),
    ],
)
def test_a_number_is_read_as_it_was_meant(typed: str, in_english: str, in_german: str) -> None:
    assert english().formats.typed(typed) == in_english
    assert catalogues()["de"].formats.typed(typed) == in_german


# --- nothing is said elsewhere ---------------------------------------------------------------------------------------


class Said(HTMLParser):
    """What a page says to people: its text and what describes its parts, but no code and nothing that is in English."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._without: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (
            tag in ("code", "kbd", "pre", "script", "style", "datalist")
            or (tag != "html" and given.get("lang") == ENGLISH)
            or (self._without and tag == self._without[-1])
        ):
            self._without.append(tag)
        if not self._without:
            self.said += [
                given[each] or "" for each in ("aria-label", "title", "placeholder", "alt") if each in given
            ]

    def handle_endtag(self, tag: str) -> None:
        if self._without and tag == self._without[-1]:
            self._without.pop()

    def handle_data(self, data: str) -> None:
        if not self._without and data.strip():
            self.said.append(" ".join(data.split()))


@pytest.mark.parametrize("path", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_a_template_says_nothing_of_its_own(path: Path) -> None:
    written = path.read_text()
    page = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", written, flags=re.DOTALL)
    assert [text for text in Said(page).said if set(re.findall(r"[A-Za-z-]{2,}", text)) - NAMES] == []
    for expression in re.findall(r"\{[%{](.*?)[%}]\}", written, flags=re.DOTALL):
        spoken = re.sub(r"code\(\"[^\"]*\"\)", "", expression)
        bare = [text for text in re.findall(r"\"([^\"]*)\"", spoken) if WORDS.search(text)]
        assert bare == [], "let the catalogue say it"


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.name not in FOR_PROGRAMS], ids=lambda path: path.name
)
def test_a_handler_says_nothing_of_its_own(path: Path) -> None:
    assert list(_bare(ast.parse(path.read_text()))) == [], "let the catalogue say it"


def _bare(tree: ast.AST) -> Iterator[str]:
    """Texts of a module that are none of its docstrings, of its log, or told to the terminal."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and WORDS.search(node.value):
            outer = list(_around(node))
            if not PROTOCOL.search(node.value) and not any(_is_for_others(each) for each in outer):
                yield node.value


def _around(node: ast.AST) -> Iterator[ast.AST]:
    while (node := getattr(node, "parent", None)) is not None:  # type: ignore[assignment]
        yield node


def _is_for_others(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("SettingsInvalid", "Markup")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return isinstance(node.func.value, ast.Name) and node.func.value.id == "log"
    return isinstance(node, ast.Assign | ast.AnnAssign) and any(
        isinstance(each, ast.Name) and each.id in ("POLICY", "_HEADERS", "_SQL")
        for each in (node.targets if isinstance(node, ast.Assign) else [node.target])
    )


# --- a language that nobody speaks -----------------------------------------------------------------------------------


def accented(text: str) -> str:
    """The text with other letters, longer by a third, and between marks that show where it begins and ends."""
    letters = str.maketrans("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", _ACCENTED)
    parts = re.split(r"(\{[^}]*\})", text)
    changed = "".join(part if part.startswith("{") else part.translate(letters) for part in parts)
    longer = "".join(" ñõñõñõñõ"[: max(2, len(text) // 3) + 1]) if text.strip() else ""
    return f"⟪{changed}{longer}⟫"


_ACCENTED = "åƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýžÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽ"


def pseudo() -> Texts:
    """English, accented."""
    made: dict[str, dict[str, Any]] = {"format": dict(english().sections["format"])}
    for section, found in english().sections.items():
        if section != "format":
            made[section] = {
                key: accented(entry)
                if isinstance(entry, str)
                else {form: accented(text) for form, text in entry.items()}
                for key, entry in found.items()
            }
    for form in ("just_now", "minutes_ago"):
        made["format"][form] = accented(made["format"][form])
    made["format"]["months"] = [accented(month) for month in made["format"]["months"]]
    return Texts(ENGLISH, made)


class Silent(Formats):
    """Writes all values as 1, so that what is left of a page is what the console itself says."""

    def show(self, value: Any) -> str:
        return "1"

    def amount(self, value: Any) -> str:
        return "1"

    def money(self, value: Any, currency: str = "") -> str:
        return "1"

    def moment(self, value: Any) -> Markup:
        return Markup("1")

    def usd(self, value: Any) -> str:
        return "1"

    def seconds(self, value: Any) -> str:
        return "1"


async def a_full_database(db: Harness) -> list[str]:
    """Something for each page to show; the address of each."""
    today = datetime.now(UTC).date()
    document = await bill(db, today, due=today + timedelta(days=3))
    await bill(db, today - timedelta(days=30), due=today - timedelta(days=9), total="47.00")
    failed = await db.one(
        "insert into alfrd.documents (filename, content, status, error, failed_step)"
        " values ('scan.pdf', 'x', 'failed', 'broken', 'ocr') returning id"
    )
    series = await series_of(db, document)
    file = await db.one("select id from alfrd.files limit 1")
    for number, kind in enumerate(("late", "missing", "amount", "duplicate", "changed", "ended")):
        day = today - timedelta(days=31 * number) if number < 2 else None
        await alert(db, series, kind, f"It is {kind}.", day=day, document=None if day else document)
    await db.sql("set alfrd.actor = 'worker'")
    await db.sql(
        "update alfrd.documents set needs_review = true, review_reason = 'unsure', total_amount = 5,"
        " currency = 'USD', due_date = current_date + 3 where id = %s",
        document,
    )
    await db.sql("reset alfrd.actor")
    await given_trial(db, await given_version(db))
    await bulk.save_view(db.database, "Mine", "q=a")
    await bulk.tag(db.database, [document], "attic")
    more = [f"/documents/{document}?review=1", f"/documents/{failed}", "/documents?q=no+such+word"]
    more += ["/work?preview=stuck", "/series?page=9", "/selection?status=failed", "/nothing"]
    return [*pages_of(document, series, file), *more]


async def test_no_page_says_a_word_that_is_not_in_the_catalogue(
    db: Harness, database_of_pages: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for filter in ("visible", "visible_lines", "label", "marked"):
        monkeypatch.setattr(rendering, filter, lambda text: "1")
    texts = pseudo()
    texts.formats = Silent(texts.sections["format"])
    site = site_of(database_of_pages)
    site.console.renderer = Renderer({ENGLISH: texts})
    async with site.client:
        for address in [*await a_full_database(db), *(f"/{each}" for each in ("", "documents", "series"))]:
            page = await site.get(address, 404 if address == "/nothing" else 200)
            assert "⟪" in page, address
            assert _untranslated(page) == [], address


def _untranslated(page: str) -> list[str]:
    found = []
    for text in Said(page).said:
        left = text
        while (shorter := re.sub(r"⟪[^⟪⟫]*⟫", "", left)) != left:
            left = shorter
        if set(re.findall(r"[A-Za-z-]{2,}", left)) - NAMES:
            found.append(text)
    return found


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["", "de"])
@needs_chromium
async def test_pages_hold_with_longer_texts(
    browser: Browser,
    db: Harness,
    database_of_pages: Database,
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    language: str,
) -> None:
    addresses = await a_full_database(db)
    if not language:
        monkeypatch.setattr(rendering, "catalogues", lambda: {ENGLISH: pseudo()})
    options = ConsoleOptions(port=0, language=language)
    async with (
        served_here(database_of_pages, options) as address,
        visitor(browser, address, width=width) as one,
    ):
        for path in addresses:
            await one.goto(path)
            assert ("Heute" if language else "⟪") in await one.page.inner_text("body"), path
            across = await one.page.evaluate("document.documentElement.scrollWidth")
            assert across <= width, (path, await one.page.evaluate(_TOO_WIDE, width))
            assert await one.page.evaluate(_CUT_OFF) == [], path
        one.wrong = [each for each in one.wrong if "status of 404" not in each]


_TOO_WIDE = """
width => [...document.querySelectorAll('main *')].filter(
  each => each.checkVisibility() && !each.closest('.scroll') && each.getBoundingClientRect().right > width
).map(each => each.outerHTML.slice(0, 120))
"""
_CUT_OFF = """
[...document.querySelectorAll('main *, .bar *')].filter(each => {
  const style = getComputedStyle(each);
  return each.checkVisibility() && !each.closest('.unseen, .scroll, svg, pre')
    && style.overflowX === 'hidden' && each.scrollWidth > each.clientWidth + 1;
}).map(each => each.outerHTML.slice(0, 120))
"""


@asynccontextmanager
async def served_here(database: Database, options: ConsoleOptions) -> AsyncIterator[str]:
    """The address of a console in this process."""
    server = Server(database, Drawer(), fetch, options)
    running = asyncio.create_task(server.run())
    try:
        yield server.url
    finally:
        server.stop()
        await running


# --- German ----------------------------------------------------------------------------------------------------------


async def test_a_page_is_in_german_for_who_asks_for_it(site: Site, db: Harness) -> None:
    await db.given_document("completed", tags=["home"])
    await db.sql(
        "update alfrd.documents set total_amount = 1850, currency = 'EUR', document_date = '2024-03-05'"
    )
    site.client.headers["accept-language"] = "de-DE,de;q=0.9,en;q=0.8"
    page = await site.get("/documents")
    assert '<html lang="de"' in page
    assert "1 Dokument 1.850,00 EUR" in words_of(page)
    assert "05.03.2024" in page
    part = await site.get("/documents?part=list")
    site.client.headers["accept-language"] = "en"
    assert "1 document 1,850.00 EUR" in words_of(await site.get("/documents?part=list"))
    assert "1 Dokument" in words_of(part)
    refused = await site.client.post(
        "/retry", headers={"origin": "http://elsewhere", "accept-language": "de"}
    )
    assert refused.text == catalogues()["de"].plain("error.other_site") + "\n"


async def test_an_amount_is_typed_with_a_comma(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    await db.sql("update alfrd.documents set total_amount = 1850.5, currency = 'EUR'")
    site.client.headers["accept-language"] = "de"
    page = await site.get(f"/documents/{document}")
    assert re.search(r'name="total_amount" value="1850,50?"', page)
    await site.post(
        f"/documents/{document}/correct", {"was.total_amount": "1850,50", "total_amount": "1.900,25"}
    )
    assert await db.one("select total_amount from alfrd.documents") == Decimal("1900.25")
    assert "Berichtigt: Betrag." in await site.get(f"/documents/{document}")
    assert "Kein Dokument passt." in await site.get("/documents?least=1.901")
    assert 'name="least" value="1900,2"' in await site.get("/documents?least=1900,2")


async def test_a_setting_gives_the_language_to_all(db: Harness, database_of_pages: Database) -> None:
    site = site_of(database_of_pages)
    site.console.language = "de"
    site.client = httpx.AsyncClient(
        transport=httpx.ASGITransport(build(site.console, ["127.0.0.1"])), base_url="http://127.0.0.1"
    )
    async with site.client:
        assert "<h1>Heute</h1>" in await site.get("/")
        answer = await site.client.get("/api/documents/nothing")
        assert answer.json() == {"error": "nothing has the id nothing"}, "programs are told in English"


async def test_a_language_that_is_not_there_is_refused(database_of_pages: Database) -> None:
    with pytest.raises(SettingsInvalid, match="browser or one of en, de"):
        Server(database_of_pages, Drawer(), fetch, ConsoleOptions(port=0, language="tlh"))
