"""Dates and amounts in the sentences of alerts, and what those say as values."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from alfrd_events.model.base import JsonObject
from alfrd_events.model.calendar import Dated, SeriesHistory

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day_and_month(day: date) -> str:
    """``14 Apr 2024``, in English on every machine."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def span(first: date, last: date) -> str:
    """``between 9 and 19 Apr 2024``, with what both have in common said once."""
    if first.year != last.year:
        return f"between {day_and_month(first)} and {day_and_month(last)}"
    if first.month != last.month:
        return f"between {first.day} {_MONTHS[first.month - 1]} and {day_and_month(last)}"
    return f"between {first.day} and {day_and_month(last)}"


def amount(value: Decimal, currency: str) -> str:
    """``1,850.00 USD``."""
    return f"{value:,.2f} {currency}".rstrip()


def told(history: SeriesHistory, document: Dated | None = None, **values: str | float) -> JsonObject:
    """What a sentence about a series says, for those who say it in another language.

    :param document: that it is about.
    """
    known: JsonObject = {"entity": history.entity, "paper": history.kind}
    if document is not None:
        known |= {
            "filename": document.filename,
            "day": document.day.isoformat(),
            "currency": document.currency,
        }
    return known | values
