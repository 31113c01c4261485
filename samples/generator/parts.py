"""Pieces that many pages share: tables, boxes of facts, payment slips, barcodes, signatures."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from .canvas import GREY, INK, Align, Canvas


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, and the x of its left or right edge, by ``align``."""

    title: str
    x: float
    align: Align = "left"


def table(
    page: Canvas,
    y: float,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    left: float,
    right: float,
    head: str,
    size: float = 10,
    leading: float = 19,
    stripe: str | None = None,
) -> float:
    """Draw a table with a coloured head row; return the y of its lower edge."""
    page.rectangle(left, y, right - left, leading + 2, fill=head)
    for column in columns:
        page.text(
            column.x, y + leading - 5, column.title, size, bold=True, color="#ffffff", align=column.align
        )
    y += leading + 2
    for number, row in enumerate(rows):
        if stripe and number % 2:
            page.rectangle(left, y, right - left, leading, fill=stripe)
        for column, cell in zip(columns, row, strict=True):
            page.text(column.x, y + leading - 6, cell, size, align=column.align)
        y += leading
    page.rule(left, y, right - left, head)
    return y


def facts(
    page: Canvas,
    x: float,
    y: float,
    width: float,
    pairs: Sequence[tuple[str, str]],
    *,
    size: float = 10,
    leading: float = 16,
) -> float:
    """Labels on the left, values flush right; return the baseline that the next pair would have."""
    for label, value in pairs:
        page.text(x, y, label, size, color=GREY)
        page.text(x + width, y, value, size, bold=True, align="right")
        y += leading
    return y


def total_bar(
    page: Canvas,
    y: float,
    label: str,
    amount: str,
    *,
    left: float,
    right: float,
    fill: str,
    height: float = 28,
) -> float:
    """A coloured bar with the sum that matters; return the y of its lower edge."""
    page.rectangle(left, y, right - left, height, fill=fill, radius=3)
    page.text(left + 12, y + height / 2 + 4.5, label, 12.5, bold=True, color="#ffffff")
    page.text(right - 12, y + height / 2 + 5, amount, 14, bold=True, color="#ffffff", align="right")
    return y + height


def payment_slip(
    page: Canvas, y: float, company: Sequence[str], payer: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> None:
    """The strip to tear off and send back, from its perforation down."""
    page.dashes(40, y, 532)
    page.text(
        306,
        y + 16,
        "Please detach and return this portion with your payment",
        9.5,
        color=GREY,
        align="center",
    )
    page.text(48, y + 42, "Remit to", 9.5, color=GREY)
    page.lines(48, y + 57, company)
    page.text(48, y + 110, "From", 9.5, color=GREY)
    page.lines(48, y + 125, payer)
    bottom = facts(page, 350, y + 44, 214, pairs, leading=18)
    page.rectangle(470, bottom - 6, 94, 24, stroke=INK)
    page.text(350, bottom + 10, "Amount enclosed", 10, color=GREY)
    page.text(478, bottom + 10, "$", 11)


def barcode(page: Canvas, x: float, y: float, width: float, height: float, code: str) -> None:
    """Bars that look like a code; they carry nothing but are always the same for ``code``."""
    chance = random.Random(code)
    end = x + width
    while x < end:
        bar = chance.choice((1.0, 1.0, 1.6, 2.4)) * width / 160
        page.rectangle(x, y, min(bar, end - x), height, fill=INK)
        x += bar + chance.choice((1.0, 1.4, 2.2)) * width / 160


def signature(page: Canvas, x: float, y: float, seed: int, width: float = 110) -> None:
    """A scrawl in blue ink."""
    chance = random.Random(seed)
    loops = [(chance.uniform(4, 9), chance.uniform(0.5, 1.4)) for _ in range(5)]
    points = []
    for step in range(240):
        part = step / 240
        tall, lean = loops[int(part * 5)]
        swing = part * 5 * 2 * math.pi
        rise = tall * math.sin(swing) * (1.5 if part < 0.2 else 0.8) + 2 * math.sin(part * 3)
        points.append((x + part * width + lean * 6 * math.cos(swing), y - rise))
    points += [(x + width * 1.05, y + 3), (x + width * 0.2, y + 10), (x + width * 1.2, y + 6)]
    page.line(points, "#23408e", 1.3)
