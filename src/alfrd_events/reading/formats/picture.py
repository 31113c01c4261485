"""A page as a picture for people: made anew from pixels, so that no byte of the document's own file is in it."""

from __future__ import annotations

import io
from itertools import groupby
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from alfrd_events.model import Box
from alfrd_events.reading.formats.source import Pixels

_QUALITY = 82
_COLOURS = 32
"""Of a sixel picture: greys of the paper, and the red of the frame."""
_BAND = 6
"""Rows of pixels that a row of sixels has."""
_RED = (214, 40, 40)
_AWAY = 3
"""Pixels between what is framed and the outer edge of its frame."""
_LONGEST_SIDE = 4000
_LARGEST_ZOOM = 3.0


class Cut(NamedTuple):
    """A part of a page for a terminal."""

    area: Box
    """What is shown, as fractions of the page as it was read."""
    mark: Box
    """What is framed."""
    width: int
    """Of the picture, in pixels."""
    form: str
    """``png`` or ``sixel``."""


def picture_of(pixels: Pixels, turned: int, *, rotation: int, side: int) -> bytes:
    """Encode a page as a JPEG.

    :param turned: degrees clockwise by which the pixels are turned already.
    :param rotation: degrees clockwise by which the page was turned to be read.
    :param side: pixels of the longer side at most.
    """
    image = _upright(pixels, turned, rotation)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return _encoded(image, "JPEG", quality=_QUALITY, optimize=True)


def cut_of(pixels: Pixels, turned: int, *, rotation: int, cut: Cut) -> bytes:
    """Encode a part of a page, with a frame around what it is about.

    :return: a PNG, or the body of a sixel picture; nothing where the area is empty.
    """
    page = _upright(pixels, turned, rotation)
    left, top, right, bottom = _in_pixels(cut.area, page.size)
    if right <= left or bottom <= top:
        return b""
    image = page.crop((left, top, right, bottom))
    zoom = min(cut.width / image.width, _LARGEST_ZOOM)
    size = max(1, round(image.width * zoom)), max(1, min(round(image.height * zoom), _LONGEST_SIDE))
    image = image.resize(size, Image.Resampling.LANCZOS)
    frame = [
        round((edge - start) * zoom)
        for edge, start in zip(_in_pixels(cut.mark, page.size), (left, top) * 2, strict=True)
    ]
    if frame[0] < frame[2] and frame[1] < frame[3]:
        ImageDraw.Draw(image).rectangle(
            (frame[0] - 3, frame[1] - 3, frame[2] + 3, frame[3] + 3), outline=_RED, width=2
        )
    return _sixels(image) if cut.form == "sixel" else _encoded(image, "PNG", optimize=True)


def _upright(pixels: Pixels, turned: int, rotation: int) -> Image.Image:
    upright = np.rot90(pixels, k=-((rotation - turned) % 360) // 90)
    return Image.fromarray(np.ascontiguousarray(upright[:, :, ::-1]))


def _in_pixels(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in box)
    return round(left * size[0]), round(top * size[1]), round(right * size[0]), round(bottom * size[1])


def _encoded(image: Image.Image, form: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def _sixels(image: Image.Image) -> bytes:
    """The body of a sixel picture: its size, its colours, and each band of six rows, a colour at a time."""
    few = image.quantize(_COLOURS, dither=Image.Dither.NONE)
    palette = few.getpalette() or []
    plane = np.asarray(few)
    height, width = plane.shape
    said = [f'"1;1;{width};{height}']
    for number in range(len(palette) // 3):
        red, green, blue = (round(part * 100 / 255) for part in palette[3 * number : 3 * number + 3])
        said.append(f"#{number};2;{red};{green};{blue}")
    for top in range(0, height, _BAND):
        band = plane[top : top + _BAND]
        weights = (1 << np.arange(len(band)))[:, None]
        rows = []
        for number in np.unique(band):
            columns = ((band == number) * weights).sum(axis=0)
            rows.append(
                f"#{number}" + "".join(_run(int(each), len(list(same))) for each, same in groupby(columns))
            )
        said.append("$".join(rows) + "-")
    return "".join(said).encode("ascii")


def _run(sixel: int, times: int) -> str:
    character = chr(0x3F + sixel)
    return f"!{times}{character}" if times > 3 else character * times
