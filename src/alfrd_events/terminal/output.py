"""Three ways out for the same rows: a terminal, a pipe, a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from alfrd_events.terminal.columns import Column, aligned, drawn
from alfrd_events.terminal.values import clean


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
            if title:
                self.line(title, style="bold")
            for line in drawn(rows, columns, self.console.width - 1):
                self.console.print(line, no_wrap=True, crop=False, overflow="ignore")
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

    def paragraph(self, text: str, *, style: str = "", indent: int = 2) -> None:
        """Print running text, broken at the width of a terminal, every line of it indented."""
        if self.fancy:
            self.console.print(Padding(Text(clean(text), style=style), (0, 0, 0, indent)))
        else:
            self._plain(" " * indent + clean(text))

    def heading(self, text: str) -> None:
        """Print a title over what follows."""
        self.line()
        self.line(text, style="bold")

    def _plain(self, text: str) -> None:
        self.console.file.write(text + "\n")


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
