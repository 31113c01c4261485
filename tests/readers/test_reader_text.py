"""Plain text in the encodings that people send, without what a database cannot store."""

from __future__ import annotations

import codecs
from unicodedata import normalize

import pytest

from alfrd_events.errors import Unreadable
from tests.readers.reader_inputs import Inspect, Read

LETTER = "Müller & Söhne\nGesamtbetrag: 45,00 €\n"


@pytest.mark.parametrize(
    "content",
    [
        LETTER.encode(),
        codecs.BOM_UTF8 + LETTER.encode(),
        codecs.BOM_UTF16_LE + LETTER.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + LETTER.encode("utf-16-be"),
        LETTER.encode("utf-16-le"),
        LETTER.encode("utf-16-be"),
        LETTER.encode("cp1252"),
        LETTER.replace("\n", "\r\n").encode(),
    ],
    ids=[
        "utf-8",
        "utf-8 mark",
        "utf-16-le mark",
        "utf-16-be mark",
        "utf-16-le",
        "utf-16-be",
        "cp1252",
        "crlf",
    ],
)
def test_a_text_is_decoded(read: Read, content: bytes) -> None:
    (page,) = read(content)
    assert (page.text, page.source, page.confidence, page.lines) == (LETTER, "plain", 1.0, ())


def test_latin_1_is_the_last_resort(read: Read) -> None:
    (page,) = read("Größe \x81 übrig".encode("latin-1"))
    assert page.text == "Größe  übrig"


def test_what_postgresql_refuses_never_gets_into_a_text(read: Read) -> None:
    (page,) = read(b"Total\x00 25.00\x1b[0m, and a plain line that is long enough to be a text\tend")
    assert page.text == "Total 25.00[0m, and a plain line that is long enough to be a text\tend"


def test_a_form_feed_ends_a_page(read: Read, inspect: Inspect) -> None:
    assert [page.text for page in read(b"page one\fpage two\f")] == ["page one", "page two"]
    assert inspect(b"page one\fpage two\f").page_count == 2


def test_bytes_without_sense_are_refused(read: Read) -> None:
    with pytest.raises(Unreadable, match=r"given\.bin.*unknown or not supported"):
        read(bytes(range(256)) * 16)


@pytest.mark.parametrize(
    "text", ["The header of such a file is %PDF-1.7.", "# Notes\n%PDF-1.4 begins a file, größer als 1 obj"]
)
def test_a_text_that_mentions_a_pdf_mark_is_text(read: Read, inspect: Inspect, text: str) -> None:
    assert inspect(text.encode()).media_type == "text/plain"
    assert read(text.encode())[0].text == text


def test_letters_and_accents_that_stand_apart_become_one_letter(read: Read) -> None:
    (page,) = read(normalize("NFD", "Stadtwerke Mörlau, 5. März 2024").encode())
    assert page.text == "Stadtwerke Mörlau, 5. März 2024"
