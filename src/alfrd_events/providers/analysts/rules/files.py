"""A collection of documents read as a whole: a table, totals, trend, gaps and what stands out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from statistics import median
from typing import Any

from alfrd_events.model import File, FileMember, FileSummary, JsonObject
from alfrd_events.providers.analysts.rules.summary import iso, money

BASE_COLUMNS = ("date", "entity", "document_type", "summary", "total_amount", "currency", "due_date")
STEADY = Decimal("0.03")
UNUSUAL = Decimal("1.5")
FEWEST_FOR_A_TREND = 3
MONTHS_APART = {"monthly": 1, "quarterly": 3, "semiannual": 6, "annual": 12}
CENT = Decimal("0.01")


def summarize_file(file: File) -> FileSummary:
    """Describe a file from its members' values; an empty one is described as empty."""
    members = sorted(
        file.members, key=lambda member: (member.document_date or date.max, member.filename, str(member.id))
    )
    rows = tuple(_row(member) for member in members)
    columns = _columns(rows)
    if not members:
        return FileSummary(
            summary=f"{file.title} holds no documents yet.", columns=columns, rows=(), statistics={"count": 0}
        )
    statistics = _statistics(file, members)
    insights = tuple(_insights(members, statistics))
    return FileSummary(
        summary=_prose(file, members, statistics, insights),
        columns=columns,
        rows=rows,
        statistics=statistics,
        insights=insights,
    )


def _row(member: FileMember) -> JsonObject:
    row: JsonObject = {
        "document_id": str(member.id),
        "date": iso(member.document_date),
        "entity": member.entity or None,
        "document_type": member.document_type or None,
        "summary": member.summary or None,
        "total_amount": str(member.total_amount) if member.total_amount is not None else None,
        "currency": member.currency or None,
        "due_date": iso(member.due_date),
    }
    for name, value in member.series_data.items():
        if name not in row and not isinstance(value, list | dict):
            row[name] = value
    return row


def _columns(rows: Sequence[JsonObject]) -> tuple[str, ...]:
    """Base columns, then the series' own in the order in which they appear; none that is empty throughout."""
    names = dict.fromkeys(BASE_COLUMNS)
    for row in rows:
        names.update(dict.fromkeys(name for name in row if name != "document_id"))
    filled = [name for name in names if any(row.get(name) is not None for row in rows)]
    return tuple(filled) if rows else BASE_COLUMNS


def _statistics(file: File, members: Sequence[FileMember]) -> JsonObject:
    dated = [member.document_date for member in members if member.document_date]
    statistics: JsonObject = {
        "count": len(members),
        "first_date": iso(min(dated)) if dated else None,
        "last_date": iso(max(dated)) if dated else None,
    }
    amounts = _by_currency(members)
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


def _by_currency(members: Sequence[FileMember]) -> dict[str, list[Decimal]]:
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
    for earlier, later in zip(months, months[1:], strict=False):
        expected = earlier + step
        while later - expected >= step or (step == 1 and expected < later):
            missing.append(f"{expected // 12}-{expected % 12 + 1:02d}")
            expected += step
    return missing


def _duplicates(members: Sequence[FileMember]) -> list[list[str]]:
    """Ids of members with the same company, date and amount: probably one paper filed twice."""
    same: dict[tuple[Any, ...], list[str]] = {}
    for member in members:
        if member.document_date and member.total_amount is not None:
            number = member.series_data.get("invoice_number") or member.series_data.get("receipt_number")
            key = (
                member.series_id or member.entity.casefold(),
                member.document_date,
                member.total_amount,
                number,
            )
            same.setdefault(key, []).append(str(member.id))
    return [ids for ids in same.values() if len(ids) > 1]


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
    return number if number.is_finite() else None


def _insights(members: Sequence[FileMember], statistics: JsonObject) -> list[str]:
    found = []
    for currency, amounts in _by_currency(members).items():
        if len(amounts) < 4:
            continue
        usual = Decimal(median(amounts))
        for member in members:
            if (
                member.currency == currency
                and member.total_amount is not None
                and usual > 0
                and member.total_amount > UNUSUAL * usual
            ):
                day = f" of {member.document_date.isoformat()}" if member.document_date else ""
                found.append(
                    f"{money(member.total_amount, currency)}{day} is unusually high: the middle one is {money(usual, currency)}."
                )
    trend = statistics.get("trend")
    if trend and trend["direction"] != "steady":
        slope = Decimal(trend["slope_per_month"])
        found.append(
            f"Amounts are {trend['direction']} by about {money(abs(slope), trend['currency'])} a month."
        )
    if statistics["gaps"]:
        found.append(f"Nothing for {_listing(statistics['gaps'])}.")
    for ids in statistics.get("duplicates", []):
        found.append(f"{len(ids)} documents have the same company, date and amount; one may be a duplicate.")
    undated = sum(member.document_date is None for member in members)
    if undated:
        found.append(f"{undated} of {len(members)} documents have no date.")
    return found[:12]


def _prose(file: File, members: Sequence[FileMember], statistics: JsonObject, insights: Sequence[str]) -> str:
    count = statistics["count"]
    sentences = [f"{file.title} holds {count} document{'s' if count != 1 else ''}{_span(statistics)}."]
    companies = Counter(member.entity for member in members if member.entity)
    if len(companies) > 1:
        sentences.append(
            f"They come from {len(companies)} companies, most from {companies.most_common(1)[0][0]}."
        )
    for currency, total in statistics["total"].items():
        average = Decimal(statistics["average"][currency])
        low, high = (Decimal(statistics[name][currency]) for name in ("minimum", "maximum"))
        if low == high:
            each = " each" if count > 1 else ""
            sentences.append(
                f"The amount is {money(high, currency)}{each}"
                + (f", {money(Decimal(total), currency)} in all." if each else ".")
            )
        else:
            sentences.append(
                f"Together {money(Decimal(total), currency)}, on average {money(average, currency)} (from {money(low, currency)} to {money(high, currency)})."
            )
    trend = statistics.get("trend")
    if trend:
        change = Decimal(trend["last_against_mean_percent"])
        if abs(change) >= 5:
            sentences.append(
                f"The latest amount is {abs(change)} % {'above' if change > 0 else 'below'} the average of those before it."
            )
        elif trend["direction"] == "steady":
            sentences.append("Amounts are steady.")
    return " ".join([*sentences, *insights[:4]])


def _span(statistics: JsonObject) -> str:
    first, last = statistics["first_date"], statistics["last_date"]
    if not first:
        return ""
    return f" of {first}" if first == last else f" from {first} to {last}"


def _listing(names: Sequence[str]) -> str:
    shown = list(names[:6])
    rest = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(shown) + rest
