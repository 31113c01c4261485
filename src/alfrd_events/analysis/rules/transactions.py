"""The rows of a statement: what came in and went out, and what was left after each.

A row begins with a date and ends with amounts. Which amount is the balance, and whether money came or went, is told by
arithmetic where balances are printed (the difference of two balances is the amount between them), else by a sign, by a
word for debit or credit, or by the column. The rows are right if the opening balance and all of them give the closing
one; :attr:`Statement.adds_up` says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from alfrd_events.analysis.text.amounts import Money
from alfrd_events.analysis.text.dates import MONTHS
from alfrd_events.analysis.text.layout import Row, Segment
from alfrd_events.analysis.text.parsed import ParsedText, Placed
from alfrd_events.analysis.text.vocabulary import pattern
from alfrd_events.model import JsonObject

FEWEST_ROWS = 3
"""Fewer rows with a date in front and an amount at the end are found on other papers, too."""
_MOST_ROWS = 2_000
_MOST_THAT_AGREE = 0.9
"""The share of rows whose balances differ by their amounts, from which the last amount counts as a balance."""

_NUMBERS = re.compile(r"(?P<a>\d{1,2})\s?[./-]\s?(?P<b>\d{1,2})\.?(?![\d.,/-])")
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY_MONTH = re.compile(rf"(?P<d>\d{{1,2}})\.?[\s-]{{0,2}}(?P<m>{_MONTH})(?![a-z])\.?")
_MONTH_DAY = re.compile(rf"(?P<m>{_MONTH})\.?[\s-]{{0,2}}(?P<d>\d{{1,2}})(?![\d.,])")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One row."""

    day: date
    text: str
    amount: Decimal
    """By how much it changed the balance. On an account money that came in is positive; on a card, what is owed."""
    balance: Decimal | None
    row: int

    def as_json(self) -> JsonObject:
        found: JsonObject = {
            "date": self.day.isoformat(),
            "description": self.text,
            "amount": str(self.amount),
        }
        if self.balance is not None:
            found["balance"] = str(self.balance)
        return found


@dataclass(frozen=True)
class Statement:
    """The rows of a statement, oldest first, with what was there before and after them."""

    transactions: tuple[Transaction, ...]
    opening: Placed[Money] | None
    closing: Placed[Money] | None

    @property
    def adds_up(self) -> bool | None:
        """Whether opening balance and rows give the closing balance; ``None``: one of them is not printed."""
        if self.opening is None or self.closing is None:
            return None
        moved = sum((each.amount for each in self.transactions), Decimal(0))
        return self.opening.value.value + moved == self.closing.value.value


@dataclass(frozen=True, slots=True)
class _Line:
    """A row that looks like a transaction, before it is known what its amounts mean."""

    row: Row
    printed: str
    """Its date, folded; the year may be missing."""
    day: date | None
    """Where the year is printed."""
    text: str
    amounts: tuple[Placed[Money], ...]


def find_statement(parsed: ParsedText, first: date | None, last: date | None) -> Statement | None:
    """Return the transactions of a statement, or ``None`` where there are no rows of that kind.

    :param first: the first day of the statement's period, for dates without a year.
    :param last: its last day; or the document's own date.
    """
    lines = [line for row in parsed.rows[: 4 * _MOST_ROWS] if (line := _line(row, parsed)) is not None]
    if not FEWEST_ROWS <= len(lines) <= _MOST_ROWS:
        return None
    dated = _dated(lines, parsed, first, last)
    if dated is None:
        return None
    opening, closing = (
        _labelled(pattern("statements.opening"), parsed),
        _labelled(pattern("statements.closing"), parsed),
    )
    start = opening.value.value if opening else None
    for newest_first in (False, True):
        ordered = dated[::-1] if newest_first else dated
        if (rows := _by_balances(ordered, start)) is not None:
            return Statement(rows, opening, closing)
    found = Statement(_by_signs(dated, parsed), opening, closing)
    owed = Statement(
        tuple(replace(each, amount=-each.amount) for each in found.transactions), opening, closing
    )
    return owed if owed.adds_up and not found.adds_up else found


def _line(row: Row, parsed: ParsedText) -> _Line | None:
    whole = next((placed for placed in parsed.dates[row.index] if not row.text[: placed.start].strip()), None)
    if whole is not None:
        printed, end, day = "", whole.end, whole.value.value
    else:
        match = next(
            filter(None, (each.match(row.folded) for each in (_NUMBERS, _DAY_MONTH, _MONTH_DAY))), None
        )
        if match is None:
            return None
        printed, end, day = match[0], match.end(), None
    second = next((placed for placed in parsed.dates[row.index] if placed.start - end in range(1, 4)), None)
    if second is not None:  # booked on one day, valid from another
        end = second.end
    elif (
        again := _NUMBERS.match(row.folded, end + len(row.text[end:]) - len(row.text[end:].lstrip()))
    ) is not None:
        end = again.end()
    amounts = tuple(
        placed for placed in parsed.amounts[row.index] if placed.value.has_decimals and placed.start >= end
    )
    if not amounts or len(amounts) > 3:
        return None
    text = " ".join(row.text[end : amounts[0].start].split()).strip(" -–|")
    return _Line(row, printed, day, text, amounts) if any(map(str.isalpha, text)) else None


def _dated(
    lines: Sequence[_Line], parsed: ParsedText, first: date | None, last: date | None
) -> list[tuple[_Line, date]] | None:
    """Give each line its day; ``None`` where one cannot be read.

    Without a year it is the last such day up to the period's end. Of the two orders of day and month, take the one by
    which more days are in the period.
    """
    orders = [parsed.order, "MDY" if parsed.order == "DMY" else "DMY"]
    best: list[tuple[_Line, date]] | None = None
    most = -1
    for order in orders:
        days = [line.day or _day(line.printed, order, last) for line in lines]
        if any(day is None for day in days):
            continue
        known = [day for day in days if day is not None]
        inside = sum(first is None or last is None or first <= day <= last for day in known)
        if inside > most:
            best, most = list(zip(lines, known, strict=True)), inside
    return best


def _day(printed: str, order: str, last: date | None) -> date | None:
    if last is None:
        return None
    if (numbers := _NUMBERS.match(printed)) is not None:
        a, b = int(numbers["a"]), int(numbers["b"])
        day, month = (a, b) if order == "DMY" else (b, a)
    else:
        named = _DAY_MONTH.match(printed) or _MONTH_DAY.match(printed)
        if named is None:
            return None
        day, month = int(named["d"]), MONTHS[named["m"]]
    for year in (last.year, last.year - 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found <= last + timedelta(days=7):  # booked in the period, valid some days later
            return found
    return None


def _labelled(label: re.Pattern[str], parsed: ParsedText) -> Placed[Money] | None:
    """The amount behind a label, in its row or below it."""
    for row in parsed.rows:
        match = label.search(row.folded)
        if match is None:
            continue
        behind = [
            each
            for each in parsed.amounts[row.index]
            if each.start >= match.end() and each.value.has_decimals
        ]
        if behind:
            return behind[0]
        segment = next(each for each in row.segments if label.search(each.folded) or each is row.segments[-1])
        below = next(iter(parsed.amounts_below(segment)), None)
        if below is not None and below.value.has_decimals:
            return below
    return None


def _by_balances(
    dated: Sequence[tuple[_Line, date]], opening: Decimal | None
) -> tuple[Transaction, ...] | None:
    """Read the last amount of each line as the balance, if the differences of balances say so."""
    if any(len(line.amounts) < 2 for line, _ in dated):
        return None
    balances = [line.amounts[-1].value.value for line, _ in dated]
    moved = [after - before for before, after in pairwise(balances)]
    printed = [line.amounts[:-1] for line, _ in dated]
    agree = sum(
        any(abs(change) == abs(each.value.value) for each in amounts)
        for change, amounts in zip(moved, printed[1:], strict=True)
    )
    if agree < _MOST_THAT_AGREE * len(moved):
        return None
    first = balances[0] - opening if opening is not None else None
    if first is None or all(abs(first) != abs(each.value.value) for each in printed[0]):
        first = _first_by_column(dated, moved)
    return tuple(
        Transaction(day, line.text, change, balance, line.row.index)
        for (line, day), change, balance in zip(dated, [first, *moved], balances, strict=True)
    )


def _first_by_column(dated: Sequence[tuple[_Line, date]], moved: Sequence[Decimal]) -> Decimal:
    """The sign of the first row, where no opening balance tells: that of the others in its column."""
    value = dated[0][0].amounts[0]
    for (line, _), change in zip(dated[1:], moved, strict=True):
        if line.amounts[0].segment.overlaps_horizontally(value.segment):
            return abs(value.value.value) * (1 if change > 0 else -1)
    return value.value.value


def _by_signs(dated: Sequence[tuple[_Line, date]], parsed: ParsedText) -> tuple[Transaction, ...]:
    """Tell money that went from money that came by sign, word or column."""
    went, came = _columns(parsed, dated[0][0].row)
    found = []
    for line, day in dated:
        placed = line.amounts[0]
        value = placed.value.value
        if value > 0 and _went(line, placed, went, came):
            value = -value
        found.append(Transaction(day, line.text, value, None, line.row.index))
    return tuple(found)


def _went(line: _Line, placed: Placed[Money], went: Sequence[Segment], came: Sequence[Segment]) -> bool:
    behind = line.row.folded[placed.end :].strip()
    if pattern("statements.went_mark").fullmatch(behind):
        return True
    if pattern("statements.came_mark").fullmatch(behind):
        return False
    if placed.segment.box is None:
        return False
    under_went = any(placed.segment.overlaps_horizontally(head) for head in went)
    under_came = any(placed.segment.overlaps_horizontally(head) for head in came)
    return under_went and not under_came


def _columns(parsed: ParsedText, first: Row) -> tuple[list[Segment], list[Segment]]:
    """The heads of the columns of what went and what came, above the first row."""
    above = [
        segment for row in parsed.rows[max(first.index - 4, 0) : first.index] for segment in row.segments
    ]
    return (
        [segment for segment in above if pattern("statements.went").search(segment.folded)],
        [segment for segment in above if pattern("statements.came").search(segment.folded)],
    )
