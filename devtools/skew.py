"""Receipts turned by some degrees, as a hand lays them on a scanner: is their total still the one that is printed?"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from devtools.corpus import Known, Readings, made, truths_of

DEGREES = (-6, -4, -2, 2, 4, 6)
QUALITY = 95
PICTURES = frozenset({".jpg", ".jpeg", ".png"})


def turned(content: bytes, degrees: float) -> bytes:
    """Turn a picture anticlockwise on a white sheet that holds all of it."""
    with Image.open(io.BytesIO(content)) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    sheet = picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def load_turned(truth_file: Path, count: int, cache: Path) -> dict[int, list[Known]]:
    """Read the first receipts of a file that are pictures, turned by each angle; what is in the cache is kept."""
    return asyncio.run(_load_turned(truth_file, count, cache, DEGREES))


async def _load_turned(
    truth_file: Path, count: int, cache: Path, angles: Sequence[int]
) -> dict[int, list[Known]]:
    receipts = [
        truth
        for truth in truths_of(truth_file)
        if truth["document_type"] == "receipt" and Path(truth["file"]).suffix in PICTURES
    ]
    found: dict[int, list[Known]] = {angle: [] for angle in angles}
    async with Readings(cache) as readings:
        for truth in receipts[:count]:
            content = await asyncio.to_thread((truth_file.parent / truth["file"]).read_bytes)
            for angle in angles:
                name = f"turned by {angle}.jpg"
                pages = await readings.pages_of(name, await asyncio.to_thread(turned, content, angle))
                found[angle].append(made(pages, truth))
    return found
