"""Every kind of file comes out as the text that a person sees, whatever it is called."""

from __future__ import annotations

import random

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from tests.readers.reader_inputs import RECEIPT, Inspect, Read, encoded, picture, tiff


def assert_reads_receipt(text: str) -> None:
    assert text.split("\n") == list(RECEIPT)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_an_image_is_known_by_its_content(read: Read, inspect: Inspect, file_format: str) -> None:
    content = encoded(picture(), file_format)

    (page,) = read(content, "misleading.txt")

    assert_reads_receipt(page.text)
    assert page.source == "ocr"
    assert page.confidence > 0.9
    assert (page.width, page.height, page.rotation) == (640, 480, 0)
    assert inspect(content).media_type == f"image/{file_format.lower()}"


def test_a_phone_photo_in_heic_is_read(read: Read) -> None:
    pillow_heif.register_heif_opener()
    (page,) = read(encoded(picture(), "HEIF", quality=90))
    assert_reads_receipt(page.text)


def test_a_line_has_the_box_in_which_it_is_printed(read: Read) -> None:
    (page,) = read(encoded(picture(["Total amount 25.00"], size=(800, 400))))

    (line,) = page.lines
    left, top, right, bottom = line.box
    assert left == pytest.approx(40 / 800, abs=0.02)
    assert top == pytest.approx(45 / 400, abs=0.03)
    assert right == pytest.approx(330 / 800, abs=0.1)
    assert bottom == pytest.approx(77 / 400, abs=0.04)


def test_label_and_value_of_one_row_stay_together(read: Read) -> None:
    image = picture(["Amount due", "Due date"], size=(900, 300))
    image.paste(picture(["150.00", "April 22"], size=(300, 300)), (600, 0))

    (page,) = read(encoded(image))

    assert page.text.split("\n") == ["Amount due  150.00", "Due date  April 22"]
    assert [line.text for line in page.lines] == ["Amount due", "150.00", "Due date", "April 22"]


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90), (8, Image.Transpose.ROTATE_270)],
)
def test_exif_says_how_a_photo_is_held(read: Read, orientation: int, turn: Image.Transpose) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation

    (page,) = read(encoded(picture().transpose(turn), "JPEG", exif=exif))

    assert_reads_receipt(page.text)
    assert page.rotation == {3: 180, 6: 90, 8: 270}[orientation]
    assert (page.width, page.height) == (640, 480)


@pytest.mark.parametrize(
    ("turn", "rotation"),
    [
        (Image.Transpose.ROTATE_90, 90),
        (Image.Transpose.ROTATE_180, 180),
        (Image.Transpose.ROTATE_270, 270),
    ],
)
def test_a_page_that_lies_on_its_side_is_turned(read: Read, turn: Image.Transpose, rotation: int) -> None:
    (page,) = read(encoded(picture().transpose(turn)))

    assert_reads_receipt(page.text)
    assert page.rotation == rotation
    assert (page.width, page.height) == (640, 480)
    assert page.lines[0].box[1] < 0.2


def test_text_on_a_transparent_ground_is_read_as_on_paper(read: Read) -> None:
    (page,) = read(encoded(picture(mode="RGBA", paper=(0, 0, 0, 0))))
    assert_reads_receipt(page.text)


def test_a_print_shop_cmyk_file_is_not_read_as_its_negative(read: Read) -> None:
    (page,) = read(encoded(picture().convert("CMYK"), "JPEG"))
    assert_reads_receipt(page.text)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P"])
def test_other_pixel_modes_are_read(read: Read, mode: str) -> None:
    (page,) = read(encoded(picture().convert(mode)))
    assert_reads_receipt(page.text)


def test_sixteen_bits_of_grey_are_read(read: Read) -> None:
    grey = np.asarray(picture().convert("L")).astype(np.uint16) * 257
    (page,) = read(encoded(Image.fromarray(grey), "PNG"))
    assert_reads_receipt(page.text)


def test_all_pages_of_a_tiff_are_read_in_order(read: Read, inspect: Inspect) -> None:
    content = tiff([["First page"], ["Second page"], ["Third page"]])

    pages = read(content)

    assert inspect(content).page_count == 3
    assert [(page.number, page.text) for page in pages] == [
        (1, "First page"),
        (2, "Second page"),
        (3, "Third page"),
    ]


@pytest.mark.parametrize(
    ("tag", "value"), [(254, 1), (254, 4), (254, 5), (255, 2)], ids=["reduced", "mask", "both", "old"]
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_small_copy_or_a_mask_in_a_tiff_is_no_page(
    read: Read, inspect: Inspect, tag: int, value: int, place: int
) -> None:
    content = tiff([["First page"], ["Second page"]], serving={place: (tag, value)})

    assert inspect(content).page_count == 1
    (page,) = read(content)
    assert page.text == ["Second page", "First page"][place]


def test_a_tiff_of_small_copies_only_is_read(inspect: Inspect) -> None:
    assert inspect(tiff([["A"], ["B"]], serving={0: (254, 1), 1: (254, 1)})).page_count == 2


@pytest.mark.parametrize("value", [0, 2])
def test_a_page_of_several_that_says_so_is_a_page(inspect: Inspect, value: int) -> None:
    assert inspect(tiff([["A"], ["B"]], serving={0: (254, value), 1: (254, value)})).page_count == 2


def test_pages_that_are_stored_already_are_not_read_again(read: Read) -> None:
    pages = read(tiff([["First page"], ["Second page"], ["Third page"]]), skip={1, 3})
    assert [page.text for page in pages] == ["Second page"]


@pytest.mark.parametrize("colour", ["white", "black", (240, 235, 220)])
def test_a_blank_page_is_no_error(read: Read, colour: str | tuple[int, int, int]) -> None:
    (page,) = read(encoded(Image.new("RGB", (800, 1000), colour)))
    assert (page.text, page.confidence, page.lines) == ("", 0.0, ())


def test_a_tiny_image_is_no_error(read: Read) -> None:
    (page,) = read(encoded(Image.new("RGB", (3, 2), "white")))
    assert page.text == ""


@pytest.mark.parametrize("degrees", [-3, 3])
def test_rows_of_a_crooked_photo_stay_rows(read: Read, degrees: int) -> None:
    names = [f"Article {number}" for number in range(9)]
    image = picture(names, size=(1200, 640))
    image.paste(picture([f"{number}4.50" for number in range(9)], size=(300, 640)), (900, 0))

    (page,) = read(encoded(image.rotate(degrees, expand=True, fillcolor="white")))

    assert page.text.split("\n") == [f"{name}  {number}4.50" for number, name in enumerate(names)]


def test_a_till_roll_is_read_line_by_line_without_doubles(read: Read) -> None:
    words = random.Random(7)
    lines = [f"Item {number:03} costs {words.randint(100, 999)}.00" for number in range(100)]
    roll = picture(lines, size=(520, 4200), text_size=25)

    (page,) = read(encoded(roll))

    assert page.text.split("\n") == lines
