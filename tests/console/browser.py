"""A real Chromium, and what must never be seen in it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(__file__).parent / "vendor" / "axe.min.js"

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"
)

PATIENCE = 120_000
"""Milliseconds in which a page comes and shows what it should: a busy machine is slow."""
expect.set_options(timeout=PATIENCE)

_TELL = """
document.addEventListener('securitypolicyviolation', event =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
window.alert = () => console.error('a script of a document ran');
"""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser, without a network of its own."""
    async with async_playwright() as playwright:
        assert CHROMIUM is not None
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


class Visitor:
    """One person's window; collects what went wrong in it."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site.rstrip("/")
        self.wrong: list[str] = []
        page.on("console", lambda message: self._note(message.type == "error", f"console: {message.text}"))
        page.on("pageerror", lambda error: self._note(True, f"error: {error}"))
        page.on(
            "request",
            lambda request: self._note(
                not request.url.startswith((self.site, "data:")), f"elsewhere: {request.url}"
            ),
        )

    def _note(self, is_wrong: bool, what: str) -> None:
        if is_wrong:
            self.wrong.append(what)

    async def goto(self, path: str) -> None:
        await self.page.goto(self.site + path)

    async def violations(self) -> list[str]:
        """What axe-core finds on the page."""
        await self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = await self.page.evaluate("axe.run()")
        return [
            f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0].get('failureSummary', '')[:300]}"
            for each in found["violations"]
        ]


@asynccontextmanager
async def visitor(
    browser: Browser, site: str, *, width: int = 1280, scheme: Literal["light", "dark"] = "light"
) -> AsyncIterator[Visitor]:
    """A window on the site; nothing may have gone wrong in it at the end."""
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    await context.add_init_script(_TELL)
    made = Visitor(await context.new_page(), site)
    yield made
    await context.close()
    assert made.wrong == []
