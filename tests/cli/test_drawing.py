"""Tables that fit, values that are readable, scores that are right. No database."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from alfrd_events.cli.accuracy import same_entity, score, series_f1, word_f1
from alfrd_events.cli.doctor import letters_png
from alfrd_events.terminal import tables
from alfrd_events.terminal.bills import BILLS
from alfrd_events.terminal.columns import Column, aligned, drawn, fitted
from alfrd_events.terminal.progress import Progress
from alfrd_events.terminal.series import ALERTS
from alfrd_events.terminal.tables import DOCUMENTS, SEARCH
from alfrd_events.terminal.values import ago, many, money

COLUMNS = (
    Column("name", lambda row: row["name"], shrink=True, middle=True),
    Column("status", lambda row: row["status"]),
    Column("amount", lambda row: row["amount"], right=True, drop=1),
    Column("note", lambda row: row["note"], shrink=True, drop=2),
)
ROW = {"name": "2024-03-harborlight-electric.png", "status": "completed", "amount": "12.50", "note": "n" * 40}


@given(st.integers(min_value=23, max_value=200))
def test_a_table_never_leaves_its_terminal(width: int) -> None:
    lines = drawn([ROW], COLUMNS, width)

    assert max(line.cell_len for line in lines) <= width


def test_progress_fits_80_columns_and_shows_no_name_as_markup() -> None:
    progress = Progress()
    progress.update(
        {
            "documents": {"pending": 120, "classified": 3, "completed": 1000, "failed": 12},
            "running": [["ocr", "[red]\x1b[2J" + "long " * 40]],
            "waiting": 120,
        }
    )
    console = Console(
        width=80, file=io.StringIO(), force_terminal=True, color_system=None, legacy_windows=False
    )
    console.print(progress)
    drawing = console.file.getvalue()  # type: ignore[attr-defined]

    assert "1,012 of 1,135 documents" in drawing
    assert "failed 12 · waiting 120 ▸ classified 3 ▸ done 1000" in drawing
    assert "now: ocr [red]" in drawing
    assert "\x1b[2J" not in drawing
    assert max(len(line) for line in drawing.splitlines()) <= 80


@pytest.mark.parametrize("width", [80, 120])
def test_a_hit_is_seen_whatever_the_width(width: int) -> None:
    row: dict[str, Any] = {
        "id": "3f2a0000",
        "filename": "2024-01-rent-receipt.jpg",
        "document_type": "receipt",
        "document_date": "2024-01-03",
        "total_amount": 1850,
        "currency": "USD",
        "page": 1,
        "excerpt": "seventeen words that come before the one that was looked for on this page, the ⟦rent⟧ of May",
    }

    assert "⟦rent⟧" in drawn([row], SEARCH, width - 1)[-1].plain
    assert row["excerpt"] in aligned([row], SEARCH)[-1]


def test_documents_at_80_columns_keep_their_names_and_series() -> None:
    row: dict[str, Any] = {
        "id": "3f2a0000",
        "filename": "2024-02-harborlight-electric.png",
        "status": "completed",
        "document_type": "utility_bill",
        "entity": "Harborlight Electric",
        "document_date": "2024-02-03",
        "total_amount": 118.2,
        "currency": "USD",
        "series": "harborlight-electric-electricity-bill",
    }
    head, _, line = (line.plain for line in drawn([row], DOCUMENTS, 79))

    assert "type" not in head
    assert line.split()[1] == "2024-02-harbo…ric.png"
    assert " done " in line


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(
    "columns",
    [
        tables.DOCUMENTS,
        tables.SEARCH,
        tables.SERIES,
        tables.EVENTS,
        tables.VALUES,
        tables.TASKS,
        BILLS,
        ALERTS,
    ],
)
def test_a_list_fits_whatever_its_values(columns: tuple[Column, ...], width: int) -> None:
    """A terminal breaks a line that is too long, and all rows with it."""
    row = Everything("a value that is as long as a company or a file may be called")
    lines = [line.plain for line in drawn([row, row], columns, width - 1)]

    assert max(map(len, lines)) < width
    assert lines[0].split()[0] == columns[0].title


def test_documents_at_60_columns_keep_what_they_are_and_how_much() -> None:
    row = Everything(
        "x" * 40, status="completed", total_amount="1743.53", currency="EUR", document_date="2024-02-03"
    )
    head, _, line = (line.plain for line in drawn([row], tables.DOCUMENTS, 59))

    assert head.split() == ["id", "file", "status", "entity", "amount"]
    assert line.endswith("1,743.53 EUR")


class Everything(dict[str, Any]):
    """A row that has any column; of those that are not given, numbers where the name says so, else a long text."""

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(values)
        self._text = text

    def __missing__(self, name: str) -> Any:
        match name:
            case "waited_ms" | "ran_ms" | "review_confidence" | "confidence":
                return 0
            case "raised_at":
                return datetime(2024, 2, 3, tzinfo=UTC)
            case _ if "date" in name or name in ("day", "due", "run_at", "paid_on"):
                return date(2024, 2, 3)
            case _ if "amount" in name or "total" in name:
                return Decimal("1743.53")
            case _:
                return "EUR" if name == "currency" else self._text


def test_columns_shrink_before_they_go_and_go_in_order() -> None:
    natural = [32, 9, 6, 40]

    assert fitted(natural, COLUMNS, 200) == natural
    assert fitted(natural, COLUMNS, 60)[3] < 40
    assert fitted(natural, COLUMNS, 40) == [21, 9, 6, 0]
    assert fitted(natural, COLUMNS, 23) == [12, 9, 0, 0]


def test_a_file_name_keeps_its_end() -> None:
    assert drawn([ROW], COLUMNS, 40)[-1].plain.startswith("2024-03-harbo…ric.png")


def test_a_pipe_gets_everything() -> None:
    head, line = aligned([ROW], COLUMNS)

    assert ROW["name"] in line
    assert ROW["note"] in line
    assert head.index("status") == line.index("completed")


def test_values_for_people() -> None:
    assert money("1850", "USD") == "1,850.00 USD"
    assert money(None, "USD") == ""
    assert [ago(4.24), ago(42), ago(600), ago(7200), ago(-1)] == ["4.2 s", "42 s", "10 min", "2 h", "0.0 s"]
    assert [many(1, "document"), many(2, "entry"), many(3, "series")] == [
        "1 document",
        "2 entries",
        "3 series",
    ]


def test_names_are_the_same_but_for_legal_forms() -> None:
    assert same_entity("ACME SDN. BHD.", ["Acme"])
    assert same_entity("Acme E1ectric Company", ["ACME ELECTRIC COMPANY"])
    assert not same_entity("Other", ["Acme"])
    assert not same_entity(None, ["Acme"])


def test_words_are_a_bag() -> None:
    assert word_f1("Total 12.50 ACME", "acme TOTAL 12.50") == 1
    assert word_f1("a b c d", "a b") == pytest.approx(2 / 3)
    assert word_f1("", "") == 1


def test_series_are_compared_by_pairs_and_a_missing_one_is_alone() -> None:
    truths = [{"file": name, "series_key": key} for name, key in ("1a", "2a", "3b", "4b")]

    def found(*keys: str | None) -> dict[str, dict[str, str | None]]:
        return {str(place): {"series_key": key} for place, key in enumerate(keys, 1)}

    assert series_f1(truths, found("x", "x", "y", "y")) == 1
    assert series_f1(truths, found("x", None, "x", "x")) == pytest.approx(2 * 1 / (3 + 2))
    assert series_f1(truths, {}) == 0
    assert series_f1(truths[:1], {}) is None


def test_what_was_not_found_is_wrong_and_what_is_unscored_does_not_count() -> None:
    truth = {"file": "a", "source": "s", "document_type": "tax", "date": "2024-01-02", "unscored": ["date"]}

    overall = score([truth], [])["overall"]

    assert overall["type"] == 0
    assert overall["date"] is None


def test_the_doctors_picture_is_a_png() -> None:
    assert letters_png().startswith(b"\x89PNG")
