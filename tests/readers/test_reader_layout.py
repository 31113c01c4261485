"""Pieces of text come into reading order by where they stand."""

from __future__ import annotations

import pytest

from alfrd_events.reading.formats import text_layer
from alfrd_events.reading.formats.text_layer import Char
from alfrd_events.reading.text import layout, spacing
from alfrd_events.reading.text.layout import Piece


def piece(text: str, left: float, top: float, *, height: float = 10) -> Piece:
    return Piece(text, left, top, left + 5 * len(text), top + height)


def written(text: str, left: float = 0, top: float = 0) -> list[Char]:
    return [
        Char("" if char == " " else char, left + 6 * n, top, left + 6 * n + 6, top + 10)
        for n, char in enumerate(text)
    ]


def text_of(*pieces: Piece, slope: float = 0.0) -> list[str]:
    return layout.text_of(layout.arrange(pieces, 600, slope)).split("\n")


def test_a_row_of_a_tilted_photo_stays_whole() -> None:
    """Each value stands 4 units higher than its left neighbour: 20 in all, two lines of text."""
    tilted = [piece(f"c{n}", 100 * n, 50 - 4 * n) for n in range(6)]
    below = [piece(f"d{n}", 100 * n, 68 - 4 * n) for n in range(6)]
    assert text_of(*below, *tilted, slope=-0.04) == ["c0  c1  c2  c3  c4  c5", "d0  d1  d2  d3  d4  d5"]


def test_small_print_beside_a_large_total_is_on_its_row() -> None:
    assert text_of(piece("TOTAL", 0, 0, height=30), piece("incl. tax", 300, 11, height=9)) == [
        "TOTAL  incl. tax"
    ]


def test_what_stands_above_each_other_is_never_one_row() -> None:
    assert text_of(piece("first", 0, 0), piece("second", 0, 4)) == ["first", "second"]


def test_two_address_blocks_stay_beside_each_other() -> None:
    rows = [(piece(f"Sender {n}", 0, 20 * n), piece(f"Recipient {n}", 350, 20 * n)) for n in range(6)]
    assert text_of(*(p for row in rows for p in row))[0] == "Sender 0  Recipient 0"


def test_a_table_of_long_names_and_figures_stays_a_table() -> None:
    rows = [
        (
            piece(f"Paint brush with a handle number {n}", 0, 20 * n),
            piece(f"{n} 450.00 1,337.00 USD 19.25 20.75", 320, 20 * n),
        )
        for n in range(6)
    ]
    assert text_of(*(p for row in rows for p in row))[0].endswith("19.25 20.75")


def test_letters_become_words_and_words_lines() -> None:
    page = text_layer.read([*written("Total due"), *written("25.00", left=300)], (600, 800))
    assert page.text == "Total due  25.00"


def test_a_ligature_does_not_tear_a_word() -> None:
    """pdfium gives the letters of a ligature one after the other, in the same place."""
    first, *rest = written("oice", left=6)
    page = text_layer.read([*written("f"), Char("f", 0, 0, 6, 10), first, *rest], (600, 800))
    assert page.text == "ffoice"


def test_words_that_were_written_one_by_one_become_one_line() -> None:
    words = [*written("due", left=30), *written("Amt"), *written("now", left=54)]
    page = text_layer.read(words, (600, 800))
    assert [piece.text for row in page.rows for piece in row] == ["Amt due now"]


def test_a_hyphen_at_a_lines_end_is_a_hyphen() -> None:
    assert text_layer.character(0x02) == "-"


def test_glyphs_without_a_meaning_are_known() -> None:
    assert [text_layer.is_unmapped(code) for code in (0, 0xFFFD, 0xE001, ord("a"))] == [
        True,
        True,
        True,
        False,
    ]


# --- words that are set wide --------------------------------------------------------------------


def wide(text: str, *, gap: float, top: float = 0, left: float = 0) -> list[Char]:
    """Letters 6 wide and 10 high, with so much room between any two, spaces included."""
    step = 6 + gap
    return [Char(one, left + step * n, top, left + step * n + 6, top + 10) for n, one in enumerate(text)]


def spaced(text: str, *, gap: float, **place: float) -> list[Char]:
    """As a PDF gives them that moves between letters: it holds no character for a space."""
    return [char for char in wide(text, gap=gap, **place) if char.text != " "]


@pytest.mark.parametrize("gap", [3.5, 4, 5, 6, 7, 8, 9])
def test_words_that_are_set_wide_are_words(gap: float) -> None:
    page = text_layer.read(
        [*spaced("GESAMTBETRAG", gap=gap), *spaced("1.234,50 EUR", gap=gap, top=20)], (600, 800)
    )
    assert page.text.replace("  ", " ") == "GESAMTBETRAG\n1.234,50 EUR"


def test_words_that_were_typed_wide_are_words() -> None:
    typed = [char for n, one in enumerate("RECHNUNG") for char in written(one + " ", left=12 * n)]
    assert text_layer.read(typed, (600, 800)).text == "RECHNUNG"


@pytest.mark.parametrize(
    "text", ["1 0 2 1 4", "A 1 B 2", "Y N Y", "I am a b c", "4 2 x 3 1", "1 2 3 4 5 6 7 8"]
)
def test_marks_and_figures_that_stand_alone_stay_alone(text: str) -> None:
    assert text_layer.read(written(text), (600, 800)).text == text


def test_figures_without_a_mark_are_closed_up_only_beside_a_wide_word() -> None:
    chars = [*spaced("RECHNUNG", gap=5), *spaced("4711", gap=5, top=20)]
    assert text_layer.read(chars, (600, 800)).text == "RECHNUNG\n4711"
    alone = [*written("RECHNUNG"), *spaced("4711", gap=5, top=20)]
    assert text_layer.read(alone, (600, 800)).text == "RECHNUNG\n4 7 1 1"


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ("1. 2 3 4, 5 0 E U R", "1.234,50 EUR"),
        ("T O T A L 1 2 3 . 4 5", "TOTAL 123.45"),
        ("0 5 . 0 3 . 2 0 2 4", "05.03.2024"),
        ("1 2 3 4 5", "1 2 3 4 5"),
        ("2 x 4 5.00", "2 x 4 5.00"),
        ("A B C", "A B C"),
        ("1 2 3 4.50", "1 2 3 4.50"),
    ],
)
def test_an_amount_that_was_recognised_letter_by_letter_is_one(seen: str, text: str) -> None:
    assert spacing.closed_up_figures(seen) == text


# --- right to left ------------------------------------------------------------------------------


def right_to_left(text: str) -> list[Char]:
    """As PDFium gives a line that is drawn as people see it: in the order of reading, from the right."""
    return [Char(one, 500 - 6 * n, 0, 506 - 6 * n, 10) for n, one in enumerate(text)]


@pytest.mark.parametrize("text", ["סהכ לתשלום", "مكتبة المدينة", "חשבונית"])
def test_a_line_from_right_to_left_is_stored_as_it_is_read(text: str) -> None:
    assert text_layer.read(right_to_left(text), (600, 800)).text == text


def test_figures_in_a_line_from_right_to_left_keep_their_order() -> None:
    seen = "₪ 1,234.50 " + "סהכ לתשלום"[::-1]
    assert text_layer.read(written(seen), (600, 800)).text == "סהכ לתשלום 1,234.50 ₪"


def test_a_word_from_right_to_left_in_a_latin_line_is_turned_alone() -> None:
    assert (
        text_layer.read(written("Bakery " + "מאפיית"[::-1] + " Ltd"), (600, 800)).text == "Bakery מאפיית Ltd"
    )


def test_a_label_on_the_right_comes_before_its_value() -> None:
    chars = [*written("123.45"), *written("לתשלום"[::-1], left=400)]
    assert text_layer.read(chars, (600, 800)).text == "לתשלום  123.45"


def test_letters_that_are_drawn_in_the_order_of_reading_stay_so() -> None:
    assert text_layer.read(written("לתשלום היום"), (600, 800)).text == "לתשלום היום"


def test_shaped_letters_become_those_that_people_search_for() -> None:
    shaped = "\ufee2\ufed4\ufee7"[::-1]
    assert "\u0646\u0641\u0645" in text_layer.read(right_to_left(shaped), (600, 800)).text
