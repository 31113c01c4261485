"""Tables: which columns fit, how wide each one is, and the lines that come of it.

Nothing wraps. Where a terminal is too narrow, columns that may shrink are cut with an ellipsis, the
widest first; where that is not enough, the least important ones are left out. What remains is cut
further, and at last the line itself is: a table is never wider than its terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from alfrd_events.terminal.values import show

Row = Mapping[str, Any]

_GAP = 2
_SMALLEST = 6
"""Cells that a column keeps when there is no room for what it should keep."""
_ALIGNED_AT_MOST = 200
"""Cells that a column is wide in a pipe; one value that is longer must not make every line as long."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    value: Callable[[Row], Any]
    right: bool = False
    style: Callable[[Row], str] | str = ""
    """A rich style, or a function of the row that names one."""
    shrink: bool = False
    """May be cut where a terminal is too narrow."""
    least: int = 12
    """Cells that it keeps when it shrinks."""
    middle: bool = False
    """Cut in the middle: the end of a file name tells as much as its beginning."""
    drop: int = 0
    """Where shrinking is not enough: the highest goes first, 0 never."""
    drawn: Callable[[Row], Any] | None = None
    """A shorter value for a terminal; a pipe gets the whole."""


def aligned(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """Plain lines with a head, nothing cut; ``-`` where there is no value."""
    cells = [[column.title for column in columns]]
    cells += [[show(column.value(row)) or "-" for column in columns] for row in rows]
    widths = [
        min(max(cell_len(line[place]) for line in cells), _ALIGNED_AT_MOST) for place in range(len(columns))
    ]
    return [
        (" " * _GAP)
        .join(_padded(cell, width, column) for cell, width, column in zip(line, widths, columns, strict=True))
        .rstrip()
        for line in cells
    ]


def drawn(rows: Sequence[Row], columns: Sequence[Column], width: int) -> list[Text]:
    """Lines for a terminal: a dim head, a rule, and the rows in their colours."""
    cells = [[show((column.drawn or column.value)(row)) for column in columns] for row in rows]
    natural = [
        min(
            max([cell_len(column.title), *(cell_len(line[place]) for line in cells)]),
            max(width, column.least),
        )
        for place, column in enumerate(columns)
    ]
    widths = fitted(natural, columns, width)
    kept = [place for place in range(len(columns)) if widths[place] > 0]
    lines = [Text(), Text("─" * min(width, sum(widths) + _GAP * (len(kept) - 1)), style="dim")]
    for place in kept:
        _append(lines[0], _fit(columns[place].title, widths[place], columns[place]), "dim")
    for row, line in zip(rows, cells, strict=True):
        text = Text()
        for place in kept:
            style = columns[place].style
            chosen = style(row) if callable(style) else style
            _append(text, _fit(line[place], widths[place], columns[place]), chosen)
        lines.append(text)
    for text in lines:
        text.truncate(width, overflow="ellipsis")
    return lines


def fitted(natural: Sequence[int], columns: Sequence[Column], width: int) -> list[int]:
    """The width of each column so that all fit; 0 for one that is left out."""
    kept = list(range(len(columns)))
    least = [
        min(size, column.least) if column.shrink else size
        for size, column in zip(natural, columns, strict=True)
    ]
    needed = sum(least) + _GAP * (len(kept) - 1)
    for place in sorted(kept, key=lambda place: columns[place].drop, reverse=True):
        if needed <= width or not columns[place].drop:
            break
        kept.remove(place)
        needed -= least[place] + _GAP
    widths = [natural[place] if place in kept else 0 for place in range(len(columns))]
    _shrink(widths, least, width)
    smallest = [
        min(size, _SMALLEST) if column.shrink else size for size, column in zip(least, columns, strict=True)
    ]
    _shrink(widths, smallest, width)
    return widths


def _shrink(widths: list[int], least: Sequence[int], width: int) -> None:
    """Take cells from the widest column, until all fit or each has its least."""
    while _over(widths, width) > 0:
        widest = max(
            (place for place, size in enumerate(widths) if size > least[place]),
            key=lambda place: widths[place],
            default=None,
        )
        if widest is None:
            break
        widths[widest] -= 1


def _over(widths: Sequence[int], width: int) -> int:
    shown = [each for each in widths if each > 0]
    return sum(shown) + _GAP * (len(shown) - 1) - width


def _append(line: Text, cell: str, style: str) -> None:
    if line.plain:
        line.append(" " * _GAP)
    line.append(cell, style=style)


def _fit(cell: str, width: int, column: Column) -> str:
    if cell_len(cell) > width:
        tail = cell[-(width // 3) :] if column.middle else ""
        return set_cell_size(cell, width - 1 - cell_len(tail)) + "…" + tail
    return _padded(cell, width, column)


def _padded(cell: str, width: int, column: Column) -> str:
    padding = " " * (width - cell_len(cell))
    return padding + cell if column.right else cell + padding
