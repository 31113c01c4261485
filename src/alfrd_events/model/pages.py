"""What a reader is given and gives: parts, pages and lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alfrd_events.model.base import Box, Result
from alfrd_events.model.invoices import Invoice

PageSource = Literal["ocr", "text_layer", "plain", "e_invoice"]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Part:
    """One file of a document, with its bytes in memory."""

    number: int
    """Position in the document, from 1."""
    filename: str
    """As the user named it. A hint for messages; the content decides the type."""
    content: bytes


@dataclass(frozen=True, slots=True)
class PartInfo:
    """What a part's head shows, before any page is read."""

    media_type: str
    """``image/png``, ``application/pdf``, ``text/plain`` …, from the content, not from the name."""
    page_count: int


@dataclass(frozen=True, slots=True)
class Line:
    """A run of text on one line, as printed."""

    text: str
    box: Box
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Page:
    """One page of text in reading order."""

    number: int
    """From 1; within the part when a reader yields it, within the document when it is stored."""
    text: str
    confidence: float
    """Mean over the characters; 1.0 for a text layer or plain text, 0.0 for a page with no text."""
    lines: tuple[Line, ...] = ()
    """In reading order; empty where the reader knows no positions (plain text)."""
    width: float = 0
    height: float = 0
    """Size in the source's own unit (pixels of the image, points of the PDF), as read."""
    source: PageSource = "ocr"
    rotation: int = 0
    """Degrees clockwise by which the source was turned to be read: 0, 90, 180 or 270."""
    invoice: Invoice | None = None
    """The exact values that the page's text shows, where the page is an electronic invoice."""


@dataclass(frozen=True, slots=True)
class PartSource:
    """Where the bytes of a part are: in the database, or behind a URI."""

    number: int
    filename: str
    content: bytes | None
    uri: str = ""


class PartReading(Result):
    """What is known of a part after inspecting it."""

    number: int
    filename: str
    uri: str
    media_type: str
    page_count: int
    byte_count: int
    sha256: str


class DocumentReading(Result):
    """A document that has been read; its pages are saved on the way."""

    page_count: int
    parts: tuple[PartReading, ...]
