"""Step ``ocr``: from parts to pages."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from alfrd_events.errors import Permanent
from alfrd_events.model import DocumentReading, PartReading
from alfrd_events.model.inputs import OcrInput
from alfrd_events.steps.step import Tools


async def ocr(given: OcrInput, tools: Tools) -> DocumentReading:
    """Read every page of every part, in order; what an earlier attempt saved is not read again.

    All parts are looked at before the first page is read, so that a broken second part costs nothing.
    """
    if not given.parts:
        raise Permanent(
            f"document {given.document.id}: no content, no uri and no parts to read; insert one of them"
        )
    parts = [await tools.sources.fetch(source) for source in given.parts]
    infos = [await tools.reader.inspect(part) for part in parts]
    before = 0
    for part, info in zip(parts, infos, strict=True):
        saved = {number - before for number in given.saved_pages}
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
            for source, part, info in zip(given.parts, parts, infos, strict=True)
        ),
    )
