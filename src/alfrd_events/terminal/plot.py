"""The totals of a series as bars: one reckoning for a terminal, a web page and a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any, TypeGuard

from alfrd_events.escape import visible
from alfrd_events.terminal.values import money, show

Row = Mapping[str, Any]

BARS = 48
"""At most; the newest are shown."""
_STEP, _BAR, _BASE = 20, 14, 104
"""Of an SVG: from one bar to the next, the width of a bar, and where all of them end. Heights are hundredths."""
_LEAST_STEPS = 12
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_STYLE = (
    "text{font:11px sans-serif;fill:#333}.title{font-size:13px;font-weight:bold}.bars{fill:#3c6e71}"
    ".is-odd{fill:#c8553d}path{stroke:#999;stroke-width:1}.usual{stroke:#333;stroke-dasharray:4 4}"
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One document's total."""

    id: Any
    day: date | None
    amount: Decimal
    height: int
    """In hundredths of the highest, 1 at least."""
    is_odd: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """The latest totals of a series in one currency, the oldest first."""

    bars: tuple[Bar, ...]
    currency: str
    highest: Decimal
    usual: int | None
    """The usual amount in hundredths of the highest; ``None``: it is not known, or above all."""
    left_out: int
    """Totals in other currencies, and what is no more than zero."""

    @property
    def width(self) -> int:
        """Of the bars as SVG."""
        return max(len(self.bars), _LEAST_STEPS) * _STEP


def plot_of(documents: Sequence[Row], odd: Collection[Any], usual: Decimal | None) -> Plot:
    """The bars of a series; of several currencies, the most frequent one.

    :param documents: by date, the oldest first, each with ``id``, ``day``, ``total_amount`` and ``currency``.
    :param odd: ids of those that an alert calls odd.
    """
    known = [row for row in documents if _is_amount(row["total_amount"])]
    currencies = Counter(row["currency"] for row in known)
    currency = currencies.most_common(1)[0][0] if currencies else ""
    wanted = [row for row in known if row["currency"] == currency and row["total_amount"] > 0]
    shown = wanted[-BARS:]
    highest = max((row["total_amount"] for row in shown), default=Decimal(1))
    return Plot(
        tuple(
            Bar(
                row["id"],
                row["day"],
                row["total_amount"],
                max(1, round(100 * row["total_amount"] / highest)),
                row["id"] in odd,
            )
            for row in shown
        ),
        currency,
        highest,
        round(100 * usual / highest) if _is_amount(usual) and 0 < usual <= highest else None,
        len(known) - len(wanted),
    )


def _is_amount(value: Any) -> TypeGuard[Decimal]:
    """Whether it can be compared: a row that was written by hand may hold NaN."""
    return isinstance(value, Decimal) and value.is_finite()


def svg_shapes(
    plot: Plot, day: Callable[[Any], str] = show, amount: Callable[[Any, str], str] = money
) -> str:
    """What is within an ``<svg>`` of ``0 0 {plot.width} 112``: bars with their titles, the base, the usual amount."""
    shapes = [f'<path d="M0 {_BASE}.5H{plot.width}"></path>']
    for place, bar in enumerate(plot.bars):
        title = escape(visible(f"{day(bar.day)}: {amount(bar.amount, plot.currency)}"))
        kind = ' class="is-odd"' if bar.is_odd else ""
        place_and_size = (
            f'x="{place * _STEP + 3}" y="{_BASE - bar.height}" width="{_BAR}" height="{bar.height}"'
        )
        shapes.append(f'<rect{kind} {place_and_size} rx="2"><title>{title}</title></rect>')
    if plot.usual:
        shapes.append(f'<path class="usual" d="M0 {_BASE - plot.usual}H{plot.width}"></path>')
    return "".join(shapes)


def svg_file(plot: Plot, title: str, usual: Decimal | None) -> str:
    """A picture that stands alone, with its title, its highest amount and its first and last day."""
    width = max(plot.width, 320)
    days = [bar.day for bar in plot.bars if bar.day]
    notes = f"highest {money(plot.highest, plot.currency)}"
    if plot.usual and usual is not None:
        notes += f", usual {money(usual, plot.currency)} (dashed)"
    if plot.left_out:
        notes += f", {plot.left_out} not shown"
    texts = [f'<text class="title" x="8" y="18">{escape(visible(title))}</text>']
    texts.append(f'<text x="8" y="36">{escape(visible(notes))}</text>')
    if days:
        texts.append(f'<text x="8" y="168">{days[0]}</text>')
        texts.append(f'<text x="{8 + plot.width}" y="168" text-anchor="end">{days[-1]}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 16} 178" width="{width + 16}" height="178">'
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"></rect>{"".join(texts)}'
        f'<g class="bars" transform="translate(8 46)">{svg_shapes(plot)}</g></svg>\n'
    )


def plot_lines(plot: Plot, width: int, height: int = 5) -> list[tuple[str, tuple[int, ...]]]:
    """Lines of blocks for a terminal, the highest first, each with the places of its odd bars.

    :param width: cells that a line may take; the newest bars are shown where not all fit.
    :param height: lines of the bars.
    """
    bars = plot.bars[-max(1, (width + 1) // 2) :]
    cells = 3 if len(bars) * 4 <= width else 1
    usual = None if plot.usual is None else min(height - 1, plot.usual * height // 100)
    lines: list[tuple[str, tuple[int, ...]]] = []
    for level in reversed(range(height)):
        line = ""
        odd: list[int] = []
        for bar in bars:
            eighths = max(0, min(8, round(bar.height * height * 8 / 100) - level * 8))
            if level == 0:
                eighths = max(1, eighths)
            if bar.is_odd and eighths:
                odd += range(len(line), len(line) + cells)
            gap = "┄" if level == usual else " "
            line += (_EIGHTHS[eighths] * cells if eighths else gap * cells) + gap
        lines.append((line.rstrip(), tuple(odd)))
    return lines
