"""PDF: the text layer where there is one that can be used, else a rendered page for recognition.

Positions are those of the page as displayed: crop box, page rotation and text that runs sideways are all
taken into account before lines are formed. Form fields and stamps are made part of the page first, since
the values that a person typed into a form are no page content otherwise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from ctypes import c_double, c_int
from typing import Any, TypeVar

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from alfrd_events.errors import Unreadable
from alfrd_events.providers.readers import einvoice, ocr, sheets, text_layer
from alfrd_events.providers.readers.content import PDF
from alfrd_events.providers.readers.limits import ReaderLimits
from alfrd_events.providers.readers.source import Reading, Sheet
from alfrd_events.providers.readers.text_layer import Char

Page = TypeVar("Page")

RENDER_DPI = 200
MIN_RENDER_SIDE = 1600
"""Pixels of the longer side at least: some programs put a photo on a page of a few centimetres."""
MAX_RENDER_PIXELS = 10_000_000
FEW_CHARACTERS = 50
"""A layer with fewer is a page number or a stamp, if the page has anything else to see."""
FEW_BESIDE_A_SCAN = 250
"""The same for a page that is mostly one picture: scanners and signing services add a line or two."""
SCAN_SHARE = 0.4
"""Part of the page that a picture must cover to be taken for a scan."""
MAX_UNMAPPED = 0.2
"""Part of a layer's characters that may have no Unicode value; more, and the layer is gibberish."""


MAX_ATTACHMENTS = 50
"""Looked at in search of an electronic invoice."""


class PdfSource:
    """A PDF; pages are loaded one at a time.

    One that carries an electronic invoice has a last page more, with the invoice's values; what its other pages
    show is the same for people, so that they are taken as their text layer has them and never recognised.
    """

    media_type = PDF

    def __init__(self, data: bytes, filename: str, limits: ReaderLimits) -> None:
        self._filename = filename
        self._limits = limits
        try:
            self._document = pypdfium2.PdfDocument(data)
            self.page_count = len(self._document)
            self._invoice = _invoice_in(self._document)
        except pypdfium2.PdfiumError as error:
            raise self._refusal(error) from error
        if self.page_count == 0:
            raise Unreadable(f"{filename}: the PDF is damaged: it has no pages; send a complete copy")
        self.page_count += self._invoice is not None

    def read(self, number: int) -> Reading:
        return self._on_page(number, self._read)

    def prepare(self, number: int) -> Reading | Sheet:
        return self._on_page(number, self._prepare)

    def _on_page(self, number: int, act: Callable[[pypdfium2.PdfPage], Page]) -> Page | Reading:
        if self._invoice is not None and number == self.page_count:
            return self._invoice
        try:
            page = self._load(number)
            try:
                return act(page)
            finally:
                page.close()
        except pypdfium2.PdfiumError as error:
            raise Unreadable(
                f"{self._filename}: page {number} of the PDF is damaged and could not be read; "
                "send a complete copy"
            ) from error

    def close(self) -> None:
        self._document.close()

    def _refusal(self, error: pypdfium2.PdfiumError) -> Unreadable:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD:
            return Unreadable(
                f"{self._filename}: the PDF is protected by a password; send a copy without one"
            )
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_SECURITY:
            return Unreadable(
                f"{self._filename}: the PDF is encrypted in a way that is not supported; "
                "send an unprotected copy"
            )
        return Unreadable(
            f"{self._filename}: the PDF is damaged or truncated and could not be opened; send a complete copy"
        )

    def _load(self, number: int) -> pypdfium2.PdfPage:
        page = self._document[number - 1]
        if pdfium.FPDFPage_GetAnnotCount(page.raw) > 0:
            flattened = pdfium.FPDFPage_Flatten(page.raw, pdfium.FLAT_NORMALDISPLAY)
            if flattened == pdfium.FLATTEN_SUCCESS:
                page.close()
                page = self._document[number - 1]
        return page

    def _read(self, page: pypdfium2.PdfPage) -> Reading:
        layer, is_enough = self._layer(page)
        if layer is not None and is_enough:
            return layer
        seen = self._recognise(page, page.get_size())
        return layer if layer is not None and layer.characters >= seen.characters else seen

    def _prepare(self, page: pypdfium2.PdfPage) -> Reading | Sheet:
        layer, is_enough = self._layer(page)
        if layer is not None and is_enough:
            return layer
        size = page.get_size()
        return sheets.sheet_of(_render(page, size), self._filename, size=size, layer=layer)

    def _layer(self, page: pypdfium2.PdfPage) -> tuple[Reading | None, bool]:
        """Read the text layer, if it is one, and tell whether it holds all that is worth to be seen."""
        size = page.get_size()
        if size[0] <= 0 or size[1] <= 0:
            return Reading("", kind="text_layer"), True
        chars = _chars(page, size)
        if self._invoice is not None:
            return text_layer.read(chars, size), True
        visible = sum(not char.text.isspace() for char in chars)
        unmapped = sum(char.unmapped for char in chars)
        if not visible or unmapped > MAX_UNMAPPED * visible:
            return None, False
        is_enough = (
            visible >= FEW_BESIDE_A_SCAN
            or not _has_more_to_see(page)
            or (visible >= FEW_CHARACTERS and _picture_share(page, size) < SCAN_SHARE)
        )
        return text_layer.read(chars, size), is_enough

    def _recognise(self, page: pypdfium2.PdfPage, size: tuple[float, float]) -> Reading:
        found = ocr.read(_render(page, size))
        turned = size if found.rotation % 180 == 0 else (size[1], size[0])
        scale = turned[0] / found.size[0]
        return Reading.of_rows(
            [[text_layer.resized(piece, scale) for piece in row] for row in found.rows],
            turned,
            "ocr",
            found.rotation,
        )


def _invoice_in(document: pypdfium2.PdfDocument) -> Reading | None:
    """The electronic invoice among a PDF's attachments, if one is sound: ZUGFeRD, Factur-X, XRechnung."""
    for index in range(min(document.count_attachments(), MAX_ATTACHMENTS)):
        attachment = document.get_attachment(index)
        try:
            if not attachment.get_name().lower().endswith(".xml"):
                continue
            data = bytes(attachment.get_data())
        except (pypdfium2.PdfiumError, UnicodeDecodeError):
            continue
        reading = einvoice.embedded(data)
        if reading is not None:
            return reading
    return None


def _render(page: pypdfium2.PdfPage, size: tuple[float, float]) -> NDArray[np.uint8]:
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


def _chars(page: pypdfium2.PdfPage, size: tuple[float, float]) -> list[Char]:
    """All characters of the layer with their boxes on the displayed page, in points from its top left."""
    to_display = _display_transform(page, size)
    rotation = page.get_rotation()
    textpage = page.get_textpage()
    try:
        chars = []
        box = pdfium.FS_RECTF()
        for index in range(pdfium.FPDFText_CountChars(textpage.raw)):
            code = pdfium.FPDFText_GetUnicode(textpage.raw, index)
            generated = pdfium.FPDFText_IsGenerated(textpage.raw, index) == 1
            angle = math.degrees(pdfium.FPDFText_GetCharAngle(textpage.raw, index))
            located = bool(pdfium.FPDFText_GetLooseCharBox(textpage.raw, index, box))
            corners = [to_display(x, y) for x, y in ((box.left, box.top), (box.right, box.bottom))]
            chars.append(
                Char(
                    text=text_layer.character(code),
                    left=min(x for x, _ in corners),
                    top=min(y for _, y in corners),
                    right=max(x for x, _ in corners),
                    bottom=max(y for _, y in corners),
                    turn=round((angle + rotation) / 90) % 4 * 90,
                    generated=generated or not located,
                    unmapped=pdfium.FPDFText_HasUnicodeMapError(textpage.raw, index) == 1
                    or text_layer.is_unmapped(code),
                )
            )
        return chars
    finally:
        textpage.close()


def _display_transform(page: pypdfium2.PdfPage, size: tuple[float, float]) -> Any:
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


def _has_more_to_see(page: pypdfium2.PdfPage) -> bool:
    """Whether the page has pictures, nested forms or drawings, which may hold text as outlines."""
    kinds = _kinds(page)
    return bool(
        kinds[pdfium.FPDF_PAGEOBJ_IMAGE]
        or kinds[pdfium.FPDF_PAGEOBJ_FORM]
        or kinds[pdfium.FPDF_PAGEOBJ_SHADING]
        or kinds[pdfium.FPDF_PAGEOBJ_PATH] > 20
    )


def _picture_share(page: pypdfium2.PdfPage, size: tuple[float, float]) -> float:
    """Part of the page that its pictures cover, overlaps counted twice."""
    area = 0.0
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = picture.get_bounds()
        area += max(right - left, 0) * max(top - bottom, 0)
    return area / (size[0] * size[1])
