"""Three ways out for the same rows: a terminal, a pipe, a program."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from alfrd_events.escape import json_text, visible, visible_lines
from alfrd_events.terminal.columns import Column, aligned, drawn

_NESTED_AT_MOST = 100
_DIGITS_AT_MOST = 300
"""Of a whole number: with more, it is no number for the programs that read it."""


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
        self._plain(json_text(json_value(document), indent=2))

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
        """Print a line of text; one, whatever is in it."""
        self._safe(visible(text), style)

    def lines(self, text: str, *, style: str = "") -> None:
        """Print text with the line ends that it has: pages, prompts."""
        self._safe(visible_lines(text), style)

    def _safe(self, text: str, style: str) -> None:
        if self.fancy:
            # A URL that is longer than a line is left to the terminal: with a line end in it, it could not be copied.
            is_long = any(cell_len(word) > self.console.width for word in text.split())
            self.console.print(Text(text, style=style), soft_wrap=is_long)
        else:
            self._plain(text)

    def picture(self, sequence: str) -> None:
        """Show a picture by a sequence of ``terminal/pictures.py``, on lines of its own; nothing in a pipe."""
        if self.fancy:
            self.console.file.write(f"{sequence}\n")
            self.console.file.flush()

    def paragraph(self, text: str, *, style: str = "", indent: int = 2) -> None:
        """Print running text, broken at the width of a terminal, every line of it indented."""
        running = visible(" ".join(text.splitlines()))
        if self.fancy:
            self.console.print(Padding(Text(running, style=style), (0, 0, 0, indent)))
        else:
            self._plain(" " * indent + running)

    def heading(self, text: str) -> None:
        """Print a title over what follows."""
        self.line()
        self.line(text, style="bold")

    def _plain(self, text: str) -> None:
        self.console.file.write(text + "\n")


def json_value(value: Any, depth: int = 0) -> Any:
    """A value in the terms of JSON; what no number of JSON is, such as ``NaN``, becomes its text."""
    if value is None or isinstance(value, str | bool):
        return value
    if depth == _NESTED_AT_MOST:
        return f"(nested deeper than {depth} levels)"
    if isinstance(value, Mapping):
        return {str(name): json_value(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | set | frozenset | tuple):
        return [json_value(each, depth + 1) for each in value]
    if isinstance(value, int | float | Decimal):
        return _json_number(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _json_number(value: float | Decimal) -> int | float | str:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal) and value.as_tuple().exponent != 0:
        near = float(value)
        return near if math.isfinite(near) else str(value)
    return int(value) if len(str(value)) <= _DIGITS_AT_MOST else str(value)


def complain(message: str) -> None:
    """One line on standard error, red on a terminal."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text("error: ", style="bold red") + Text(visible(message)))


def remark(message: str) -> None:
    """One line on standard error beside the answer."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(visible(message), style="dim"))


def on_terminal() -> bool:
    """Whether standard error, where progress goes, is a terminal."""
    return Console(file=sys.stderr).is_terminal
