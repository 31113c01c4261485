"""Nobody gets in who should not, and nothing of a document runs."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from alfrd_events.console.guard import POLICY
from alfrd_events.console.serve import ConsoleOptions, Server
from alfrd_events.console.sessions import COOKIE
from alfrd_events.db.database import Database
from testing.harness import Harness
from tests.console.conftest import Drawer, Site, fetch, pages_of, site_of

HOSTILE = [
    "<script>alert(1)</script>.pdf",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "bill\u202efdp.exe",
    "<svg onload=alert(1)>",
    "{{ 7 * 7 }}",
    "a" * 10_000,
    "tab\tline\nend",
    "' onfocus=alert(1) autofocus='",
]


async def test_every_answer_has_the_policy(site: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    for path in [*pages_of(document), "/nothing", "/documents/x", "/static/console.js", "/api/documents"]:
        answer = await site.client.get(path)
        assert answer.headers["content-security-policy"] == POLICY, path
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1@evil.example"])
async def test_another_name_is_refused(site: Site, host: str) -> None:
    answer = await site.client.get("/", headers={"host": host})
    assert answer.status_code == 421


async def test_another_port_of_this_machine_is_no_other_name(site: Site) -> None:
    assert (await site.client.get("/", headers={"host": "localhost:9999"})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
    ],
)
@pytest.mark.parametrize("path", ["/upload", "/api/documents", "/replay"])
async def test_another_site_changes_nothing(
    site: Site, db: Harness, headers: dict[str, str], path: str
) -> None:
    csrf = await site.csrf()
    answer = await site.client.post(
        path, data={"csrf": csrf}, files={"files": ("a.txt", b"hello")}, headers=headers
    )
    assert answer.status_code == 403
    assert await db.one("select count(*) from alfrd.documents") == 0


@pytest.mark.parametrize("csrf", ["", "of somebody else"])
async def test_a_form_without_its_mark_does_nothing(site: Site, db: Harness, csrf: str) -> None:
    await site.get("/")
    answer = await site.client.post("/upload", data={"csrf": csrf}, files={"files": ("a.txt", b"hello")})
    assert answer.status_code == 403
    assert "please do it again" in answer.text
    assert await db.one("select count(*) from alfrd.documents") == 0


async def test_a_mark_of_another_session_is_not_taken(site: Site) -> None:
    csrf = await site.csrf()
    site.client.cookies.clear()
    assert (await site.client.post("/replay", data={"csrf": csrf})).status_code == 403


async def test_what_is_too_large_is_refused_before_it_is_read(site: Site) -> None:
    answer = await site.client.post("/upload", content=b"x", headers={"content-length": "999999999"})
    assert answer.status_code == 413

    async def endless() -> Any:
        yield b"x"

    assert (await site.client.post("/upload", content=endless())).status_code == 411


async def test_a_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site) -> None:
    cookie = (await site.client.get("/")).headers["set-cookie"]
    assert cookie.startswith(COOKIE)
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


async def test_nothing_is_shown_without_a_token(guarded: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    for path in [*pages_of(document), "/live", f"/documents/{document}/original/1", "/nothing"]:
        answer = await guarded.client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), path
    assert (await guarded.client.get(f"/documents/{document}/pages/1.jpg")).status_code == 303
    for path in ("/api/documents", f"/api/documents/{document}"):
        assert (await guarded.client.get(path)).status_code == 401


async def test_each_role_does_what_it_may(guarded: Site, db: Harness) -> None:
    document = await db.given_document("completed")
    await guarded.sign_in("reader")
    for path in pages_of(document):
        await guarded.get(path, 403 if "preview" in path else 200)
    text = await guarded.get(f"/documents/{document}")
    assert "Do it again" not in text
    assert "/correct" not in text or "<button>Correct" not in text
    csrf = guarded.console.sessions.find(guarded.client.cookies[COOKIE]).csrf  # type: ignore[union-attr]
    for path in ("/upload", f"/documents/{document}/retry", "/steps/ocr/pause", "/replay", "/retry"):
        assert (await guarded.client.post(path, data={"csrf": csrf})).status_code == 403, path

    await guarded.sign_in("operator")
    await guarded.post("/steps/ocr/pause")
    csrf = await guarded.csrf()
    for path in ("correct", "undo", "tags", "accept", "skip"):
        answer = await guarded.client.post(f"/documents/{document}/{path}", data={"csrf": csrf})
        assert answer.status_code == 403, path

    await guarded.sign_in("editor")
    await guarded.post(f"/documents/{document}/tags", {"tags": "a, b", "was": ""})
    assert set(await db.one("select tags from alfrd.documents")) >= {"a", "b"}


async def test_a_token_is_for_programs_too_and_a_cookie_is_not(guarded: Site, db: Harness) -> None:
    await guarded.sign_in("editor")
    assert (await guarded.client.get("/api/documents")).status_code == 401
    reader = {"authorization": f"Bearer {guarded.token_of['reader']}"}
    assert (await guarded.client.get("/api/documents", headers=reader)).json() == []
    files = {"files": ("a.txt", b"hello")}
    assert (await guarded.client.post("/api/documents", files=files, headers=reader)).status_code == 403
    operator = {"authorization": f"Bearer {guarded.token_of['operator']}"}
    assert (await guarded.client.post("/api/documents", files=files, headers=operator)).status_code == 201


async def test_the_server_holds_no_token(guarded: Site) -> None:
    held = vars(guarded.console.tokens)["_roles"]
    assert not any(token in key for token in guarded.token_of.values() for key in held)


async def test_guessing_is_slow(guarded: Site) -> None:
    answers = [
        (await guarded.client.post("/sign-in", data={"token": f"guess {n}"})).status_code for n in range(7)
    ]
    assert answers == [401] * 5 + [429] * 2
    good = await guarded.client.post("/sign-in", data={"token": guarded.token_of["editor"]})
    assert good.status_code == 429


async def test_signing_out_ends_the_session(guarded: Site) -> None:
    await guarded.sign_in("reader")
    session = guarded.console.sessions.find(guarded.client.cookies[COOKIE])
    assert session is not None
    await guarded.client.post("/sign-out", data={"csrf": session.csrf})
    assert (await guarded.client.get("/")).headers["location"] == "/sign-in"


async def test_names_and_texts_are_shown_as_text(site: Site, db: Harness) -> None:
    for name in HOSTILE:
        document = await db.given_document("ocr_completed", tags=[name[:200].replace("\n", " ")])
        await db.sql(
            "update alfrd.documents set filename = %s, entity = %s, summary = %s where id = %s",
            *[name] * 3,
            document,
        )
        await db.sql("update alfrd.pages set text = %s where document_id = %s", name, document)
        for path in ("/", "/documents", f"/documents/{document}", "/work", "/documents?q=alert"):
            text = await site.get(path)
            for piece in (
                "<script>alert",
                "<img src=x",
                "<svg onload",
                "\u202e",
                "' onfocus=",
                'href="javascript',
            ):
                assert piece not in text, (path, piece)
        if name == "{{ 7 * 7 }}":
            assert name in await site.get(f"/documents/{document}")


async def test_hostile_addresses_break_nothing(site: Site) -> None:
    for path in (
        "/documents?q=%00%27%22%3B--&status=%00&tag=%00&least=NaN&most=Infinity&since=x&page=99999999999999",
        "/documents?q=" + "a%20" * 3000,
        "/documents?q=" + "%27%3A%2A%20%26%20%7C%20%21" * 20,
        "/documents?part=nothing",
        "/documents/%00",
        f"/documents/{uuid4()}",
        f"/documents/{uuid4()}/original/999999999999999999",
        f"/documents/{uuid4()}/pages/1.jpg?side=99",
        "/money?by=%3Cscript%3E",
    ):
        answer = await site.client.get(path)
        assert answer.status_code in (200, 404), (path, answer.status_code, answer.text)


async def test_an_original_is_saved_and_never_shown(site: Site, db: Harness) -> None:
    document = await db.one(
        "insert into alfrd.documents (filename, content) values (%s, %s) returning id",
        "../<b>\r\nx: y\u202e.html",
        b"<script>alert(1)</script>",
    )
    answer = await site.client.get(f"/documents/{document}/original/1?part=list")
    assert answer.content == b"<script>alert(1)</script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert "\u202e" not in answer.headers["content-disposition"]
    assert "/" not in answer.headers["content-disposition"]


async def test_reading_needs_the_role_of_a_reader_alone(
    database_url: str, signed_in: dict[str, str], db: Harness
) -> None:
    document = await db.given_document("completed")
    series = await db.one("select series_id from alfrd.documents")
    file = await db.one("select id from alfrd.files limit 1")
    async with Database(database_url.replace("//postgres@", "//wall@"), max_size=2) as database:
        made = site_of(database)
        async with made.client:
            assert await database.value("select session_user") == "wall"
            for path in pages_of(document, series, file):
                if "preview" not in path:
                    await made.get(path)
            await made.get(f"/series/{series}/documents.csv")
            answer = await made.post(f"/documents/{document}/retry", status=409)
            assert "permission denied" in answer.text


@pytest.mark.parametrize("login", ["wall", "postgres"])
async def test_a_console_that_may_only_read_offers_nothing_else(
    database_url: str, signed_in: dict[str, str], db: Harness, login: str
) -> None:
    document = await db.given_document("completed")
    async with Database(database_url.replace("//postgres@", f"//{login}@"), max_size=2) as database:
        server = Server(database, Drawer(), fetch, ConsoleOptions(port=0))
        running = asyncio.create_task(server.run())
        async with httpx.AsyncClient(base_url=server.url) as client:
            page = (await client.get(f"/documents/{document}")).text
            refused = await client.post(f"/api/documents/{document}/retry")
        server.stop()
        await running
    assert (f"/documents/{document}/retry" in page) == (login == "postgres")
    assert refused.status_code == (200 if login == "postgres" else 403)


async def test_a_slow_browser_keeps_no_connection(site: Site, db: Harness) -> None:
    """Ten browsers read nothing of their page, and the two connections of the pool are free for the next."""
    await db.given_document("completed")
    stuck, started = asyncio.Event(), 0
    app: Any = site.client._transport.app  # type: ignore[attr-defined]
    scope = {
        "type": "http", "method": "GET", "path": "/documents", "raw_path": b"/documents", "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")], "scheme": "http", "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1), "root_path": "", "http_version": "1.1",
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal started
        started += message["type"] == "http.response.start"
        await stuck.wait()

    slow = [asyncio.create_task(app(dict(scope), receive, send)) for _ in range(10)]
    async with asyncio.timeout(10):
        while started < 10:
            await asyncio.sleep(0.01)
        await site.get("/documents")
    stuck.set()
    await asyncio.gather(*slow)
