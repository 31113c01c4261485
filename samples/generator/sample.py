"""What a sample is, and how its values are written out."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from PIL import Image

CENT = Decimal("0.01")

TENANT = "Ines Calloway"
HOME = ("418 Lantern Street, Apt 5", "Port Amber, CA 95699")


@dataclass(frozen=True)
class Truth:
    """What a careful reader would note about a document."""

    document_type: str
    entity: str
    date: date
    total_amount: Decimal | None
    series_key: str
    due_date: date | None = None
    currency: str = "USD"
    document_type_also: tuple[str, ...] = ()
    entity_also: tuple[str, ...] = ()
    total_also: tuple[Decimal, ...] = ()
    unscored: tuple[str, ...] = ()
    """Names of values on which careful readers may differ."""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """A file to write, and the line of ``truth.jsonl`` that describes it."""

    file: str
    content: bytes
    truth: Truth
    text_lines: Sequence[str]
    pages: int = 1

    def row(self) -> dict[str, Any]:
        """The line of ``truth.jsonl``."""
        truth = self.truth
        return {
            "file": self.file,
            "kind": "document",
            "source": "samples",
            "document_type": truth.document_type,
            "document_type_also": list(truth.document_type_also),
            "entity": truth.entity,
            "entity_also": list(truth.entity_also),
            "date": truth.date.isoformat(),
            "due_date": truth.due_date and truth.due_date.isoformat(),
            "total_amount": None if truth.total_amount is None else float(truth.total_amount),
            "total_also": [float(amount) for amount in truth.total_also],
            "currency": truth.currency,
            "series_key": truth.series_key,
            "pages": self.pages,
            "unscored": list(truth.unscored),
            "fields": dict(truth.fields),
            "text_lines": list(self.text_lines),
        }


def cents(amount: Decimal) -> Decimal:
    """Round half up, as bills do."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def money(amount: Decimal, sign: str = "$") -> str:
    """``$1,234.50``; a credit is ``-$20.00``."""
    return f"{'-' if amount < 0 else ''}{sign}{abs(cents(amount)):,}"


def long_date(day: date) -> str:
    """``January 5, 2024``."""
    return f"{day:%B} {day.day}, {day.year}"


def short_date(day: date) -> str:
    """``Jan 5, 2024``."""
    return f"{day:%b} {day.day}, {day.year}"


def png(image: Image.Image, colors: int = 64) -> bytes:
    """A PNG with a palette, as a bill downloaded from a portal: small and crisp."""
    buffer = io.BytesIO()
    flat = image.quantize(colors, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    flat.save(buffer, "PNG", optimize=True, dpi=(144, 144))
    return buffer.getvalue()


def jpeg(image: Image.Image, quality: int = 72, exif: Image.Exif | None = None) -> bytes:
    """A JPEG of about the quality that phones and scanners choose."""
    buffer = io.BytesIO()
    options: dict[str, Any] = {} if exif is None else {"exif": exif}
    image.save(buffer, "JPEG", quality=quality, optimize=True, dpi=(144, 144), **options)
    return buffer.getvalue()
