"""PDFs: the text layer where it is one, recognition where it is not, page by page."""

from __future__ import annotations

import pytest
from PIL import Image

from alfrd_events.errors import Unreadable
from tests.readers.pdf_inputs import document, layered, page_content
from tests.readers.reader_inputs import RECEIPT, Inspect, Read, pdf, picture, scan_page, text_page

LETTER = [
    (72, 700, "Dear customer,"),
    (72, 680, "we thank you for your order of a brush"),
    (72, 660, "Yours"),
]
SCAN = picture(size=(850, 1100))


def test_a_text_layer_is_taken_as_it_is(read: Read) -> None:
    (page,) = read(pdf([text_page(LETTER)]), "letter.jpg")

    assert page.text.split("\n") == ["Dear customer,", "we thank you for your order of a brush", "Yours"]
    assert (page.source, page.confidence) == ("text_layer", 1.0)
    assert (page.width, page.height) == (612, 792)
    left, top, right, bottom = page.lines[0].box
    assert left == pytest.approx(72 / 612, abs=0.01)
    assert bottom == pytest.approx((792 - 700) / 792, abs=0.01)
    assert top == pytest.approx((792 - 712) / 792, abs=0.01)
    assert 0.2 < right < 0.3


def test_rows_of_a_table_are_rows_whatever_the_order_in_the_file(read: Read) -> None:
    columns = [(72, 700, "Subtotal"), (72, 680, "Tax"), (400, 680, "2.00"), (400, 700, "23.00")]
    (page,) = read(pdf([text_page([*columns, (72, 640, "A line of text to make this a page of text")])]))
    assert page.text.split("\n")[:2] == ["Subtotal  23.00", "Tax  2.00"]


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_page_rotation_turns_the_boxes_too(read: Read, rotate: int) -> None:
    """The page is displayed on its side, and so is its text: read by turning it back."""
    (page,) = read(pdf([text_page(LETTER, rotate=rotate)]))

    assert page.text.split("\n")[0] == "Dear customer,"
    assert page.rotation == 360 - rotate
    assert (page.width, page.height) == (612, 792)
    assert page.lines[0].box[0] == pytest.approx(72 / 612, abs=0.01)
    assert page.lines[0].box[3] == pytest.approx((792 - 700) / 792, abs=0.01)


def test_a_scan_that_the_page_turns_upright_is_read(read: Read) -> None:
    sideways = SCAN.transpose(Image.Transpose.ROTATE_90).resize(SCAN.size)

    (page,) = read(pdf([scan_page(sideways, rotate=90)]))

    assert page.source == "ocr"
    assert page.text.split("\n")[:2] == list(RECEIPT[:2])
    assert page.rotation == 0
    assert (page.width, page.height) == (792, 612)


def test_scanned_pages_between_digital_ones_are_recognised(read: Read) -> None:
    pages = read(pdf([text_page(LETTER), scan_page(SCAN), text_page(LETTER)]))

    assert [page.source for page in pages] == ["text_layer", "ocr", "text_layer"]
    assert pages[1].text.split("\n") == list(RECEIPT)
    assert pages[1].confidence < 1.0


def test_a_stamp_on_a_scan_is_no_text_layer(read: Read) -> None:
    (page,) = read(pdf([scan_page(SCAN, text="Scanned with a scanner, page 1 of 1")]))
    assert page.source == "ocr"
    assert "Total amount 25.00" in page.text


def test_a_short_digital_page_without_a_picture_needs_no_recognition(read: Read) -> None:
    (page,) = read(pdf([text_page([(72, 700, "Page 1")])]))
    assert (page.text, page.source) == ("Page 1", "text_layer")


def test_an_empty_page_is_no_error(read: Read) -> None:
    (page,) = read(pdf([text_page([])]))
    assert (page.text, page.confidence) == ("", 0.0)


def test_prose_in_two_columns_is_read_column_by_column(read: Read) -> None:
    left = [(50, 700 - 16 * row, f"left column has words in line {row}") for row in range(8)]
    right = [(330, 700 - 16 * row, f"right column has words in line {row}") for row in range(8)]

    (page,) = read(pdf([text_page([line for pair in zip(left, right, strict=True) for line in pair])]))

    words = [text for _, _, text in (*left, *right)]
    assert page.text.split("\n") == words


def test_a_password_is_asked_for_by_name(read: Read) -> None:
    with pytest.raises(Unreadable, match=r"bill\.pdf: the PDF is protected by a password"):
        read(pdf([text_page(LETTER)], password="secret"), "bill.pdf")


def test_a_torn_pdf_is_refused(read: Read, inspect: Inspect) -> None:
    whole = pdf([text_page(LETTER)])
    assert inspect(whole).page_count == 1

    with pytest.raises(Unreadable, match=r"bill\.pdf: the PDF is damaged or truncated"):
        read(whole[:120], "bill.pdf")


@pytest.mark.parametrize("junk", [b"\r\n\r\n", b"\x00\x01\x02\x03", b"Content-Type: application/pdf\r\n\r\n"])
def test_a_pdf_with_bytes_before_its_mark_is_a_pdf(inspect: Inspect, junk: bytes) -> None:
    assert inspect(junk + pdf([text_page(LETTER)])).media_type == "application/pdf"


def test_what_is_left_of_a_pdf_is_not_taken_for_the_whole(read: Read) -> None:
    """PDFium repairs it: some pages come out, others are empty, and nothing says so."""
    given = pdf([text_page([(72, 700, f"Page {n} of 5 with some words")]) for n in range(1, 6)])
    for share in (0.3, 0.5, 0.7, 0.8, 0.9):
        with pytest.raises(Unreadable, match=r"bill\.pdf: the PDF is damaged or truncated.*complete copy"):
            read(given[: int(len(given) * share)], "bill.pdf")


def test_a_file_that_was_made_longer_by_zeros_before_it_was_written_is_not_whole(inspect: Inspect) -> None:
    given = pdf([text_page(LETTER), text_page(LETTER)])
    half = len(given) * 2 // 3
    with pytest.raises(Unreadable, match="damaged or truncated"):
        inspect(given[:half] + bytes(len(given) - half))


def test_an_update_that_was_cut_off_is_not_ignored(inspect: Inspect) -> None:
    given = pdf([text_page(LETTER)])
    with pytest.raises(Unreadable, match="damaged or truncated"):
        inspect(given + b"4 0 obj\n<< /Length 500 >>\nstream\nBT /F1 12 Tf")


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n", bytes(200), b"<!-- served in 3 ms -->"])
def test_what_follows_a_whole_pdf_does_no_harm(read: Read, end: bytes) -> None:
    (page,) = read(pdf([text_page(LETTER)]) + end)
    assert page.text.startswith("Dear customer")


def test_a_pdf_without_its_last_lines_is_read_if_nothing_of_its_pages_is_missing(read: Read) -> None:
    whole = pdf([text_page(LETTER)])
    (page,) = read(whole[: whole.index(b"startxref")])
    assert page.text.startswith("Dear customer")


def test_a_protected_pdf_gives_its_reason_to_no_other(read: Read) -> None:
    protected, whole = pdf([text_page(LETTER)], password="x"), pdf([text_page(LETTER)] * 3)
    for length in range(60, len(whole) - 60, len(whole) // 6):
        with pytest.raises(Unreadable, match="protected by a password"):
            read(protected)
        with pytest.raises(Unreadable, match="the PDF is damaged or truncated"):
            read(whole[:length])


# --- what a person does not see -------------------------------------------------------------------


@pytest.mark.parametrize("shape", [{}, {"member": True}, {"nested": True}])
def test_a_layer_that_is_off_is_not_read(read: Read, shape: dict[str, bool]) -> None:
    (page,) = read(layered(**shape))
    assert page.text.split("\n") == ["Dear customer, this is a letter", "Total 123.45"]


def test_a_layer_that_is_on_is_read(read: Read) -> None:
    (page,) = read(layered().replace(b"/OFF [6 0 R]", b"/OFF [     ]"))
    assert "9,999.00" in page.text
    assert "123.45" in page.text


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("unit", [b"", b"/UserUnit 2"])
def test_what_a_crop_box_leaves_out_is_not_read(read: Read, rotate: int, unit: bytes) -> None:
    content = page_content([(72, 700, "Total 123.45"), (400, 700, "Total 9,999.00"), (72, 100, "Below")])
    crop = b"/CropBox [0 400 306 792] /Rotate %d %s" % (rotate, unit)
    (page,) = read(document(content, page=crop))
    assert page.text == "Total 123.45"
    assert page.lines[0].box[0] == pytest.approx(72 / 306, abs=0.01)
