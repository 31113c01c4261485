"""How sure each value is that has one place on the paper, and where that is.

Company, date and total are chosen among candidates (:mod:`.chosen`). All others (due date, numbers, currency, period,
fees, the rows of a table) stand beside a label that the rules know. Whether such a value is right is told by how well
it was read, by the words beside it, and by what it agrees with: a due date follows the paper's own, a tax is what lies
between net and total, rows add up. One trained model turns these signs into a probability.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from alfrd_events.analysis.ranking.trees import Features, Weights
from alfrd_events.analysis.rules.items import items_add_up
from alfrd_events.analysis.rules.proposals.print import Printed
from alfrd_events.analysis.text.amounts import parse_amount
from alfrd_events.analysis.text.currency import FoundCurrency, place_currency
from alfrd_events.analysis.text.layout import Row, Segment
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.phrases import SEPARATORS
from alfrd_events.model import Document, Evidence, Summary

KINDS = ("due_date", "invoice_number", "currency", "period", "number", "amount", "row", "other")
"""What values are told apart by; values of one kind go wrong alike."""
SUMS = frozenset({"subtotal", "tax", "rounding"})
TABLES = ("line_items", "transactions")
NOT_IN_TEXT = "unsupported"
"""Where a summary keeps what an analyst has given that the text does not hold."""
LONGEST_CREDIT = 120
"""Days from the paper's own date to its due date; more is rare."""
LONGEST_PERIOD = 800
CENT = Decimal("0.011")
SUMS_OF_A_ROW = (".amount", ".balance")
"""They stand to the right of a price that may be the same."""
ROWS_OF_AN_ENTRY = 2
"""A till prints an item's name a row above its figures, or below."""
ROWS_AHEAD = 40
"""From one entry of a table to the next."""
MOST_WORDS = 0.5
"""The share of a description's words that its row must have."""
_WORDS = re.compile(r"[^\W\d_]{3,}")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_AMOUNT = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a summary under its path: ``due_date``, ``tax``, ``line_items.0.amount``."""

    field: str
    text: str
    """Dates in ISO form, amounts as plain decimals."""

    @property
    def kind(self) -> str:
        if self.field in KINDS:
            return self.field
        if self.field.startswith("period_"):
            return "period"
        if self.field.partition(".")[0] in TABLES:
            return "row"
        if _AMOUNT.fullmatch(self.text):
            return "amount"
        return "number" if any(character.isdigit() for character in self.text) else "other"


def values_of(summary: Summary) -> Iterator[Value]:
    """All values but the three that are chosen among candidates."""
    for field in ("due_date", "currency", "account_number", "period_start", "period_end"):
        value = getattr(summary, field)
        if value not in (None, ""):
            yield Value(field, str(value))
    yield from _leaves("", {name: of for name, of in summary.structured_data.items() if name != NOT_IN_TEXT})


def _leaves(path: str, value: Any) -> Iterator[Value]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(f"{path}.{index}", inner)
    elif value not in (None, ""):
        yield Value(path, str(value))


@dataclass(frozen=True)
class Signs:
    """What tells of each value of one summary whether it is right."""

    document: Document
    parsed: ParsedText
    summary: Summary

    @cached_property
    def printed(self) -> Printed:
        return Printed.of(self.document, self.parsed)

    @cached_property
    def currency(self) -> FoundCurrency | None:
        """What tells of the currency that the summary gives."""
        segment, total = self._read_at.get("total_amount"), self.summary.total_amount
        beside = self.parsed.amounts[segment.row] if segment and total is not None else ()
        amount = next((each for each in beside if abs(each.value.value) == abs(total or 0)), None)
        found = place_currency(self.parsed, amount)
        return found if found and found.code == self.summary.currency else None

    @cached_property
    def _read_at(self) -> Mapping[str, Segment]:
        """The segments that the summary's evidence names."""
        segments = {(each.page, each.box, each.text): each for each in self.parsed.layout.segments()}
        return {
            field: segments[key]
            for field, where in self.summary.evidence.items()
            if (key := (where.page, where.box, where.text)) in segments
        }

    @cached_property
    def places(self) -> Mapping[str, Segment]:
        """The segment of each value that has one, by its path."""
        found = dict(self._read_at)
        if self.currency is not None:
            found["currency"] = self.currency.segment
        for table in TABLES:
            found |= dict(_places_in_rows(table, self.summary.structured_data.get(table), self.parsed))
        return found

    def of(self, value: Value) -> Features:
        """The features of a value; all of them are 0 to about 1."""
        segment = self.places.get(value.field)
        fits = self._fits(value)
        return {
            **{f"is_{kind}": float(value.kind == kind) for kind in KINDS},
            "reading_doubt": 1 - self.printed.confidence(segment) if segment else 1.0,
            "has_no_place": float(segment is None),
            **self._label_features(value, segment),
            "times": min(3, self._squashed.count(squash(value.text))) / 3,
            "digits": min(12, sum(character.isdigit() for character in value.text)) / 12,
            "mixes_letters": float(bool(re.search(r"\d[^\W\d_]|[^\W\d_]\d", value.text))),
            "rivals": self._rivals(value),
            "fits": float(fits is True),
            "misfits": float(fits is False),
        }

    def label_of(self, segment: Segment) -> tuple[str, str]:
        """The words that a value stands beside, and where: in its own segment, before it, above it, or nowhere."""
        if len(_LETTERS.findall(segment.folded)) > 1:
            return "inside", segment.folded
        segments = self.parsed.rows[segment.row].segments
        for other in reversed(segments[: segments.index(segment)]):
            if _LETTERS.search(other.folded):
                return "before", other.folded
        above = self.printed.neighbour(segment, -1)
        for other in above.segments if above else ():
            if other.overlaps_horizontally(segment) and _LETTERS.search(other.folded):
                return "above", other.folded
        return "nowhere", ""

    def _label_features(self, value: Value, segment: Segment | None) -> Features:
        where = self.label_of(segment)[0] if segment and value.kind != "currency" else "nowhere"
        how = self.currency.how if self.currency and value.kind == "currency" else ""
        return {
            **{f"label_{each}": float(where == each) for each in ("inside", "before", "above")},
            **{f"currency_by_{each}": float(how == each) for each in ("total", "sign", "named", "country")},
        }

    def _rivals(self, value: Value) -> float:
        """What else it could be: other days after the paper's own, other currencies, other figures in its row."""
        if value.kind == "currency":
            return min(3, len(self.currency.others if self.currency else ())) / 3
        if value.kind == "due_date" and self.summary.document_date:
            days = {placed.value.value for row in self.parsed.dates for placed in row}
            return min(3, sum(day > self.summary.document_date for day in days - {self.summary.due_date})) / 3
        segment = self.places.get(value.field)
        return (
            min(3, len(self.parsed.amounts[segment.row]) - 1) / 3 if segment and value.kind == "amount" else 0
        )

    def _fits(self, value: Value) -> bool | None:
        """Whether other values confirm it or speak against it; ``None`` where nothing is known."""
        found = self.summary
        if value.kind == "due_date" and found.document_date and found.due_date:
            return 0 <= (found.due_date - found.document_date).days <= LONGEST_CREDIT
        if value.kind == "period" and found.period_start and found.period_end:
            return 0 <= (found.period_end - found.period_start).days <= LONGEST_PERIOD
        if value.field in SUMS:
            return self._sums_agree
        if value.kind == "row":
            return self._rows_add_up
        return None

    @cached_property
    def _sums_agree(self) -> bool | None:
        """Whether net, tax and rounding give the total; ``None`` where one is missing."""
        net, tax, rounding = (
            _decimal(self.summary.structured_data.get(name)) for name in ("subtotal", "tax", "rounding")
        )
        if net is None or self.summary.total_amount is None:
            return None
        gaps = (
            net + each - self.summary.total_amount for each in ((tax or 0) + (rounding or 0), rounding or 0)
        )
        return any(abs(gap) < CENT for gap in gaps)

    @cached_property
    def _rows_add_up(self) -> bool | None:
        data = self.summary.structured_data
        if isinstance(items := data.get("line_items"), list) and all("amount" in item for item in items):
            targets = [_decimal(data.get("subtotal")), self.summary.total_amount]
            return items_add_up(items, [abs(each) for each in targets if each is not None])
        opening, closing = _decimal(data.get("opening_balance")), _decimal(data.get("closing_balance"))
        if isinstance(rows := data.get("transactions"), list) and opening is not None and closing is not None:
            return opening + sum(Decimal(row["amount"]) for row in rows) == closing
        return None

    @cached_property
    def _squashed(self) -> str:
        return squash(self.parsed.layout.folded)


def with_confidence(signs: Signs, weights: Weights) -> dict[str, Evidence]:
    """The evidence of a summary, with place, label and confidence for each of its values."""
    evidence = dict(signs.summary.evidence)
    for value in values_of(signs.summary):
        where = evidence.get(value.field)
        segment = signs.places.get(value.field)
        if where is not None and where.confidence is not None:
            continue
        if where is None:
            where = segment.evidence if segment else Evidence(page=1, text="")
        label = where.label or (signs.label_of(segment)[1] if segment else "")
        alternatives = signs.currency.others if signs.currency and value.field == "currency" else ()
        evidence[value.field] = where.model_copy(
            update={
                "confidence": round(weights.values.confidence_of(signs.of(value)), 4),
                "label": label,
                "alternatives": alternatives,
            }
        )
    return evidence


def squash(text: str) -> str:
    return SEPARATORS.sub("", text.casefold())


@dataclass(frozen=True, slots=True)
class _Sought:
    """A value of a table, in the forms in which a row may hold it."""

    field: str
    amount: Decimal | None
    day: date | None
    squashed: str
    words: tuple[str, ...]
    """A description may have been put together from several cells, or rows."""

    @classmethod
    def of(cls, value: Value) -> _Sought:
        words = tuple(squash(word) for word in _WORDS.findall(value.text))
        return cls(value.field, parse_amount(value.text), _day(value.text), squash(value.text), words)

    def find_in(self, row: Row, parsed: ParsedText) -> Segment | None:
        """The segment of a row that holds it."""
        if self.amount is not None:
            here = [each for each in parsed.amounts[row.index] if abs(each.value.value) == abs(self.amount)]
            if here:
                return here[-1 if self.field.endswith(SUMS_OF_A_ROW) else 0].segment
        if self.day is not None:
            days = parsed.dates[row.index]
            return next((placed.segment for placed in days if placed.value.value == self.day), None)
        if self.squashed and self.squashed in squash(row.text):
            return next(
                (each for each in row.segments if self.squashed in squash(each.text)), row.segments[0]
            )
        words = [word for word in self.words if word in squash(row.text)]
        if not self.words or len(words) < MOST_WORDS * len(self.words):
            return None
        return max(
            row.segments, key=lambda segment: sum(len(word) for word in words if word in squash(segment.text))
        )


def _places_in_rows(table: str, entries: object, parsed: ParsedText) -> Iterator[tuple[str, Segment]]:
    """Where the values of a table's entries stand: each entry in the row, not above the last one's, that holds most."""
    if not isinstance(entries, list):
        return
    at = 0
    for number, entry in enumerate(entries):
        sought = [_Sought.of(leaf) for leaf in _leaves(f"{table}.{number}", entry)]
        ahead = parsed.rows[at : at + ROWS_AHEAD] if number else parsed.rows
        best = max(ahead, key=lambda row: sum(each.find_in(row, parsed) is not None for each in sought))
        at = best.index
        around = parsed.rows[max(0, at - ROWS_OF_AN_ENTRY) : at + ROWS_OF_AN_ENTRY + 1]
        near = sorted(around, key=lambda row: abs(row.index - at))
        for each in sought:
            segment = next((found for row in near if (found := each.find_in(row, parsed))), None)
            if segment is not None:
                yield each.field, segment


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _decimal(value: object) -> Decimal | None:
    return parse_amount(value) if isinstance(value, str) else None
