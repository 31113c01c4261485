"""Pieces of text come into reading order by where they stand."""

from __future__ import annotations

from alfrd_events.providers.readers import layout, text_layer
from alfrd_events.providers.readers.layout import Piece
from alfrd_events.providers.readers.text_layer import Char


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
