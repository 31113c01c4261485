"""Hand-made documents: rows of text, with or without the positions that a reader would give."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.analysis.rules.lexicon import type_names
from alfrd_events.model import Document, DocumentType, Line, Page, Prompt, Series

T = TypeVar("T")

ANALYST = RulesAnalyst()
PROMPT = Prompt(id=1, kind="rules_classifier", document_type="", version=1, text="")
TYPES = [DocumentType(name, "") for name in (*type_names(), "other")]
ROW_HEIGHT = 0.02


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def plain(text: str, **fields: Any) -> Document:
    """A document of one page without positions."""
    return _document((Page(1, text, 1.0, source="plain"),), **fields)


def scanned(text: str, *, width: int = 60, **fields: Any) -> Document:
    """A document of one page with positions: each line a row, cells apart by two or more blanks.

    A cell's place in its line is its place on the page, so that columns are made by aligning them.
    """
    lines = []
    for number, row in enumerate(text.strip("\n").splitlines()):
        start = 0
        for cell in [cell for cell in row.split("  ") if cell.strip()]:
            left = row.index(cell.strip(), start)
            start = left + len(cell.strip())
            top = 0.02 + number * ROW_HEIGHT
            box = (left / width, top, start / width, top + 0.8 * ROW_HEIGHT)
            lines.append(Line(cell.strip(), box, 0.97))
    return _document((Page(1, text, 0.97, tuple(lines), 1000, 1600),), **fields)


def of_pages(pages: Sequence[Page], **fields: Any) -> Document:
    """A document of pages as a reader has given them."""
    return _document(tuple(pages), **fields)


def series(entity: str, kind: str = "purchases", *fields: str, id: UUID | None = None) -> Series:
    return Series(id or uuid4(), entity, kind, "monthly", "a-slug", f"{entity}: {kind}", fields)


def _document(pages: tuple[Page, ...], **fields: Any) -> Document:
    values: dict[str, Any] = {
        "id": uuid4(),
        "filename": "scan.png",
        "status": "ocr_completed",
        "created_at": datetime(2026, 1, 15, tzinfo=UTC),
        "page_count": len(pages),
        "pages": pages,
    }
    return Document(**(values | fields))
