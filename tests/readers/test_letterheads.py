"""Logos that are pictures in digital PDFs: read where the text does not say who a paper is from, and only there."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

import pytest
from PIL import Image, ImageDraw, ImageFont

from alfrd_events.analysis.rules.entity import names_a_company
from alfrd_events.model import Page, Part, PartSource
from alfrd_events.model.inputs import OcrInput
from alfrd_events.model.jobs import Summarize
from alfrd_events.reading.local import LocalReader
from alfrd_events.steps import reading
from testing.noop import noop_tools
from tests.analysts.paper import ANALYST, PROMPT, of_pages
from tests.readers.pdf_inputs import document, page_content
from tests.readers.reader_inputs import encoded, pdf, text_page

INVOICE = [
    (60, 640, "Invoice number: 177"),
    (60, 620, "Invoice date: 2024-03-05"),
    (60, 590, "Bill to:"),
    (60, 575, "Larkspur Trading Ltd"),
    (60, 560, "5 High Road, Elmton"),
    (60, 500, "Carving knives                                 EUR 95.00"),
    (60, 480, "Total                                          EUR 95.00"),
]


def logo(text: str, *, size: tuple[int, int] = (600, 120)) -> Image.Image:
    """White print on a dark ground."""
    image = Image.new("RGB", size, "#123a5c")
    ImageDraw.Draw(image).text((30, 25), text, fill="white", font=ImageFont.load_default(size=56))
    return image


def pdf_with(
    picture: Image.Image | None, lines: Sequence[tuple[float, float, str]], *, up: float = 700
) -> bytes:
    """A page of digital text with a picture of 240 by 48 points.

    :param up: from the bottom of the page to that of the picture, in points.
    """
    content = page_content(lines)
    if picture is None:
        return document(content)
    content += f"q 240 0 0 48 60 {up} cm /Im1 Do Q\n".encode()
    head = (
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB "
        b"/BitsPerComponent 8 /Filter /DCTDecode" % picture.size
    )
    return document(
        content, page=b"|/XObject << /Im1 6 0 R >>", added=[(head, encoded(picture, "JPEG", quality=95))]
    )


class Watching(LocalReader):
    """Counts how often the top of a page is looked at."""

    looked = 0

    async def read_head(self, part: Part, page: Page) -> tuple[object, ...]:  # type: ignore[override]
        self.looked += 1
        return await super().read_head(part, page)


def as_read(content: bytes) -> tuple[list[Page], int]:
    """The pages that are stored, and how often a head was looked at."""
    stored: dict[int, Page] = {}

    async def save(page: Page, part: int) -> None:
        stored[page.number] = page

    async def act() -> int:
        reader = Watching(processes=1)
        try:
            given = OcrInput(
                of_pages([]), parts=(PartSource(1, "invoice.pdf", content),), saved_pages=frozenset()
            )
            await reading.ocr(given, dataclasses.replace(noop_tools(reader=reader), save_page=save))
        finally:
            await reader.aclose()
        return reader.looked

    looked = asyncio.run(act())
    return [stored[number] for number in sorted(stored)], looked


def company_of(pages: Sequence[Page]) -> str:
    return asyncio.run(ANALYST.run(Summarize(of_pages(pages, document_type="invoice"), PROMPT))).entity


def test_the_company_is_read_from_its_logo() -> None:
    pages, looked = as_read(pdf_with(logo("Kestrel Cutlery"), INVOICE))

    assert (len(pages), looked) == (1, 1)
    assert pages[0].text.splitlines()[0] == "Kestrel Cutlery"
    assert company_of(pages) == "Kestrel Cutlery"


def test_a_line_from_a_logo_is_where_the_logo_is() -> None:
    pages, _ = as_read(pdf_with(logo("Kestrel Cutlery"), INVOICE))
    left, top, right, bottom = pages[0].lines[0].box

    assert 60 / 612 < left < right < 300 / 612
    assert (792 - 748) / 792 < top < bottom < (792 - 700) / 792
    assert [line.text for line in pages[0].lines[1:]] == [
        line.text for line in as_read(pdf_with(None, INVOICE))[0][0].lines
    ]


def test_pictures_are_not_looked_at_where_the_text_names_the_company() -> None:
    named = [(60, 760, "Osprey Web Services, Inc."), (60, 745, "9 Quay Street, Ashford"), *INVOICE]
    pages, looked = as_read(pdf_with(logo("Kestrel Cutlery"), named))

    assert looked == 0
    assert company_of(pages) == "Osprey Web Services, Inc."


@pytest.mark.parametrize(
    ("picture", "up"),
    [(None, 700), (logo(""), 700), (logo("Kestrel Cutlery"), 300)],
    ids=["no picture", "a picture without print", "a picture further down"],
)
def test_a_page_without_print_in_a_picture_at_its_top_stays_as_it_is(
    picture: Image.Image | None, up: float
) -> None:
    pages, looked = as_read(pdf_with(picture, INVOICE, up=up))

    assert looked == 1
    assert pages[0].text.splitlines()[0] == "Invoice number: 177"


def test_only_the_first_page_is_looked_at_and_all_are_stored() -> None:
    pages, looked = as_read(pdf([text_page(INVOICE), text_page(INVOICE), text_page(INVOICE)]))

    assert ([page.number for page in pages], looked) == ([1, 2, 3], 1)


def test_a_picture_that_cannot_be_read_costs_its_lines_and_not_the_page(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def act() -> tuple[object, ...]:
        reader = LocalReader(processes=1)
        try:
            page = Page(1, "Invoice 177", 1.0, source="text_layer")
            return await reader.read_head(Part(1, "invoice.pdf", b"%PDF-1.7 and nothing more"), page)
        finally:
            await reader.aclose()

    assert asyncio.run(act()) == ()
    assert "the pictures of a page were left out" in caplog.text


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Osprey Web Services, Inc.\nInvoice 7\nTotal 95.00", True),
        ("Invoice 7\nBill to: Larkspur Trading Ltd\nTotal 95.00", False),
        ("Invoice 7\nTotal 95.00\nwww.osprey.com\nOsprey", True),
        ("Invoice 7\nTotal 95.00", False),
    ],
)
def test_a_text_names_a_company_by_more_than_the_place_of_a_line(text: str, names: bool) -> None:
    assert names_a_company(of_pages([Page(1, text, 1.0, source="plain")])) == names
