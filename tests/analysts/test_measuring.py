"""What the accuracy report is made of: families, boxes that people have drawn, turned receipts, judged documents."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from alfrd_events.analysis.ranking.trees import trained
from alfrd_events.model import Document
from devtools.boxes import coverage, read_marks
from devtools.corpus import Known, made
from devtools.families import families
from devtools.outcome import Outcome, outcome_of
from devtools.report import as_markdown
from devtools.skew import turned
from tests.analysts.paper import scanned

RECEIPT = """
Karolin Bakery Ltd
12 Main Street
Tel: 03-1234567
Date: 04/03/2024  14:51
Bread                    3.00
Cake                     9.00
Total                RM 12.00
Cash                    20.00
Change                   8.00
"""
LINES = [
    "Karolin Bakery Ltd",
    "12 Main Street",
    "Tel: 03-1234567",
    "Date: 04/03/2024",
    "14:51",
    "Total",
    "RM 12.00",
]


def known(text: str = RECEIPT, **truth: Any) -> Known:
    document: Document = scanned(text, document_type="receipt")
    true = {
        "file": "1.jpg",
        "source": "made",
        "document_type": "receipt",
        "entity": "Karolin Bakery Ltd",
        "date": "2024-03-04",
        "due_date": None,
        "total_amount": 12.0,
        "currency": "MYR",
        "text_lines": LINES,
    }
    return made(document.pages, true | truth)


def outcome(**truth: Any) -> Outcome:
    return outcome_of(known(**truth), trained())


def test_a_document_is_judged_by_each_value_that_is_known() -> None:
    judged = outcome()

    assert judged.right == dict.fromkeys(
        ("document_type", "entity", "document_date", "total_amount", "currency"), True
    )
    assert judged.is_right
    assert judged.is_exact
    assert not judged.holds_wrong_value


@pytest.mark.parametrize(
    ("truth", "wrong", "holds_it"),
    [
        ({"total_amount": 20.0}, "total_amount", True),
        ({"currency": "SGD"}, "currency", True),
        ({"due_date": "2024-04-04"}, "due_date", False),
        ({"invoice_number": "31"}, "invoice_number", False),
        ({"entity": "Heron Mart"}, "entity", True),
    ],
)
def test_a_wrong_value_is_told_from_one_that_was_not_found(
    truth: dict[str, Any], wrong: str, holds_it: bool
) -> None:
    judged = outcome(**truth)

    assert [field for field, is_right in judged.right.items() if not is_right] == [wrong]
    assert not judged.is_right
    assert judged.holds_wrong_value is holds_it


def test_a_due_date_on_a_paper_without_one_is_wrong() -> None:
    text = RECEIPT.replace("Bread", "Due date: 09/05/2024\nBread")
    judged = outcome_of(known(text), trained())

    assert judged.right["due_date"] is False


def test_documents_of_one_sender_or_of_nearly_the_same_words_are_a_family() -> None:
    other = RECEIPT.replace("Karolin", "Quarry")
    third = "Heron Mart\nLane 4\nMilk 2.00\nSum 2.00"
    several = [known(), known(other, entity="Quarry Bakery Ltd"), known(third, entity="Heron Mart")]
    several.append(known("Something else", entity="Heron Mart"))

    one, same, heron, also = families(several)
    assert one == same
    assert heron == also
    assert one != heron


def marks(folder: Path, corners: dict[str, tuple[int, int, int, int]]) -> Path:
    """A file of marked lines; those that no corners are given for are at the left upper edge."""
    lines = []
    for text in LINES:
        left, top, right, bottom = corners.get(text, (0, 0, 1, 1))
        lines.append(f"{left},{top},{right},{top},{right},{bottom},{left},{bottom},{text}")
    (folder / "7.csv").write_text("\n".join(lines), "utf-8")
    return folder


def test_a_box_covers_a_value_if_it_lies_where_people_have_drawn_it(tmp_path: Path) -> None:
    judged = outcome()
    left, top, right, bottom = judged.summary.evidence["total_amount"].box or (0, 0, 0, 0)
    there = (int(left * 1000), int(top * 1000), int(right * 1000), int(bottom * 1000))
    elsewhere = (there[0], there[1] + 400, there[2], there[3] + 400)

    def share(corners: tuple[int, int, int, int]) -> float:
        lines = read_marks(marks(tmp_path, {"RM 12.00": corners}))
        return {each.field: each.share for each in coverage(judged, lines, (1000, 1000))}["total_amount"]

    assert share(there) > 0.9
    assert share(elsewhere) == 0


def test_a_value_that_is_wrong_or_not_marked_is_not_counted(tmp_path: Path) -> None:
    lines = read_marks(marks(tmp_path, {}))

    assert "total_amount" not in {each.field for each in coverage(outcome(total_amount=7.0), lines, (9, 9))}
    assert not list(coverage(outcome(text_lines=["Another"]), lines, (9, 9)))


def test_a_turned_picture_is_whole_and_slopes() -> None:
    picture = Image.new("RGB", (200, 400), "white")
    ImageDraw.Draw(picture).rectangle((20, 190, 180, 210), fill="black")
    content = io.BytesIO()
    picture.save(content, "PNG")

    with Image.open(io.BytesIO(turned(content.getvalue(), 5))) as opened:
        dark = opened.convert("L").point(lambda value: 255 if value < 128 else 0)
        box = dark.getbbox()

    assert opened.width > 200
    assert opened.height > 400
    assert box is not None
    assert box[3] - box[1] > 30, "the bar rises from left to right"


def test_the_report_counts_what_is_wrong_without_a_flag() -> None:
    right, wrong = outcome(), outcome(total_amount=20.0)
    sure = [replace(each, summary=each.summary.model_copy(update={"doubts": ()})) for each in (right, wrong)]

    report = as_markdown(sure, [], {-2: [right], 2: [wrong]}, frozenset({"made"}))

    assert "| all | 2 | 0% | 2 | 1 | 1 |" in report
    assert "| −2 | 1 | 1.000 | 1.000 | 1.000 |" in report
    assert "| +2 | 1 | 0.000 | 1.000 | 1.000 |" in report
    assert "Places" in report


def test_the_report_in_the_documentation_has_every_section() -> None:
    report = (Path(__file__).parents[2] / "docs" / "accuracy.md").read_text("utf-8")

    for heading in ("Right values", "Confidence", "Flags", "Places", "Skew"):
        assert f"## {heading}" in report
