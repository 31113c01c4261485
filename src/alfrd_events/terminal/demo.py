"""The report of ``demo``: what came out of the samples, and where to look next."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.text import Text

from alfrd_events.terminal.bills import paid_line
from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.output import Output
from alfrd_events.terminal.values import ago, many, money, short, show, status_style, without_title

Row = Mapping[str, Any]

_ALERT_MARKS = {"missing": "✗", "late": "○"}
_MARKS = {"completed": "✓", "failed": "✗"}
_DOCUMENTS = (
    Column("", lambda row: _MARKS.get(row["status"], "…"), style=status_style),
    Column("document", lambda row: row["filename"], shrink=True, least=24, middle=True),
    Column("type", lambda row: row["document_type"], style="cyan", drop=2),
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
    ("{program} show {id}", "everything about one document"),
    ("{program} explain {id}", "why it is where it is, and what woke the work"),
    ("{program} search rent", "find words on any page"),
    ("{program} series", "what recurs"),
    ("{program} alerts", "what is missing, late or odd in it"),
    ("{program} bills", "what is to be paid, and what was"),
    ("{program} up --open", "all of it on a web page, with a worker and an inbox"),
    ("{program} add ~/scans --wait", "your own (beside a worker: {program} run)"),
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
    output: Output,
    documents: Sequence[Row],
    series: Sequence[Row],
    files: Sequence[Row],
    alerts: Sequence[Row],
    bills: Sequence[Row],
    run: Run,
) -> None:
    """Documents, series, files, what failed, what is missing or odd, what was paid, how fast, what now."""
    good = [row for row in documents if row["status"] == "completed"]
    failed = [row for row in documents if row["status"] == "failed"]
    other = len(documents) - len(good) - len(failed)
    rest = f", {other} not done" if other else ""
    output.heading(f"{many(len(documents), 'document')}: {len(good)} filed, {len(failed)} refused{rest}")
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
    if failed:
        output.heading("Refused, with a reason")
    for row in failed:
        name = row["filename"]
        output.line(f"✗ {name}: {row['error'].removeprefix(f'{name}: ')}", style="red")
    output.heading(_alerts(alerts))
    for alert in alerts:
        output.line(f"{_ALERT_MARKS.get(alert['kind'], '▲')} {alert['detail']}", style="yellow")
    paid = [bill for bill in bills if bill["statement"]]
    if paid:
        output.heading(f"{many(len(paid), 'bill')} paid, as statements show")
        for bill in sorted(paid, key=lambda bill: (bill["paid_on"], bill["filename"])):
            output.line(f"✓ {paid_line(bill)}", style="green")
    output.line()
    output.line(_speed(documents, run), style="bold")
    _next(output, good)


def _alerts(alerts: Sequence[Row]) -> str:
    if not alerts:
        return "Nothing is missing, late or odd"
    return f"{many(len(alerts), 'alert')}: what is missing, late or odd"


def _place(document: Row, sizes: Mapping[str, int]) -> str:
    """``rent ×3``: what recurs, and how many share it."""
    size = sizes.get(document["series"], 0)
    return f"{document['series_kind']} ×{size}" if size > 1 else document["series_kind"] or ""


def _months(documents: Sequence[Row]) -> str:
    """``Jan, Feb, Mar 2024``: the months of a series, a year where it changes."""
    dates = [day for row in documents if (day := _day(row["date"]))]
    months = list(dict.fromkeys((day.year, day.month) for day in sorted(dates)))
    words = []
    for place, (year, month) in enumerate(months):
        last_of_year = place + 1 == len(months) or months[place + 1][0] != year
        words.append(date(year, month, 1).strftime("%b %Y" if last_of_year else "%b"))
    return ", ".join(words)


def _day(text: str | None) -> date | None:
    """A date; nothing for one that Python has no date for, such as ``infinity``."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _file(output: Output, file: Row) -> None:
    """Its title, its summary without the title said again, and what is not said in the summary."""
    title = file["title"] or show(file["tags"])
    output.line(f"{title}  ({file['status']})" if file["status"] != "generated" else title, style="cyan")
    output.paragraph(without_title(file["summary"], title))
    for insight in map(show, file["insights"]):
        if insight and insight not in file["summary"]:
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
    some = short(_telling(documents)["id"]) if documents else "ID"
    program = program_name()
    output.heading("Where to look next")
    commands = [
        (command.format(id=some, program=program), what.format(program=program))
        for command, what in _COMMANDS
    ]
    width = max(len(command) for command, _ in commands)
    for command, what in commands:
        if output.fancy:
            line = Text("  ")
            line.append(f"{command:<{width}}", style="green")
            line.append(f"  {what}", style="dim")
            output.console.print(line)
        else:
            output.line(f"  {command:<{width}}  {what}")


def _telling(documents: Sequence[Row]) -> Row:
    """One of which there is most to see: a bill that was read from a picture, if there is one."""

    def tells(row: Row) -> tuple[bool, bool]:
        return row["document_type"] == "utility_bill", not row["filename"].endswith((".txt", ".pdf"))

    return max(documents, key=tells)


def program_name() -> str:
    """What a shell finds this program by: its name, or its path where it is not on PATH."""
    name = "alfrd-events"
    if shutil.which(name):
        return name
    path = Path(sys.executable).parent / name
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
