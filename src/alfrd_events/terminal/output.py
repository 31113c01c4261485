"""Three ways out for the same rows: a terminal, a pipe, a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alfrd_events.terminal.values import clean, show


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    value: Callable[[Mapping[str, Any]], Any]
    right: bool = False
    style: Callable[[Mapping[str, Any]], str] | str = ""
    """A rich style, or a function of the row that names one."""
    shrink: bool = False
    """Cut with an ellipsis where a terminal is too narrow; the others stay whole as long as possible."""
    wide_only: bool = False
    """Left out where a terminal has less than 100 columns."""


class Output:
    """Where the answer of a command goes.

    :param as_json: one JSON document on standard output, nothing else.
    :param console: for tests; standard output if not given.
    """

    def __init__(self, *, as_json: bool = False, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=False)
        self.as_json = as_json

    @property
    def fancy(self) -> bool:
        """Whether a person looks at it on a terminal."""
        return self.console.is_terminal and not self.as_json

    def json(self, document: Any) -> None:
        """Print one JSON document."""
        self._plain(json.dumps(document, default=_json_value, ensure_ascii=False, indent=2))

    def table(
        self,
        rows: Sequence[Mapping[str, Any]],
        columns: Sequence[Column],
        *,
        title: str = "",
        empty: str = "",
    ) -> None:
        """Print rows: drawn on a terminal, aligned in a pipe."""
        if not rows:
            if empty:
                self.line(empty, style="dim")
            return
        if self.fancy:
            self.console.print(drawn(rows, self._fitting(columns), title=title))
        else:
            if title:
                self._plain(title)
            self._plain("\n".join(aligned(rows, columns)))

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print a line of text."""
        if self.fancy:
            self.console.print(Text(clean(text, keep_lines=True), style=style))
        else:
            self._plain(clean(text, keep_lines=True))

    def heading(self, text: str) -> None:
        """Print a title over what follows."""
        self.line()
        self.line(text, style="bold")

    def _fitting(self, columns: Sequence[Column]) -> list[Column]:
        return [column for column in columns if self.console.width >= 100 or not column.wide_only]

    def _plain(self, text: str) -> None:
        self.console.file.write(text + "\n")


def drawn(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, title: str = "") -> Table:
    """A rich table."""
    table = Table(
        box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False
    )
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            header_style="dim",
            no_wrap=True,
            overflow="ellipsis",
            ratio=None,
            min_width=min(12, len(column.title) + 4) if column.shrink else None,
        )
    for row in rows:
        table.add_row(
            *(
                Text(
                    show(column.value(row)),
                    style=column.style(row) if callable(column.style) else column.style,
                )
                for column in columns
            )
        )
    _hold_width(table, rows, columns)
    return table


def _hold_width(table: Table, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    """Keep the columns that may not shrink at the width of their content, so that the others give way."""
    if not any(column.shrink for column in columns):
        return
    for column, wanted in zip(table.columns, columns, strict=True):
        if not wanted.shrink:
            column.min_width = max(
                [cell_len(wanted.title), *(cell_len(show(wanted.value(row))) for row in rows)]
            )


def aligned(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> list[str]:
    """Plain lines with a head, columns two blanks apart, nothing cut."""
    cells = [[column.title for column in columns]]
    cells += [[show(column.value(row)) or "-" for column in columns] for row in rows]
    widths = [max(cell_len(line[place]) for line in cells) for place in range(len(columns))]
    return ["  ".join(_pad(line, widths, columns)).rstrip() for line in cells]


def _pad(line: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> list[str]:
    return [
        " " * (width - cell_len(cell)) + cell if column.right else cell + " " * (width - cell_len(cell))
        for cell, width, column in zip(line, widths, columns, strict=True)
    ]


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return (
            int(value)
            if value == value.to_integral_value() and value.as_tuple().exponent == 0
            else float(value)
        )
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def complain(message: str) -> None:
    """One line on standard error, red on a terminal."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text("error: ", style="bold red") + Text(clean(message)))


def remark(message: str) -> None:
    """One line on standard error beside the answer."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(clean(message), style="dim"))


def on_terminal() -> bool:
    """Whether standard error, where progress goes, is a terminal."""
    return Console(file=sys.stderr).is_terminal
