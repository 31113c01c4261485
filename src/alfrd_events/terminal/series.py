"""A series as people see it: its calendar, and what is missing, late or odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rich.text import Text

from alfrd_events.terminal.columns import Column
from alfrd_events.terminal.occasions import MONTHS, occasions, rhythm_in_words, window, years
from alfrd_events.terminal.output import Output
from alfrd_events.terminal.plot import Plot, plot_lines, plot_of, svg_file
from alfrd_events.terminal.values import local, money, short, show

Row = Mapping[str, Any]

_STYLES = {
    "missing": "bold red",
    "late": "yellow",
    "amount": "yellow",
    "duplicate": "yellow",
    "changed": "bold red",
    "balance": "bold red",
    "ended": "dim",
    "due": "bold",
    "paid": "green",
    "credited": "green",
    "expected": "dim",
}
_GLYPHS = {"came": "■", "odd": "▲", "missing": "✗", "late": "○", "expected": "·"}
_STATE_STYLES = {"came": "green", "odd": "yellow", "missing": "bold red", "late": "yellow", "expected": "dim"}
_STRIP_AT_MOST = 52
_PLOT_AT_MOST = 100
"""Cells of a line, on a wide terminal or in a pipe."""

ALERTS = (
    Column("id", lambda row: short(row["id"]), style="dim"),
    Column("what", lambda row: row["kind"], style=lambda row: _STYLES.get(row["kind"], "")),
    Column("since", lambda row: local(row["raised_at"], "%Y-%m-%d"), drop=2),
    Column("detail", lambda row: row["detail"], shrink=True, least=40),
    Column("series", lambda row: row["series"], shrink=True, style="dim", drop=1),
)


def print_alerts(output: Output, rows: Sequence[Row]) -> None:
    """Each alert with its whole sentence: it is what one acts on, so no terminal cuts it off."""
    if not output.fancy:
        output.table(rows, ALERTS, empty="nothing is missing, late or odd")
        return
    if not rows:
        output.line("nothing is missing, late or odd", style="dim")
    for row in rows:
        output.line(f"{short(row['id'])}  {row['kind']}", style=_STYLES.get(row["kind"], ""))
        output.paragraph(row["detail"], indent=10)


FIELDS = (
    Column("field", lambda row: row["name"]),
    Column("type", lambda row: row["type"]),
    Column("version", lambda row: str(row["version"])),
    Column("documents", lambda row: str(row["document_count"])),
    Column(
        "column",
        lambda row: row["column_name"] if row["column_name"] != row["name"] else "",
        style="dim",
        drop=2,
    ),
    Column("formerly", lambda row: ", ".join(row["former_names"]), style="dim", drop=1),
)

CALENDAR = (
    Column("day", lambda row: row["day"]),
    Column(
        "state",
        lambda row: row["state"].replace("_", " "),
        style=lambda row: _STYLES.get(row["state"], ""),
    ),
    Column("series", lambda row: row["title"] or row["series"], shrink=True, least=20),
    Column("amount", lambda row: money(row["amount"], row["currency"]), right=True),
    Column("window", lambda row: window(row["window_from"], row["window_to"]), style="dim", drop=1),
    Column("document", lambda row: row["filename"], shrink=True, middle=True, style="dim", drop=2),
)

_DOCUMENTS = (
    Column("", lambda row: _GLYPHS[row["state"]], style=lambda row: _STATE_STYLES[row["state"]]),
    Column("date", lambda row: row["day"]),
    Column("amount", lambda row: money(row["amount"], row["currency"]), right=True),
    Column("due", lambda row: row["due"], drop=2),
    Column("document", lambda row: row["filename"], shrink=True, least=20, middle=True),
    Column("note", lambda row: row["note"], shrink=True, style="dim"),
    Column("id", lambda row: short(row["id"]) if row["id"] else "", style="dim", drop=1),
)


def print_series(output: Output, series: Row) -> None:
    """Its rhythm in a line, its calendar, its documents, and what is open."""
    rhythm = series["rhythm"] or {}
    output.line(series["title"] or series["slug"], style="bold")
    output.line(rhythm_in_words(rhythm, len(series["documents"])))
    rows = occasions(series["documents"], series["alerts"], rhythm)
    if any(row["day"] for row in rows):
        output.line()
        _print_strip(output, rows, rhythm)
    odd = {row["id"] for row in rows if row["state"] == "odd"}
    _print_plot(output, plot_of(series["documents"], odd, rhythm.get("usual_amount")))
    output.line()
    output.table(rows, _DOCUMENTS, empty="no documents are in it")
    if series["alerts"]:
        output.line()
        for alert in series["alerts"]:
            put_by = (
                " (dismissed)" if alert["dismissed_at"] else " (snoozed)" if alert["snoozed_until"] else ""
            )
            line = f"{short(alert['id'])}  {alert['kind']}: {alert['detail']}{put_by}"
            output.line(line, style="dim" if put_by else _STYLES.get(alert["kind"], ""))


def picture(series: Row) -> str:
    """The totals of a series as an SVG file."""
    rhythm = series["rhythm"] or {}
    rows = occasions(series["documents"], series["alerts"], rhythm)
    odd = {row["id"] for row in rows if row["state"] == "odd"}
    usual = rhythm.get("usual_amount")
    return svg_file(plot_of(series["documents"], odd, usual), series["title"] or series["slug"], usual)


def _print_strip(output: Output, rows: Sequence[Row], rhythm: Row) -> None:
    """A grid of months, or, of what comes more often, one mark after the other."""
    dated = [row for row in rows if isinstance(row["day"], date)]
    if rhythm.get("every_days"):
        shown = dated[-_STRIP_AT_MOST:]
        _marked(output, f"  {shown[0]['day']}  ", [row["state"] for row in shown], 2, f" {shown[-1]['day']}")
    else:
        output.line("        " + " ".join(MONTHS), style="dim")
        for year, months in years(dated):
            states = [month["state"] if month else "" for month in months]
            _marked(output, f"  {year}  ", states, 4, "")
    used = {row["state"] for row in dated}
    output.line(
        "  " + "  ".join(f"{glyph} {state}" for state, glyph in _GLYPHS.items() if state in used), style="dim"
    )


def _print_plot(output: Output, plot: Plot) -> None:
    """The totals as bars; of one document there is nothing to compare."""
    if len(plot.bars) < 2:
        return
    output.line()
    output.line(f"  {money(plot.highest, plot.currency)}", style="dim")
    width = min(output.console.width, _PLOT_AT_MOST) - 4
    for line, odd in plot_lines(plot, width):
        if output.fancy:
            text = Text("  " + line, style="green")
            for place in odd:
                text.stylize("yellow", place + 2, place + 3)
            output.console.print(text, no_wrap=True, crop=False)
        else:
            output.line("  " + line)
    left_out = (
        f"  ({plot.left_out} not shown: of another currency, or not above zero)" if plot.left_out else ""
    )
    output.line(f"  {show(plot.bars[0].day)} to {show(plot.bars[-1].day)}{left_out}", style="dim")


def _marked(output: Output, before: str, states: Sequence[str], width: int, after: str) -> None:
    """A line of marks, each in a cell of so many columns; no state is a blank one."""
    cells = [_GLYPHS.get(state, " ").center(width - 1) + " " for state in states]
    if not output.fancy:
        output.line((before + "".join(cells) + after).rstrip())
        return
    line = Text(before)
    for state, cell in zip(states, cells, strict=True):
        line.append(cell, style=_STATE_STYLES.get(state, ""))
    line.append(after)
    output.console.print(line)
