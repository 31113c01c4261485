"""From blocks to reading order: columns, tables, forms, pages on their side, and blocks that are none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from alfrd_events.reading.textract.blocks import block_of, frame_of

A4 = (1000.0, 1400.0)
Raw = dict[str, Any]


def geometry(left: float, top: float, right: float, bottom: float, turn: float = 0) -> Raw:
    """A box on the page as it is read, told as on a page that was turned clockwise by so many degrees."""
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    width, height = A4
    if turn == 90:
        corners = [(height - y, x) for x, y in corners]
        width, height = height, width
    elif turn == 180:
        corners = [(width - x, height - y) for x, y in corners]
    elif turn == 270:
        corners = [(y, width - x) for x, y in corners]
        width, height = height, width
    elif turn:
        angle = math.radians(turn)
        corners = [
            (x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle))
            for x, y in corners
        ]
    polygon = [{"X": x / width, "Y": y / height} for x, y in corners]
    xs, ys = [point["X"] for point in polygon], [point["Y"] for point in polygon]
    box = {"Left": min(xs), "Top": min(ys), "Width": max(xs) - min(xs), "Height": max(ys) - min(ys)}
    return {"BoundingBox": box, "Polygon": polygon}


def line(name: str, text: str, left: float, top: float, *, turn: float = 0, gap: float = 0) -> list[Raw]:
    """A LINE of 20 units' height and its WORDs, ten units a letter.

    :param gap: how much farther apart the words stand than a space.
    """
    words, at = [], left
    for number, word in enumerate(text.split()):
        right = at + 10 * len(word)
        words.append(
            {
                "BlockType": "WORD",
                "Id": f"{name}.{number}",
                "Text": word,
                "Confidence": 90.0,
                "Geometry": geometry(at, top, right, top + 20, turn),
            }
        )
        at = right + 10 + gap
    whole = {
        "BlockType": "LINE",
        "Id": name,
        "Text": text,
        "Confidence": 90.0,
        "Geometry": geometry(left, top, at - 10 - gap, top + 20, turn),
        "Relationships": [{"Type": "CHILD", "Ids": [word["Id"] for word in words]}],
    }
    return [whole, *words]


def text(*blocks: Raw, size: tuple[float, float] = A4) -> list[str]:
    frame = frame_of([block_of(raw) for raw in blocks], 1, size)
    return str(frame["text"]).splitlines()


LEFT = [f"The left column goes on with words in line {number}" for number in range(6)]
RIGHT = [f"And so the right column has its own words at {number}" for number in range(6)]


def test_columns_of_prose_are_read_one_after_the_other() -> None:
    size = (1200.0, 1400.0)
    blocks = []
    for number in range(6):
        blocks += line(f"l{number}", LEFT[number], 20, 100 + 30 * number)
        blocks += line(f"r{number}", RIGHT[number], 640, 100 + 30 * number)
    for raw in blocks:
        box = raw["Geometry"]["BoundingBox"]
        box["Left"], box["Width"] = box["Left"] / 1.2, box["Width"] / 1.2
    assert text(*blocks, size=size) == [*LEFT, *RIGHT]


def test_a_label_and_its_value_stay_together_and_apart() -> None:
    assert text(*line("a", "Amount due:", 50, 100), *line("b", "$12.50", 700, 103)) == ["Amount due:  $12.50"]


def test_a_line_that_textract_joined_across_a_gap_is_set_apart() -> None:
    (joined,) = text(*line("a", "Total 12.50", 50, 100, gap=300))
    assert joined == "Total  12.50"


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_page_on_its_side_is_turned_and_told_as_a_person_reads_it(turn: int) -> None:
    blocks = [
        *line("b", "second line of it", 100, 200, turn=turn),
        *line("a", "first line", 100, 100, turn=turn),
    ]
    sent = A4 if turn % 180 == 0 else (A4[1], A4[0])

    frame = frame_of([block_of(raw) for raw in blocks], 1, sent)

    assert frame["text"] == "first line\nsecond line of it"
    assert (frame["rotation"], frame["width"], frame["height"]) == ((360 - turn) % 360, *A4)
    assert frame["lines"][0][1:5] == pytest.approx([0.1, 100 / 1400, 0.2, 120 / 1400], abs=1e-4)


def test_what_was_turned_before_counts_too() -> None:
    frame = frame_of([block_of(raw) for raw in line("a", "upside down", 100, 100, turn=180)], 1, A4, 270)
    assert frame["rotation"] == 90


def test_a_photo_that_is_a_little_askew_keeps_its_rows() -> None:
    blocks = []
    for number in range(8):
        blocks += line(f"l{number}", f"Item number {number}", 50, 100 + 32 * number, turn=3)
        blocks += line(f"r{number}", f"{number}.00", 800, 100 + 32 * number, turn=3)
    assert text(*blocks) == [f"Item number {number}  {number}.00" for number in range(8)]


def test_confidence_is_from_0_to_1() -> None:
    frame = frame_of([block_of(raw) for raw in line("a", "some words", 50, 100)], 1, A4)
    assert frame["confidence"] == pytest.approx(0.9)
    assert frame["lines"][0][5] == pytest.approx(0.9)


def test_the_cells_of_a_table_keep_their_rows_also_where_they_have_two_lines() -> None:
    blocks = [*line("t", "Invoice", 50, 50), *line("end", "Thank you", 50, 400)]
    blocks += [
        *line("a", "Paint brush", 50, 100),
        *line("a2", "with bristles", 50, 125),
        *line("b", "7.50", 700, 125),
    ]
    blocks += [*line("c", "Nails", 50, 160), *line("d", "2.00", 700, 160)]
    cells = {(1, 1): ("a", "a2"), (1, 2): ("b",), (2, 1): ("c",), (2, 2): ("d",)}
    words = {raw["Id"]: raw.get("Relationships", [{"Ids": []}])[0]["Ids"] for raw in blocks}
    for (row, column), lines in cells.items():
        blocks.append(
            {
                "BlockType": "CELL",
                "Id": f"cell{row}{column}",
                "RowIndex": row,
                "ColumnIndex": column,
                "Confidence": 80.0,
                "Geometry": geometry(50, 100, 700, 160),
                "Relationships": [{"Type": "CHILD", "Ids": [word for name in lines for word in words[name]]}],
            }
        )
    blocks.append(
        {
            "BlockType": "TABLE",
            "Id": "table",
            "Confidence": 80.0,
            "Geometry": geometry(50, 100, 800, 200),
            "Relationships": [{"Type": "CHILD", "Ids": [f"cell{row}{column}" for row, column in cells]}],
        }
    )
    assert text(*blocks) == [
        "Invoice",
        "Paint brush with bristles  7.50",
        "Nails  2.00",
        "Thank you",
    ]


def test_tick_boxes_stand_where_they_are() -> None:
    boxes = [
        {
            "BlockType": "SELECTION_ELEMENT",
            "Id": f"box{number}",
            "SelectionStatus": status,
            "Confidence": 95.0,
            "Geometry": geometry(20, 100 + 40 * number, 40, 120 + 40 * number),
        }
        for number, status in enumerate(("SELECTED", "NOT_SELECTED"))
    ]
    assert text(*line("a", "Monthly", 60, 100), *line("b", "Yearly", 60, 140), *boxes) == [
        "[x]  Monthly",
        "[ ]  Yearly",
    ]


def test_layout_gives_the_order_of_its_regions() -> None:
    regions = [
        {
            "BlockType": "LAYOUT_TEXT",
            "Id": f"region-{name}",
            "Confidence": 90.0,
            "Geometry": geometry(0, 0, 10, 10),
            "Relationships": [{"Type": "CHILD", "Ids": [name]}],
        }
        for name in ("b", "a")
    ]
    assert text(*line("a", "above", 50, 100), *line("b", "below", 50, 200), *regions) == ["below", "above"]


@pytest.mark.parametrize("raw", [{}, {"Id": "a"}, {"Id": "a", "BlockType": "LINE", "Confidence": "x"}])
def test_a_block_that_is_none_is_noticed(raw: Raw) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        block_of(raw)
