"""Step ``ocr``: from parts to pages."""

from __future__ import annotations

import hashlib
from contextlib import aclosing
from dataclasses import replace

from alfrd_events.analysis.rules.entity import names_a_company
from alfrd_events.errors import Permanent
from alfrd_events.model import Document, DocumentReading, Page, Part, PartReading
from alfrd_events.model.inputs import OcrInput
from alfrd_events.model.protocols import Reader, ReadsHeads
from alfrd_events.steps.step import Tools


async def ocr(given: OcrInput, tools: Tools) -> DocumentReading:
    """Read every page of every part, in order; what an earlier attempt saved is not read again.

    All parts are looked at before the first page is read, so that a broken second part costs nothing. Where the text of
    the first page names no company, the pictures at its top are read, too, once the reader's processes are free of the
    other pages.
    """
    if not given.parts:
        raise Permanent(
            f"document {given.document.id}: no content, no uri and no parts to read; insert one of them"
        )
    parts = [await tools.sources.fetch(source) for source in given.parts]
    infos = [await tools.reader.inspect(part) for part in parts]
    tools.expect_pages(sum(info.page_count for info in infos), len(given.saved_pages))
    before = 0
    for part, info in zip(parts, infos, strict=True):
        saved = {number - before for number in given.saved_pages}
        nameless: Page | None = None
        async with aclosing(tools.reader.read(part, skip=saved)) as pages:
            async for page in pages:
                if not before and page.number == 1 and _is_nameless(page, given.document):
                    nameless = page
                    continue
                numbered = replace(page, number=before + page.number) if before else page
                await tools.save_page(numbered, part.number)
        if nameless is not None:
            await tools.save_page(await _with_its_head(nameless, part, tools.reader), part.number)
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


def _is_nameless(page: Page, document: Document) -> bool:
    """Whether a page of digital text does not say who it is from."""
    return page.source == "text_layer" and not names_a_company(replace(document, pages=(page,)))


async def _with_its_head(page: Page, part: Part, reader: Reader) -> Page:
    """Put what the top of a page shows, and its text does not say, before its text."""
    found = await reader.read_head(part, page) if isinstance(reader, ReadsHeads) else ()
    if not found:
        return page
    text = "\n".join([*(line.text for line in found), page.text])
    return replace(page, text=text, lines=(*found, *page.lines))
