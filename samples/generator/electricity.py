"""Three months of an electricity bill: two downloaded, one scanned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from .canvas import GREY, INK, Canvas
from .paper import textured, turned
from .parts import Column, facts, payment_slip, table, total_bar
from .sample import HOME, TENANT, Sample, Truth, cents, jpeg, long_date, money, png, short_date

NAVY, SEA, FOAM = "#12395b", "#1f7a8c", "#eaf3f5"
COMPANY = "Harborlight Electric"
ACCOUNT = "4071-5528-03"
TIER = 400
YEAR_OF_USAGE = (512, 498, 447, 401, 377, 392, 458, 471, 405, 398, 466, 541)
"""Kilowatt-hours of the twelve months before the first bill."""


@dataclass(frozen=True)
class Reading:
    """One month: the day after the last reading, the day of this one, and the meter on both."""

    start: date
    end: date
    before: int
    after: int

    @property
    def usage(self) -> int:
        return self.after - self.before

    @property
    def bill_date(self) -> date:
        return self.end + timedelta(days=3)

    @property
    def due_date(self) -> date:
        return self.bill_date + timedelta(days=21)


READINGS = (
    Reading(date(2024, 1, 14), date(2024, 2, 13), 28_914, 29_482),
    Reading(date(2024, 2, 14), date(2024, 3, 13), 29_482, 29_989),
    Reading(date(2024, 3, 14), date(2024, 4, 13), 29_989, 30_421),
)


def samples() -> Iterator[Sample]:
    usage = list(YEAR_OF_USAGE)
    paid = Decimal("131.72")
    for reading in READINGS:
        usage.append(reading.usage)
        page, amount = _bill(reading, usage[-13:], paid)
        paid = amount
        image = page.render()
        name = f"{reading.bill_date:%Y-%m}-harborlight-electric"
        if reading is READINGS[-1]:
            file, content = f"{name}.jpg", jpeg(turned(textured(image, seed=3), 0.5), quality=62)
        else:
            file, content = f"{name}.png", png(image)
        truth = Truth(
            document_type="utility_bill",
            document_type_also=("service_bill",),
            entity=COMPANY,
            entity_also=("Harborlight Electric Cooperative",),
            date=reading.bill_date,
            due_date=reading.due_date,
            total_amount=amount,
            series_key="harborlight-electric",
            fields={
                "account_number": ACCOUNT,
                "period_start": reading.start.isoformat(),
                "period_end": reading.end.isoformat(),
                "usage_kwh": str(reading.usage),
            },
        )
        yield Sample(file, content, truth, page.text_lines)


def _charges(usage: int) -> list[tuple[str, str, str, Decimal]]:
    first, second = min(usage, TIER), max(usage - TIER, 0)
    rows = [("Customer charge", "1 month", "$14.50", Decimal("14.50"))]
    for name, quantity, rate in (
        (f"Energy, first {TIER} kWh", first, "0.14200"),
        (f"Energy, above {TIER} kWh", second, "0.18750"),
        ("Delivery", usage, "0.04650"),
        ("Clean energy fund", usage, "0.00310"),
    ):
        rows.append((name, f"{quantity} kWh", f"${rate}", cents(quantity * Decimal(rate))))
    subtotal = sum((row[3] for row in rows), Decimal(0))
    rows.append(("City utility tax", money(subtotal), "5.0 %", cents(subtotal * Decimal("0.05"))))
    return rows


def _bill(reading: Reading, usage: list[int], paid: Decimal) -> tuple[Canvas, Decimal]:
    page = Canvas()
    charges = _charges(reading.usage)
    amount = sum((row[3] for row in charges), Decimal(0))
    _letterhead(page)
    page.lines(48, 128, (TENANT, *HOME), 11)
    page.text(48, 194, "Service address", 9.5, color=GREY)
    page.text(48, 208, ", ".join(HOME), 10)
    page.rectangle(340, 108, 232, 112, fill=FOAM, radius=6)
    pairs = (
        ("Account number", ACCOUNT),
        ("Bill date", long_date(reading.bill_date)),
        ("Due date", long_date(reading.due_date)),
    )
    facts(page, 354, 130, 204, pairs, leading=18)
    page.text(354, 204, "Amount due", 12, bold=True, color=NAVY)
    page.text(558, 205, money(amount), 20, bold=True, color=NAVY, align="right")

    page.text(48, 250, "Your account at a glance", 13, bold=True, color=NAVY)
    pairs = (
        ("Previous balance", money(paid)),
        (f"Payment received {short_date(reading.start + timedelta(days=20))}, thank you", money(-paid)),
        ("Balance forward", money(Decimal(0))),
        ("Current charges", money(amount)),
    )
    facts(page, 48, 270, 250, pairs)
    _meter(page, reading)
    _usage_chart(page, reading, usage)

    page.text(48, 372, "Details of current charges", 13, bold=True, color=NAVY)
    columns = (
        Column("Charge", 56),
        Column("Quantity", 340, "right"),
        Column("Rate", 450, "right"),
        Column("Amount", 564, "right"),
    )
    rows = [(name, quantity, rate, money(value)) for name, quantity, rate, value in charges]
    bottom = table(page, 382, columns, rows, left=48, right=572, head=NAVY, stripe=FOAM)
    bottom = total_bar(page, bottom + 8, "Total amount due", money(amount), left=48, right=572, fill=SEA)
    page.text(
        48,
        bottom + 18,
        "A late charge of 1.5 % applies to balances unpaid after the due date.",
        9.5,
        color=GREY,
    )
    page.text(
        48,
        bottom + 31,
        "Questions? 555-0142, weekdays 8 to 6, or harborlight-electric.example",
        9.5,
        color=GREY,
    )
    slip = (
        ("Account number", ACCOUNT),
        ("Due date", long_date(reading.due_date)),
        ("Amount due", money(amount)),
    )
    payment_slip(page, 608, (COMPANY, "PO Box 2210", "Port Amber, CA 95699"), (TENANT, *HOME), slip)
    return page, amount


def _letterhead(page: Canvas) -> None:
    page.rectangle(0, 0, 612, 78, fill=NAVY)
    page.ellipse(76, 39, 24, fill="#f4b740")
    # A lighthouse before a rising lamp of a sun.
    page.polygon([(69, 60), (72, 28), (80, 28), (83, 60)], "#ffffff")
    page.polygon([(70.4, 46), (71.3, 37), (80.7, 37), (81.6, 46)], "#d6483b")
    page.polygon([(70, 28), (76, 19), (82, 28)], NAVY)
    page.rectangle(52, 60, 48, 3, fill=SEA)
    page.text(116, 42, COMPANY, 25, bold=True, color="#ffffff")
    page.text(117, 60, "A member-owned cooperative since 1938", 10.5, color="#b9d3de")
    page.text(572, 40, "Electricity bill", 14, color="#ffffff", align="right")
    page.text(572, 60, "Page 1 of 1", 9.5, color="#b9d3de", align="right")


def _meter(page: Canvas, reading: Reading) -> None:
    days = (reading.end - reading.start).days + 1
    page.text(48, 346, "Billing period", 9.5, color=GREY)
    page.text(
        118, 346, f"{short_date(reading.start)} - {short_date(reading.end)} ({days} days)", 10, bold=True
    )


def _usage_chart(page: Canvas, reading: Reading, usage: list[int]) -> None:
    left, base, step = 340, 330, 17.6
    page.text(left, 250, "Electricity used", 13, bold=True, color=NAVY)
    page.text(572, 250, f"{reading.usage} kWh", 13, bold=True, color=SEA, align="right")
    for place, kilowatt_hours in enumerate(usage):
        newest = place == len(usage) - 1
        height = kilowatt_hours / 600 * 66
        page.rectangle(
            left + place * step, base - height, 12, height, fill=SEA if newest else "#b8d4da", radius=1
        )
    page.rule(left, base, 232, INK)
    page.text(left, base + 16, f"Meter 77-30418: {reading.before} to {reading.after}", 9.5, color=GREY)
    page.text(572, base + 16, "last 13 months", 9.5, color=GREY, align="right")
