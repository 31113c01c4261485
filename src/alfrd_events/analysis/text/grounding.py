"""Whether a value is in a document's text, and where: what every result is held against.

Values are compared by what they mean, not by how they are written: an amount is an amount in any notation, a date in
any language, a name with or without its legal form. What is not found was worked out, misread or made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cached_property

from alfrd_events.analysis.text.amounts import OF_SEVERAL_COUNTRIES, parse_amount
from alfrd_events.analysis.text.currency import find_currency
from alfrd_events.analysis.text.dates import find_months
from alfrd_events.analysis.text.layout import Segment, fold
from alfrd_events.analysis.text.naming import entity_key
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.phrases import SEPARATORS, SearchableText
from alfrd_events.analysis.text.totals import find_totals
from alfrd_events.model import Document, Evidence

_KEYED_CHARACTERS = 60_000
_WORD = re.compile(r"\w+")


class Support:
    """A document's text, to look values up in."""

    def __init__(self, parsed: ParsedText) -> None:
        self.parsed = parsed
        self._text = parsed.layout.folded

    @classmethod
    def of(cls, document: Document) -> Support:
        return cls(ParsedText.of(document))

    def has_entity(self, name: str) -> bool:
        """Whether a company is named, up to what readers confuse and to its legal form."""
        squashed = _squash(name.lower())
        if not squashed:
            return bool(name.strip()) and fold(name).strip() in self._text
        return entity_key(name) in self._keyed or squashed in self._squashed

    def has_amount(self, amount: Decimal) -> bool:
        """Whether an amount is printed, with either sign."""
        return abs(amount) in self._amounts

    def has_day(self, day: date) -> bool:
        """Whether a date is printed, or begins or ends a printed period."""
        return day in self._days

    def has_end_of_period(self, day: date) -> bool:
        """The same, or the first or last day of a month that is named: "August 2024"."""
        return day in self._days or day in self._ends_of_months

    def has_identifier(self, number: str) -> bool:
        """Whether a number or code is printed, however it is grouped."""
        squashed = _squash(number.lower())
        return bool(squashed) and squashed in self._squashed

    def has_currency(self, code: str) -> bool:
        """Whether amounts are in this currency by their signs, or by the country that the text tells."""
        signs = {placed.value.currency for placed in self.parsed.all_amounts}
        if code in signs or self._searchable.has(code.lower()):
            return True
        if any(sign in signs and codes.fullmatch(code) for sign, codes in OF_SEVERAL_COUNTRIES.items()):
            return True
        return find_currency(self.parsed, "") == code

    def has_text(self, value: str) -> bool:
        """Whether a value of any kind is in the text: as an amount, as a date, as a phrase or by all of its words."""
        day = _as_day(value)
        if day is not None:
            return self.has_day(day)
        amount = parse_amount(value)
        if amount is not None and self.has_amount(amount):
            return True
        folded = fold(value)
        squashed = SEPARATORS.sub("", folded)
        if not squashed:
            return False
        return self._searchable.has(squashed) or set(_WORD.findall(folded)) <= self._words

    def place_of_entity(self, name: str) -> Evidence | None:
        """The first line that names it."""
        key, squashed = entity_key(name), _squash(name.lower())
        return self._first(
            segment
            for segment in self.parsed.layout.segments()
            if (key and key in entity_key(segment.text)) or (squashed and squashed in _squash(segment.folded))
        )

    def place_of_total(self, amount: Decimal) -> Evidence | None:
        """Where it stands beside a label of a total, else where it stands first."""
        for candidate in find_totals(self.parsed).candidates:
            if candidate.role == "total" and candidate.value == amount:
                return candidate.amount.segment.evidence
        return self.place_of_amount(amount)

    def place_of_amount(self, amount: Decimal) -> Evidence | None:
        return self._first(
            placed.segment
            for row in self.parsed.amounts
            for placed in row
            if abs(placed.value.value) == abs(amount)
        )

    def place_of_day(self, day: date) -> Evidence | None:
        dated = (placed.segment for row in self.parsed.dates for placed in row if placed.value.value == day)
        ends = (
            placed.segment
            for row in self.parsed.periods
            for placed in row
            if day in (placed.value.first, placed.value.last)
        )
        return self._first(dated) or self._first(ends)

    def place_of_text(self, value: str) -> Evidence | None:
        """The first line that holds it as it is written, blanks and hyphens apart."""
        squashed = SEPARATORS.sub("", fold(value))
        return self._first(
            segment
            for segment in self.parsed.layout.segments()
            if squashed and squashed in SEPARATORS.sub("", segment.folded)
        )

    def place_of_value(self, value: str) -> Evidence | None:
        """Where a value of any kind stands, in whatever notation: as a date, as an amount, else as it is written."""
        if (day := _as_day(value)) is not None:
            return self.place_of_day(day)
        amount = parse_amount(value)
        return self.place_of_text(value) or (self.place_of_amount(amount) if amount is not None else None)

    @staticmethod
    def _first(segments: Iterator[Segment]) -> Evidence | None:
        found = next(segments, None)
        return found.evidence if found else None

    @cached_property
    def _squashed(self) -> str:
        return _squash(self._text)

    @cached_property
    def _keyed(self) -> str:
        """The text folded as :func:`entity_key` folds a name, so that one can be sought in the other."""
        return entity_key(_squash(self._text[:_KEYED_CHARACTERS])) if self._text else ""

    @cached_property
    def _searchable(self) -> SearchableText:
        return SearchableText(self._text)

    @cached_property
    def _words(self) -> set[str]:
        return set(_WORD.findall(self._text))

    @cached_property
    def _amounts(self) -> set[Decimal]:
        return {abs(placed.value.value) for row in self.parsed.amounts for placed in row}

    @cached_property
    def _days(self) -> set[date]:
        days = {placed.value.value for row in self.parsed.dates for placed in row}
        for row in self.parsed.periods:
            for placed in row:
                days |= {placed.value.first, placed.value.last}
        return days

    @cached_property
    def _ends_of_months(self) -> set[date]:
        return {
            end
            for row in self.parsed.rows
            for month in find_months(row.text)
            for end in (month.first, month.last)
        }


def _squash(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text)


def _as_day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
