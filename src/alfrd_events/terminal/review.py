"""One document under review: its values, those in doubt first, and the lines that they were read from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from alfrd_events.escape import visible
from alfrd_events.model import Box
from alfrd_events.terminal.output import Output
from alfrd_events.terminal.values import percent, show, sureness_style

FIELDS = {
    "t": ("total_amount", "total"),
    "d": ("document_date", "date"),
    "e": ("entity", "company"),
    "y": ("document_type", "type"),
    "c": ("currency", "currency"),
    "u": ("due_date", "due"),
    "n": ("account_number", "account"),
    "r": ("series", "series"),
}
"""Key -> the value that it lets type, and what it is called."""
_ALWAYS = ("total_amount", "document_date", "entity", "document_type")
_NEIGHBOURS = 2
_LINES_AROUND = 2.5
"""Heights of a value's line that are cut out above it, and below."""
_LEAST_HEIGHT = 0.008
_LINES_WITHOUT_A_PLACE = 6
_AMOUNT = re.compile(r"\d[.,]\d{2}\b")


def doubted(reason: str, values: Mapping[str, Mapping[str, Any]]) -> str:
    """The field to look at first: one that the reason names, the least sure of them; else the least sure of all."""
    named = [field for field, noun in FIELDS.values() if noun in reason.lower()]
    fields = named or [field for field in _ALWAYS if field in values] or ["total_amount"]

    def sureness(field: str) -> float:
        confidence = values.get(field, {}).get("confidence")
        return 0.0 if field not in values else 1.0 if confidence is None else float(confidence)

    return min(fields, key=sureness)


def alternatives(field: str, values: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What else the value could be, the likeliest first; at most nine, one for each digit."""
    return [str(other) for other in values.get(field, {}).get("alternatives") or ()][:9]


def passage(text: str, field: str, value: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """The line that a value was read from, with its neighbours; each with whether it is that line.

    Of a value that was not found: where one like it would be. A total is in the last lines with amounts, a name or a
    date at the head.
    """
    pages = text.split("\f")
    number = value.get("page") or 1
    page = pages[number - 1] if 0 < number <= len(pages) else text.replace("\f", "\n")
    lines = [line.strip() for line in page.splitlines() if line.strip()]
    printed = (value.get("text") or "").strip()
    place = next((at for at, line in enumerate(lines) if printed and printed in line), None)
    if place is not None:
        low, high = max(place - _NEIGHBOURS, 0), place + _NEIGHBOURS + 1
        return [(at == place, lines[at]) for at in range(low, min(high, len(lines)))]
    if field == "total_amount":
        lines = [line for line in lines if _AMOUNT.search(line)][-_LINES_WITHOUT_A_PLACE:]
    return [(False, line) for line in lines[:_LINES_WITHOUT_A_PLACE]]


def around(box: Box) -> Box:
    """What is cut out of the page around a value: its line and its neighbours, and most of the page's width."""
    left, top, right, bottom = box
    reach = _LINES_AROUND * max(bottom - top, _LEAST_HEIGHT)
    return max(left - 0.6, 0.0), max(top - reach, 0.0), min(right + 0.25, 1.0), min(bottom + reach, 1.0)


def print_case(
    output: Output,
    place: int,
    case: Any,
    field: str,
    changed: Mapping[str, str],
    picture: str = "",
) -> None:
    """One document: what to look at, its values with their keys, and the lines or a picture of them.

    :param place: how many were looked at before it, and itself.
    :param case: a :class:`~alfrd_events.db.reviewing.Claimed`.
    :param field: the value in doubt.
    :param changed: what the reviewer has set, by field, and not handed in yet.
    :param picture: the cut-out of the page, as the terminal takes it; empty: the lines are shown.
    """
    values = case.values
    left = f"{case.others:,} more" if case.others else "the last one"
    output.line()
    _print(output, Text.assemble((f"{place}", "bold"), " · ", (visible(case.filename), "bold"), f" · {left}"))
    _print(output, Text(f"  {visible(case.reason)}", style="yellow"))
    shown = [
        (key, *named) for key, named in FIELDS.items() if named[0] in {field, *_ALWAYS, *values, *changed}
    ]
    output_width = max((len(show(_value(each, values, changed))) for _, each, _ in shown), default=0)
    for key, each, noun in shown:
        text = show(_value(each, values, changed)) or "–"
        line = Text.assemble(
            ("▸ " if each == field else "  "),
            (key, "bold cyan"),
            f"  {noun:<9}",
            f"{visible(text):<{min(output_width, 40)}}",
        )
        if each in changed:
            line.append("  yours", style="green")
        elif each in values:
            confidence = values[each].get("confidence")
            line.append(f"  {percent(confidence):>5}", style=sureness_style(confidence))
        if each == field and (others := alternatives(field, values)):
            line.append("   or ")
            for number, other in enumerate(others, 1):
                line.append(f" {number}", style="bold cyan")
                line.append(f" {visible(other)} ")
        _print(output, line)
    if picture:
        output.picture(picture)
        return
    for is_it, text in passage(case.text, field, values.get(field, {})):
        mark = "  → │ " if is_it else "    │ "
        _print(output, Text(mark + visible(text), style="bold" if is_it else "dim"))


def print_keys(output: Output, changed: Sequence[str], has_others: bool, more: int = 0) -> None:
    """What can be pressed, in a line.

    :param more: documents that the last correction may settle.
    """
    save = "save" if changed else "accept"
    others = " · digit take the other" if has_others else ""
    letters = " ".join(FIELDS)
    if more:
        _print(output, Text(f"  a apply what was learned to {more} more of that sender", style="cyan"))
    _print(output, Text(f"  enter {save}{others} · {letters} type · s skip · z undo · q quit", style="dim"))


def _value(field: str, values: Mapping[str, Mapping[str, Any]], changed: Mapping[str, str]) -> Any:
    return changed[field] if field in changed else values.get(field, {}).get("value")


def _print(output: Output, line: Text) -> None:
    output.console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
