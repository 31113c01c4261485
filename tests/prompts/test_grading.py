"""Outputs against keys: by code, and the same each time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.model import AnswerKey, Comparison, KeyFact
from alfrd_events.prompts.grading import agreement, grade, number

KEY = AnswerKey(
    document_type="utility_bill",
    facts=(
        KeyFact(name="entity", kind="fuzzy", value="Harborlight Electric Co."),
        KeyFact(name="total_amount", kind="number", value="1234.50"),
        KeyFact(name="due_date", kind="date", value=""),
        KeyFact(name="meter", kind="exact", value="GB-55 021"),
    ),
)
PERFECT = {
    "entity": "HARBORLIGHT ELECTRIC CO",
    "total_amount": "1234.5",
    "due_date": None,
    "structured_data": {"line_items": [{"meter_no": "gb55021"}]},
}


def test_a_perfect_output_has_one_point() -> None:
    assert grade("summarizer", KEY, PERFECT).score == 1
    assert grade("classifier", KEY, {"document_type": "utility_bill"}).score == 1


@pytest.mark.parametrize(
    ("change", "miss"),
    [
        ({"total_amount": "1234.05"}, "total_amount wrong"),
        ({"total_amount": None}, "total_amount missing"),
        ({"due_date": "2024-03-01"}, "due_date invented"),
        ({"structured_data": {}}, "meter missing"),
        ({"entity": "Kittiwake Mobile"}, "entity wrong"),
    ],
)
def test_each_mistake_costs_its_share_and_has_a_name(change: dict[str, object], miss: str) -> None:
    found = grade("summarizer", KEY, {**PERFECT, **change})
    assert found.score <= 0.75 + 0.05
    assert [each.kind for each in found.misses] == [miss]


def test_a_type_is_right_or_wrong() -> None:
    found = grade("classifier", KEY, {"document_type": "invoice"})
    assert (found.score, found.misses[0].kind) == (0, "utility_bill taken for invoice")


def test_other_kinds_have_no_key() -> None:
    with pytest.raises(ValueError, match="a scorer have no answer key"):
        grade("scorer", KEY, {})


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1,234.56", "1234.56"),
        ("1.234,56 EUR", "1234.56"),
        ("$ 1 234.50", "1234.50"),
        ("USD 12", "12"),
        ("(45.00)", "-45.00"),
        ("-3,5", "-3.5"),
        ("1,234", "1234"),
        ("0,125", "0.125"),
        ("€1'234.50", "1234.50"),
        ("none", None),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, value: str | None) -> None:
    assert number(written) == (None if value is None else Decimal(value))


@given(st.decimals(-(10**9), 10**9, places=2))
def test_a_number_agrees_with_itself_however_it_is_grouped(value: Decimal) -> None:
    assert agreement("number", str(value), f"{value:,}") == 1
    assert agreement("number", str(value), str(value + 1)) == 0


@given(st.sampled_from(["exact", "number", "date", "fuzzy"]), st.text(max_size=30), st.text(max_size=30))
def test_agreement_is_a_share_and_symmetrical_about_nothing(
    kind: Comparison, expected: str, got: str
) -> None:
    assert 0 <= agreement(kind, expected, got) <= 1
    assert agreement(kind, "", "") == 1
    if expected:
        assert agreement(kind, expected, "") == agreement(kind, "", expected) == 0
