"""What the documentation points at is there, and each decision has its record in the index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("examples/*.md"),
    ROOT / "samples/README.md",
]
RECORDS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
INDEX = (ROOT / "docs" / "decisions" / "README.md").read_text()
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
HEAD = re.compile(
    r"# (\d+)\. (.+)\n\nStatus: (accepted|rejected|superseded)[^\n]*\. Date: (\d{4}-\d\d-\d\d)\.\n\n"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_to_a_file(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


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
