"""Write ``docs/img/*.png``: the console with the samples in it, as Chromium shows it.

Run as ``python -m tools.screenshots``; needs Debian's ``chromium``. Everything is made in a folder that is thrown away.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

import httpx
from PIL import Image
from playwright.async_api import async_playwright

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "img"
WIDTH, HEIGHT = 1280, 800
SHOTS: tuple[tuple[str, str, int, Literal["light", "dark"]], ...] = (
    ("today", "/", WIDTH, "light"),
    ("documents", "/documents", WIDTH, "light"),
    ("document", "document", WIDTH, "light"),
    ("series", "series", WIDTH, "dark"),
    ("work", "/work", WIDTH, "dark"),
    ("phone", "document", 390, "light"),
)
"""Name, address, width and colours of each."""
_COLOURS = 160
"""Of a picture: as few as keep it small and its text sharp."""


def main() -> int:
    """Make them all; 1 if Chromium is missing."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("Chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ALFRD_")}
        environment["ALFRD_DATA_DIR"] = folder
        program = [str(Path(sys.executable).parent / "alfrd-events"), "up", "--port", "0"]
        with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as running:
            try:
                asyncio.run(_shoot(chromium, _address_of(running)))
            finally:
                running.send_signal(signal.SIGINT)
    return 0


def _address_of(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    for line in running.stdout:
        if found := re.match(r"console (\S+?)/?$", line.strip()):
            return found[1]
    raise SystemExit("the console did not start")


async def _shoot(chromium: str, site: str) -> None:
    TARGET.mkdir(exist_ok=True)
    paths = [path for path in sorted((ROOT / "samples").iterdir()) if re.match(r"2024-|broken", path.name)]
    async with httpx.AsyncClient(base_url=site, timeout=300) as client, async_playwright() as playwright:
        for path in paths:
            (
                await client.post("/api/documents", files={"files": (path.name, path.read_bytes())})
            ).raise_for_status()
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(f"{site}/documents?status=completed")
        await page.locator(".summary b", has_text=str(len(paths) - 1)).wait_for(timeout=600_000)
        documents = (await client.get("/api/documents?q=harborlight&order=date")).json()
        known = {
            "document": f"/documents/{documents[0]['id']}",
            "series": f"/series/{documents[0]['series_id']}",
        }
        for name, address, width, scheme in SHOTS:
            page = await browser.new_page(
                viewport={"width": width, "height": HEIGHT if width == WIDTH else 844}, color_scheme=scheme
            )
            await page.goto(site + known.get(address, address))
            await page.evaluate(
                "Promise.all([...document.images].filter(each => each.loading !== 'lazy' || "
                "each.getBoundingClientRect().top < innerHeight).map(each => each.decode()))"
            )
            _write(await page.screenshot(), TARGET / f"{name}.png")
            await page.close()
        await browser.close()


def _write(shot: bytes, path: Path) -> None:
    small = (
        Image.open(io.BytesIO(shot))
        .convert("RGB")
        .quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    small.save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    sys.exit(main())
