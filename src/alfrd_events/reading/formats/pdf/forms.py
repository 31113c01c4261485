"""Form values: drawn by a field's appearance, or left to the viewer to draw.

Programs that fill in forms often store the value only and leave drawing it to the viewer (``NeedAppearances``), or
leave the empty form's appearance in place. A viewer draws it then, and so does PDFium once it has a form environment:
for fields without an appearance. Stale ones have to be taken away first.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

TICKED = "[x]"
"""As other readers write a box that is ticked."""
_TYPED = {pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX}
_BOXES = {pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON}
_SHOWS_SOMETHING = re.compile(r"(?:\bT[jJ]|['\"]|\bDo|\bBI)(?:\s|$)")
"""Operators that show text or a picture."""
_UNSEEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW


@dataclass(frozen=True, slots=True)
class Mark:
    """A box that is ticked, and whose tick is no text; in the page's own coordinates."""

    left: float
    bottom: float
    right: float
    top: float


def drop_stale_appearances(page: pypdfium2.PdfPage, forms: Any) -> bool:
    """Take away the appearances that show nothing although the field has a value.

    :return: whether there were any; the page has to be loaded again then.
    """
    dropped = False
    for field in _fields(page):
        if (
            pdfium.FPDFAnnot_GetFormFieldType(forms, field) in _TYPED
            and _string(pdfium.FPDFAnnot_GetFormFieldValue, forms, field).strip()
            and not _SHOWS_SOMETHING.search(_appearance(field))
        ):
            pdfium.FPDFAnnot_SetAP(field, pdfium.FPDF_ANNOT_APPEARANCEMODE_NORMAL, None)
            dropped = True
    return dropped


def ticks(page: pypdfium2.PdfPage, forms: Any) -> list[Mark]:
    """The check boxes and radio buttons that are on, and that show it by a drawing."""
    marks = []
    for field in _fields(page):
        if (
            pdfium.FPDFAnnot_GetFormFieldType(forms, field) in _BOXES
            and pdfium.FPDFAnnot_IsChecked(forms, field)
            and not _SHOWS_SOMETHING.search(_appearance(field))
        ):
            box = pdfium.FS_RECTF()
            if pdfium.FPDFAnnot_GetRect(field, box):
                marks.append(Mark(box.left, box.bottom, box.right, box.top))
    return marks


def has_fields(page: pypdfium2.PdfPage) -> bool:
    """Return whether the page has a form field."""
    return any(True for _ in _fields(page))


def drop_unseen(page: pypdfium2.PdfPage) -> None:
    """Remove annotations that no viewer shows: flattening would make those that are for print only visible."""
    for index in reversed(range(pdfium.FPDFPage_GetAnnotCount(page.raw))):
        with annotation(page, index) as one:
            unseen = bool(one) and bool(pdfium.FPDFAnnot_GetFlags(one) & _UNSEEN)
        if unseen:
            pdfium.FPDFPage_RemoveAnnot(page.raw, index)


def _fields(page: pypdfium2.PdfPage) -> Iterator[Any]:
    for index in range(pdfium.FPDFPage_GetAnnotCount(page.raw)):
        with annotation(page, index) as one:
            if (
                one
                and pdfium.FPDFAnnot_GetSubtype(one) == pdfium.FPDF_ANNOT_WIDGET
                and not pdfium.FPDFAnnot_GetFlags(one) & _UNSEEN
            ):
                yield one


@contextmanager
def annotation(page: pypdfium2.PdfPage, index: int) -> Iterator[Any]:
    """One annotation of a page, closed afterwards."""
    one = pdfium.FPDFPage_GetAnnot(page.raw, index)
    try:
        yield one
    finally:
        if one:
            pdfium.FPDFPage_CloseAnnot(one)


def _appearance(field: Any) -> str:
    return _string(pdfium.FPDFAnnot_GetAP, field, pdfium.FPDF_ANNOT_APPEARANCEMODE_NORMAL)


def _string(getter: Any, *arguments: Any) -> str:
    """Call one of PDFium's functions that fill a buffer with UTF-16."""
    size = getter(*arguments, None, 0)
    buffer = (pdfium.FPDF_WCHAR * (size // 2 + 1))()
    getter(*arguments, buffer, size)
    return ctypes.string_at(buffer, max(size - 2, 0)).decode("utf-16-le", errors="replace")
