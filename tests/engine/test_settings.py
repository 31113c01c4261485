"""Settings: every number has bounds, so that no worker writes what makes everybody else fail."""

from __future__ import annotations

import math
import types
from decimal import Decimal
from typing import Any, Union, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alfrd_events.errors import SettingsInvalid
from alfrd_events.settings import Settings, load_settings

HUGE = [
    "nan",
    "inf",
    "-inf",
    "NaN",
    "Infinity",
    "1e300",
    "-1e300",
    "1e400",
    "9" * 400,
    "-1",
    "0x10",
    "1_0e9",
    "٣",
    "",
    " ",
]


def _is_number(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, types.UnionType):
        return any(_is_number(part) for part in get_args(annotation))
    if hasattr(annotation, "__metadata__"):
        return _is_number(annotation.__origin__)
    return annotation in (int, float, Decimal)


NUMBERS = [name for name, field in Settings.model_fields.items() if _is_number(field.annotation)]


def _load(name: str, value: str) -> Any:
    """What a setting becomes; ``None``: it was refused in a line that names it."""
    variable = f"ALFRD_{name.upper()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable, value)
        try:
            return getattr(load_settings(), name)
        except SettingsInvalid as error:
            refusal = str(error)
    assert variable in refusal
    assert "\n" not in refusal
    return None


def test_the_numbers_are_found() -> None:
    assert len(NUMBERS) >= 20
    assert {"lease_seconds", "cap_day_usd", "max_pages"} <= set(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", HUGE)
def test_a_number_is_refused_or_one_that_every_column_holds(name: str, value: str) -> None:
    found = _load(name, value)

    if found is not None:
        assert math.isfinite(found)
        assert 0 <= found <= 2**40


@pytest.mark.parametrize("name", NUMBERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.one_of(st.floats().map(str), st.integers().map(str), st.decimals().map(str)))
def test_whatever_number_it_is(name: str, value: str) -> None:
    found = _load(name, value)

    assert found is None or (math.isfinite(found) and 0 <= found <= 2**40)


@pytest.mark.parametrize("name", NUMBERS)
def test_each_has_an_end(name: str) -> None:
    assert _load(name, str(2**63)) is None


@pytest.mark.parametrize("number", ["inf", "1e9", "-1", "0", "99999999999999999999", "²", "10001"])
def test_slots_have_bounds(number: str) -> None:
    assert _load("slots", f"ocr={number}") is None


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "  "])
def test_what_a_file_adds_at_the_end_is_not_part_of_a_setting(end: str) -> None:
    assert _load("database_url", f"postgresql:///papers{end}") == "postgresql:///papers"
    assert _load("reader", f"local{end}") == "local"
    assert _load("openai_api_key", f"key{end}").get_secret_value() == "key"
