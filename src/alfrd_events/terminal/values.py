"""How values are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from alfrd_events.escape import visible

_DIGITS_SHOWN = 15
"""Amounts with more digits before the point are written as powers of ten."""
STATUS_STYLES: Mapping[str, str] = {
    "completed": "green",
    "generated": "green",
    "failed": "bold red",
    "dead": "bold red",
    "cancelled": "dim",
    "pending": "yellow",
    "outdated": "yellow",
}


def show(value: Any) -> str:
    """A value in a cell; nothing for what is absent."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return local(value, "%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, list | tuple):
        return " ".join(show(item) for item in value)
    return visible(str(value))


def local(moment: Any, form: str) -> str:
    """A moment in the time zone of this machine; as it is where Python has no moment for it, such as ``infinity``.

    :param form: as ``strftime`` takes it.
    """
    try:
        return str(moment.astimezone().strftime(form))
    except (AttributeError, OverflowError, ValueError):
        return visible(str(moment))


def money(amount: Any, currency: str = "") -> str:
    """``1,850.00 USD``; empty where there is no amount."""
    if amount is None or amount == "":
        return ""
    try:
        number = Decimal(str(amount))
    except InvalidOperation:
        return show(amount)
    digits = (
        f"{number:,.2f}" if not number.is_finite() or number.adjusted() < _DIGITS_SHOWN else f"{number:.6E}"
    )
    return f"{digits} {visible(currency)}".rstrip()


def usd(amount: Any) -> str:
    """What calls cost: ``0.000180 USD`` below a cent, ``1.27 USD`` above a dollar, four places between."""
    number = Decimal(str(amount))
    if not number.is_finite():
        return f"{number} USD"
    places = 6 if 0 < number < Decimal("0.01") else 4 if number < 1 else 2
    return f"{number:,.{places}f} USD"


def percent(ratio: Any) -> str:
    """``93 %``."""
    return "" if ratio is None else f"{float(ratio) * 100:.0f} %"


def ago(seconds: Any) -> str:
    """A duration in two figures at most: ``4.2 s``, ``12 min``, ``3 h``."""
    if seconds is None:
        return ""
    value = max(float(seconds), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:.0f} {unit}"
    return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def many(number: int, noun: str) -> str:
    """``1 document``, ``3 documents``."""
    plural = "series" if noun == "series" else noun[:-1] + "ies" if noun.endswith("ry") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def short(id: Any) -> str:
    """The first eight characters of an id: enough to name it."""
    return str(id)[:8]


def without_title(summary: str, title: str) -> str:
    """A summary that does not begin by saying its title again."""
    says = summary.removeprefix(title).strip()
    return says[:1].upper() + says[1:]


def status_style(row: Mapping[str, Any]) -> str:
    """The colour of a row's status."""
    return STATUS_STYLES.get(str(row.get("status", row.get("kind", ""))), "cyan")


def sureness_style(confidence: Any) -> str:
    """The colour of how sure a value is; none where nothing is known of it."""
    if confidence is None:
        return ""
    return "green" if confidence >= 0.9 else "yellow" if confidence >= 0.5 else "red"


def label(name: Any) -> str:
    """``account_number`` as ``account number``; nothing for what has no name."""
    return show(name).replace("_", " ")
