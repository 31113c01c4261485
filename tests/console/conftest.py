"""A console in this process, on a database of its own, and a browser that needs no network."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Browser

from alfrd_events.console.app import build
from alfrd_events.console.live import Live
from alfrd_events.console.pictures import PageImages
from alfrd_events.console.roles import Role, Tokens, new_token
from alfrd_events.console.state import Console
from alfrd_events.db.database import Database
from alfrd_events.errors import Unreadable
from alfrd_events.model import Part, PartSource
from tests.cli.program import Program
from tests.console.browser import chromium

A_PICTURE = b"\xff\xd8 a page \xff\xd9"


class Drawer:
    """Draws one picture for all pages, and counts."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, int, int, int]] = []

    async def draw(self, part: Part, page: int, *, rotation: int = 0, side: int = 1600) -> bytes | None:
        self.drawn.append((part.filename, page, rotation, side))
        if part.content.startswith(b"text"):
            return None
        if part.content.startswith(b"broken"):
            raise Unreadable(f"{part.filename}: broken")
        return A_PICTURE


async def fetch(source: PartSource) -> Part:
    assert source.content is not None
    return Part(source.number, source.filename, source.content)


@dataclass
class Site:
    """A running console and a client of it."""

    console: Console
    client: httpx.AsyncClient
    drawer: Drawer
    token_of: dict[str, str]

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.text

    async def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', await self.get("/documents"))
        assert found
        return found[1]

    async def post(
        self,
        path: str,
        fields: Mapping[str, str] | None = None,
        *,
        status: int = 303,
        files: Any = None,
    ) -> httpx.Response:
        data = {"csrf": await self.csrf(), **(fields or {})}
        answer = await self.client.post(path, data=data, files=files)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer

    async def sign_in(self, role: str) -> None:
        self.client.cookies.clear()
        answer = await self.client.post("/sign-in", data={"token": self.token_of[role]})
        assert answer.status_code == 303, answer.text


def site_of(database: Database, *, with_tokens: bool = False) -> Site:
    """A console on a database."""
    drawer = Drawer()
    token_of, lines = {}, []
    for role in Role:
        token, line = new_token(role.name.lower())
        token_of[role.name.lower()] = token
        lines.append(line)
    console = Console(
        database,
        Live(database, None),
        PageImages(database, drawer, fetch),
        Tokens.parse(",".join(lines) if with_tokens else ""),
        max_bytes=1_000_000,
    )
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(build(console, ["127.0.0.1", "localhost"]), raise_app_exceptions=False),
        base_url="http://127.0.0.1:8470",
    )
    return Site(console, client, drawer, token_of)


@pytest.fixture
async def database_of_pages(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, max_size=2) as database:
        yield database


@pytest.fixture
async def site(database_of_pages: Database) -> AsyncIterator[Site]:
    """A console for this machine alone: nobody signs in."""
    made = site_of(database_of_pages)
    async with made.client:
        yield made


@pytest.fixture
async def guarded(database_of_pages: Database) -> AsyncIterator[Site]:
    """A console that asks for tokens."""
    made = site_of(database_of_pages, with_tokens=True)
    async with made.client:
        yield made


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of a console that ``up`` has started, with a worker and an inbox."""
    program = Program(database_url, ALFRD_DATA_DIR=str(tmp_path))
    with program.started("up", "--port", "0", "--inbox", tmp_path / "inbox") as process:
        yield address_of(process)


def address_of(process: subprocess.Popen[str]) -> str:
    """Wait for the line that tells it; go on reading, or the program would wait for us."""
    assert process.stdout is not None
    assert process.stderr is not None
    for line in process.stdout:
        if found := re.match(r"console (http://\S+)", line):
            for stream in (process.stdout, process.stderr):
                threading.Thread(target=stream.read, daemon=True).start()
            return found[1]
    raise AssertionError(process.stderr.read())


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


def words_of(page: str) -> str:
    """What a page says, without its marks and forms."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def pages_of(document: UUID, series: UUID | None = None, file: UUID | None = None) -> list[str]:
    """One address of each page."""
    found = [
        "/",
        "/documents",
        f"/documents/{document}",
        "/selection",
        "/series",
        "/files",
        "/work",
        "/work?preview=failed",
    ]
    found += ["/prompts", "/prompts/classifier", "/money", "/money?by=step", "/setup", "/api"]
    found += [f"/series/{series}"] if series else []
    found += [f"/files/{file}"] if file else []
    return found
