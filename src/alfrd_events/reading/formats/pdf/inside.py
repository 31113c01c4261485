"""Files in a PDF: attachments, files that are pinned to a page, and the documents of a portfolio.

What is a document is read after the PDF's own pages. All are named on the last of these, with the reason where one is
not read. A portfolio is its files: as with an archive, one that cannot be read refuses the whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import einvoice
from alfrd_events.reading.formats.budget import INSIDE, Budget
from alfrd_events.reading.formats.letter import Unread
from alfrd_events.reading.formats.pdf import forms
from alfrd_events.reading.formats.source import ReadPage, Source, UnsupportedType
from alfrd_events.reading.text import plain

_STREAM_OF_A_FILE = re.compile(rb"/EmbeddedFile\b|/FileAttachment\b")
_MARKUP = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(?!!doctype\s+html|html)", re.IGNORECASE)
_DATA = (".xml", ".xsd", ".xmp", ".json")
"""For programs: an invoice that is sound is taken as one, anything else is only named."""


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file in a PDF. Without data: it is outside of it, empty or damaged."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """What is made of the files."""

    invoice: ReadPage | None
    openers: Sequence[tuple[Callable[[], Source], int]]
    """How to open each that is read, and how many pages it has."""
    names: Sequence[str]
    """Lines that name all of them, but for the invoice."""


def contents(
    document: pypdfium2.PdfDocument,
    data: bytes,
    filename: str,
    budget: Budget,
    *,
    is_portfolio: bool,
) -> Contents:
    """Look into every file once.

    :raise Unreadable: beyond a limit; or a portfolio that cannot be read as a whole.
    """
    invoice: ReadPage | None = None
    openers: list[tuple[Callable[[], Source], int]] = []
    names = []
    for file in _files(document, data, budget):
        if invoice is None and file.name.lower().endswith(".xml"):
            invoice = einvoice.embedded(file.data)
            if invoice is not None:
                continue
        if file.name.lower().endswith(_DATA) or _MARKUP.match(file.data):
            names.append(str(Unread(file.name)))
            continue
        shown = f"{filename}{INSIDE}{file.name}"
        try:
            openers.append(_opened(file, shown, budget))
            names.append(f"Attachment: {file.name}")
        except Unreadable as why:
            if is_portfolio and not isinstance(why, UnsupportedType):
                raise
            names.append(str(Unread(file.name, _reason(why, shown))))
    if is_portfolio and not openers and invoice is None:
        raise Unreadable(
            f"{filename}: the PDF is a portfolio, and none of the files in it can be read; "
            "send what is in it as files of their own"
        )
    return Contents(invoice, openers, names)


def _opened(file: EmbeddedFile, shown: str, budget: Budget) -> tuple[Callable[[], Source], int]:
    if not file.data:
        raise Unreadable(f"{shown}: it is empty or damaged")
    with budget.inside(shown):
        source = budget.open(file.data, shown)
        again = budget.renewed()
    source.close()
    return (lambda: again.renewed().open(file.data, shown)), source.page_count


def _reason(why: Unreadable, shown: str) -> str:
    """What the file is, or the first half of its refusal, without its name and what to do."""
    if isinstance(why, UnsupportedType):
        return why.kind
    return str(why).removeprefix(f"{shown}: ").partition(";")[0]


def _files(document: pypdfium2.PdfDocument, data: bytes, budget: Budget) -> Iterator[EmbeddedFile]:
    """All files, each once, however often it is named."""
    seen = set()
    count = document.count_attachments()
    budget.take_members(max(count, 0))
    pages = min(len(document), budget.limits.max_pages) if _STREAM_OF_A_FILE.search(data) else 0
    for handle in _handles(document, count, pages, budget):
        file = _file(handle, budget)
        digest = hashlib.sha256(file.data or file.name.encode()).digest()
        if digest not in seen:
            seen.add(digest)
            yield file


def _handles(
    document: pypdfium2.PdfDocument, count: int, pages: int, budget: Budget
) -> Iterator[pypdfium2.PdfAttachment]:
    for index in range(count):
        try:
            yield document.get_attachment(index)
        except pypdfium2.PdfiumError:
            continue  # a name without a file
    for number in range(pages):
        try:
            page = document[number]
        except pypdfium2.PdfiumError:
            continue  # reading that page refuses the document
        try:
            yield from _pinned(document, page, budget)
        finally:
            page.close()


def _pinned(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, budget: Budget
) -> Iterator[pypdfium2.PdfAttachment]:
    for index in range(pdfium.FPDFPage_GetAnnotCount(page.raw)):
        with forms.annotation(page, index) as one:
            if one and pdfium.FPDFAnnot_GetSubtype(one) == pdfium.FPDF_ANNOT_FILEATTACHMENT:
                handle = pdfium.FPDFAnnot_GetFileAttachment(one)
                if handle:
                    budget.take_members(1)
                    yield pypdfium2.PdfAttachment(handle, document)


def _file(handle: pypdfium2.PdfAttachment, budget: Budget) -> EmbeddedFile:
    try:
        name = " ".join(plain.clean(handle.get_name()).split())[-120:]
    except (pypdfium2.PdfiumError, UnicodeDecodeError):
        name = ""
    try:
        data = bytes(handle.get_data())
    except pypdfium2.PdfiumError:
        data = b""
    budget.take_bytes(len(data))
    return EmbeddedFile(name or "(without a name)", data)
