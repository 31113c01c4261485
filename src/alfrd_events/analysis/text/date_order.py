"""Which of two numbers is the day, for a whole paper: ``03/08/2024`` is in March or in August.

The paper itself says so in many ways, the surest first: a date that can be read in one way only; the day of the week
beside a date; an invoice that would be due before it is written; a date that is written out; signs of the country
(postal codes, telephone numbers, currencies, taxes, words of a language); rows that go on from day to day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from alfrd_events.analysis.text.dates import DAY_MONTH_YEAR, MONTH_DAY_YEAR, NUMERIC, Order, read_numeric
from alfrd_events.analysis.text.vocabulary import any_of, listed, words

AMERICAN_ZIP = (
    r"\b(?:a[klrz]|c[aot]|dc|fl|ga|hi|i[adln]|k[sy]|la|m[adeinost]|n[cdehjmvy]|o[hkr]|pa|ri|s[cd]|t[nx]|ut"
    r"|v[at]|w[aivy])\.?,?\s\d{5}(?:-\d{4})?\b"
)
"""A state and its postal code; "DE 80333" is more often a town in Germany than one in Delaware."""
AMERICAN_TELEPHONE = (
    r"(?<![\d+.-])(?<!\+\d\d )(?<!\+\d\d\d )(?:\+?1[-. ]{0,2})?"
    r"(?:\([2-9]\d\d\)[-. ]{0,2}|[2-9]\d\d[-.])[2-9]\d\d[-. ]\d{4}(?![\d-])"
)
"""Three, three and four digits; neither the first nor the fourth is 0 or 1. Other countries' codes are none of it."""
BRITISH_POSTCODE = r"\b[a-z]{1,2}\d[a-z\d]?\s\d[abd-hjlnp-uw-z]{2}\b"
DAY_FIRST_HINTS = re.compile(
    rf"\b{any_of('places.day_first')}\b|\b{any_of('places.day_first_beginning')}"
    rf"|\b{any_of('places.day_first_before_amount')}\s?\d|[€£₹]|{BRITISH_POSTCODE}"
)
MONTH_FIRST_HINTS = re.compile(
    rf"{AMERICAN_ZIP}|{AMERICAN_TELEPHONE}|\b{any_of('places.month_first')}\b"
    rf"|\b{any_of('places.month_first_beginning')}|\bus\$|(?<![a-z])\$\s?\d"
)
YEAR_FIRST_HINTS = re.compile(rf"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]|[¥₩]|{words('places.year_first')}")
"""Scripts, currencies and places where the year is written first."""
WEEKDAY = re.compile(rf"(?<![a-z])({'|'.join(listed('dates.weekday'))})[a-z]{{0,6}}[.,]?\s{{0,2}}$")
WRITTEN = re.compile(words("dates.own", "dates.plain"))
DUE = re.compile(words("dates.due", "dates.pay_until"))
CELL = re.compile(r"\S+(?: \S+)*")
LONGEST_LOOKED_AT = 20_000
FEWEST_ROWS = 3
"""Of a list that goes on from day to day."""


@dataclass(frozen=True, slots=True)
class DateOrder:
    """The order of day, month and year on a paper."""

    order: Order
    is_sure: bool
    """Whether anything on the paper decides it."""


@dataclass(frozen=True, slots=True)
class _Day:
    """A date of which day and month could be swapped, with what is before it."""

    day_first: date
    month_first: date
    label: str
    row: int

    def by(self, order: Order) -> date:
        return self.month_first if order == "MDY" else self.day_first


def infer_order(folded: str) -> DateOrder:
    """The order of a paper's dates, by the paper's own evidence.

    :param folded: the document's folded text.
    """
    day_first = month_first = in_full = in_two_ways = 0
    for match in NUMERIC.finditer(folded):
        a, b = int(match["a"]), int(match["b"])
        in_full += len(match["y"]) == 4
        if 12 < a <= 31 and 1 <= b <= 12:
            day_first += 1
        elif 12 < b <= 31 and 1 <= a <= 12:
            month_first += 1
        elif match["sep"] != "." and a != b:
            in_two_ways += 1
    if not in_full and YEAR_FIRST_HINTS.search(folded):
        return DateOrder("YMD", True)
    if day_first != month_first:
        return DateOrder("DMY" if day_first > month_first else "MDY", True)
    days = list(_days(folded[:LONGEST_LOOKED_AT]))
    for vote in (_by_weekday, _by_due_day):
        if order := vote(days):
            return DateOrder(order, True)
    text = folded[:LONGEST_LOOKED_AT]
    if order := _by_written_days(text):
        return DateOrder(order, True)
    foreign, american = _distinct(DAY_FIRST_HINTS, text), _distinct(MONTH_FIRST_HINTS, text)
    if american != foreign:
        return DateOrder("MDY" if american > foreign else "DMY", True)
    if order := _by_sequence(days):
        return DateOrder(order, True)
    return DateOrder("DMY", not in_two_ways)


def _distinct(hints: re.Pattern[str], folded: str) -> int:
    """How many different hints there are; ten dollar signs are one hint, and so are telephone numbers of any form."""
    return len({re.sub(r"[\d\s().+-]", "", hint) for hint in hints.findall(folded)})


def _days(folded: str) -> Iterator[_Day]:
    """Dates that can be read in two ways, row by row; a label may be above, in as many cells."""
    above: list[str] = []
    for number, row in enumerate(folded.splitlines()):
        cells = [match.group() for match in CELL.finditer(row)]
        end = 0
        for match in NUMERIC.finditer(row):
            by_day, by_month = read_numeric(match, "DMY"), read_numeric(match, "MDY")
            label = row[max(end, match.start() - 40) : match.start()]
            end = match.end()
            if by_day is None or by_month is None or by_day[0] == by_month[0] or match["sep"] == ".":
                continue
            if not re.search(r"[a-z]{3}", label) and len(cells) == len(above):
                own = next((at for at, cell in enumerate(cells) if match[0] in cell), 0)
                label = above[own]
            yield _Day(by_day[0], by_month[0], label, number)
        above = cells


def _by_weekday(days: Sequence[_Day]) -> Order | None:
    names = listed("dates.weekday")
    return _only_one(
        lambda order: (
            day.by(order).weekday() == names.index(match[1])
            for day in days
            if (match := WEEKDAY.search(day.label))
        ),
    )


def _by_due_day(days: Sequence[_Day]) -> Order | None:
    """A paper is written before it is due, and seldom more than a hundred days before."""
    written = [day for day in days if WRITTEN.search(day.label) and not DUE.search(day.label)]
    due = [day for day in days if DUE.search(day.label)]
    return _only_one(
        lambda order: (
            0 <= (last.by(order) - first.by(order)).days <= 100 for first in written[:1] for last in due[:1]
        ),
    )


def _by_written_days(folded: str) -> Order | None:
    """ "March 8, 2024" is written where the month is first, "8 March 2024" where the day is; in English only."""
    month_first = len(MONTH_DAY_YEAR.findall(folded))
    day_first = len(DAY_MONTH_YEAR.findall(folded))
    if month_first == day_first:
        return None
    return "MDY" if month_first > day_first else "DMY"


def _by_sequence(days: Sequence[_Day]) -> Order | None:
    """Rows of a list go on from day to day."""
    if len({day.row for day in days}) < FEWEST_ROWS:
        return None
    return _only_one(lambda order: (a.by(order) <= b.by(order) for a, b in pairwise(days)))


def _only_one(checks: Callable[[Order], Iterator[bool]]) -> Order | None:
    """The order in which all checks hold, if they do not hold in the other; ``None`` without a check."""
    orders: tuple[Order, Order] = ("DMY", "MDY")
    holds = [found and all(found) for found in (list(checks(order)) for order in orders)]
    return orders[holds.index(True)] if holds.count(True) == 1 else None
