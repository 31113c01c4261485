"""Files in a PDF are read or named, wherever it keeps them."""

from __future__ import annotations

import asyncio
import re

import pytest

from alfrd_events.errors import Unreadable
from alfrd_events.reading.local import LocalReader
from alfrd_events.sandbox.limits import ReaderLimits
from tests.readers.pdf_inputs import with_files, with_pinned_file
from tests.readers.reader_inputs import Read, encoded, part, pdf, picture, text_page

LETTER = [(72, 700, "Please find the bill attached.")]
COVER = [
    (72, 700, "For the best experience, open this PDF portfolio in Acrobat X or Adobe Reader X, or later.")
]
PORTFOLIO = b"/Collection << /View /T >>"
BILL = pdf([text_page([(72, 700, "Total due 119.00")]), text_page([(72, 700, "Page two")])])


def test_an_attached_document_is_read_after_the_pages(read: Read) -> None:
    pages = read(with_files(LETTER, [("bill.pdf", BILL), ("note.txt", b"Paid in cash")]))

    assert [page.text for page in pages] == [
        "Please find the bill attached.\n\nAttachment: bill.pdf\nAttachment: note.txt",
        "Total due 119.00",
        "Page two",
        "Paid in cash",
    ]
    assert [page.number for page in pages] == [1, 2, 3, 4]


def test_a_document_that_is_pinned_to_a_page_is_read(read: Read) -> None:
    pages = read(with_pinned_file(LETTER, "bill.pdf", BILL))
    assert [page.text for page in pages][1:] == ["Total due 119.00", "Page two"]
    assert pages[0].text.endswith("Attachment: bill.pdf")


def test_a_file_that_is_named_twice_is_read_once(read: Read) -> None:
    assert len(read(with_files(LETTER, [("a.pdf", BILL), ("b.pdf", BILL)]))) == 3


def test_a_page_can_be_read_again_after_those_of_an_attachment(read: Read) -> None:
    given = with_files(LETTER, [("bill.pdf", BILL)])
    assert [page.text for page in read(given, "a.pdf", {1, 2})] == ["Page two"]
    assert len(read(given)) == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04[Content_Types].xml xl/workbook.xml", r" \(an Excel workbook \(XLSX\)\)"),
        (b"\xd8\xff\xfe\xd9" * 99, r""),
        (b"\x7fELF" + bytes(99), r" \(a program\)"),
        (pdf([text_page(LETTER)], password="x"), r" \(the PDF is protected by a password\)"),
        (BILL[:200], r" \(the PDF is damaged or truncated and could not be opened\)"),
        (b"", r" \(it is empty or damaged\)"),
        (encoded(picture(), "JPEG")[:300], r" \(the JPEG image is damaged or truncated .*\)"),
    ],
)
def test_an_attachment_that_cannot_be_read_is_named_with_the_reason(
    read: Read, content: bytes, reason: str
) -> None:
    (page,) = read(with_files(LETTER, [("thing.bin", content)]))
    assert re.search(rf"Attachment not read: thing\.bin{reason}$", page.text)


def test_a_portfolio_is_the_files_in_it(read: Read) -> None:
    pages = read(with_files(COVER, [("bill.pdf", BILL), ("note.txt", b"Paid in cash")], catalog=PORTFOLIO))
    assert [page.text for page in pages] == [
        "Attachment: bill.pdf\nAttachment: note.txt",
        "Total due 119.00",
        "Page two",
        "Paid in cash",
    ]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([("a.bin", b"\x7fELF" + bytes(99))], r"p\.pdf: the PDF is a portfolio, and none of the files in it"),
        (
            [("bill.pdf", BILL), ("b.pdf", pdf([text_page(LETTER)], password="x"))],
            r"p\.pdf › b\.pdf: the PDF is protected by a password",
        ),
        ([], r"p\.pdf: the PDF is a portfolio, and none of the files in it"),
    ],
)
def test_a_portfolio_is_never_completed_without_its_files(
    read: Read, files: list[tuple[str, bytes]], why: str
) -> None:
    with pytest.raises(Unreadable, match=why):
        read(with_files(COVER, files, catalog=PORTFOLIO), "p.pdf")


def test_files_in_files_end_at_the_limit_and_are_named(read: Read) -> None:
    given = BILL
    for depth in range(6):
        given = with_files([(72, 700, f"Letter {depth}")], [("inner.pdf", given)])
    pages = read(given)
    assert [page.text.split("\n")[0] for page in pages] == ["Letter 5", "Letter 4", "Letter 3", "Letter 2"]
    assert "Attachment not read: inner.pdf (mails and archives are inside one another" in pages[-1].text


def test_attachments_beyond_a_limit_refuse_the_whole() -> None:
    async def scenario() -> None:
        reader = LocalReader(ReaderLimits(max_members=2, max_unpacked_bytes=5_000), processes=1)
        try:
            many = [(f"{n}.txt", b"%d" % n) for n in range(3)]
            with pytest.raises(Unreadable, match="holds more than 2 files"):
                await reader.inspect(part(with_files(LETTER, many)))
            with pytest.raises(Unreadable, match="unpacks to more than 5,000 bytes"):
                await reader.inspect(part(with_files(LETTER, [("a.txt", b"a" * 6_000)])))
        finally:
            await reader.aclose()

    asyncio.run(scenario())
