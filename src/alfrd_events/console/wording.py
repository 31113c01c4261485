"""Sentences of alerts and reviews in the language of their reader.

Both are kept in English, with what they say beside them (alerts) or in clauses that can be taken apart (reviews). What
is kept otherwise, by an older version or by an application, is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from alfrd_events.console.formats import Formats
from alfrd_events.console.texts import Texts
from alfrd_events.db.database import Row
from alfrd_events.model.doubts import Reason, reasons_of

_DAYS = ("day", "about", "first", "last", "before_day")
_AMOUNTS = ("amount", "usual", "opening", "closing", "difference")


def alert_in_words(texts: Texts, alert: Row) -> str:
    """What an alert says."""
    data = alert["data"]
    if not data:
        return str(alert["detail"])
    try:
        return texts.plain(_shape_of(alert["kind"], data), **_written(texts.formats, data))
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return str(alert["detail"])


def _shape_of(kind: str, data: Mapping[str, Any]) -> str:
    """The key of its text."""
    which = kind
    if kind == "amount":
        which = "more" if data["percent"] > 0 else "less"
    if kind == "changed":
        which = str(data["what"])
    return f"alert_says.{which}"


def _written(formats: Formats, data: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an alert as the language writes them."""
    written = {name: value if isinstance(value, int) else str(value) for name, value in data.items()}
    written |= {name: formats.day(date.fromisoformat(data[name])) for name in _DAYS if name in data}
    written |= {
        name: formats.money(_unsigned(name, Decimal(data[name])), data.get("currency", ""))
        for name in _AMOUNTS
        if name in data
    }
    if "percent" in data:
        written["percent"] = formats.percent(abs(data["percent"]) / 100)
    return written


def _unsigned(name: str, value: Decimal) -> Decimal:
    return abs(value) if name == "difference" else value


def review_in_words(texts: Texts, sentence: str) -> str:
    """Why a document needs review."""
    found = reasons_of(sentence)
    return " ".join(_reason(texts, each) for each in found) if found else sentence


def _reason(texts: Texts, reason: Reason) -> str:
    written = dict(reason.values)
    if "what" in written:
        written["what"] = texts.field(reason.field)
    if "percent" in written:
        written["percent"] = texts.formats.percent(int(written["percent"]) / 100)
    if "type" in written:
        written["type"] = texts.name("type", written["type"].replace(" ", "_"))
    if "slugs" in written:
        written["slugs"] = written["slugs"].replace(" or ", " / ")
    if "other" in written:
        written["other"] = other_value(texts.formats, written["other"], reason.field)
    return texts.plain(f"doubt.{reason.code}", **written)


def other_value(formats: Formats, value: str, field: str) -> str:
    """What a field could be, as the language writes it."""
    try:
        if field == "total_amount":
            return formats.amount(Decimal(value))
        return formats.day(date.fromisoformat(value)) if field.endswith("_date") else value
    except (ValueError, InvalidOperation):
        return value
