"""XFA: forms that Adobe's programs draw from a description of their own; the PDF's page asks the reader to wait.

What was filled in is XML, and is read as lines of ``label: value``. A label is the field's caption in the template, or
else the name that the form's maker gave it. Forms that have pages of their own beside (static ones) are read by these.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import pypdfium2
import pypdfium2.raw as pdfium

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import xml
from alfrd_events.reading.formats.source import ReadPage
from alfrd_events.reading.text import plain

MAX_PACKETS = 64
MAX_BYTES = 50 * 1024 * 1024
NOTE = "(Values of an interactive form, XFA; its pages can be shown by Adobe programs only.)"
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def packets(document: pypdfium2.PdfDocument) -> dict[str, bytes]:
    """The parts of a PDF's XFA description by name; none where it has none."""
    found: dict[str, bytes] = {}
    total = 0
    for index in range(min(pdfium.FPDF_GetXFAPacketCount(document.raw), MAX_PACKETS)):
        size = ctypes.c_ulong()
        pdfium.FPDF_GetXFAPacketContent(document.raw, index, None, 0, size)
        total += size.value
        if total > MAX_BYTES:
            break
        content = ctypes.create_string_buffer(max(size.value, 1))
        pdfium.FPDF_GetXFAPacketContent(document.raw, index, content, size.value, size)
        length = pdfium.FPDF_GetXFAPacketName(document.raw, index, None, 0)
        name = ctypes.create_string_buffer(max(length, 1))
        pdfium.FPDF_GetXFAPacketName(document.raw, index, name, length)
        found[name.value.decode("utf-8", errors="replace")] = content.raw[: size.value]
    return found


@dataclass(frozen=True, slots=True)
class Values:
    """What was filled into a form, as a page."""

    page: ReadPage
    replaces_pages: bool
    """The PDF's own pages only ask to be opened in another program."""


def values(parts: dict[str, bytes], filename: str, *, replaces_pages: bool) -> Values | None:
    """Read what was filled in.

    :return: nothing where nothing was, and the PDF has pages of its own.
    :raise Unreadable: the PDF has no other pages, and nothing was filled in or it cannot be read.
    """
    trees = [tree for part in parts.values() if (tree := _tree(part)) is not None]
    captions = {name: caption for tree in trees for name, caption in _captions(tree)}
    lines = [
        f"{captions.get(name) or _spoken(name)}: {value}"
        for tree in trees
        for data in _named(tree, "data")
        for name, value in _values(data)
    ]
    if lines:
        return Values(ReadPage(plain.clean("\n".join([*lines, "", NOTE])), kind="plain"), replaces_pages)
    if not replaces_pages:
        return None
    raise Unreadable(
        f"{filename}: the PDF is an XFA form, which only Adobe programs can show, and no values could be read "
        "from it; open it there, print it to a new PDF, and send that"
    )


def _tree(data: bytes) -> Element | None:
    try:
        return xml.parse(data.strip(b"\0 \r\n\t"))
    except xml.NotXml:
        return None  # other parts may tell enough; where none does, the form is refused


def _named(tree: Element, name: str) -> Iterator[Element]:
    """The data of an XFA description; other elements of this name have another namespace."""
    for element in tree.iter():
        if xml.local(element) == name and "xfa-data" in element.tag:
            yield element


def _values(element: Element) -> Iterator[tuple[str, str]]:
    """The names and values of the fields, in the order of the form."""
    for child in element:
        is_rich = any("xhtml" in inner.tag for inner in child)
        if len(child) and not is_rich:
            yield from _values(child)
        elif value := " ".join(" ".join(child.itertext()).split()):
            yield xml.local(child), value


def _captions(tree: Element) -> Iterator[tuple[str, str]]:
    """What is printed beside each field of the template."""
    for field in tree.iter():
        if xml.local(field) == "field" and (name := field.get("name")):
            for child in field:
                if xml.local(child) == "caption":
                    caption = " ".join(" ".join(child.itertext()).split()).rstrip(":： ")
                    if caption:
                        yield name, caption


def _spoken(name: str) -> str:
    """``invoiceDate`` as a person would label it."""
    words = _WORD_START.sub(" ", name.replace("_", " ")).split()
    return " ".join([words[0].capitalize(), *map(str.lower, words[1:])]) if words else name
