"""Layers that are switched off: their text is in the file, and a person does not see it.

Whether a layer is on depends on configurations, membership dictionaries and usage rules. PDFium follows them when it
draws, and does not when it reads text. So the page is drawn twice, with and without a layer's text: what makes no
difference is not seen.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

MAX_LAYERS = 24
"""Looked at on one page; what is on the others counts as seen."""
MAX_PIXELS = 2_000_000
_STREAM_OF_A_LAYER = re.compile(rb"/OC[\s\[<\d]")
_MAX_DEPTH = 4


def may_hide_drawings(data: bytes) -> bool:
    """Whether a drawing that pages share may belong to a layer; the dictionary of a stream is never packed."""
    return bool(_STREAM_OF_A_LAYER.search(data))


def hide_what_is_off(page: pypdfium2.PdfPage, *, drawings: bool) -> None:
    """Take out of the page what belongs to a layer that is off; it is neither read nor drawn from then on.

    :param drawings: look at the drawings that pages share too.
    """
    groups = list(_layers(page, drawings=drawings).values())[:MAX_LAYERS]
    if not groups:
        return
    before = _drawn(page)
    for group in groups:
        _set_active(group, False)
        seen = not np.array_equal(before, _drawn(page))
        if seen:
            _set_active(group, True)


def _layers(page: pypdfium2.PdfPage, *, drawings: bool) -> dict[object, list[Any]]:
    """The page's objects by the layer to which they belong."""
    groups: dict[object, list[Any]] = {}
    for found in _objects(page.raw, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, 0):
        if (key := _layer_of(found, drawings=drawings)) is not None:
            groups.setdefault(key, []).append(found)
    return groups


def _objects(holder: Any, count: Any, get: Any, depth: int) -> Iterable[Any]:
    for index in range(count(holder)):
        one = get(holder, index)
        if not one:
            continue
        yield one
        is_form = pdfium.FPDFPageObj_GetType(one) == pdfium.FPDF_PAGEOBJ_FORM
        if is_form and depth < _MAX_DEPTH:
            yield from _objects(one, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, depth + 1)


def _layer_of(page_object: Any, *, drawings: bool) -> object | None:
    for index in range(max(pdfium.FPDFPageObj_CountMarks(page_object), 0)):
        mark = pdfium.FPDFPageObj_GetMark(page_object, index)
        if mark and _text(pdfium.FPDFPageObjMark_GetName, mark) == "OC":
            name = _text(pdfium.FPDFPageObjMark_GetParamStringValue, mark, b"Name")
            return name or ctypes.addressof(mark.contents)
    is_form = pdfium.FPDFPageObj_GetType(page_object) == pdfium.FPDF_PAGEOBJ_FORM
    if drawings and is_form and not _holds_a_scanners_text(page_object):
        return ctypes.addressof(page_object.contents)
    return None


def _holds_a_scanners_text(form: Any) -> bool:
    """Whether a drawing holds text that is never drawn: the layer that recognition puts behind a picture."""
    return any(
        pdfium.FPDFPageObj_GetType(one) == pdfium.FPDF_PAGEOBJ_TEXT
        and pdfium.FPDFTextObj_GetTextRenderMode(one) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
        for one in _objects(form, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, 1)
    )


def _text(getter: Any, *arguments: Any) -> str:
    size = ctypes.c_ulong()
    getter(*arguments, None, 0, size)
    buffer = (pdfium.FPDF_WCHAR * (size.value // 2 + 1))()
    getter(*arguments, buffer, size.value, size)
    return ctypes.string_at(buffer, max(size.value - 2, 0)).decode("utf-16-le", errors="replace")


def _set_active(objects: Iterable[Any], active: bool) -> None:
    for one in objects:
        pdfium.FPDFPageObj_SetIsActive(one, active)


def _drawn(page: pypdfium2.PdfPage) -> NDArray[np.uint8]:
    width, height = page.get_size()
    bitmap = page.render(scale=min(1.0, (MAX_PIXELS / max(width * height, 1.0)) ** 0.5))
    try:
        return np.array(bitmap.to_numpy(), dtype=np.uint8)
    finally:
        bitmap.close()
