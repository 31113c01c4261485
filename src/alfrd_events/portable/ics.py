"""What is due, late and expected, as a calendar that other programs open (RFC 5545)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

_TITLES = {
    "due": "due",
    "was_due": "was due",
    "expected": "expected",
    "late": "late",
    "missing": "missing",
}


def calendar_file(days: Iterable[Mapping[str, Any]], now: datetime) -> bytes:
    """The rows of ``alfrd.calendar`` as all-day events; the same day of the same series has the same UID again."""
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", "-//alfrd-events//calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    for row in days:
        event = Event()
        event.add("uid", f"{row['state']}-{row['series_id']}-{row['document_id'] or row['day']}@alfrd-events")
        event.add("dtstamp", now)
        event.add("dtstart", row["day"])
        event.add("dtend", row["day"] + timedelta(days=1) if row["day"] < date.max else row["day"])
        event.add("summary", _summary(row))
        if row["window_from"] is not None and row["window_to"] is not None:
            event.add("description", f"between {row['window_from']} and {row['window_to']}")
        elif row["filename"]:
            event.add("description", row["filename"])
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _summary(row: Mapping[str, Any]) -> str:
    amount = row["amount"]
    paid = f" {amount:,.2f} {row['currency']}".rstrip() if isinstance(amount, Decimal) else ""
    return f"{row['title'] or row['series']}{paid}: {_TITLES.get(row['state'], row['state'])}"
