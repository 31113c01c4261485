"""Dates and periods, in a dozen languages (``words/months.toml``), in any order of day, month and year.

``03/04/2018`` is April in Kuala Lumpur and March in Chicago. The order is inferred once per document:
(:mod:`.date_order`). Where the year is written first, as in East Asia, ``24/03/05`` is the fifth of March.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from alfrd_events.analysis.text.layout import fold, without_accents
from alfrd_events.analysis.text.vocabulary import any_of, phrases

Order = Literal["DMY", "MDY", "YMD"]


def _months() -> dict[str, int]:
    """Name of a month, in any language of ``words/months.toml`` → its number."""
    return {
        without_accents(name): number
        for months in phrases("months").values()
        for number, names in enumerate(months, start=1)
        for name in names.split()
    }


MONTHS = _months()
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_YEAR = r"(?:(?:19|20)\d{2}|'?\d{2})"
_ORDINAL = any_of("dates.ordinal")
_ENGLISH_ORDINAL = any_of("dates.ordinal", language="english")

ISO = re.compile(
    r"(?<![\d/.-])(?P<y>(?:19|20)\d{2})\s?[-/.]\s?(?P<m>0?[1-9]|1[0-2])\s?[-/.]\s?(?P<d>[0-2]?\d"
    r"|3[01])(?=\D|$|\d\d:)"
)
NUMERIC = re.compile(
    r"(?<![\d.,/])(?P<a>[0-3]?\d)\s?(?P<sep>[/.-])\s?(?P<b>[0-3]?\d)\s?(?P=sep)\s?"
    r"(?P<y>(?:19|20)\d{2}|\d{2})(?!\d(?!\d?:\d\d)|(?P=sep)\d)"
)
GLUED = re.compile(
    r"(?<![.,/-])(?P<a>[0-3]\d)(?P<sep>[/.-])(?P<b>[0-3]\d)(?P=sep)(?P<y>(?:19|20)\d{2})(?=\s?[0-2]?\d:[0-5]\d)"
)
"""Right behind a number, as in ``#0934-000105/01/2018 13:30``: the clock says that it is a date."""
DAY_MONTH_YEAR = re.compile(
    rf"(?<![\d.,/])(?P<d>[0-3]?\d){_ORDINAL}?\.?[\s\-/,]{{0,3}}(?:{any_of('dates.of_month')}\s)?"
    rf"(?P<m>{_MONTH})[a-z]{{0,2}}\.?"
    rf"[\s\-/,.']{{0,3}}(?:{any_of('dates.of_year')}\s)?(?P<y>{_YEAR})(?!\d(?!\d?:)|:\d)"
)
MONTH_DAY_YEAR = re.compile(
    rf"(?<![a-z])(?P<m>{_MONTH})\.?[\s/-]{{0,2}}(?P<d>[0-3]?\d){_ENGLISH_ORDINAL}?"
    rf"\s?[\s,./-]\s{{0,2}}(?P<y>{_YEAR})(?!\d(?!\d?:)|:\d)"
)
YEAR_MONTH_DAY = re.compile(
    rf"(?<![\d./-])(?P<y>(?:19|20)\d{{2}})[\s./-]{{1,2}}(?P<m>{_MONTH})[a-z]{{0,2}}[\s./-]{{1,2}}(?P<d>[0-3]?\d)(?!\d)"
)
ROMAN = re.compile(
    r"(?<![\d.,/])(?P<d>[0-3]?\d)\s?[./-]\s?(?P<m>x?i{1,3}|i?[vx]|vi{1,3}|xi{0,2})\s?[./-]\s?(?P<y>(?:19|20)\d{2})(?!\d)"
)
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_ROMAN_MONTHS = {name: number for number, name in enumerate(_ROMAN, start=1)}
EAST_ASIAN = re.compile(
    r"(?:(?P<era>令和|平成|昭和|民国|民國)\s?(?P<n>\d{1,3}|元)|(?P<y>(?:19|20)\d{2}))\s?[年년]\s?"
    r"(?P<m>1[0-2]|0?[1-9])\s?[月월]\s?(?P<d>[0-3]?\d)\s?[日일號号]"
)
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "民国": 1911, "民國": 1911}
"""The year before an era's first."""
YEAR_FIRST_COMPACT = re.compile(
    r"(?<![\d.,/-])(?P<y>(?:19|20)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
    r"(?![\d.,-]|/(?![0-2]\d[0-5]\d[0-5]\d(?!\d)))"  # a time may follow: 20180428/191204
)
COMPACT = re.compile(r"(?<![\d.,-])(?P<a>[0-3]\d)[ 1|]?(?P<b>[01]\d)[ 1|]?(?P<y>20[0-4]\d)(?![\d.,])")
MONTH_DAY = re.compile(rf"(?<![a-z])(?P<m>{_MONTH})\.?\s{{0,2}}(?P<d>[0-3]?\d){_ENGLISH_ORDINAL}?(?![\d:])")
DAY_MONTH = re.compile(
    rf"(?<![\d.,/])(?P<d>[0-3]?\d)(?:{_ENGLISH_ORDINAL}|\.)?\s{{0,2}}(?P<m>{_MONTH})(?![a-z])"
)
MONTH_YEAR = re.compile(rf"(?<![a-z\d])(?P<m>{_MONTH})\.?[\s,\-]{{1,3}}(?P<y>(?:19|20)\d{{2}})(?!\d)")
TO = re.compile(rf"\s{{0,3}}(?:[-–—~]|{any_of('dates.to')})\s{{0,3}}")
TIME = re.compile(r"(?<!\d)[0-2]?\d\s?:\s?[0-5]\d(?:\s?[:.; ]\s?[0-5]\d)?(?:\s?[ap]\.?m\b)?|\d\s?[ap]m\b")

SLIP = re.compile(r"(?:(?<=\d)|(?<=\d[/.-])|(?<=[\s:]))[olsb|](?=\d?[/.-]\d|\d?[/.-][olsb|]\d|\d{1,3}(?!\d))")
_WAVE = re.compile(r"(?<=\d)~(?=\d{1,2}[-~/.]\d)|(?<=\d[-~]\d\d)~(?=\d)")
"""A dash of a numeric date as a reader saw it."""
SLIPS = {"o": "0", "l": "1", "|": "1", "s": "5", "b": "8"}
"""Letters that readers see in numeric dates, and the digits that they are."""


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text."""

    value: date
    start: int
    end: int
    text: str
    ambiguous: bool = False
    """Day and month could be swapped."""


@dataclass(frozen=True, slots=True)
class FoundPeriod:
    """A range of dates in a text."""

    first: date
    last: date
    start: int
    end: int
    text: str


_PATTERNS = (
    ISO,
    EAST_ASIAN,
    YEAR_MONTH_DAY,
    MONTH_DAY_YEAR,
    DAY_MONTH_YEAR,
    ROMAN,
    NUMERIC,
    GLUED,
    COMPACT,
    YEAR_FIRST_COMPACT,
)
"""The surest first: a stretch of text is read once."""
_IN_FIGURES = (NUMERIC, COMPACT, GLUED)
"""Without a sign for which number is the day."""


def find_dates(text: str, order: Order = "DMY") -> list[FoundDate]:
    """All complete dates in a text, left to right; overlapping readings once."""
    folded = fold(text)
    mended = _WAVE.sub("-", SLIP.sub(lambda match: SLIPS[match[0]], folded))
    found: list[FoundDate] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(mended if pattern in _IN_FIGURES else folded):
            if any(match.start() < other.end and other.start < match.end() for other in found):
                continue
            read = read_numeric(match, order) if pattern in _IN_FIGURES else _worded(match)
            if read is not None:
                value, ambiguous = read
                found.append(
                    FoundDate(value, match.start(), match.end(), text[match.start() : match.end()], ambiguous)
                )
    return sorted(found, key=lambda item: item.start)


def find_periods(text: str, order: Order = "DMY") -> list[FoundPeriod]:
    """All ranges ``A - B``; the first end may lack its year."""
    folded = fold(text)
    periods = []
    for last in find_dates(text, order):
        first = _range_start(folded, last, order)
        if first is not None and first[0] <= last.value and (last.value - first[0]).days <= 3 * 366:
            begin = first[1]
            periods.append(FoundPeriod(first[0], last.value, begin, last.end, text[begin : last.end]))
    return periods


def find_months(text: str) -> Iterator[FoundPeriod]:
    """Whole months such as ``August 2024``, as periods."""
    for match in MONTH_YEAR.finditer(fold(text)):
        first = date(int(match["y"]), MONTHS[match["m"]], 1)
        yield FoundPeriod(
            first, end_of_month(first), match.start(), match.end(), text[match.start() : match.end()]
        )


def end_of_month(day: date) -> date:
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def _range_start(folded: str, last: FoundDate, order: Order) -> tuple[date, int] | None:
    window_start = max(0, last.start - 40)
    window = folded[window_start : last.start]
    separator = next((match for match in TO.finditer(window) if match.end() == len(window)), None)
    if separator is None:
        return None
    head = window[: separator.start()]
    complete = find_dates(head, order)
    if complete and complete[-1].end == len(head.rstrip()):
        return complete[-1].value, window_start + complete[-1].start
    for pattern in (MONTH_DAY, DAY_MONTH):
        for match in pattern.finditer(head):
            if match.end() != len(head.rstrip(" ,")):
                continue
            month, day = MONTHS[match["m"]], int(match["d"])
            year = last.value.year - (1 if (month, day) > (last.value.month, last.value.day) else 0)
            value = _make(year, month, day)
            if value is not None:
                return value, window_start + match.start()
    return None


def read_numeric(match: re.Match[str], order: Order) -> tuple[date, bool] | None:
    """The day of a date in figures, and whether day and month could be swapped."""
    a, b, year = int(match["a"]), int(match["b"]), _full_year(match["y"])
    if order == "YMD" and len(match["y"]) == 2 and len(match["a"]) == 2:
        by_year = _make(2000 + a, b, int(match["y"]))
        if by_year is not None:
            return by_year, True
    by_day, by_month = _make(year, b, a), _make(year, a, b)
    if by_day is None and by_month is None:
        return None
    if by_day is None or by_month is None:
        value = by_day or by_month
        return (value, False) if value is not None else None
    return (by_month if order == "MDY" else by_day), a != b


def _worded(match: re.Match[str]) -> tuple[date, bool] | None:
    name = match["m"]
    month = int(name) if name.isdigit() else _ROMAN_MONTHS.get(name) or MONTHS[name]
    if match.re is EAST_ASIAN and match["era"]:
        year = _ERAS[match["era"]] + (1 if match["n"] == "元" else int(match["n"]))
    else:
        year = _full_year(match["y"])
    value = _make(year, month, int(match["d"]))
    return None if value is None else (value, False)


def _full_year(year: str) -> int:
    number = int(year.lstrip("'"))
    if number > 99:
        return number
    return 2000 + number if number < 70 else 1900 + number


def _make(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
