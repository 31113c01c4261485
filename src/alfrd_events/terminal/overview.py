"""``status``: the whole system at a glance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.text import Text

from alfrd_events.escape import visible
from alfrd_events.terminal import tables
from alfrd_events.terminal.output import Output
from alfrd_events.terminal.progress import MILESTONES
from alfrd_events.terminal.values import STATUS_STYLES, many, usd


@contextmanager
def renewed(output: Output) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Show something again and again: in its place on a terminal, else one below the other with the time.

    On a terminal the last one stays when it ends.
    """
    last: list[Callable[[], None]] = []

    def show(draw: Callable[[], None]) -> None:
        last[:] = [draw]
        if output.fancy:
            output.console.clear()
        else:
            output.line(f"{datetime.now().astimezone():%H:%M:%S}")
        draw()
        output.console.file.flush()

    if not output.fancy:
        yield show
        return
    try:
        with output.console.screen():
            yield show
    finally:
        for draw in last:
            draw()


def print_status(output: Output, seen: Mapping[str, Any]) -> None:
    """Counts, the queue, who works, and whether notifications were missed."""
    _counts(output, "documents", seen["documents"], MILESTONES)
    _counts(output, "files", seen["files"], ("pending", "outdated", "generated", "failed"))
    output.heading("Steps")
    output.table(seen["steps"], tables.STEPS)
    for reading in seen["readings"]:
        output.line(f"reading {visible(reading['filename'])}: {reading['in_words']}")
    _money(output, seen["money"])
    _providers(output, seen["limits"])
    output.heading("Workers")
    output.table(seen["workers"], tables.WORKERS, empty="none; start one with: alfrd-events run")
    for complaint in seen["complaints"]:
        output.line()
        output.line(f"{complaint['what']}: {complaint['cause']}", style="yellow")
        output.line(f"  → {complaint['remedy']}")
    output.line()
    output.line(seen["evolution"], style="dim")
    woken = seen["woken_by"]
    if woken:
        output.line()
        ways = ", ".join(f"{way} {woken[way]:,}" for way in sorted(woken))
        missed = seen["missed_notifications"]
        output.line(f"woken by, in the last day: {ways}")
        output.line(
            f"missed notifications: {missed:,}, found by the poll or after a reconnect"
            if missed
            else "missed notifications: none",
            style="dim",
        )


def _money(output: Output, money: Mapping[str, Any]) -> None:
    """What was spent today, if anything was or may be, and what waits for more."""
    cap, held = money["cap_day_usd"], money["held"]
    if not (Decimal(money["today_usd"]) or cap or held or money["cap_document_usd"]):
        return
    parts = [f"{usd(money['today_usd'])} spent or set aside today" + (f" of {usd(cap)}" if cap else "")]
    if money["cap_document_usd"]:
        parts.append(f"at most {usd(money['cap_document_usd'])} for a document")
    if money["under_way"]:
        parts.append(f"{many(money['under_way'], 'call')} under way")
    output.line()
    output.line("; ".join(parts))
    for cap_of, number in sorted(held.items()):
        wait = "waits" if number == 1 else "wait"
        what = (
            "for a price in alfrd.prices" if cap_of == "price" else f"for room under the cap of the {cap_of}"
        )
        output.line(f"{many(number, 'task')} {wait} {what}; explain shows each", style="yellow")


def _providers(output: Output, limits: Sequence[Mapping[str, Any]]) -> None:
    """The limits of providers; those of steps are among the steps."""
    for limit in limits:
        if not limit["provider"]:
            continue
        parts = []
        if limit["max_running"] is not None:
            parts.append(f"{limit['under_way']} of {many(limit['max_running'], 'call')} under way")
        if limit["rate"] is not None:
            parts.append(f"at most {limit['rate']:g} a second")
        output.line(f"{limit['provider']}: {', '.join(parts)}")


def _counts(output: Output, noun: str, counts: Mapping[str, int], order: tuple[str, ...]) -> None:
    known = [status for status in order if status in counts] + sorted(set(counts) - set(order))
    total = sum(counts.values())
    head = many(total, noun.removesuffix("s"))
    if output.fancy:
        line = Text(f"{head:<16}", style="bold")
        for status in known:
            line.append(f" {visible(status)} ", style=STATUS_STYLES.get(status, "cyan"))
            line.append(f"{counts[status]:,} ", style="bold")
        output.console.print(line)
    else:
        output.line("  ".join([head, *(f"{status} {counts[status]}" for status in known)]))
