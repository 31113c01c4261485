"""What browsers are given: known files, small, and nothing that the policy forbids."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from alfrd_events.console.rendering import STATIC, TEMPLATES

VENDOR = Path(__file__).parent / "vendor"
KNOWN = {
    STATIC
    / "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",  # htmx.org 4.0.1
    VENDOR
    / "axe.min.js": "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",  # axe-core 4.14.1
}


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.name)
def test_a_file_of_others_is_as_it_was_published(path: Path) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == KNOWN[path]


def test_licences_come_with_them() -> None:
    assert "Zero-Clause BSD" in (STATIC / "htmx.LICENSE.txt").read_text()
    assert "Mozilla Public License, version 2.0" in (VENDOR / "axe.LICENSE.txt").read_text()


def test_scripts_and_styles_are_small() -> None:
    paths = [path for path in STATIC.iterdir() if path.suffix in (".js", ".css")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in paths) <= 40 * 1024
    assert len((STATIC / "console.js").read_text().splitlines()) < 300


@pytest.mark.parametrize("path", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_a_template_needs_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)", text)
    assert not re.search(r"https?://", text)
    for escaped in re.findall(r"\{\{([^}]*)\| safe", text):
        assert re.match(r"\s*'[^']*'\s*$", escaped), "only literals are safe as they are"
