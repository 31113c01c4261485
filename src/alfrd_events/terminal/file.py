"""A file as people see it: what it holds, what that comes to, and what changed since its summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.output import Output
from alfrd_events.terminal.values import label, many, money, short, show, status_style

Row = Mapping[str, Any]

_COMPARED = {
    "date": "document_date",
    "entity": "entity",
    "document_type": "document_type",
    "total_amount": "total_amount",
    "currency": "currency",
}
"""Columns of the summary's table, and of the documents."""
_CHANGES_SHOWN = 20

TAGS = (
    Column("tag", lambda row: row["tag"], shrink=True, least=24),
    Column("documents", lambda row: row["documents"], right=True),
    Column("files", lambda row: row["files"] or "", right=True),
    Column("given by", lambda row: ", ".join(row["sources"]), style="dim", drop=1),
)

_DOCUMENTS = (
    Column("date", lambda row: row["document_date"]),
    Column("who", lambda row: row["entity"], shrink=True, least=16),
    Column("what", lambda row: label(row["document_type"]), drop=1),
    Column("amount", lambda row: money(row["total_amount"], row["currency"]), right=True),
    Column("document", lambda row: row["filename"], shrink=True, least=20, middle=True),
    Column("id", lambda row: short(row["id"]), style="dim", drop=2),
)

_TOTALS = (
    Column("what", lambda row: label(row["document_type"]) or "other"),
    Column("documents", lambda row: row["documents"], right=True),
    Column("total", lambda row: money(row["total"], row["currency"]), right=True),
    Column("without an amount", lambda row: row["without"] or "", right=True, drop=1),
)


def totals(members: Sequence[Row]) -> list[dict[str, Any]]:
    """What documents come to, by type and currency; exact."""
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for member in members:
        amount = member["total_amount"]
        key = member["document_type"], member["currency"] if amount is not None else ""
        total = sums.setdefault(
            key, {"document_type": key[0], "currency": key[1], "documents": 0, "total": None, "without": 0}
        )
        total["documents"] += 1
        if amount is None:
            total["without"] += 1
        else:
            total["total"] = (total["total"] or Decimal(0)) + amount
    return [sums[key] for key in sorted(sums)]


def changes(rows: Sequence[Any], members: Sequence[Row]) -> list[dict[str, Any]]:
    """What came, went and changed since a summary was made of these rows.

    Each has ``change`` (``came``, ``went`` or ``changed``), ``id``, ``name``, and ``fields``: name, before and after.
    """
    before = {
        row["document_id"]: row
        for row in rows
        if isinstance(row, dict) and isinstance(row.get("document_id"), str)
    }
    now = {str(member["id"]): member for member in members}
    found: list[dict[str, Any]] = []
    for id, member in now.items():
        if id not in before:
            found.append({"change": "came", "id": id, "name": member["filename"], "fields": []})
            continue
        fields = [
            {"field": name, "before": show(before[id][name]), "after": show(member[column])}
            for name, column in _COMPARED.items()
            if name in before[id] and show(before[id][name]) != show(member[column])
        ]
        if fields:
            found.append({"change": "changed", "id": id, "name": member["filename"], "fields": fields})
    for id, row in before.items():
        if id not in now:
            name = " ".join(filter(None, [show(row.get("date")), show(row.get("entity"))]))
            found.append({"change": "went", "id": id, "name": name, "fields": []})
    return found


def print_collection(output: Output, file: Row) -> None:
    """Its summary, its documents, what they come to, and what the summary does not know yet."""
    output.line(
        f"{file['title'] or show(file['tags'])}  {file['status']}", style="bold " + status_style(file)
    )
    output.line(f"documents that carry {', '.join(file['tags'])}", style="dim")
    if file["error"]:
        output.line(file["error"], style="red")
    if file["summary"]:
        output.paragraph(file["summary"], indent=0)
    for insight in map(show, file["insights"]):
        if insight and insight not in file["summary"]:
            output.line(f"· {insight}", style="cyan")
    output.line()
    output.table(file["documents"], _DOCUMENTS, empty="no completed document carries all of its tags")
    if len(file["documents"]) > 1:
        output.heading("Totals")
        output.table(file["totals"], _TOTALS)
    if file["generated_at"] is not None and file["changes"]:
        output.heading(f"Since the summary of {show(file['generated_at'])}")
        for change in file["changes"][:_CHANGES_SHOWN]:
            output.line(_in_words(change))
        if len(file["changes"]) > _CHANGES_SHOWN:
            output.line(f"and {many(len(file['changes']) - _CHANGES_SHOWN, 'more change')}")


def _in_words(change: Row) -> str:
    fields = "; ".join(
        f"{label(each['field'])} {each['before'] or 'nothing'} → {each['after'] or 'nothing'}"
        for each in change["fields"]
    )
    return f"{change['change']:<8} {change['name'] or short(change['id'])}{': ' + fields if fields else ''}"
