"""One page of a PDF: its characters where they are displayed, its pixels, and what else is on it.

Positions are those of the page as displayed: crop box, page rotation and text that runs sideways are all taken into
account before lines are formed. What is outside of the displayed page is no part of it.
"""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from collections.abc import Callable
from ctypes import c_double, c_int
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from alfrd_events.reading.formats import text_layer
from alfrd_events.reading.formats.text_layer import Char

Size = tuple[float, float]
ToDisplay = Callable[[float, float], tuple[float, float]]

RENDER_DPI = 200
MIN_RENDER_SIDE = 1600
"""Pixels of the longer side at least: some programs put a photo on a page of a few centimetres."""
MAX_RENDER_PIXELS = 10_000_000
_MAX_DEPTH = 2
"""Of drawings in drawings, in search of pictures."""


def render(page: pypdfium2.PdfPage, size: Size) -> NDArray[np.uint8]:
    scale = max(RENDER_DPI / 72, MIN_RENDER_SIDE / max(size))
    scale = min(scale, math.sqrt(MAX_RENDER_PIXELS / (size[0] * size[1])))
    bitmap = page.render(scale=scale)
    try:
        pixels = np.array(bitmap.to_numpy(), dtype=np.uint8)
    finally:
        bitmap.close()
    if pixels.ndim == 2:
        pixels = np.stack([pixels] * 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, :3])


def chars(page: pypdfium2.PdfPage, size: Size) -> tuple[list[Char], dict[int, Any]]:
    """All characters of the layer with their boxes on the displayed page, in points from its top left.

    :return: the characters, and the fonts by the number that is in them; these are open as long as the page is.
    """
    to_display = display_transform(page, size)
    rotation = page.get_rotation()
    textpage = page.get_textpage()
    fonts = _Fonts(textpage)
    try:
        found = []
        box = pdfium.FS_RECTF()
        for index in range(pdfium.FPDFText_CountChars(textpage.raw)):
            code = pdfium.FPDFText_GetUnicode(textpage.raw, index)
            generated = pdfium.FPDFText_IsGenerated(textpage.raw, index) == 1
            angle = math.degrees(pdfium.FPDFText_GetCharAngle(textpage.raw, index))
            located = bool(pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, box))
            x0, y0 = to_display(box.left, box.top)
            x1, y1 = to_display(box.right, box.bottom)
            char = Char(
                text=text_layer.character(code),
                left=min(x0, x1),
                top=min(y0, y1),
                right=max(x0, x1),
                bottom=max(y0, y1),
                turn=round((angle + rotation) / 90) % 4 * 90,
                generated=generated or not located,
                unmapped=pdfium.FPDFText_HasUnicodeMapError(textpage.raw, index) == 1
                or text_layer.is_unmapped(code),
                font=0 if generated else fonts.of(index),
            )
            if char.generated or _is_displayed(char, size):
                found.append(char)
        return found, fonts.handles
    finally:
        textpage.close()


class _Fonts:
    """The font of each character; characters of one piece of text share it."""

    def __init__(self, textpage: pypdfium2.PdfTextPage) -> None:
        self._textpage = textpage.raw
        self._of_object: dict[int | None, int] = {None: 0}
        self.handles: dict[int, Any] = {}

    def of(self, index: int) -> int:
        text_object = pdfium.FPDFText_GetTextObject(self._textpage, index)
        address = _address(text_object)
        if address not in self._of_object:
            font = pdfium.FPDFTextObj_GetFont(text_object)
            number = _address(font) or 0
            self._of_object[address] = number
            if number:
                self.handles[number] = font
        return self._of_object[address]


def _address(handle: Any) -> int | None:
    return ctypes.addressof(handle.contents) if handle else None


def _is_displayed(char: Char, size: Size) -> bool:
    """Whether the middle of a character is on the page; a crop box may leave half of the file's page out."""
    return 0 <= char.left + char.right <= 2 * size[0] and 0 <= char.top + char.bottom <= 2 * size[1]


def display_transform(page: pypdfium2.PdfPage, size: Size) -> ToDisplay:
    """Give the function from page coordinates to points from the top left of the page as displayed."""
    grid = 1 << 20
    x, y = c_int(), c_int()

    def device(page_x: float, page_y: float) -> tuple[float, float]:
        pdfium.FPDF_PageToDevice(page.raw, 0, 0, grid, grid, 0, c_double(page_x), c_double(page_y), x, y)
        return x.value / grid * size[0], y.value / grid * size[1]

    origin, right, up = device(0, 0), device(1000, 0), device(0, 1000)
    per_x = (right[0] - origin[0]) / 1000, (right[1] - origin[1]) / 1000
    per_y = (up[0] - origin[0]) / 1000, (up[1] - origin[1]) / 1000

    def to_display(page_x: float, page_y: float) -> tuple[float, float]:
        return (
            origin[0] + per_x[0] * page_x + per_y[0] * page_y,
            origin[1] + per_x[1] * page_x + per_y[1] * page_y,
        )

    return to_display


def _kinds(page: pypdfium2.PdfPage) -> Counter[int]:
    return Counter(
        pdfium.FPDFPageObj_GetType(pdfium.FPDFPage_GetObject(page.raw, index))
        for index in range(pdfium.FPDFPage_CountObjects(page.raw))
    )


def has_more_to_see(page: pypdfium2.PdfPage) -> bool:
    """Whether the page has pictures, nested forms or drawings, which may hold text as outlines."""
    kinds = _kinds(page)
    return bool(
        kinds[pdfium.FPDF_PAGEOBJ_IMAGE]
        or kinds[pdfium.FPDF_PAGEOBJ_FORM]
        or kinds[pdfium.FPDF_PAGEOBJ_SHADING]
        or kinds[pdfium.FPDF_PAGEOBJ_PATH] > 20
    )


def picture_share(page: pypdfium2.PdfPage, size: Size) -> float:
    """Part of the page that its pictures cover, overlaps counted twice."""
    area = _picture_area(page.raw, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, 0)
    return area / (size[0] * size[1])


def _picture_area(holder: Any, count: Any, get: Any, depth: int) -> float:
    area = 0.0
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    for index in range(count(holder)):
        one = get(holder, index)
        kind = pdfium.FPDFPageObj_GetType(one)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE and pdfium.FPDFPageObj_GetBounds(one, left, bottom, right, top):
            area += max(right.value - left.value, 0) * max(top.value - bottom.value, 0)
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
            area += _picture_area(
                one, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, depth + 1
            )
    return area
