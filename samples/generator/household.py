"""Rent receipts, auto insurance notices and mobile bills: what a household gets every month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from .canvas import GREY, INK, Canvas
from .paper import stamped, textured, turned
from .parts import Column, barcode, facts, payment_slip, signature, table, total_bar
from .pdf import write_pdf
from .sample import HOME, TENANT, Sample, Truth, cents, jpeg, long_date, money, png, short_date


def samples() -> Iterator[Sample]:
    yield from _rent()
    yield from _insurance()
    yield from _mobile()


# --- rent ----------------------------------------------------------------------------------------

LANDLORD = "Tern & Willow Property Management"
GREEN, SAGE = "#2f5d46", "#eef3ec"
RENT = (("Rent, apartment 5", Decimal("1795.00")), ("Parking space 12", Decimal("55.00")))


def _rent() -> Iterator[Sample]:
    months = (
        (date(2024, 1, 1), date(2024, 1, 31), date(2024, 1, 2), "check 1042"),
        (date(2024, 2, 1), date(2024, 2, 29), date(2024, 2, 1), "check 1047"),
        (date(2024, 3, 1), date(2024, 3, 31), date(2024, 3, 4), "check 1055"),
    )
    for month, (start, end, paid_on, method) in enumerate(months):
        number = f"TW-{2381 + 44 * month}"
        page = _rent_receipt(number, start, end, paid_on, method)
        image = textured(page.render(), seed=20 + month, tint="#fbf8ec")
        image = stamped(image, "PAID", (950 + 12 * month, 600 - 8 * month), 11 + 4 * month, "#b3392f")
        image = turned(image, (-0.6, 0.4, 0.8)[month])
        truth = Truth(
            document_type="property",
            document_type_also=("receipt",),
            entity=LANDLORD,
            entity_also=("Tern & Willow",),
            date=paid_on,
            total_amount=sum((amount for _, amount in RENT), Decimal(0)),
            series_key="tern-willow-rent",
            fields={
                "receipt_number": number,
                "period_start": start.isoformat(),
                "period_end": end.isoformat(),
            },
        )
        yield Sample(f"{start:%Y-%m}-rent-receipt.jpg", jpeg(image, 64), truth, [*page.text_lines, "PAID"])


def _rent_receipt(number: str, start: date, end: date, paid_on: date, method: str) -> Canvas:
    page = Canvas(612, 400)
    total = sum((amount for _, amount in RENT), Decimal(0))
    page.rectangle(18, 18, 576, 364, stroke=GREEN, line=1.6, radius=4)
    page.rectangle(22, 22, 568, 356, stroke=GREEN, line=0.6, radius=3)
    page.polygon([(42, 66), (64, 42), (86, 66)], GREEN)
    page.rectangle(48, 66, 32, 20, fill=GREEN)
    page.rectangle(59, 71, 10, 15, fill="#fbf8ec")
    page.text(100, 62, LANDLORD, 17, bold=True, color=GREEN)
    page.text(100, 80, "27 Ferry Row, Port Amber, CA 95699   |   555-0177", 10, color=GREY)
    page.rule(40, 98, 532, GREEN)
    page.text(40, 124, "RENT RECEIPT", 17, bold=True, tracking=2)
    page.text(572, 116, f"Receipt No. {number}", 11, bold=True, align="right")
    page.text(572, 133, f"Date: {long_date(paid_on)}", 11, align="right")
    rows = (
        ("Received from", TENANT),
        ("Property", ", ".join(HOME)),
        ("For the period", f"{long_date(start)} - {long_date(end)}"),
        ("The sum of", "One thousand eight hundred fifty and 00/100 dollars"),
        ("Paid by", method),
    )
    y = 162.0
    for label, value in rows:
        page.text(40, y, label, 10.5, color=GREY)
        page.text(140, y, value, 11.5)
        page.rule(138, y + 4, 434)
        y += 24
    page.rectangle(40, 282, 276, 80, fill=SAGE, radius=4)
    pairs = [(name, money(amount)) for name, amount in RENT]
    y = facts(page, 52, 302, 252, pairs, size=10.5, leading=18)
    page.rule(52, y - 10, 252, GREEN)
    page.text(52, y + 10, "Total received", 13, bold=True, color=GREEN)
    page.text(304, y + 10, money(total), 14, bold=True, color=GREEN, align="right")
    signature(page, 400, 338, seed=5)
    page.rule(372, 346, 200, INK)
    page.text(372, 360, "M. Osgood, for the landlord", 10, color=GREY)
    return page


# --- auto insurance ------------------------------------------------------------------------------

INSURER = "Saltmarsh Mutual Insurance"
PLUM, ROSE = "#5b2a55", "#f6eef4"
POLICY = "SMA-3318842-07"
COVERAGES = (
    ("Bodily injury liability", "$100,000 / $300,000", Decimal("46.20")),
    ("Property damage liability", "$100,000", Decimal("21.85")),
    ("Collision", "$500 deductible", Decimal("34.10")),
    ("Comprehensive", "$250 deductible", Decimal("14.75")),
    ("Roadside assistance", "included up to $100", Decimal("3.60")),
)
SAFE_DRIVER = Decimal("-8.50")


def _insurance() -> Iterator[Sample]:
    periods = (
        (date(2024, 2, 1), date(2024, 2, 29)),
        (date(2024, 3, 1), date(2024, 3, 31)),
        (date(2024, 4, 1), date(2024, 4, 30)),
    )
    amount = sum((premium for _, _, premium in COVERAGES), SAFE_DRIVER)
    for start, end in periods:
        issued, due = start - timedelta(days=17), start
        page = _premium_notice(issued, due, start, end, amount)
        name = f"{issued:%Y-%m}-auto-insurance"
        last = start == periods[-1][0]
        file, content = (f"{name}.png", png(page.render())) if last else (f"{name}.pdf", write_pdf([page]))
        truth = Truth(
            document_type="insurance",
            document_type_also=("vehicle",),
            entity=INSURER,
            entity_also=("Saltmarsh Mutual",),
            date=issued,
            due_date=due,
            total_amount=amount,
            series_key="saltmarsh-auto-insurance",
            fields={
                "account_number": POLICY,
                "period_start": start.isoformat(),
                "period_end": end.isoformat(),
            },
        )
        yield Sample(file, content, truth, page.text_lines)


def _premium_notice(issued: date, due: date, start: date, end: date, amount: Decimal) -> Canvas:
    page = Canvas()
    page.rectangle(0, 0, 612, 8, fill=PLUM)
    page.polygon([(48, 36), (90, 36), (90, 62), (69, 84), (48, 62)], PLUM)
    for reed, top in enumerate((52, 44, 48)):
        page.line([(60 + 9 * reed, 70), (60 + 9 * reed, top)], "#ffffff", 1.6)
        page.ellipse(60 + 9 * reed, top, 2, 5, fill="#e7b85c")
    page.text(104, 58, INSURER, 21, bold=True, color=PLUM)
    page.text(104, 75, "900 Causeway Boulevard, Marrow Point, CA 95688", 10, color=GREY)
    page.text(572, 116, "Auto insurance premium notice", 15, bold=True, align="right")
    page.text(572, 133, f"Notice date: {long_date(issued)}", 10.5, color=GREY, align="right")
    page.lines(48, 122, (TENANT, *HOME), 11)

    page.rectangle(48, 186, 524, 78, fill=ROSE, radius=6)
    left = (("Policy number", POLICY), ("Named insured", TENANT), ("Vehicle", "2019 Corvid Wagon"))
    facts(page, 62, 208, 230, left, leading=20)
    coverage = f"{start:%m/%d/%Y} - {end:%m/%d/%Y}"
    right = (("Coverage period", coverage), ("Payment due", long_date(due)), ("Amount due", money(amount)))
    facts(page, 322, 208, 236, right, leading=20)

    page.text(48, 300, "Coverages and premium for this period", 13, bold=True, color=PLUM)
    columns = (Column("Coverage", 56), Column("Limit", 300), Column("Premium", 564, "right"))
    rows = [(name, limit, money(premium)) for name, limit, premium in COVERAGES]
    rows.append(("Safe driver discount", "", money(SAFE_DRIVER)))
    bottom = table(page, 312, columns, rows, left=48, right=572, head=PLUM, leading=21, stripe=ROSE)
    bottom = total_bar(page, bottom + 10, "Premium due", money(amount), left=48, right=572, fill=PLUM)
    page.lines(
        48,
        bottom + 24,
        (
            "Please pay by the due date to keep your coverage in force. A grace period of ten days applies.",
            "To report a claim at any hour call 555-0119. Manage your policy at saltmarsh-mutual.example.",
        ),
    )
    slip = (("Policy number", POLICY), ("Payment due", long_date(due)), ("Amount due", money(amount)))
    payment_slip(page, 608, (INSURER, "PO Box 700", "Marrow Point, CA 95688"), (TENANT, *HOME), slip)
    barcode(page, 222, 742, 110, 26, POLICY)
    return page


# --- mobile --------------------------------------------------------------------------------------

CARRIER = "Kittiwake Mobile"
CORAL, SAND = "#d3553f", "#fbf0ea"
PHONE_LINE = "555-0163"
_DATA_USED = {
    12: Decimal("20.1"),
    1: Decimal("17.2"),
    2: Decimal("18.4"),
    3: Decimal("23.7"),
    5: Decimal("19.0"),
}


def _mobile() -> Iterator[Sample]:
    """Five bills, of which one is dearer; that of April did not come."""
    months = (
        (date(2023, 12, 5), date(2024, 1, 4), ()),
        (date(2024, 1, 5), date(2024, 2, 4), ()),
        (date(2024, 2, 5), date(2024, 3, 4), ()),
        (date(2024, 3, 5), date(2024, 4, 4), (("Travel day pass, 2 days", Decimal("16.00")),)),
        (date(2024, 5, 5), date(2024, 6, 4), ()),
    )
    for start, end, extras in months:
        page, amount = _mobile_bill(start, end, extras)
        issued, due = start + timedelta(days=1), start + timedelta(days=22)
        truth = Truth(
            document_type="service_bill",
            document_type_also=("utility_bill",),
            entity=CARRIER,
            date=issued,
            due_date=due,
            total_amount=amount,
            series_key="kittiwake-mobile",
            fields={
                "account_number": "KM 620 118 447",
                "period_start": start.isoformat(),
                "period_end": end.isoformat(),
            },
        )
        file = f"{issued:%Y-%m}-kittiwake-mobile.pdf"
        yield Sample(file, write_pdf([page]), truth, page.text_lines)


def _mobile_bill(start: date, end: date, extras: tuple[tuple[str, Decimal], ...]) -> tuple[Canvas, Decimal]:
    page = Canvas()
    issued, due = start + timedelta(days=1), start + timedelta(days=22)
    charges = [
        ("Unlimited Tide plan", f"Line {PHONE_LINE}", Decimal("45.00")),
        (
            f"Phone installment {(start.year - 2024) * 12 + start.month + 7} of 24",
            "",
            Decimal("22.91"),
        ),
        ("Autopay discount", "", Decimal("-5.00")),
        *((name, "", amount) for name, amount in extras),
    ]
    subtotal = sum((amount for _, _, amount in charges), Decimal(0))
    tax = cents(subtotal * Decimal("0.0725"))
    amount = subtotal + tax

    page.rectangle(0, 0, 612, 120, fill=CORAL)
    page.polygon([(44, 58), (66, 40), (78, 52), (92, 36), (116, 46), (94, 50), (80, 70), (64, 54)], "#ffffff")
    page.text(130, 62, CARRIER, 26, bold=True, color="#ffffff")
    page.text(572, 56, "Your monthly bill", 13, color="#ffffff", align="right")
    page.text(572, 76, f"Bill date {long_date(issued)}", 10.5, color="#ffffff", align="right")
    page.rectangle(48, 96, 516, 84, fill="#ffffff", stroke="#e6d5cc", radius=8)
    page.text(66, 122, "Amount due", 11, color=GREY)
    page.text(66, 154, money(amount), 28, bold=True, color=CORAL)
    page.text(250, 122, "Due date", 11, color=GREY)
    page.text(250, 148, long_date(due), 15, bold=True)
    page.text(420, 122, "Account number", 11, color=GREY)
    page.text(420, 148, "KM 620 118 447", 13, bold=True)

    page.lines(48, 222, (TENANT, *HOME), 11)
    page.text(564, 222, "Service period", 10, color=GREY, align="right")
    page.text(564, 238, f"{short_date(start)} - {short_date(end)}", 12, bold=True, align="right")
    page.text(48, 300, "What you pay for", 14, bold=True, color=CORAL)
    columns = (Column("Description", 58), Column("Detail", 300), Column("Amount", 554, "right"))
    rows = [(name, detail, money(value)) for name, detail, value in charges]
    rows += [("Subtotal", "", money(subtotal)), ("Taxes and fees", "7.25 %", money(tax))]
    bottom = table(page, 314, columns, rows, left=48, right=564, head=CORAL, leading=23, stripe=SAND)
    bottom = total_bar(page, bottom + 10, "Total due", money(amount), left=48, right=564, fill=CORAL)

    page.text(48, bottom + 44, "Data used", 12, bold=True)
    used = _DATA_USED[start.month]
    page.rectangle(48, bottom + 54, 516, 14, fill="#efe5df", radius=7)
    page.rectangle(48, bottom + 54, float(516 * used / 50), 14, fill=CORAL, radius=7)
    page.text(48, bottom + 86, f"{used} GB of 50 GB at full speed", 10, color=GREY)
    page.rectangle(48, bottom + 108, 516, 62, fill=SAND, radius=6)
    page.text(64, bottom + 130, "Autopay is on", 11, bold=True)
    page.text(64, bottom + 148, f"We will charge your card ending in 0417 on {long_date(due)}.", 10.5)
    page.text(
        306,
        752,
        "Kittiwake Mobile, 6 Gull Quay, Port Amber, CA 95699   |   care 555-0160   |   kittiwake.example",
        9.5,
        color=GREY,
        align="center",
    )
    return page, amount
