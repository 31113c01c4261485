"""``show``: one document, or one file, in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from alfrd_events.escape import visible
from alfrd_events.terminal import tables
from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.output import Output
from alfrd_events.terminal.values import label, many, money, percent, show, status_style, usd

_FILE_COLUMNS = {"currency": 1, "due_date": 2, "document_type": 9}
"""What a file's table leaves out on a narrow terminal: the highest first, others in between."""
_VALUE_COLUMNS = (
    "entity",
    "currency",
    "document_date",
    "due_date",
    "total_amount",
    "period_start",
    "period_end",
)
_ITEM_COLUMNS = ("description", "quantity", "unit_price", "amount")


def print_document(output: Output, document: Mapping[str, Any]) -> None:
    """What it is and why, its values, where it belongs, how good it is, and what happened to it."""
    _title(output, document["filename"] or str(document["id"]), document)
    if document["error"]:
        output.line(document["error"], style="red")
    if document["summary"]:
        output.paragraph(document["summary"], style="bold", indent=0)
    if document["needs_review"]:
        output.line(f"To review: {document['review_reason']}", style="yellow")
    _facts(output, _identity(document))
    values = _values(document)
    if values:
        output.heading("Values")
        output.table(values, tables.VALUES)
    _items(output, document["structured_data"].get("line_items"))
    _series(output, document, {row["shown"] for row in values})
    _scores(output, document["scores"])
    for title, rows, columns in (
        ("Pages", document["pages"], tables.PAGES),
        ("Parts", document["parts"] if len(document["parts"]) > 1 else [], tables.PARTS),
        ("Open work", document["tasks"], tables.TASKS),
        ("History", document["events"], tables.EVENTS),
    ):
        if rows:
            output.heading(title)
            output.table(rows, columns)
    for page in document["pages"]:
        if "text" in page:
            output.heading(f"Text of page {page['number']}")
            output.lines(page["text"])


def print_file(output: Output, file: Mapping[str, Any]) -> None:
    """Its summary, its table, and what happened to it."""
    _title(output, file["title"] or show(file["tags"]), file)
    if file["error"]:
        output.line(file["error"], style="red")
    if file["summary"]:
        output.paragraph(file["summary"], indent=0)
    for insight in map(show, file["insights"]):
        if insight and insight not in file["summary"]:
            output.line(f"· {insight}", style="cyan")
    current = "current" if file["revision"] == file["generated_revision"] else "being made again"
    _facts(
        output,
        {
            "id": str(file["id"]),
            "tags": show(file["tags"]),
            "summary": f"{current}, revision {file['generated_revision']} of {file['revision']}",
        },
    )
    rows = [row for row in file["rows"] if isinstance(row, dict)]
    names = [name for name in file["columns"] if isinstance(name, str) and name not in ("summary", "entity")]
    if rows and names:
        output.heading("Documents")
        output.table(rows, [_named(name) for name in names])
    if file["events"]:
        output.heading("History")
        output.table(file["events"], tables.EVENTS)


def _named(name: str) -> Column:
    dropped = 0 if name in ("date", "total_amount") else _FILE_COLUMNS.get(name, 5)
    return Column(label(name), lambda row: row.get(name), right="amount" in name, shrink=True, drop=dropped)


def _title(output: Output, name: str, row: Mapping[str, Any]) -> None:
    if output.fancy:
        title = Text.assemble((visible(name), "bold"), "  ", (visible(str(row["status"])), status_style(row)))
        output.console.print(Rule(title, align="left", style="dim"))
    else:
        output.line(f"{name}  {row['status']}")


def _identity(document: Mapping[str, Any]) -> dict[str, str]:
    sure = percent(document["classification_confidence"])
    why = document["classification_reasoning"]
    facts = {"id": str(document["id"])}
    if document["document_type"]:
        facts["type"] = f"{document['document_type']}  ({sure} sure{': ' + why if why else ''})"
    if document["tags"]:
        facts["tags"] = "  ".join(
            tag["tag"] if tag["source"] == "analyst" else f"{tag['tag']} ({tag['source']})"
            for tag in document["tags"]
        )
    if document["uri"]:
        facts["uri"] = document["uri"]
    if document["corrected"]:
        facts["corrected by a person"] = ", ".join(label(name) for name in document["corrected"])
    facts["came in"] = show(document["created_at"])
    if (paid := document["usage"])["calls"]:
        facts["cost"] = f"{usd(paid['usd'])} in {many(paid['calls'], 'call')}"
        if paid["cached"]:
            facts["cost"] += f", {paid['cached']} of them answered from the cache"
        if paid["unpriced"]:
            facts["cost"] += f", {paid['unpriced']} of them without a price"
    for name, value in document["metadata"].items():
        facts[label(name)] = show(value)
    return facts


def _values(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The values outside of lists, each with how sure it is, where it was read, and what else it could be."""
    period = [show(document[name]) for name in ("period_start", "period_end") if document[name]]
    shown = {
        "entity": ("entity", document["entity"]),
        "document_date": ("date", show(document["document_date"])),
        "due_date": ("due", show(document["due_date"])),
        "total_amount": ("total", money(document["total_amount"], document["currency"])),
        "account_number": ("account number", document["account_number"]),
        "period_start": ("period", " to ".join(period)),
    }
    for name, value in document["structured_data"].items():
        if not isinstance(value, list | dict):
            shown[name] = (label(name), show(value))
    known = {each["field"]: each for each in document["values"]}
    nothing: dict[str, Any] = {"confidence": None, "page": None, "text": "", "corrected": False, "source": ""}
    rows = []
    for field, (name, text) in shown.items():
        if text:
            value = known.get(field, nothing)
            others = " · ".join(map(show, value.get("alternatives") or ()))
            rows.append({**value, "name": name, "shown": text, "alternatives": others})
    return rows


def _items(output: Output, items: Any) -> None:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items) or not items:
        return
    names = [name for name in _ITEM_COLUMNS if any(item.get(name) is not None for item in items)]
    output.heading("Line items")
    output.table(
        items,
        [
            Column(
                label(name),
                lambda row, name=name: row.get(name),  # type: ignore[misc]
                right=name != "description",
                shrink=name == "description",
            )
            for name in names
        ],
    )


def _series(output: Output, document: Mapping[str, Any], told: set[str]) -> None:
    """Where it belongs; of what the series notes only what is not among the values already."""
    series = document["series"]
    if not series:
        return
    output.heading("Series")
    facts = {"title": series["title"] or series["slug"], "slug": series["slug"], "every": series["frequency"]}
    known = {*told, *(show(document[name]) for name in _VALUE_COLUMNS)}
    for name, value in document["series_data"].items():
        if not isinstance(value, list | dict) and show(value) not in known:
            facts[label(name)] = show(value)
    _facts(output, facts)


def _scores(output: Output, scores: Sequence[Mapping[str, Any]]) -> None:
    if not scores:
        return
    output.heading("Scores")
    for score in scores:
        checks = [check for check in score["checks"] if isinstance(check, dict)]
        failed = [check for check in checks if check.get("passed") is not True]
        style = "green" if score["score"] >= 0.8 else "yellow" if score["score"] >= 0.5 else "red"
        output.line(
            f"{percent(score['score']):>5}  {label(score['step'].removeprefix('score_'))}: "
            f"{len(checks) - len(failed)} of {len(checks)} checks passed, by {score['made_by']}",
            style=style,
        )
        for check in failed:
            output.line(f"       ✗ {label(check.get('name'))}: {show(check.get('detail'))}", style="red")


def _facts(output: Output, facts: Mapping[str, str]) -> None:
    """Names and values, the names in a column of their own."""
    facts = {name: value for name, value in facts.items() if value}
    if output.fancy:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column()
        for name, value in facts.items():
            grid.add_row(Text(visible(name)), Text(visible(value)))
        output.console.print(Padding(grid, (0, 0, 0, 1)))
    else:
        width = max((len(name) for name in facts), default=0)
        for name, value in facts.items():
            output.line(f"{name:<{width}}  {value}")
