"""Word documents (DOCX): the text as Word shows it, page by page where the file tells where pages end.

Headers stand once, at the top of the first page, where a letter has its sender; footers at the end of the
last one. A document that is little more than pictures is read by its pictures.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import xml
from alfrd_events.reading.formats.archive import Zip
from alfrd_events.reading.formats.budget import Budget, Member
from alfrd_events.reading.text import plain

FEW_CHARACTERS = 50
"""A document with fewer letters and with pictures is a scan that was pasted into Word."""
_BODY = "word/document.xml"
_SKIPPED = {"Fallback", "del", "moveFrom", "instrText", "delText", "rubyPr", "pPr", "tblPr", "sectPr"}
"""What Word does not show: old text of tracked changes, field codes, a second copy for old programs."""
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")
_CELL = "  "


def read(data: bytes, filename: str, budget: Budget) -> tuple[list[str], list[Member]]:
    """Give the pages of a document, and its pictures if it is read by them.

    :raise Unreadable: damaged, protected, or an XML bomb.
    """
    archive = Zip(data, filename, budget)
    if _BODY not in archive:
        raise Unreadable(f"{filename}: the Word document is damaged: it has no text part; save it again")
    pages = _pages(_tree(archive, _BODY, filename))
    heads = _texts(archive, filename, "word/header")
    feet = _texts(archive, filename, "word/foot") + _texts(archive, filename, "word/endnotes")
    pages[0] = "\n".join([*heads, pages[0]])
    pages[-1] = "\n".join([pages[-1], *feet])
    pages = [page for page in (plain.clean(page).strip("\n") for page in pages) if page.strip()] or [""]
    if sum(len("".join(page.split())) for page in pages) >= FEW_CHARACTERS:
        return pages, []
    shown = [n for n in archive.names() if n.startswith("word/media/") and n.lower().endswith(_PICTURES)]
    budget.take_members(len(shown))
    pictures = [Member(posixpath.basename(name), archive.read(name)) for name in shown]
    return ([page for page in pages if page.strip()] if pictures else pages), pictures


def _tree(archive: Zip, name: str, filename: str) -> Element:
    try:
        return xml.parse(archive.read(name))
    except xml.NotXml as why:
        raise Unreadable(
            f"{filename}: the Word document is damaged or hostile: {why}; save it again"
        ) from None


def _texts(archive: Zip, filename: str, beginning: str) -> list[str]:
    """Headers, footers and notes, each different one once."""
    names = [name for name in archive.names() if name.startswith(beginning) and name.endswith(".xml")]
    texts = ("\n".join(_pages(_tree(archive, name, filename))).strip() for name in names)
    return list(dict.fromkeys(text for text in texts if text))


def _pages(root: Element) -> list[str]:
    lines: list[str] = []
    body = next((child for child in root if xml.local(child) == "body"), root)
    for block in body:
        lines.extend(_block(block))
    return "\n".join(lines).split("\f")


def _block(element: Element) -> Iterator[str]:
    """The lines of a paragraph, of a table, or of whatever holds some."""
    name = xml.local(element)
    if name in _SKIPPED:
        return
    if name == "p":
        yield "".join(_runs(element))
    elif name == "tbl":
        for row in element:
            if xml.local(row) in {"tr", "sdt"}:
                yield from _row(row)
    else:
        for child in element:
            yield from _block(child)


def _row(row: Element) -> Iterator[str]:
    """One line, unless a cell has several: those of the first line first, as a person reads them."""
    cells = [
        [line for child in cell for line in _block(child)] for cell in row if xml.local(cell) in {"tc", "sdt"}
    ]
    for number in range(max((len(cell) for cell in cells), default=0)):
        parts = (" ".join(cell[number].split(" ")) for cell in cells if number < len(cell))
        if line := _CELL.join(part.strip() for part in parts if part.strip()):
            yield line


def _runs(element: Element) -> Iterator[str]:
    for child in element:
        name = xml.local(child)
        if name in _SKIPPED or (name == "r" and _is_hidden(child)):
            continue
        if name == "t":
            yield child.text or ""
        elif name in {"tab", "ptab"}:
            yield _CELL
        elif name in {"br", "cr"}:
            yield "\f" if _attribute(child, "type") == "page" else "\n"
        elif name == "lastRenderedPageBreak":
            yield "\f"
        elif name == "noBreakHyphen":
            yield "-"
        elif name == "txbxContent":
            yield "\n" + "\n".join(line for block in child for line in _block(block)) + "\n"
        else:
            yield from _runs(child)


def _is_hidden(run: Element) -> bool:
    return any(
        xml.local(mark) == "vanish" and _attribute(mark, "val") not in {"0", "false"}
        for properties in run
        if xml.local(properties) == "rPr"
        for mark in properties
    )


def _attribute(element: Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")
