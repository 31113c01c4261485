"""A value in the form that its column in SQL takes."""

from __future__ import annotations

import re
from typing import Any, Literal

from alfrd_events.analysis.text.amounts import find_amounts
from alfrd_events.analysis.text.dates import find_dates

_PLAIN = re.compile(r"[-+]?\d+(\.\d+)?")
_ISO = re.compile(r"\d{4}-\d\d-\d\d")


def typed(value: Any, type: Literal["numeric", "date", "text"]) -> Any:
    """``1,234.50 kWh`` as ``1234.50``, ``3 May 2024`` as ``2024-05-03``; what is no such value stays as it is.

    A text of two numbers, or a date that may be of two days, is not decided here.
    """
    if not isinstance(value, str) or type == "text":
        return value
    if type == "numeric":
        amounts = [] if _PLAIN.fullmatch(value) else list(find_amounts(value))
        return str(amounts[0].value) if len(amounts) == 1 else value
    dates = [] if _ISO.fullmatch(value) else find_dates(value)
    return dates[0].value.isoformat() if len(dates) == 1 and not dates[0].ambiguous else value
