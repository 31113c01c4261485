"""What came, what did not, and what is expected in a series, by date: the same for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from alfrd_events.terminal.values import money, percent, show

Row = Mapping[str, Any]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STATES = ("expected", "came", "late", "odd", "missing")
"""Of an occasion; where a month has several, the last of these is shown."""
_ODD_NOTES = {
    "duplicate": "came twice",
    "changed": "names another account",
    "balance": "does not begin with the last closing balance",
}
_EVERY = {
    "weekly": "every week",
    "biweekly": "every two weeks",
    "monthly": "every month",
    "bimonthly": "every two months",
    "quarterly": "every quarter",
    "semiannual": "every half-year",
    "annual": "every year",
}


def rhythm_in_words(rhythm: Row, documents: int) -> str:
    """``every month (98 % sure), usually 45.00 USD; the next is expected 2026-07-05 to 2026-07-15``."""
    if not rhythm.get("frequency"):
        return f"no rhythm can be told from {documents} document{'' if documents == 1 else 's'}"
    words = f"{_EVERY.get(rhythm['frequency'], rhythm['frequency'])} ({percent(rhythm['confidence'])} sure)"
    if rhythm["usual_amount"] is not None:
        words += f", usually {money(rhythm['usual_amount'], rhythm['currency'])}"
    if rhythm["has_ended"]:
        return f"{words}; no more are expected"
    if rhythm["expected_from"] is None:
        return words
    return f"{words}; the next is expected {window(rhythm['expected_from'], rhythm['expected_to'])}"


def window(first: Any, last: Any) -> str:
    """``2026-07-05 to 2026-07-15``; nothing where there is none."""
    return f"{show(first)} to {show(last)}" if first and last else ""


def occasions(documents: Sequence[Row], alerts: Sequence[Row], rhythm: Row) -> list[dict[str, Any]]:
    """Documents, and beside them what did not come and what is expected, by date; undated documents last.

    Each has ``state``, one of :data:`STATES`, ``day``, ``amount``, ``currency``, ``due``, ``filename``, ``note`` and
    ``id``, which is ``None`` where there is no document.

    :param alerts: those of the series that are not resolved.
    """
    odd = {
        alert["document_id"]: alert
        for alert in alerts
        if alert["kind"] == "amount" or alert["kind"] in _ODD_NOTES
    }
    rows = [
        {
            "state": "odd" if document["id"] in odd else "came",
            "day": document["day"],
            "amount": document["total_amount"],
            "currency": document["currency"],
            "due": document["due_date"],
            "filename": document["filename"],
            "note": _note(odd[document["id"]]) if document["id"] in odd else "",
            "kind": odd[document["id"]]["kind"] if document["id"] in odd else "",
            "id": document["id"],
        }
        for document in documents
    ]
    for alert in alerts:
        if alert["kind"] in ("missing", "late"):
            between = window(alert["expected_from"], alert["expected_to"])
            rows.append(_empty(alert["kind"], alert["expected"], f"{alert['kind']}: {between}"))
    expected = rhythm.get("expected")
    if expected is not None and not any(row["day"] == expected for row in rows):
        rows.append(_empty("expected", expected, "expected"))
    return sorted(rows, key=lambda row: str(row["day"] or "9999"))


def _empty(state: str, day: date, note: str) -> dict[str, Any]:
    return {
        "state": state,
        "day": day,
        "amount": None,
        "currency": "",
        "due": None,
        "filename": "",
        "note": note,
        "kind": "",
        "id": None,
    }


def _note(alert: Row) -> str:
    if alert["kind"] == "amount":
        percent_more, usual = alert["data"].get("percent", ""), alert["data"].get("usual", "")
        return f"{show(percent_more)} % beside the usual {show(usual)}"
    return _ODD_NOTES[alert["kind"]]


def years(dated: Sequence[Row]) -> list[tuple[int, list[Row | None]]]:
    """The years in which something was or is to be, each with the gravest occasion of each month, or ``None``."""
    by_month: dict[tuple[int, int], Row] = {}
    for row in dated:
        place = row["day"].year, row["day"].month
        if place not in by_month or STATES.index(row["state"]) > STATES.index(by_month[place]["state"]):
            by_month[place] = row
    return [
        (year, [by_month.get((year, month)) for month in range(1, 13)])
        for year in sorted({year for year, _ in by_month})
    ]
