"""What of an answer may be filed as a fact: values that are in the document's text, and nothing else.

A value that is not there may be worked out, misread or made up, by the model or by a document that gives it orders.
It is kept where a person can see it, under ``structured_data["unsupported"]``, and named in ``Summary.unsupported``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from alfrd_events.analysis.llm.forms import ItemForm, SummaryForm
from alfrd_events.analysis.rules.second_opinion import with_second_opinion
from alfrd_events.analysis.rules.summary import one_line
from alfrd_events.analysis.text.dates import find_dates, find_periods
from alfrd_events.analysis.text.grounding import Support
from alfrd_events.analysis.text.written import iso
from alfrd_events.model import Document, Evidence, JsonObject, Summary

_NAME = re.compile(r"[^a-z0-9]+")
_NUMBER = re.compile(r"\d[\d.,'’ ]*\d|\d")
_LONGEST_NAME = 48
_LONGEST_VALUE = 500
_MOST_VALUES = 40
RESERVED = frozenset(
    {*SummaryForm.model_fields, "unsupported", "evidence", "structured_data", "document_id", "document_type"}
)
"""Names that mean something else in a document's row."""


class Grounding:
    """The facts of one answer, and what had to be left out."""

    def __init__(self, support: Support) -> None:
        self._support = support
        self.evidence: dict[str, Evidence] = {}
        self.unsupported: JsonObject = {}

    def keep(
        self,
        name: str,
        value: Any,
        is_there: Callable[[Any], bool],
        place: Callable[[Any], Evidence | None],
    ) -> bool:
        """Whether a value may be filed; its place is noted, or the value itself as unsupported."""
        if value in (None, ""):
            return False
        if not is_there(value):
            self.unsupported[name] = str(value)[:_LONGEST_VALUE]
            return False
        if (found := place(value)) is not None:
            self.evidence[name] = found
        return True

    def keep_text(self, name: str, value: str) -> bool:
        """The same for a value of any kind."""
        return self.keep(name, value, self._support.has_text, self._support.place_of_value)


def grounded(document: Document, form: SummaryForm) -> Summary:
    """A summary of what the text holds of an answer, and how sure each value is."""
    support = Support.of(document)
    grounding = Grounding(support)
    kept: JsonObject = {}
    for name, is_there in (
        ("document_date", support.has_day),
        ("due_date", support.has_day),
        ("period_start", support.has_end_of_period),
        ("period_end", support.has_end_of_period),
    ):
        if grounding.keep(name, getattr(form, name), is_there, support.place_of_day):
            kept[name] = getattr(form, name)
    if grounding.keep("entity", form.entity, support.has_entity, support.place_of_entity):
        kept["entity"] = form.entity
    if grounding.keep("total_amount", form.total_amount, support.has_amount, support.place_of_total):
        kept["total_amount"] = form.total_amount
    if grounding.keep("account_number", form.account_number, support.has_identifier, support.place_of_text):
        kept["account_number"] = form.account_number
    currency = form.currency
    if currency and grounding.keep("currency", currency, support.has_currency, lambda _: None):
        kept["currency"] = currency
    structured = _values(form, grounding)
    if items := _items(form.line_items, support, grounding):
        structured["line_items"] = items
    summary = Summary(summary="-", **kept, structured_data=structured, evidence=grounding.evidence)
    line = " ".join(form.summary.split())
    if not line:
        line = one_line((document.document_type or "document").replace("_", " "), summary)
    elif any(not number_is_known(number, support) for number in numbers_in(line)):
        grounding.unsupported["summary"] = line[:_LONGEST_VALUE]
        line = one_line((document.document_type or "document").replace("_", " "), summary)
    if grounding.unsupported:
        structured["unsupported"] = grounding.unsupported
    summary = summary.model_copy(
        update={
            "summary": line,
            "structured_data": structured,
            "unsupported": tuple(grounding.unsupported),
        }
    )
    return with_second_opinion(document, summary, unsure={field_name(each) for each in form.unsure})


def chooser(document: Document) -> Callable[[date, date], date | None]:
    """Tells which of two days an answer means by ``03/04/2024``: the one that the document holds.

    Where it holds both or neither, the order of its own dates decides.
    """

    def choose(by_day: date, by_month: date) -> date:
        support = Support.of(document)
        printed = [day for day in (by_day, by_month) if support.has_day(day)]
        if len(printed) == 1:
            return printed[0]
        return by_day if support.parsed.order == "DMY" else by_month

    return choose


def field_name(printed: str) -> str:
    """A name as a key: lower case, words apart by underscores; empty if nothing is left."""
    return _NAME.sub("_", printed.lower()).strip("_")[:_LONGEST_NAME].strip("_")


def numbers_in(line: str) -> Iterator[str]:
    """The numbers of a sentence, and its dates as ISO dates."""
    rest = line
    for period in find_periods(line, "MDY"):
        yield iso(period.first) or ""
        yield iso(period.last) or ""
        rest = rest[: period.start] + " " * (period.end - period.start) + rest[period.end :]
    for found in find_dates(rest, "MDY"):
        yield iso(found.value) or ""
        rest = rest[: found.start] + " " * (found.end - found.start) + rest[found.end :]
    yield from _NUMBER.findall(rest)


def number_is_known(number: str, support: Support) -> bool:
    """Whether a number of a sentence is in the text, in whatever notation."""
    return support.has_text(number) or support.has_identifier(number)


def _values(form: SummaryForm, grounding: Grounding) -> JsonObject:
    values: JsonObject = {}
    for given in form.other_values[:_MOST_VALUES]:
        name = field_name(given.name)
        value = given.value[:_LONGEST_VALUE]
        if name and name not in RESERVED and name not in values and grounding.keep_text(name, value):
            values[name] = value
    return values


def _items(items: Sequence[ItemForm], support: Support, grounding: Grounding) -> list[JsonObject]:
    kept: list[JsonObject] = []
    made_up: list[JsonObject] = []
    for item in items:
        amounts = [amount for amount in (item.amount, item.unit_price) if amount is not None]
        row = {
            "description": item.description[:_LONGEST_VALUE],
            "quantity": item.quantity or None,
            "unit_price": None if item.unit_price is None else str(item.unit_price),
            "amount": None if item.amount is None else str(item.amount),
        }
        (kept if all(map(support.has_amount, amounts)) else made_up).append(
            {name: value for name, value in row.items() if value is not None}
        )
    if made_up:
        grounding.unsupported["line_items"] = made_up
    return kept
