"""What every format gives: a source of pages, each read or as an image to be recognised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from alfrd_events.errors import Unreadable
from alfrd_events.reading.formats import content
from alfrd_events.reading.text.layout import Row, scaled, text_of

Pixels = NDArray[np.uint8]
"""Blue, green, red."""


@dataclass(frozen=True, slots=True)
class ReadPage:
    """One page as read, before it travels to the parent; boxes are in the unit of width and height."""

    text: str
    rows: Sequence[Row] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0
    kind: Literal["ocr", "text_layer", "plain", "e_invoice"] = "ocr"
    rotation: int = 0
    invoice: dict[str, Any] | None = None
    """The values of an electronic invoice, as JSON."""

    @classmethod
    def of_rows(
        cls,
        rows: Sequence[Row],
        size: tuple[float, float],
        kind: Literal["ocr", "text_layer"],
        rotation: int = 0,
    ) -> ReadPage:
        return cls(text_of(rows), rows, size[0], size[1], kind, rotation)

    @property
    def confidence(self) -> float:
        """Mean over the characters; 0.0 without any."""
        if not self.text.strip():
            return 0.0
        if self.kind != "ocr":
            return 1.0
        pieces = [piece for row in self.rows for piece in row]
        characters = sum(len(piece.text) for piece in pieces)
        return sum(piece.confidence * len(piece.text) for piece in pieces) / max(characters, 1)

    @property
    def characters(self) -> int:
        """How many, blanks apart."""
        return len("".join(self.text.split()))

    def frame(self, number: int) -> dict[str, Any]:
        """As a ``page`` frame of the wire.

        All text takes the form NFC, whatever reader it is from: some programs write letters and their accents apart,
        and what a person then sees as one word is another string, to be neither found nor compared.
        """
        pieces = (scaled(piece, self.width, self.height) for row in self.rows for piece in row)
        return {
            "kind": "page",
            "number": number,
            "text": normalize("NFC", self.text),
            "confidence": round(self.confidence, 4),
            "lines": [
                [
                    normalize("NFC", p.text),
                    *(round(v, 5) for v in (p.left, p.top, p.right, p.bottom, p.confidence)),
                ]
                for p in pieces
            ],
            "width": round(self.width, 2),
            "height": round(self.height, 2),
            "source": self.kind,
            "rotation": self.rotation,
            "invoice": self.invoice,
        }


class UnsupportedType(Unreadable):
    """A file whose type is not read here: an attachment that is one does not spoil its mail."""

    def __init__(self, filename: str, kind: str = "", advice: str = "") -> None:
        """
        :param kind: what it is, with an article; empty where that is unknown.
        :param advice: what to do about it; to send it in another format if not given.
        """
        what = f"is {kind}, a type that is not supported" if kind else UNKNOWN
        super().__init__(f"{filename}: {what}; {advice or f'send it as {content.READABLE}'}")
        self.kind = kind
        self.advice = advice


UNKNOWN = "the type of this file is unknown or not supported"


@dataclass(frozen=True, slots=True)
class PageImage:
    """A page that needs recognition, as an image for another reader: upright, on white."""

    image: bytes
    pixels: tuple[int, int]
    """Width and height of the image."""
    size: tuple[float, float]
    """Width and height of the page, in the unit of its coordinates."""
    rotation: int = 0
    is_original: bool = False
    """It is a PNG or JPEG as it came. All others are JPEG in colour."""
    layer: ReadPage | None = None
    """A poor text layer, for when recognition finds even less."""

    def frame(self, number: int) -> dict[str, Any]:
        """As a ``sheet`` frame of the wire; the image follows it."""
        return {
            "kind": "sheet",
            "number": number,
            "size": len(self.image),
            "pixels": self.pixels,
            "width": round(self.size[0], 2),
            "height": round(self.size[1], 2),
            "rotation": self.rotation,
            "is_original": self.is_original,
            "layer": self.layer.frame(number) if self.layer else None,
        }


class Source(Protocol):
    """A part that has been opened."""

    media_type: str
    page_count: int

    def read(self, number: int) -> ReadPage:
        """Read the page with this number, from 1."""
        ...

    def prepare(self, number: int) -> ReadPage | PageImage:
        """Read it if that takes no recognition, else give its image."""
        ...

    def pixels(self, number: int) -> tuple[Pixels, int] | None:
        """Show the page to people: its pixels, and the degrees clockwise by which they are turned already.

        ``None``: the page is text alone.
        """
        ...

    def close(self) -> None:
        """Give back what the part holds."""
        ...
