"""A text layer is believed if it says what its page shows, and costs no recognition if there is no doubt."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alfrd_events.reading.formats.pdf import trust
from alfrd_events.reading.formats.source import ReadPage
from alfrd_events.reading.formats.text_layer import Char
from alfrd_events.reading.text.layout import Piece
from tests.readers.pdf_inputs import mapped_page, scan_with_layer
from tests.readers.reader_inputs import RECEIPT, Read, picture

BILL = [
    "Tollgate Bearings Ltd",
    "Invoice number: TB-1048",
    "Invoice date: 5 March 2024",
    "Payment due: 4 April 2024",
    "Roller bearing, 6 pieces 1,028.75",
    "Value added tax 20 per cent 205.75",
    "Total amount due EUR 1,234.50",
    "Please pay by bank transfer within thirty days.",
    "Thank you for your business and for your trust.",
    "Goods remain our property until they are paid in full.",
    "Account holder: Tollgate Bearings Ltd, Wexholme",
]
LINES = [(72.0, 700.0 - 30 * n, line) for n, line in enumerate(BILL)]


def shifted(char: str) -> str:
    return chr(ord(char) + 3) if char.isalnum() and (char > "9" or char < "7") else char


def letters_shifted(char: str) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[(ord(char) - 94) % 26] if char.islower() else char


def figures_permuted(char: str) -> str:
    return char.translate(str.maketrans("0123456789", "9728145603"))


@pytest.mark.parametrize("says", [shifted, letters_shifted, figures_permuted])
@pytest.mark.parametrize("bold", [(), (0, 6)], ids=["all", "bold"])
def test_a_page_whose_font_says_other_characters_than_it_draws_is_recognised(
    read: Read, says: Callable[[str], str], bold: tuple[int, ...]
) -> None:
    (page,) = read(mapped_page(LINES, says, bold=bold))

    assert page.source == "ocr"
    assert page.text.split("\n")[0] == BILL[0]
    assert "EUR 1,234.50" in page.text


def test_a_font_with_a_right_map_is_believed_without_recognition(
    read: Read,
) -> None:
    (page,) = read(mapped_page(LINES, lambda char: char))
    assert (page.source, page.text.split("\n")) == ("text_layer", BILL)


# --- scans --------------------------------------------------------------------------------------

SCAN = picture(BILL, size=(1224, 1584), text_size=28)
RIGHT = [(20.0, 792 - 30 - 22.4 * n, line) for n, line in enumerate(BILL)]
"""Where :func:`picture` writes its lines, in points: 40 pixels from the top, 44.8 a line, at 2 pixels a point."""


@pytest.mark.parametrize("is_drawn_below", [False, True])
def test_a_scanners_right_layer_is_believed(read: Read, is_drawn_below: bool) -> None:
    (page,) = read(scan_with_layer(SCAN, RIGHT, is_drawn_below=is_drawn_below))
    assert (page.source, page.text.split("\n")) == ("text_layer", BILL)


def test_a_layer_with_a_slip_is_better_than_nothing_and_believed(read: Read) -> None:
    slips = [
        (x, y, line.replace("Bearings", "Bearinqs").replace("transfer", "transfcr")) for x, y, line in RIGHT
    ]
    (page,) = read(scan_with_layer(SCAN, slips))
    assert page.source == "text_layer"


@pytest.mark.parametrize("is_drawn_below", [False, True])
@pytest.mark.parametrize(
    "misread",
    [
        lambda line: "bnfl cx8 mjnbpn rtoebn obL nco6m",
        lambda line: line.translate(str.maketrans("0123456789", "O1Z34S6789")).replace("2024", "2O21"),
        lambda line: line.translate(str.maketrans("12345", "97860")),
    ],
    ids=["soup", "letters for figures", "other figures"],
)
def test_a_scanners_wrong_layer_is_not(
    read: Read, misread: Callable[[str], str], is_drawn_below: bool
) -> None:
    wrong = [(x, y, misread(line)) for x, y, line in RIGHT]

    (page,) = read(scan_with_layer(SCAN, wrong, is_drawn_below=is_drawn_below))

    assert page.source == "ocr"
    assert page.text.split("\n")[0] == BILL[0]
    assert "1,234.50" in page.text


def test_a_short_layer_is_not_preferred_for_being_longer_than_the_truth(read: Read) -> None:
    soup = [(20.0, 700.0, "bnfl cx8 mjnbpn rtoebn obL nco6m 3ogobn ocl6gobo ncnomcnob mbpo Tbgnp cbo")]
    (page,) = read(scan_with_layer(picture(size=(1224, 1584)), soup))
    assert page.text.split("\n") == list(RECEIPT)


def test_a_layer_for_half_of_a_scan_is_not_all_that_is_on_it(read: Read) -> None:
    """Its lines are right, and there are enough characters of them."""
    lines = BILL + [f"Second half of the page, line {n} of it" for n in range(18)]
    half = [(20.0, 792 - 30 - 22.4 * n, line) for n, line in enumerate(lines)][: len(BILL)]

    (page,) = read(scan_with_layer(picture(lines, size=(1224, 1584), text_size=28), half))

    assert page.source == "ocr"
    assert lines[-1] in page.text


def test_an_odd_typeface_that_says_what_it_draws_is_believed() -> None:
    """Its characters raise a doubt, and recognition agrees with them."""
    pixels = np.asarray(picture(["TOTAL 1,234.50"], size=(612, 792)))
    line = Piece("Total 1,234.50", 38, 38, 300, 78)
    layer = ReadPage.of_rows([[line]], (612, 792), "text_layer")
    doubt = trust.Doubt({1: frozenset("e0")})
    chars = [Char("0", 250, 45, 260, 70, font=1)]
    assert trust.is_right(layer, chars, doubt, pixels)
    wrong = ReadPage.of_rows([[Piece("Total 9,876.10", 38, 38, 300, 78)]], (612, 792), "text_layer")
    assert not trust.is_right(wrong, chars, doubt, pixels)
