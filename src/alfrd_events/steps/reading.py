"""Step ``ocr``: from parts to pages."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from alfrd_events.errors import Permanent
from alfrd_events.model import Case, Document, DocumentReading, PartReading

if TYPE_CHECKING:
    from alfrd_events.steps.registry import Tools


async def ocr(case: Case, tools: Tools) -> DocumentReading:
    """Read every page of every part, in order; what an earlier attempt saved is not read again.

    All parts are looked at before the first page is read, so that a broken second part costs nothing.
    """
    document = _document(case)
    if not case.parts:
        raise Permanent(
            f"document {document.id}: no content, no uri and no parts to read; insert one of them"
        )
    parts = [await tools.sources.fetch(source) for source in case.parts]
    infos = [await tools.reader.inspect(part) for part in parts]
    before = 0
    for part, info in zip(parts, infos, strict=True):
        saved = {number - before for number in case.saved_pages}
        async for page in tools.reader.read(part, skip=saved):
            numbered = replace(page, number=before + page.number) if before else page
            await tools.save_page(numbered, part.number)
        before += info.page_count
    return DocumentReading(
        page_count=before,
        parts=tuple(
            PartReading(
                number=part.number,
                filename=part.filename,
                uri=source.uri,
                media_type=info.media_type,
                page_count=info.page_count,
                byte_count=len(part.content),
                sha256=hashlib.sha256(part.content).hexdigest(),
            )
            for source, part, info in zip(case.parts, parts, infos, strict=True)
        ),
    )


def _document(case: Case) -> Document:
    assert case.document is not None, "routed for documents only"
    return case.document
