"""A PDF: the text layer where there is one that can be used, else a rendered page for recognition.

Form fields and stamps are made part of the page first, since the values that a person typed into a form are no page
content otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import pypdfium2
import pypdfium2.raw as pdfium

from alfrd_events.errors import Unreadable
from alfrd_events.reading import ocr
from alfrd_events.reading.formats import sheets, text_layer
from alfrd_events.reading.formats.budget import Budget
from alfrd_events.reading.formats.containers import Bundle
from alfrd_events.reading.formats.content import PDF
from alfrd_events.reading.formats.pdf import forms, inside, layers, page, trust, whole, xfa
from alfrd_events.reading.formats.pdf.fonts import Fonts
from alfrd_events.reading.formats.source import PageImage, ReadPage, Source
from alfrd_events.reading.formats.text_layer import Char
from alfrd_events.reading.inference.lines import Pixels

Result = TypeVar("Result")

FEW_CHARACTERS = 50
"""A layer with fewer is a page number or a stamp, if the page has anything else to see."""
FEW_BESIDE_A_SCAN = 250
"""The same for a page that is mostly one picture: scanners and signing services add a line or two."""
SCAN_SHARE = 0.4
"""Part of the page that a picture must cover to be taken for a scan."""
LITTLE_SEEN = 0.5
"""Part of a scan's layer that recognition has to find at least, if it is to be preferred to a short layer."""
MAX_UNMAPPED = 0.2
"""Part of a layer's characters that may have no Unicode value; more, and the layer is gibberish."""
_ADOBE = ("adobe", "acrobat")
"""In every language the cover of a portfolio names the programs that can show it."""


def open_pdf(data: bytes, filename: str, budget: Budget) -> Source:
    """Open a PDF and the documents in it.

    :raise Unreadable: damaged, cut off, protected, or beyond a limit.
    """
    own = PdfSource(data, filename, budget)
    if not own.files.openers:
        return own
    own.close()

    def again() -> Source:
        return PdfSource(data, filename, budget, own.files)

    return Bundle(PDF, [], [(again, own.page_count), *own.files.openers])


class PdfSource:
    """The pages of a PDF; they are loaded one at a time.

    One that carries an electronic invoice has a last page more, with the invoice's values; what its other pages
    show is the same for people, so that they are taken as their text layer has them and never recognised.
    """

    media_type = PDF

    def __init__(
        self,
        data: bytes,
        filename: str,
        budget: Budget,
        files: inside.Contents | None = None,
    ) -> None:
        """:param files: what is inside, where that is known from before."""
        self._filename = filename
        self._fonts = Fonts()
        self._scans_left_to_compare = trust.AGREED_ENOUGH
        try:
            self._document, is_portfolio = _opened(data)
        except pypdfium2.PdfiumError as error:
            raise self._refusal(error) from error
        try:
            self._look_around(data, budget, files, is_portfolio=is_portfolio)
        except BaseException:
            self._document.close()
            raise

    def _look_around(
        self,
        data: bytes,
        budget: Budget,
        files: inside.Contents | None,
        *,
        is_portfolio: bool,
    ) -> None:
        pages = len(self._document)
        if pages == 0:
            raise Unreadable(f"{self._filename}: the PDF is damaged: it has no pages; send a complete copy")
        if whole.is_cut_off(data):
            raise Unreadable(
                f"{self._filename}: the PDF is damaged or truncated: its end is missing, and pages or parts of them "
                "with it; send a complete copy"
            )
        self._is_portfolio = is_portfolio
        self._drawings_may_be_off = layers.may_hide_drawings(data)
        self.files = files or inside.contents(
            self._document, data, self._filename, budget, is_portfolio=is_portfolio
        )
        values = self._form_data(min(pages, budget.limits.max_pages))
        self._own_pages = 0 if values and values.replaces_pages else pages
        added = [values.page] if values else []
        added += [self.files.invoice] if self.files.invoice else []
        if not self._own_pages:
            added[0] = self._with_names(added[0])
        self._added = added
        self.page_count = self._own_pages + len(added)

    def read(self, number: int) -> ReadPage:
        return self._on_page(number, self._read)

    def prepare(self, number: int) -> ReadPage | PageImage:
        return self._on_page(number, self._prepare)

    def pixels(self, number: int) -> tuple[Pixels, int] | None:
        if number > self._own_pages:
            return None
        drawn = self._on_page(number, lambda loaded: loaded.pixels if min(loaded.size) > 0 else None)
        assert not isinstance(drawn, ReadPage), "it is one of the file's own pages"
        return None if drawn is None else (drawn, 0)

    def close(self) -> None:
        self._document.close()

    def _refusal(self, error: pypdfium2.PdfiumError) -> Unreadable:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            return Unreadable(
                f"{self._filename}: the PDF is protected by a password; send a copy without one"
            )
        if error.err_code == pdfium.FPDF_ERR_SECURITY:
            return Unreadable(
                f"{self._filename}: the PDF is encrypted in a way that is not supported; "
                "send an unprotected copy"
            )
        return Unreadable(
            f"{self._filename}: the PDF is damaged or truncated and could not be opened; send a complete copy"
        )

    def _form_data(self, pages: int) -> xfa.Values | None:
        parts = xfa.packets(self._document)
        if not parts or any(self._has_fields(number) for number in range(1, pages + 1)):
            return None
        asks_to_wait = pages == 1 and self._document.get_formtype() == pdfium.FORMTYPE_XFA_FULL
        return xfa.values(parts, self._filename, replaces_pages=asks_to_wait)

    def _has_fields(self, number: int) -> bool:
        try:
            loaded = self._document[number - 1]
        except pypdfium2.PdfiumError:
            return False  # reading that page refuses the document
        try:
            return forms.has_fields(loaded)
        finally:
            loaded.close()

    def _on_page(self, number: int, act: Callable[[_Loaded], Result]) -> Result | ReadPage:
        if number > self._own_pages:
            return self._added[number - self._own_pages - 1]
        try:
            loaded = self._load(number)
            try:
                result = act(loaded)
            finally:
                loaded.page.close()
        except pypdfium2.PdfiumError as error:
            raise Unreadable(
                f"{self._filename}: page {number} of the PDF is damaged and could not be read; "
                "send a complete copy"
            ) from error
        return self._finished(result, number) if isinstance(result, ReadPage) else result

    def _finished(self, reading: ReadPage, number: int) -> ReadPage:
        if self._is_portfolio and any(name in reading.text.casefold() for name in _ADOBE):
            reading = replace(reading, text="", rows=[])
        return self._with_names(reading) if number == self._own_pages else reading

    def _with_names(self, reading: ReadPage) -> ReadPage:
        if not self.files.names:
            return reading
        return replace(reading, text="\n".join([reading.text, "", *self.files.names]).strip())

    def _load(self, number: int) -> _Loaded:
        loaded = self._document[number - 1]
        ticks: list[forms.Mark] = []
        if pdfium.FPDFPage_GetAnnotCount(loaded.raw) > 0:
            loaded, ticks = self._flattened(loaded, number)
        layers.hide_what_is_off(loaded, drawings=self._drawings_may_be_off)
        return _Loaded(loaded, ticks)

    def _flattened(
        self, loaded: pypdfium2.PdfPage, number: int
    ) -> tuple[pypdfium2.PdfPage, list[forms.Mark]]:
        """Make what its annotations and fields show a part of the page."""
        forms.drop_unseen(loaded)
        ticks: list[forms.Mark] = []
        if self._document.formenv:
            if forms.drop_stale_appearances(loaded, self._document.formenv.raw):
                loaded.close()
                loaded = self._document[number - 1]
            ticks = forms.ticks(loaded, self._document.formenv.raw)
        flattened = pdfium.FPDFPage_Flatten(loaded.raw, pdfium.FLAT_NORMALDISPLAY)
        if flattened == pdfium.FLATTEN_SUCCESS:
            loaded.close()
            loaded = self._document[number - 1]
        return loaded, ticks

    def _read(self, loaded: _Loaded) -> ReadPage:
        layer, is_enough = self._layer(loaded)
        if layer is not None and is_enough:
            return layer
        seen = self._recognise(loaded)
        # A scanner's poor layer may be longer than the truth, a digital one is shorter only.
        needed = LITTLE_SEEN if loaded.is_scan else 1.0
        return layer if layer is not None and needed * layer.characters >= seen.characters else seen

    def _prepare(self, loaded: _Loaded) -> ReadPage | PageImage:
        layer, is_enough = self._layer(loaded)
        if layer is not None and is_enough:
            return layer
        return sheets.sheet_of(loaded.pixels, self._filename, size=loaded.size, layer=layer)

    def _layer(self, loaded: _Loaded) -> tuple[ReadPage | None, bool]:
        """Read the text layer, if it is one, and tell whether it holds all that is worth to be seen."""
        size = loaded.size
        if size[0] <= 0 or size[1] <= 0:
            return ReadPage("", kind="text_layer"), True
        chars, fonts = page.chars(loaded.page, size)
        layer = text_layer.read(chars + loaded.tick_marks(), size)
        if self.files.invoice is not None:
            return layer, True
        visible = sum(not char.text.isspace() for char in chars)
        unmapped = sum(char.unmapped for char in chars)
        if not visible or unmapped > MAX_UNMAPPED * visible:
            return None, False
        is_enough = (
            visible >= FEW_BESIDE_A_SCAN
            or not page.has_more_to_see(loaded.page)
            or (visible >= FEW_CHARACTERS and not loaded.is_scan)
        )
        if not is_enough:
            return layer, False
        doubt = trust.Doubt(self._fonts.odd(chars, fonts), loaded.is_scan and self._scans_left_to_compare > 0)
        if doubt and not trust.is_right(layer, chars, doubt, loaded.pixels):
            return None, False
        self._scans_left_to_compare -= doubt.over_a_picture
        return layer, True

    def _recognise(self, loaded: _Loaded) -> ReadPage:
        found = ocr.read(loaded.pixels)
        size = loaded.size
        turned = size if found.rotation % 180 == 0 else (size[1], size[0])
        scale = turned[0] / found.size[0]
        return ReadPage.of_rows(
            [[text_layer.resized(piece, scale) for piece in row] for row in found.rows],
            turned,
            "ocr",
            found.rotation,
        )


class _Loaded:
    """A page with its fields and annotations drawn, and without what is switched off."""

    def __init__(self, loaded: pypdfium2.PdfPage, ticks: Sequence[forms.Mark]) -> None:
        self.page = loaded
        self.size: page.Size = loaded.get_size()
        self._ticks = ticks

    @cached_property
    def is_scan(self) -> bool:
        """Whether it is mostly one picture."""
        return page.picture_share(self.page, self.size) >= SCAN_SHARE

    @cached_property
    def pixels(self) -> Pixels:
        return page.render(self.page, self.size)

    def tick_marks(self) -> list[Char]:
        """A few characters for each box that is ticked by a drawing."""
        if not self._ticks:
            return []
        to_display = page.display_transform(self.page, self.size)
        return [char for tick in self._ticks for char in _tick(tick, to_display)]


def _tick(tick: forms.Mark, to_display: page.ToDisplay) -> list[Char]:
    corners = [to_display(tick.left, tick.top), to_display(tick.right, tick.bottom)]
    left, right = sorted(x for x, _ in corners)
    top, bottom = sorted(y for _, y in corners)
    width = (right - left) / len(forms.TICKED)
    return [
        Char(text, left + n * width, top, left + (n + 1) * width, bottom)
        for n, text in enumerate(forms.TICKED)
    ]


def _opened(data: bytes) -> tuple[pypdfium2.PdfDocument, bool]:
    """Open a PDF with its form, and tell whether it is a portfolio: PDFium reports what it cannot show."""
    _reported.clear()
    document = pypdfium2.PdfDocument(data)
    is_portfolio = pdfium.FPDF_UNSP_DOC_PORTABLECOLLECTION in _reported
    try:
        document.init_forms()
    except BaseException:
        document.close()
        raise
    return document, is_portfolio


_reported: list[int] = []
logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it warns of every XFA form


def _report(_: Any, kind: int) -> None:
    _reported.append(kind)


_reporting = pdfium.UNSUPPORT_INFO(version=1)
"""Kept for as long as PDFium may call it."""
_reporting.FSDK_UnSupport_Handler = dict(pdfium.UNSUPPORT_INFO._fields_)["FSDK_UnSupport_Handler"](_report)
pdfium.FSDK_SetUnSpObjProcessHandler(_reporting)
