"""The words beside a value that a correction taught: learned from the document, and looked for on later ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from alfrd_events.analysis.text.layout import Row, Segment, fold
from alfrd_events.analysis.text.parsed import ParsedText

_CURRENCY = re.compile(r"\b(?:usd|eur|gbp|chf|myr|rm|inr|sgd|aud|cad)\b[^a-z]*$")
_SHORTEST, _LONGEST = 3, 60
Value = Decimal | date


def label_of(field: str, value: Value, parsed: ParsedText) -> str:
    """The words before the value in its row, by which it is found on this very document; empty: there are none."""
    for row, start, found, _ in values_of(field, parsed):
        label = _label_before(row.folded[:start])
        if found == value and label and (seen := value_beside(field, label, parsed)) and seen[0] == value:
            return label
    return ""


def value_beside(field: str, label: str, parsed: ParsedText) -> tuple[Value, Segment] | None:
    """The value in the first row that has the words before it."""
    wanted = _words(fold(label))
    for row, start, value, segment in values_of(field, parsed):
        if f" {_words(row.folded[:start])}".endswith(f" {wanted}"):
            return value, segment
    return None


def values_of(field: str, parsed: ParsedText) -> Iterator[tuple[Row, int, Value, Segment]]:
    """What could be the value of a field: amounts of money, or dates; each with its row and its offset there."""
    for row in parsed.rows:
        if field == "total_amount":
            for amount in parsed.amounts[row.index]:
                if amount.value.looks_like_money:
                    yield row, amount.start, amount.value.value, amount.segment
        else:
            for day in parsed.dates[row.index]:
                yield row, day.start, day.value.value, day.segment


def _label_before(text: str) -> str:
    """The words of the last cell that has some."""
    cells = [cell for cell in re.split(r"\s{2,}", _CURRENCY.sub("", text)) if re.search(r"[^\W\d_]", cell)]
    label = _words(cells[-1]) if cells else ""
    return label if _SHORTEST <= len(label) <= _LONGEST else ""


def _words(text: str) -> str:
    """The words of a label, without the currency's code behind them."""
    return " ".join(re.findall(r"[^\W\d_]+", _CURRENCY.sub("", text)))
