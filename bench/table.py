"""The measures as one table, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.measure import Measure

WIDTH = 150


def show(measures: Sequence[Measure], heading: str) -> None:
    """Print them."""
    table = Table(title=heading, title_justify="left", caption_justify="left")
    table.add_column("", justify="right")
    table.add_column("measure")
    for name in ("median", "lowest … highest"):
        table.add_column(name, justify="right")
    table.add_column("unit")
    table.add_column("compared with")
    table.add_column("ratio", justify="right")
    table.add_column("goal")
    table.add_column("")
    for measure in measures:
        table.add_row(*_cells(measure), style="" if measure.goals else "dim")
    met = [measure.met for measure in measures if measure.met is not None]
    table.caption = (
        f"{sum(met)} of {len(met)} goals met; medians of the repetitions, ratios within each of them"
    )
    Console(width=WIDTH).print(table)


def _cells(measure: Measure) -> list[str | Text]:
    lowest, highest = min(measure.samples), max(measure.samples)
    against = ""
    if measure.reference:
        low, high = min(measure.reference), max(measure.reference)
        against = f"{measure.against}: {_figure(low)} … {_figure(high)}"
    verdict = {
        True: Text("met", style="green"),
        False: Text("MISSED", style="bold red"),
        None: Text("" if not measure.goals else "not judged", style="yellow"),
    }[measure.met]
    return [
        str(measure.number),
        measure.name,
        _figure(measure.median),
        f"{_figure(lowest)} … {_figure(highest)}",
        measure.unit,
        against,
        f"{measure.ratio:.2f}" if measure.ratio is not None else "",
        ", ".join(map(str, measure.goals)),
        verdict,
    ]


def _figure(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
