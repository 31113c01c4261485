"""A collection of documents read as a whole: a table, figures, what stands out, and prose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from statistics import median

from alfrd_events.analysis.text.figures import amounts_by_currency, figures_of
from alfrd_events.analysis.text.written import iso, money
from alfrd_events.model import File, FileMember, FileSummary, JsonObject

BASE_COLUMNS = ("date", "entity", "document_type", "summary", "total_amount", "currency", "due_date")
UNUSUAL = Decimal("1.5")
"""How many times the middle amount is unusually high."""
FEWEST_FOR_UNUSUAL = 4
MOST_INSIGHTS = 12


def summarize_file(file: File) -> FileSummary:
    """Describe a file from its members' values; an empty one is described as empty."""
    members = sorted(
        file.members, key=lambda member: (member.document_date or date.max, member.filename, member.id)
    )
    rows = tuple(_row(member) for member in members)
    columns = _columns(rows)
    if not members:
        return FileSummary(
            summary=f"{file.title} holds no documents yet.", columns=columns, rows=(), statistics={"count": 0}
        )
    statistics = figures_of(file, members)
    insights = tuple(_insights(members, statistics))[:MOST_INSIGHTS]
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


def _insights(members: Sequence[FileMember], statistics: JsonObject) -> Iterator[str]:
    yield from _unusual_amounts(members)
    trend = statistics.get("trend")
    if trend and trend["direction"] != "steady":
        slope = abs(Decimal(trend["slope_per_month"]))
        yield f"Amounts are {trend['direction']} by about {money(slope, trend['currency'])} a month."
    if statistics["gaps"]:
        yield f"Nothing for {_listing(statistics['gaps'])}."
    for ids in statistics.get("duplicates", []):
        yield f"{len(ids)} documents have the same company, date and amount; one may be a duplicate."
    undated = sum(member.document_date is None for member in members)
    if undated:
        yield f"{undated} of {len(members)} documents have no date."


def _unusual_amounts(members: Sequence[FileMember]) -> Iterator[str]:
    for currency, amounts in amounts_by_currency(members).items():
        usual = Decimal(median(amounts))
        if len(amounts) < FEWEST_FOR_UNUSUAL or usual <= 0:
            continue
        for member in members:
            amount = member.total_amount
            if member.currency == currency and amount is not None and amount > UNUSUAL * usual:
                day = f" of {member.document_date.isoformat()}" if member.document_date else ""
                yield (
                    f"{money(amount, currency)}{day} is unusually high: "
                    f"the middle amount is {money(usual, currency)}."
                )


def _prose(file: File, members: Sequence[FileMember], statistics: JsonObject, insights: Sequence[str]) -> str:
    count = statistics["count"]
    sentences = [f"{file.title} holds {count} document{'s' if count != 1 else ''}{_span(statistics)}."]
    companies = Counter(member.entity for member in members if member.entity)
    if len(companies) > 1:
        most = companies.most_common(1)[0][0]
        sentences.append(f"They come from {len(companies)} companies, most from {most}.")
    sentences += [_amounts(currency, statistics) for currency in statistics["total"]]
    sentences += _latest(statistics)
    return " ".join([*sentences, *insights[:4]])


def _amounts(currency: str, statistics: JsonObject) -> str:
    total, average, low, high = (
        Decimal(statistics[name][currency]) for name in ("total", "average", "minimum", "maximum")
    )
    if low != high:
        return (
            f"Together {money(total, currency)}, on average {money(average, currency)} "
            f"(from {money(low, currency)} to {money(high, currency)})."
        )
    if total == high:
        return f"The amount is {money(high, currency)}."
    return f"The amount is {money(high, currency)} each, {money(total, currency)} in all."


def _latest(statistics: JsonObject) -> list[str]:
    trend = statistics.get("trend")
    if not trend:
        return []
    change = Decimal(trend["last_against_mean_percent"])
    if abs(change) >= 5:
        where = "above" if change > 0 else "below"
        return [f"The latest amount is {abs(change)} % {where} the average of those before it."]
    return ["Amounts are steady."] if trend["direction"] == "steady" else []


def _span(statistics: JsonObject) -> str:
    first, last = statistics["first_date"], statistics["last_date"]
    if not first:
        return ""
    return f" of {first}" if first == last else f" from {first} to {last}"


def _listing(names: Sequence[str]) -> str:
    shown = list(names[:6])
    rest = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(shown) + rest
