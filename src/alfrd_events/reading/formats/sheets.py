"""Pages as images that a reader elsewhere takes; only the processes that touch documents import this."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alfrd_events.errors import Unreadable
from alfrd_events.reading import ocr
from alfrd_events.reading.formats.source import PageImage, ReadPage

MAX_BYTES = 10 * 1024 * 1024
"""What Textract takes in one image."""
MAX_SIDE = 10_000
"""Pixels that Textract takes on the longer side."""
LEAST_SHRUNK = 0.5
"""An image that had to be made smaller than that would lose its small print."""
_QUALITIES = (92, 80, 65, 50)


def sheet_of(
    pixels: NDArray[np.uint8],
    filename: str,
    *,
    size: tuple[float, float] | None = None,
    rotation: int = 0,
    layer: ReadPage | None = None,
    original: bytes = b"",
) -> ReadPage | PageImage:
    """Give a page's image, or the empty page if there is nothing on it: that costs nothing then.

    :param pixels: blue, green, red; upright.
    :param size: of the page in its own unit; that of the pixels if not given.
    :param original: the file's own bytes, where they may be sent as they are.
    :raise Unreadable: longer than any reader takes.
    """
    height, width = pixels.shape[:2]
    shown = size or (float(width), float(height))
    if ocr.is_blank(pixels):
        return layer or ReadPage("", width=shown[0], height=shown[1], rotation=rotation)
    if original and len(original) <= MAX_BYTES and max(width, height) <= MAX_SIDE:
        return PageImage(original, (width, height), shown, rotation, is_original=True, layer=layer)
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, ::-1]))
    if max(width, height) > MAX_SIDE:
        if LEAST_SHRUNK * max(width, height) > MAX_SIDE:
            raise Unreadable(
                f"{filename}: the image is too long: {width:,} by {height:,} pixels, and Textract takes "
                f"{MAX_SIDE:,}; cut it into pages, or read it with ALFRD_READER=local"
            )
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return PageImage(_jpeg(image), image.size, shown, rotation, layer=layer)


def _jpeg(image: Image.Image) -> bytes:
    """As good as fits."""
    for quality in _QUALITIES:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        if out.tell() <= MAX_BYTES:
            break
    return out.getvalue()
