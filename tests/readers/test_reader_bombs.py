"""A bomb fails its own document with the reason, in bounded time and memory, and the next file is read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest

from alfrd_events.errors import Unreadable
from alfrd_events.reading.local import LocalReader
from alfrd_events.sandbox.limits import ReaderLimits
from tests.readers import bombs
from tests.readers.cms_writer import signed
from tests.readers.container_inputs import docx, paragraph, zipped
from tests.readers.reader_inputs import children_of, part
from tests.readers.tnef_writer import packed

NOTE = part(b"a note", "note.txt")
LIMITS = {"memory_bytes": 1_000_000_000, "page_cpu_seconds": 8}
"""Tighter than usual, so that a bomb goes off sooner."""


async def outcome_of(content: bytes, **limits: int) -> str:
    """What becomes of a file; a note is read after it by the same reader."""
    reader = LocalReader(ReaderLimits(**(LIMITS | limits)), processes=1)  # type: ignore[arg-type]
    try:
        try:
            pages = [page async for page in reader.read(part(content, "bomb"))]
            outcome = f"read {len(pages)} pages, {sum(len(page.text) for page in pages)} characters"
        except Unreadable as refusal:
            outcome = str(refusal)
        assert [page.text async for page in reader.read(NOTE)] == ["a note"]
        return outcome
    finally:
        await reader.aclose()


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        (bombs.pdf_bomb, "crash or run out of memory"),
        (lambda: bombs.pdf_tree(100_000), "page 1 of the PDF is damaged"),
        (bombs.pdf_loop, "page 1 of the PDF is damaged"),
        (lambda: bombs.png(40_000, 40_000), "too large: 40,000 by 40,000 pixels"),
        (lambda: bombs.png(8, 8, comment=bombs.deflated(bytes(64), 1 << 28)), "the PNG image is damaged"),
        (lambda: zipped({"a.txt": bytes(50 << 20)}), "unpacks to more than 250 times its size"),
        (lambda: bombs.zip_that_lies(50 << 20), "the archive is damaged"),
        (lambda: bombs.zip_with_overlaps(400), "the archive is damaged"),
        (lambda: zipped(dict.fromkeys(map(str, range(600)), "x")), "holds more than 500 files"),
        (lambda: zipped(dict.fromkeys(map(str, range(21_000)), "x")), "lists more than 20,000 files"),
        (bombs.word_laughs, "has a document type definition, which could hold an entity bomb"),
        (bombs.invoice_laughs, "has a document type definition, which could hold an entity bomb"),
        (lambda: docx("<w:x>" * 300 + "</w:x>" * 300), "nested more than 200 deep"),
        (lambda: bombs.nested_mail(20_000), "inside one another too deep"),
        (lambda: bombs.forwarded_mail(5_000), "inside one another too deep"),
        (lambda: bombs.crowded_mail(30_000), "holds more than 500 files"),
        (
            lambda: signed(zipped({"a.txt": bytes(50 << 20)}), pieces=1000),
            "unpacks to more than 250 times its size",
        ),
        (
            lambda: packed(**{f"a{n}": b"x" for n in range(600)}),  # type: ignore[arg-type]
            "holds more than 500 files",
        ),
        (
            lambda: b"From a Thu Mar  5 09:30:00 2026\nTo: x\nMIME-Version: 1\nDate: x\n\n" * 600,
            "more than 500 files",
        ),
        (lambda: signed(signed(bombs.nested_mail(200))), "inside one another too deep"),
        (lambda: bombs.forwarded_in_signatures(5), "inside one another more than 3 deep"),
        (lambda: b"<html>" + b"<!--" * 1_000_000, "more than the limit of 8 seconds of processor time"),
        (lambda: b"\f" * 5_000 + b"x", "has 5,001 pages, more than the limit of 1,000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bomb_is_refused_with_the_reason(bomb: Callable[[], bytes], reason: str) -> None:
    before = children_of(os.getpid())

    assert reason in asyncio.run(outcome_of(bomb()))

    assert children_of(os.getpid()) <= before


def test_more_text_than_a_page_may_have_is_refused() -> None:
    refusal = asyncio.run(outcome_of(b"many words\n" * 200, max_page_characters=1_000))
    assert "has more text than the limits of 1,000 characters for a page and 50,000,000 for a file" in refusal


def test_more_text_than_a_part_may_have_is_refused_over_all_its_pages() -> None:
    pages = b"\f".join([b"x" * 400] * 3)
    assert asyncio.run(outcome_of(pages, max_part_characters=1_200)).startswith("read 3 pages")
    assert "has more text" in asyncio.run(outcome_of(pages, max_part_characters=1_199))


def test_a_page_too_long_for_the_wire_is_refused_and_not_tried_again() -> None:
    refusal = asyncio.run(
        outcome_of(b"y" * (70 << 20), max_page_characters=1 << 30, max_part_characters=1 << 30)
    )
    assert "has more text than the limits" in refusal


def test_members_that_are_too_large_together_are_refused() -> None:
    files = {f"{n}.txt": os.urandom(60_000).hex() for n in range(10)}
    refusal = asyncio.run(outcome_of(zipped(files), max_unpacked_bytes=1_000_000))
    assert "bomb: unpacks to more than 1,000,000 bytes, which is the limit" in refusal


def test_what_an_archive_in_an_archive_holds_counts_for_the_whole() -> None:
    inner = zipped({f"{n}.txt": os.urandom(60_000).hex() for n in range(5)})
    limit = 3 * 120_000 * 5
    assert asyncio.run(outcome_of(zipped({"1.zip": inner}), max_unpacked_bytes=limit)).startswith(
        "read 5 pages"
    )
    refusal = asyncio.run(outcome_of(zipped({f"{n}.zip": inner for n in range(4)}), max_unpacked_bytes=limit))
    assert f"bomb: unpacks to more than {limit:,} bytes" in refusal


def test_a_bomb_inside_an_archive_is_named() -> None:
    given = zipped({"a.txt": "fine", "letter.docx": docx(paragraph("w" * (20 << 20)))})
    assert "bomb › letter.docx › word/document.xml: unpacks to more than 250 times" in asyncio.run(
        outcome_of(given)
    )
