"""Handlers: pure functions of a case and their tools."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Container
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from alfrd_events.errors import Permanent, Unreadable
from alfrd_events.model import (
    AnalystResult,
    Classification,
    Document,
    DocumentType,
    Page,
    Part,
    PartInfo,
    PartSource,
    Prompt,
)
from alfrd_events.model.inputs import ClassifyInput, FilingInput, OcrInput
from alfrd_events.model.jobs import AnalysisJob
from alfrd_events.steps import analysis, filing, reading
from alfrd_events.steps.step import Tools
from testing.noop import NoopAnalyst, NoopReader, noop_tools

PROMPT = Prompt(id=1, kind="classifier", document_type="", version=1, text="")
TYPES = (DocumentType("receipt", ""), DocumentType("other", ""))


def _document(**changes: Any) -> Document:
    blank = Document(id=uuid4(), filename="a", status="pending", created_at=datetime.now(UTC))
    return replace(blank, **changes)


class PagedReader(NoopReader):
    """Every byte is a page."""

    async def inspect(self, part: Part) -> PartInfo:
        if not part.content:
            raise Unreadable(f"{part.filename}: the file is empty")
        return PartInfo("text/plain", len(part.content))

    async def read(self, part: Part, *, skip: Container[int] = ()) -> AsyncGenerator[Page]:
        for number, byte in enumerate(part.content, start=1):
            if number not in skip:
                yield Page(number=number, text=chr(byte), confidence=1.0, source="plain")


def _reading(
    parts: list[bytes], saved: frozenset[int] = frozenset()
) -> tuple[OcrInput, Tools, dict[int, tuple[str, int]]]:
    read: dict[int, tuple[str, int]] = {}

    async def save(page: Page, part: int) -> None:
        read[page.number] = (page.text, part)

    sources = tuple(
        PartSource(number, f"{number}.txt", content) for number, content in enumerate(parts, start=1)
    )
    given = OcrInput(_document(), parts=sources, saved_pages=saved)
    return given, replace(noop_tools(reader=PagedReader()), save_page=save), read


async def test_pages_are_numbered_through_all_parts() -> None:
    given, tools, read = _reading([b"ab", b"c"])

    result = await reading.ocr(given, tools)

    assert read == {1: ("a", 1), 2: ("b", 1), 3: ("c", 2)}
    assert (result.page_count, [part.page_count for part in result.parts]) == (3, [2, 1])


async def test_pages_that_are_saved_are_not_read_again() -> None:
    given, tools, read = _reading([b"ab", b"cd"], saved=frozenset({1, 3}))

    result = await reading.ocr(given, tools)

    assert sorted(read) == [2, 4]
    assert result.page_count == 4


async def test_a_broken_part_fails_the_document_before_a_page_is_read() -> None:
    given, tools, read = _reading([b"ab", b""])

    with pytest.raises(Unreadable, match=r"2\.txt: the file is empty"):
        await reading.ocr(given, tools)

    assert read == {}


async def test_a_document_without_any_part_says_so() -> None:
    with pytest.raises(Permanent, match="no content, no uri and no parts"):
        await reading.ocr(OcrInput(_document()), noop_tools())


async def test_an_unknown_type_becomes_other_with_a_suggestion() -> None:
    class Inventive(NoopAnalyst):
        def answer(self, job: AnalysisJob[Any]) -> AnalystResult:
            return Classification(document_type="warranty", confidence=0.7, reasoning="says so")

    page = Page(number=1, text="warranty", confidence=1.0)
    given = ClassifyInput(_document(pages=(page,)), types=TYPES, prompt=PROMPT)

    result = await analysis.classify(given, noop_tools(Inventive()))

    assert (result.document_type, result.suggested_type) == ("other", "warranty")


async def test_a_step_without_an_active_prompt_says_so() -> None:
    page = Page(number=1, text="x", confidence=1.0)
    with pytest.raises(Permanent, match="no active prompt"):
        await analysis.classify(ClassifyInput(_document(pages=(page,)), types=TYPES), noop_tools())


async def test_a_document_that_names_nobody_is_filed_nowhere() -> None:
    place = await filing.file(FilingInput(_document(), prompt=PROMPT), noop_tools())

    assert (place.entity, place.entity_key) == ("", "")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("PG&E electricity bill", "pg-and-e-electricity-bill"),
        ("Stadtwerke München: Strom", "stadtwerke-munchen-strom"),
        ("  --  ", "unnamed"),
        ("東京電力", "unnamed"),
        ("x" * 200, "x" * 80),
    ],
)
def test_a_slug_is_a_plain_tag(name: str, slug: str) -> None:
    assert filing.slug(name) == slug
