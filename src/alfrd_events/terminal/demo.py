"""The report of ``demo``: what came out of the samples, and where to look next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.text import Text

from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.output import Output
from alfrd_events.terminal.values import ago, many, money, short, status_style

Row = Mapping[str, Any]

_MARKS = {"completed": "✓", "failed": "✗"}
_DOCUMENTS = (
    Column("", lambda row: _MARKS.get(row["status"], "…"), style=status_style),
    Column("document", lambda row: row["filename"], shrink=True, least=20, middle=True),
    Column("type", lambda row: row["document_type"], style="cyan"),
    Column("entity", lambda row: row["entity"], shrink=True),
    Column("date", lambda row: row["document_date"]),
    Column("amount", lambda row: money(row["total_amount"], row["currency"]), right=True, style="bold"),
    Column("series", lambda row: row["place"], shrink=True, style="dim", drop=1),
)
_EVERY = {
    "weekly": "week",
    "biweekly": "2 weeks",
    "monthly": "month",
    "quarterly": "quarter",
    "semiannual": "half-year",
    "annual": "year",
    "irregular": "now and then",
}
_SERIES = (
    Column("series", lambda row: row["title"] or row["slug"], shrink=True, style="cyan"),
    Column("every", lambda row: _EVERY.get(row["frequency"], row["frequency"])),
    Column("months", lambda row: _months(row["documents"]), shrink=True),
    Column("documents", lambda row: row["document_count"], right=True, drop=1),
    Column("total", lambda row: money(row["total_amount"], row["currency"]), right=True, style="bold"),
)
_COMMANDS = (
    ("alfrd-events show {id}", "everything about one document"),
    ("alfrd-events explain {id}", "why it is where it is, and what woke the work"),
    ("alfrd-events search rent", "find words on any page"),
    ("alfrd-events series", "what recurs"),
    ("alfrd-events add ~/scans --wait", "your own (beside a worker: alfrd-events run)"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """How the run went."""

    new: int
    """Documents submitted now."""
    processed: int
    """Documents that were open when the work began."""
    seconds: float


def print_report(
    output: Output, documents: Sequence[Row], series: Sequence[Row], files: Sequence[Row], run: Run
) -> None:
    """Documents, series, files, what failed, how fast, what now."""
    good = [row for row in documents if row["status"] != "failed"]
    failed = [row for row in documents if row["status"] == "failed"]
    output.heading(f"{many(len(documents), 'document')}: {len(good)} filed, {len(failed)} refused")
    sizes = {row["slug"]: row["document_count"] for row in series}
    output.table([{**row, "place": _place(row, sizes)} for row in documents], _DOCUMENTS)
    recurring = [row for row in series if row["document_count"] > 1]
    if recurring:
        output.heading(f"{many(len(recurring), 'series')} found among them")
        output.table(recurring, _SERIES)
    if files:
        output.heading("What the files say")
        for file in files:
            if file["member_count"] > 1:
                _file(output, file)
    for row in failed:
        output.heading("Refused, with a reason")
        name = row["filename"]
        output.line(f"✗ {name}: {row['error'].removeprefix(f'{name}: ')}", style="red")
    output.line()
    output.line(_speed(documents, run), style="bold")
    _next(output, good)


def _place(document: Row, sizes: Mapping[str, int]) -> str:
    """``rent ×3``: what recurs, and how many share it."""
    size = sizes.get(document["series"], 0)
    return f"{document['series_kind']} ×{size}" if size > 1 else document["series_kind"] or ""


def _months(documents: Sequence[Row]) -> str:
    """``Jan, Feb, Mar 2024``: the months of a series, a year where it changes."""
    dates = [date.fromisoformat(row["date"]) for row in documents if row["date"]]
    months = list(dict.fromkeys((day.year, day.month) for day in sorted(dates)))
    words = []
    for place, (year, month) in enumerate(months):
        last_of_year = place + 1 == len(months) or months[place + 1][0] != year
        words.append(date(year, month, 1).strftime("%b %Y" if last_of_year else "%b"))
    return ", ".join(words)


def _file(output: Output, file: Row) -> None:
    """Its title, its summary without the title said again, and what is not said in the summary."""
    title = file["title"] or " ".join(file["tags"])
    says = file["summary"].removeprefix(title).strip()
    output.line(f"{title}  ({file['status']})" if file["status"] != "generated" else title, style="cyan")
    output.paragraph(says[:1].upper() + says[1:])
    for insight in file["insights"]:
        if insight not in file["summary"]:
            output.paragraph(f"· {insight}", style="dim")


def _speed(documents: Sequence[Row], run: Run) -> str:
    if not run.processed:
        return f"Nothing new: all {len(documents)} documents were known already."
    pages = sum(row["page_count"] for row in documents)
    rate = run.processed / run.seconds * 60
    return (
        f"{many(run.processed, 'document')} of {many(pages, 'page')} in {ago(run.seconds)}: "
        f"{rate:.0f} documents per minute, on this machine, without a network."
        if run.processed == len(documents)
        else f"{many(run.processed, 'document')} in {ago(run.seconds)}: {rate:.0f} documents per minute."
    )


def _next(output: Output, documents: Sequence[Row]) -> None:
    some = short(documents[0]["id"]) if documents else "ID"
    output.heading("Where to look next")
    commands = [(command.format(id=some), what) for command, what in _COMMANDS]
    width = max(len(command) for command, _ in commands)
    for command, what in commands:
        if output.fancy:
            line = Text("  ")
            line.append(f"{command:<{width}}", style="green")
            line.append(f"  {what}", style="dim")
            output.console.print(line)
        else:
            output.line(f"  {command:<{width}}  {what}")
