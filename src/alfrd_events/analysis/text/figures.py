"""The figures of a collection: sums per currency, trend, gaps, duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from alfrd_events.analysis.text.written import iso
from alfrd_events.model import File, FileMember, JsonObject

STEADY = Decimal("0.03")
"""A slope below this share of the mean per month is no trend."""
FEWEST_FOR_A_TREND = 3
MONTHS_APART = {"monthly": 1, "quarterly": 3, "semiannual": 6, "annual": 12}
CENT = Decimal("0.01")
LARGEST = Decimal(10) ** 15
"""What is as large is no figure of a document, and no mean of it can be rounded to cents."""


def figures_of(file: File, members: Sequence[FileMember]) -> JsonObject:
    """All statistics of a file that has members; amounts are strings of decimals."""
    dated = [member.document_date for member in members if member.document_date]
    statistics: JsonObject = {
        "count": len(members),
        "first_date": iso(min(dated)) if dated else None,
        "last_date": iso(max(dated)) if dated else None,
    }
    amounts = amounts_by_currency(members)
    for name, figure in (("total", _sum), ("average", _mean), ("minimum", min), ("maximum", max)):
        statistics[name] = {currency: str(figure(values)) for currency, values in amounts.items()}
    trend = _trend(members)
    if trend:
        statistics["trend"] = trend
    gaps = _gaps(file.frequency, dated)
    statistics["gaps"] = gaps
    duplicates = _duplicates(members)
    if duplicates:
        statistics["duplicates"] = duplicates
    statistics["by_type"] = dict(Counter(member.document_type or "other" for member in members))
    averages = _series_averages(members)
    if averages:
        statistics["field_averages"] = averages
    return statistics


def amounts_by_currency(members: Sequence[FileMember]) -> dict[str, list[Decimal]]:
    amounts: dict[str, list[Decimal]] = {}
    for member in members:
        if member.total_amount is not None:
            amounts.setdefault(member.currency, []).append(member.total_amount)
    return amounts


def _sum(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0))


def _mean(values: Sequence[Decimal]) -> Decimal:
    return (_sum(values) / len(values)).quantize(CENT, ROUND_HALF_UP)


def _trend(members: Sequence[FileMember]) -> JsonObject | None:
    """The last amount against the mean of those before it, and the slope over time, in one currency."""
    currency = Counter(member.currency for member in members if member.total_amount is not None).most_common(
        1
    )
    if not currency:
        return None
    points = [
        (member.document_date, member.total_amount)
        for member in members
        if member.document_date and member.total_amount is not None and member.currency == currency[0][0]
    ]
    if len(points) < FEWEST_FOR_A_TREND:
        return None
    amounts = [amount for _, amount in points]
    before = _mean(amounts[:-1])
    change = ((amounts[-1] - before) / before * 100).quantize(Decimal("0.1")) if before else Decimal(0)
    slope = _slope_per_month(points)
    mean = _mean(amounts)
    relative = slope / mean if mean else Decimal(0)
    direction = "steady" if abs(relative) < STEADY else ("rising" if relative > 0 else "falling")
    return {
        "direction": direction,
        "last_against_mean_percent": str(change),
        "slope_per_month": str(slope.quantize(CENT, ROUND_HALF_UP)),
        "currency": currency[0][0],
    }


def _slope_per_month(points: Sequence[tuple[date, Decimal]]) -> Decimal:
    """Least squares over days, scaled to a month of 30.44 days."""
    days = [Decimal((day - points[0][0]).days) for day, _ in points]
    mean_day = _sum(days) / len(days)
    mean_amount = _sum([amount for _, amount in points]) / len(points)
    spread = _sum([(day - mean_day) ** 2 for day in days])
    if not spread:
        return Decimal(0)
    shared = _sum(
        [(day - mean_day) * (amount - mean_amount) for day, (_, amount) in zip(days, points, strict=True)]
    )
    return shared / spread * Decimal("30.44")


def _gaps(frequency: str, dated: Sequence[date]) -> list[str]:
    """Months (``2024-03``) in which a regular series should have had a document and has none."""
    step = MONTHS_APART.get(frequency)
    if step is None or len(dated) < 2:
        return []
    months = sorted({day.year * 12 + day.month - 1 for day in dated})
    missing = []
    for earlier, later in pairwise(months):
        expected = earlier + step
        while later - expected >= step or (step == 1 and expected < later):
            missing.append(f"{expected // 12}-{expected % 12 + 1:02d}")
            expected += step
    return missing


def _duplicates(members: Sequence[FileMember]) -> list[list[str]]:
    """Ids of members with the same company, date and amount: probably one paper filed twice."""
    same: dict[tuple[Any, ...], list[FileMember]] = {}
    for member in members:
        if member.document_date and member.total_amount is not None:
            number = member.series_data.get("invoice_number") or member.series_data.get("receipt_number")
            key = (
                member.series_id or member.entity.casefold(),
                member.document_date,
                member.total_amount,
                number,
            )
            same.setdefault(key, []).append(member)
    return [[str(member.id) for member in alike] for alike in same.values() if len(alike) > 1]


def _series_averages(members: Sequence[FileMember]) -> dict[str, str]:
    """Averages of the numeric fields that at least two members share."""
    columns: dict[str, list[Decimal]] = {}
    for member in members:
        for name, value in member.series_data.items():
            number = _number(name, value)
            if number is not None:
                columns.setdefault(name, []).append(number)
    return {name: str(_mean(values)) for name, values in columns.items() if len(values) >= 2}


def _number(name: str, value: Any) -> Decimal | None:
    if (
        name.endswith(("_number", "_id", "date", "_plate"))
        or name in {"vin", "total_amount"}
        or isinstance(value, bool)
    ):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < LARGEST else None
