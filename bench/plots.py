"""Draw the plots of ``docs/performance.md``: ``python -m bench.plots bench/results/FILE.json … docs/plots``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

WIDTH, LEFT, RIGHT = 760, 250, 120
TOP, ROW, BAR = 46, 30, 18
OURS, OTHERS, INK, SPREAD = "#2563a8", "#a9b4c2", "#1f2933", "#1f2933"


@dataclass(frozen=True)
class Bar:
    """One figure with its spread."""

    label: str
    value: float
    low: float
    high: float
    ours: bool = True


def draw(title: str, unit: str, bars: Sequence[Bar]) -> str:
    """Horizontal bars from zero; a line through the end of one shows the least and the most that was seen."""
    longest = max(bar.high for bar in bars)
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = TOP + ROW * len(bars) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#ffffff"/>',
        f'<text x="16" y="26" font-size="15" font-weight="bold" fill="{INK}">{escape(title)}</text>',
        f'<text x="{WIDTH - 16}" y="26" text-anchor="end" fill="{INK}">{escape(unit)}</text>',
    ]
    for place, bar in enumerate(bars):
        y = TOP + ROW * place
        middle = y + BAR / 2
        parts += [
            f'<text x="{LEFT - 10}" y="{middle + 4.5}" text-anchor="end" fill="{INK}">{escape(bar.label)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{max(bar.value * scale, 1):.1f}" height="{BAR}"'
            f' fill="{OURS if bar.ours else OTHERS}"/>',
            f'<text x="{LEFT + bar.high * scale + 8:.1f}" y="{middle + 4.5}" fill="{INK}">{_figure(bar.value)}</text>',
        ]
        if bar.high > bar.low:
            parts.append(
                f'<path d="M{LEFT + bar.low * scale:.1f} {middle}H{LEFT + bar.high * scale:.1f}" stroke="{SPREAD}"/>'
            )
    return "\n".join([*parts, "</svg>", ""])


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def plots(measures: Sequence[dict[str, Any]]) -> dict[str, str]:
    """File name -> SVG, for each plot of which this run has the measures."""

    def one(measure: dict[str, Any], label: str, ours: bool = True) -> Bar:
        return Bar(label, measure["median"], measure["spread"][0], measure["spread"][1], ours)

    def of(number: int) -> Iterable[dict[str, Any]]:
        return (measure for measure in measures if measure["number"] == number)

    def peers(number: int, suffix: str = "") -> list[Bar]:
        return [
            one(each, each["name"].removeprefix("the same by ").removesuffix(suffix), ours=False)
            for each in of(number)
            if each["name"].startswith("the same by ") and each["name"].endswith(suffix)
        ]

    route = [one(each, "alfrd-events, one worker") for each in of(1) if each["goals"]]
    route += [one(each, f"alfrd-events, {each['name'].split()[-2]} workers") for each in of(2)]
    found = {
        "throughput.svg": (
            "Documents through seven durable steps",
            "documents/s",
            [*route, *peers(1)],
        )
    }
    latency = []
    for percent in ("p50", "p99"):
        latency += [
            one(each, f"alfrd-events, {percent}")
            for each in of(4)
            if each["name"].endswith(f"started, {percent}")
        ]
        latency += [
            Bar(f"{bar.label}, {percent}", bar.value, bar.low, bar.high, ours=False)
            for bar in peers(4, f", {percent}")
        ]
    latency += [one(each, "alfrd-events, all 7 steps, p50") for each in of(5)]
    found["latency.svg"] = ("From a committed insert to the handler's start, idle system", "ms", latency)
    growth: list[Bar] = []
    for each in of(9):
        if not growth:
            growth.append(
                Bar(
                    "a claim, " + each["against"],
                    _middle(each["reference"]),
                    min(each["reference"]),
                    max(each["reference"]),
                )
            )
        growth.append(one(each, each["name"].replace("the same before any ANALYZE", "… before any ANALYZE")))
    found["growth.svg"] = ("What a claim of five tasks costs when much waits", "ms", growth)
    return {name: draw(*content) for name, content in found.items() if content[2]}


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def main(*names: str) -> None:
    """Write the plots of results files into a directory, which is the last name. Of two files the later one counts."""
    *results, directory = names
    measures: dict[int, list[dict[str, Any]]] = {}
    for name in results:
        found = json.loads(Path(name).read_text(encoding="utf-8"))["measures"]
        measures |= {
            number: [each for each in found if each["number"] == number]
            for number in {each["number"] for each in found}
        }
    for name, content in plots([each for group in measures.values() for each in group]).items():
        file = Path(directory) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        print(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
