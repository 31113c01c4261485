"""Amounts mean in each country what their readers take them for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfrd_events.analysis.text.amounts import find_amounts, parse_amount

amounts = st.integers(min_value=0, max_value=999_999_999).map(lambda cents: Decimal(cents) / 100)


@pytest.mark.parametrize(
    ("printed", "value", "currency"),
    [
        ("1,234.56", "1234.56", ""),
        ("1.234,56", "1234.56", ""),
        ("1 234,56 €", "1234.56", "EUR"),
        ("1,23,456.00", "123456.00", ""),
        ("RM53.60", "53.60", "MYR"),
        ("Rs 1939", "1939", "INR"),
        ("US$ 4.11", "4.11", "USD"),
        ("€ 9,32-", "-9.32", "EUR"),
        ("(12.50)", "-12.50", ""),
        ("1,301.44 CR", "-1301.44", ""),
        ("86 .00", "86.00", ""),
        ("86. 00", "86.00", ""),
        ("12,O0", "12.00", ""),
        ("l2.50", "12.50", ""),
        ("RMO.00", "0.00", "MYR"),
        (".20", "0.20", ""),
        ("£1,000", "1000", "GBP"),
    ],
)
def test_an_amount_is_read_as_printed(printed: str, value: str, currency: str) -> None:
    (found,) = find_amounts(printed)
    assert (found.value, found.currency) == (Decimal(value), currency)


@pytest.mark.parametrize("text", ["6.00%", "12/144", "18:40", "3 for 2 or 4", "A4", ""])
def test_what_is_no_amount_of_money_is_not_taken_for_one(text: str) -> None:
    assert not [found for found in find_amounts(text) if found.looks_like_money]


def test_a_sign_belongs_to_the_amount_after_it() -> None:
    first, second = find_amounts("$5.00  $29.99")
    assert (first.text, second.text) == ("$5.00", "$29.99")


@given(amounts)
def test_english_grouping_round_trips(value: Decimal) -> None:
    assert parse_amount(f"{value:,.2f}") == value


@given(amounts)
def test_german_grouping_round_trips(value: Decimal) -> None:
    assert parse_amount(f"{value:,.2f}".translate(str.maketrans(",.", ".,"))) == value


@given(amounts)
def test_french_grouping_round_trips(value: Decimal) -> None:
    assert parse_amount(f"{value:,.2f} €".translate(str.maketrans(",.", " ,"))) == value


@given(st.text(max_size=300))
def test_any_text_is_survived(text: str) -> None:
    for found in find_amounts(text):
        assert found.value.is_finite()
        assert 0 <= found.start <= found.at < found.end <= len(text)
