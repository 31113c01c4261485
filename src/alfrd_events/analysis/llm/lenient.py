"""What models write for a value, taken for what it means.

A schema says how a value is to be written, and not every server holds its model to it. A model that writes its dates
as ``05.01.2024``, its confidence as ``95%`` or nothing as ``N/A`` does so each time that it is asked: so these are
taken where they can mean one thing only, and left empty, with a note, where they cannot. Nothing here asks again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationInfo

from alfrd_events.analysis.text.amounts import CURRENCY_SIGNS, OF_SEVERAL_COUNTRIES, parse_amount
from alfrd_events.analysis.text.dates import find_dates
from alfrd_events.clients.llm.structured import Intake

Validator = Callable[[Any, ValidationInfo], Any]

_NOTHING = frozenset({
    "", "-", "--", "---", "?", ".", "n/a", "n.a.", "n.a", "na", "nil", "none", "null", "undefined", "unknown", "empty",
    "tbd", "nan", "not available", "not applicable", "not found", "not given", "not mentioned", "not present",
    "not printed", "not provided", "not specified", "not stated", "no date", "no amount", "no value", "keine",
    "unbekannt",
})  # fmt: skip
_LARGEST = Decimal(10) ** 15
_SMALLEST = Decimal(1).scaleb(-12)
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_TWO_NUMBERS = re.compile(r"(\d{1,2})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{4})")
_EAST_ASIAN = re.compile(r"(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]?")
_SHARES = {
    **dict.fromkeys(("certain", "very high", "absolute", "full"), 0.95),
    **dict.fromkeys(("high", "strong", "confident", "hoch"), 0.9),
    **dict.fromkeys(("medium", "moderate", "average", "fair", "mittel"), 0.5),
    **dict.fromkeys(("low", "weak", "uncertain", "unsure", "niedrig"), 0.2),
    "very low": 0.1,
}
_UNSURE = 0.5
_FREQUENCIES = {
    "week": "weekly", "every week": "weekly", "fortnightly": "biweekly", "bi weekly": "biweekly",
    "bimonthly": "irregular",
    "every two weeks": "biweekly", "month": "monthly", "every month": "monthly", "quarter": "quarterly",
    "every quarter": "quarterly", "every three months": "quarterly", "semi annual": "semiannual",
    "semi annually": "semiannual", "semiannually": "semiannual", "half yearly": "semiannual", "biannual": "semiannual",
    "every six months": "semiannual", "annually": "annual", "yearly": "annual", "year": "annual",
    "every year": "annual",
    "one time": "irregular", "once": "irregular", "other": "irregular",
}  # fmt: skip
KNOWN_FREQUENCIES = ("weekly", "biweekly", "monthly", "quarterly", "semiannual", "annual", "irregular")
_YES = frozenset({"true", "yes", "y", "pass", "passed", "ok", "okay", "1", "correct", "✓", "✔", "ja"})
_NO = frozenset({"false", "no", "n", "fail", "failed", "0", "incorrect", "wrong", "✗", "✘", "nein"})


def text(longest: int) -> Validator:
    """A string; numbers and lists become one, nothing said becomes empty, and one that is too long loses its end."""

    def take(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, list | tuple):
            value = ", ".join(str(one) for one in value if isinstance(one, str | int | float))
        if isinstance(value, dict):
            _note(info, "is no text")
            return ""
        said = "" if value is None else str(value).strip()
        return "" if said.lower() in _NOTHING else said[:longest].rstrip()

    return take


def list_of(most: int, *, objects: str = "") -> Validator:
    """A list; one thing alone becomes a list of one, and one that is too long loses its end.

    :param objects: its items are objects, and this is the field that a bare string is put in.
    """

    def take(value: Any, info: ValidationInfo) -> Any:
        items = list(_items(value, objects))
        if len(items) > most:
            _note(info, f"has {len(items)} entries, of which {most} were taken")
        return items[:most]

    return take


def _items(value: Any, objects: str) -> Iterator[Any]:
    if value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING):
        return
    if isinstance(value, dict) and objects == "name" and not {"name", "value"} & value.keys():
        # {"invoice_number": "7"} for [{"name": "invoice_number", "value": "7"}]
        yield from ({"name": name, "value": one} for name, one in value.items())
        return
    if isinstance(value, str) and not objects:
        value = re.split(r"\s*[,;\n]\s*", value.strip())
    for item in value if isinstance(value, list | tuple) else [value]:
        if not objects:
            if item not in (None, "") and not isinstance(item, dict | list):
                yield item
        elif isinstance(item, dict):
            yield item
        elif isinstance(item, str) and item.strip().lower() not in _NOTHING and objects != "name":
            yield {objects: item}


def day(value: Any, info: ValidationInfo) -> date | None:
    """A date in whatever notation, if it can only be one day; ``None``: there is none."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    said = "" if value is None else str(value).strip()
    if said.lower() in _NOTHING:
        return None
    found = _day(said, info)
    if found is None:
        _note(info, "is not a date that can be told, and is left empty")
    return found


def _day(said: str, info: ValidationInfo) -> date | None:
    said = _EAST_ASIAN.sub(r"\1-\2-\3", said)
    try:
        return date.fromisoformat(said[:10])
    except ValueError:
        pass  # in another notation, then
    if numbers := _TWO_NUMBERS.fullmatch(said):
        first, mark, second, year = int(numbers[1]), numbers[2], int(numbers[3]), int(numbers[4])
        by_day, by_month = _made(year, second, first), _made(year, first, second)
        if by_day is None or by_month is None or by_day == by_month or mark == ".":
            return by_day or by_month  # with dots the day is first, wherever they write so
        return _intake(info).choose_day(by_day, by_month)
    days = {found.value for found in find_dates(said) if not found.ambiguous}
    return days.pop() if len(days) == 1 else None


def _made(year: int, month: int, day_: int) -> date | None:
    try:
        return date(year, month, day_)
    except ValueError:
        return None


def amount(value: Any, info: ValidationInfo) -> Decimal | None:
    """An amount in whatever notation, with a currency or without; ``None``: there is none."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    said = "" if value is None or isinstance(value, bool) else str(value).strip()
    if said.lower() in _NOTHING:
        return None
    try:
        found: Decimal | None = Decimal(said)
    except InvalidOperation:
        found = parse_amount(said)
    if found is None or not found.is_finite() or abs(found) >= _LARGEST or 0 < abs(found) < _SMALLEST:
        _note(info, "is not an amount that can be told, and is left empty")
        return None
    return found


def share(value: Any, info: ValidationInfo) -> float:
    """A number from 0 to 1: as such, in percent, of ten, or in a word."""
    said = "" if value is None or isinstance(value, bool) else str(value).strip().lower()
    if said in _SHARES:
        return _SHARES[said]
    numbers = [float(number.replace(",", ".")) for number in _NUMBER.findall(said)[:2]]
    found = -1.0
    if "%" in said and numbers:
        found = numbers[0] / 100
    elif "/" in said and len(numbers) == 2 and numbers[1] > 0:
        found = numbers[0] / numbers[1]
    elif numbers and (numbers[0] <= 1 or 10 < numbers[0] <= 100):  # 7 may be of ten or of a hundred
        found = numbers[0] if numbers[0] <= 1 else numbers[0] / 100
    if not 0 <= found <= 1:
        _note(info, f"is not a share that can be told, and counts as {_UNSURE}")
        return _UNSURE
    return found


def frequency(value: Any, info: ValidationInfo) -> str:
    """One of the frequencies; ``irregular`` where it is none."""
    said = " ".join(str("" if value is None else value).lower().replace("-", " ").replace("_", " ").split())
    known = _FREQUENCIES.get(said, said.replace(" ", ""))
    if known in KNOWN_FREQUENCIES:
        return known
    if said not in _NOTHING:
        _note(info, "is none of the frequencies, and counts as irregular")
    return "irregular"


def yes(value: Any, info: ValidationInfo) -> bool:
    """Whether something is so, as a boolean or as a word; ``False`` where it cannot be told."""
    if isinstance(value, bool):
        return value
    said = str("" if value is None else value).strip().lower()
    if said not in _YES | _NO | _NOTHING:
        _note(info, "is neither yes nor no, and counts as no")
    return said in _YES


def count(value: Any) -> int:
    """A whole number, 0 where it is none."""
    said = "" if value is None or isinstance(value, bool) else str(value).strip().replace(",", "")
    try:
        return max(int(float(said)), 0)
    except (ValueError, OverflowError):
        return 0


def currency(value: Any, info: ValidationInfo) -> str:
    """An ISO 4217 code, also where a sign or a word stands for one currency; else empty."""
    said = str(text(40)(value, info)).strip()
    if re.fullmatch("[A-Za-z]{3}", said):
        return said.upper()
    code = CURRENCY_SIGNS.get(said.lower(), "")
    if not code and (codes := re.findall(r"\b[A-Z]{3}\b", said)) and len(set(codes)) == 1:
        code = codes[0]
    if said and (not code or code in OF_SEVERAL_COUNTRIES):
        _note(info, "is no ISO 4217 code, and is left empty")
        return ""
    return code


def _intake(info: ValidationInfo) -> Intake:
    return info.context if isinstance(info.context, Intake) else Intake()


def _note(info: ValidationInfo, what: str) -> None:
    _intake(info).note(f"{info.field_name} {what}")
