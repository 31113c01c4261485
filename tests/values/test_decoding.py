"""Values that PostgreSQL can hold and Python cannot, each on its own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from alfrd_events.analysis.text.figures import figures_of
from alfrd_events.db.json import NESTED_AT_MOST, decoded
from alfrd_events.db.values import moment, usable_amount, usable_date
from alfrd_events.model import File, FileMember
from testing.harness import Harness
from tests.values.extremes import DATES, MOMENTS


@pytest.mark.parametrize("kind", ["date", "timestamptz", "timestamp", "interval", "time"])
async def test_what_python_has_no_value_for_comes_as_its_text(db: Harness, kind: str) -> None:
    odd = {
        "date": "0044-03-15 BC",
        "timestamptz": "infinity",
        "timestamp": "-infinity",
        "interval": "178000000 years",
        "time": "24:00:00",
    }[kind]

    rows = await db.sql(f"select value::{kind} from unnest(array[%s, null]) as value", odd)

    assert [row["value"] for row in rows] == [odd, None]


@pytest.mark.parametrize("text", DATES)
def test_a_date_is_one_to_work_with_or_none(text: str) -> None:
    assert usable_date(text) == (date.fromisoformat(text) if text in ("0001-01-01", "9999-12-31") else None)


@pytest.mark.parametrize("text", MOMENTS)
def test_every_moment_can_be_compared(text: str) -> None:
    now = datetime.now(UTC)
    is_early = text.startswith(("-", "0001")) or text.endswith("BC")

    assert (moment(text.replace("0001-01-01", "0001-01-01T00:00:00+00:00")) < now) is is_early


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e130", "1e15", "-1e15"])
def test_what_no_arithmetic_bears_is_no_amount(text: str) -> None:
    assert usable_amount(text) is None
    assert usable_amount("999999999999999.99") == Decimal("999999999999999.99")


def test_a_field_beyond_all_bounds_keeps_no_file_from_its_figures() -> None:
    members = [
        FileMember(uuid4(), "a", "", "", "", None, None, Decimal(1), "USD", None, {"tax": tax, "net": "2"})
        for tax in ("1e999", "-1e300", "NaN", "3")
    ]

    figures = figures_of(File(uuid4(), "t", ("a",), 1, "monthly", tuple(members)), members)

    assert figures["field_averages"] == {"net": "2.00"}


def test_json_that_is_too_deep_or_too_large_comes_near() -> None:
    deep = '{"name": "x[{\\"", "deep": ' + "[" * 3000 + "]" * 3000 + ', "after": [1e400, 12, 1.5, -1e999]}'

    found = decoded(deep)

    assert found["name"] == 'x[{"'
    assert found["after"] == ["1e400", 12, 1.5, "-1e999"]
    level, depth = found["deep"], 1
    while isinstance(level, list):
        level, depth = level[0], depth + 1
    assert depth == NESTED_AT_MOST
    assert level == "[" * (3001 - NESTED_AT_MOST) + "]" * (3001 - NESTED_AT_MOST)
