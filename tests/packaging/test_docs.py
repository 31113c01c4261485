"""The documentation: what it points at is there, its blocks are of their languages, each decision is in the index."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("examples/*.md"),
    ROOT / "samples/README.md",
]
RECORDS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
INDEX = (ROOT / "docs" / "decisions" / "README.md").read_text()
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
ANCHOR = re.compile(r"\]\(([^)#\s]*)#([^)]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
HEAD = re.compile(
    r"# (\d+)\. (.+)\n\nStatus: (accepted|rejected|superseded)[^\n]*\. Date: (\d{4}-\d\d-\d\d)\.\n\n"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_to_a_file(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def headings(page: Path) -> set[str]:
    """The anchors of a page: its headings in small letters, without marks, with ``-`` for spaces."""
    found = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_anchor_is_a_heading(page: Path) -> None:
    anchors = [(name, anchor) for name, anchor in ANCHOR.findall(page.read_text()) if "://" not in name]
    assert [
        (name, anchor)
        for name, anchor in anchors
        if anchor not in headings(page.parent / name if name else page)
    ] == []


def test_a_heading_has_the_anchor_that_readers_see() -> None:
    assert {"how-often", "the-calendar-in-sql", "merge-rename-split"} <= headings(ROOT / "docs/series.md")


def listed(entry: object) -> Iterator[str]:
    """The pages of an entry of the navigation, and of what is below it."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for below in entry.values():
            yield from listed(below)
    elif isinstance(entry, list):
        for below in entry:
            yield from listed(below)


def test_each_page_is_in_the_navigation_of_the_site_once() -> None:
    project = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    records = {str(record.relative_to(DOCS)) for record in RECORDS}  # their index leads to them
    assert sorted(listed(project["nav"])) == sorted(pages - records)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.name)
def test_a_page_of_the_site_leads_to_nothing_outside_of_it(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).resolve().is_relative_to(DOCS)] == []


READERS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "toml": tomllib.loads,
    "python": lambda text: compile(text, "a page", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT),
}
"""Languages that are at hand. Those of :data:`ELSEWHERE` are run where their programs are, or written with care."""
ELSEWHERE = {"sql", "sh", "console"} | {"js"} | {"go", "ruby"} | {"text"}
"""Run by test_docs_run; run by test_sql_reference; not at hand; no language."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_block_is_of_its_language(page: Path) -> None:
    for language, text in BLOCK.findall(page.read_text()):
        assert language in READERS.keys() | ELSEWHERE
        if language in READERS:
            READERS[language](text)


@pytest.mark.parametrize(("language", "wrong"), [("json", "{"), ("toml", "a ="), ("python", "a =")])
def test_a_block_of_another_language_is_noticed(language: str, wrong: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        READERS[language](wrong)


@pytest.mark.parametrize(
    ("number", "record"), list(enumerate(RECORDS, 1)), ids=lambda value: getattr(value, "stem", None)
)
def test_a_record_has_its_number_its_status_its_date_and_its_row(number: int, record: Path) -> None:
    head = HEAD.match(record.read_text())
    assert head
    assert (int(head[1]), record.name[:4]) == (number, f"{number:04d}")
    assert re.search(
        rf"^\| \[{number:04d}\]\({re.escape(record.name)}\) \| {re.escape(head[2])} \| {head[3]}[^|]* \| {head[4]} \|$",
        INDEX,
        re.MULTILINE,
    )
