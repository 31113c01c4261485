"""Money that comes and goes by bank: a payslip, a bank statement, a freelancer's invoice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from .canvas import GREY, INK, Canvas
from .paper import scanned, textured, turned
from .parts import Column, facts, table, total_bar
from .pdf import Picture, write_pdf
from .sample import HOME, TENANT, Sample, Truth, cents, jpeg, long_date, money, png


def samples() -> Iterator[Sample]:
    yield _payslip()
    yield _statement()
    yield _invoice()


# --- payslip ---------------------------------------------------------------------------------------

EMPLOYER = "Ploverfield Instruments, Inc."
SLATE, ICE, LEAF = "#26384d", "#eef2f6", "#2c7a52"
SALARY = Decimal("5200.00")
STIPEND = Decimal("120.00")
DEDUCTIONS = (
    ("Federal income tax", Decimal("548.20")),
    ("State income tax", Decimal("187.65")),
    ("Social security, 6.2 %", cents((SALARY + STIPEND) * Decimal("0.062"))),
    ("Medicare, 1.45 %", cents((SALARY + STIPEND) * Decimal("0.0145"))),
    ("Health plan", Decimal("96.00")),
    ("Retirement plan, 5 %", cents(SALARY * Decimal("0.05"))),
)
GROSS = SALARY + STIPEND
DEDUCTED = sum((amount for _, amount in DEDUCTIONS), Decimal(0))
NET = GROSS - DEDUCTED
MONTHS_SO_FAR = 3


def _payslip() -> Sample:
    paid_on, start, end = date(2024, 3, 29), date(2024, 3, 1), date(2024, 3, 31)
    page = Canvas(612, 560)
    page.rectangle(0, 0, 612, 74, fill=SLATE)
    for radius, color in ((21, "#ffffff"), (17, SLATE), (11, "#f0b429"), (5, SLATE)):
        page.ellipse(70, 37, radius, fill=color)
    page.text(104, 36, EMPLOYER, 20, bold=True, color="#ffffff")
    page.text(104, 55, "2 Survey Park, Port Amber, CA 95699", 10, color="#c6d2df")
    page.text(564, 43, "Earnings statement", 15, color="#ffffff", align="right")
    left = (("Employee", TENANT), ("Employee ID", "P-0417"), ("Department", "Calibration"))
    facts(page, 48, 104, 230, left, leading=19)
    right = (
        ("Pay period", f"{start:%m/%d/%Y} - {end:%m/%d/%Y}"),
        ("Pay date", long_date(paid_on)),
        ("Payment", "Direct deposit, ending 3306"),
    )
    facts(page, 318, 104, 246, right, leading=19)

    columns = (
        Column("Earnings", 58),
        Column("Hours", 330, "right"),
        Column("Current", 440, "right"),
        Column("Year to date", 554, "right"),
    )
    rows = [
        ("Salary", "168.00", money(SALARY), money(SALARY * MONTHS_SO_FAR)),
        ("Remote work stipend", "", money(STIPEND), money(STIPEND * MONTHS_SO_FAR)),
        ("Gross pay", "", money(GROSS), money(GROSS * MONTHS_SO_FAR)),
    ]
    bottom = table(page, 166, columns, rows, left=48, right=564, head=SLATE, leading=21, stripe=ICE)
    columns = (
        Column("Deductions", 58),
        Column("Current", 440, "right"),
        Column("Year to date", 554, "right"),
    )
    rows = [(name, money(amount), money(amount * MONTHS_SO_FAR)) for name, amount in DEDUCTIONS]
    rows.append(("Total deductions", money(DEDUCTED), money(DEDUCTED * MONTHS_SO_FAR)))
    bottom = table(page, bottom + 16, columns, rows, left=48, right=564, head=SLATE, leading=21, stripe=ICE)
    bottom = total_bar(page, bottom + 14, "Net pay", money(NET), left=48, right=564, fill=LEAF)
    page.text(
        48, bottom + 26, "Vacation balance: 9.5 days. Questions: payroll@ploverfield.example", 10, color=GREY
    )
    truth = Truth(
        document_type="payroll",
        document_type_also=("employment",),
        entity=EMPLOYER,
        entity_also=("Ploverfield Instruments",),
        date=paid_on,
        total_amount=NET,
        series_key="ploverfield-payslip",
        fields={
            "account_number": "P-0417",
            "period_start": start.isoformat(),
            "period_end": end.isoformat(),
            "gross_pay": str(GROSS),
        },
    )
    return Sample("2024-03-payslip.png", png(page.render()), truth, page.text_lines)


# --- bank statement: a page with a text layer, a page that was scanned ----------------------------

BANK = "Lanternfish Bank"
DEEP, PALE, GLOW = "#10243e", "#edf1f7", "#ffcf5c"
OPENING = Decimal("2914.36")
TRANSACTIONS = (
    ("03/01", "Saltmarsh Mutual Insurance", Decimal("-112.00")),
    ("03/05", "Harborlight Electric", Decimal("-137.52")),
    ("03/06", "Check 1055", Decimal("-1850.00")),
    ("03/16", "Thistleplum Market", Decimal("-53.56")),
    ("03/18", "Transfer from savings", Decimal("400.00")),
    ("03/23", "The Brass Bittern", Decimal("-107.74")),
    ("03/27", "Kittiwake Mobile", Decimal("-84.63")),
    ("03/29", "Ploverfield Instruments payroll", NET),
    ("03/29", "Monthly account fee", Decimal("-6.00")),
    ("03/31", "Interest", Decimal("0.42")),
)
FIRST_PAGE_ROWS = 6


def _statement() -> Sample:
    deposits = sum((amount for _, _, amount in TRANSACTIONS if amount > 0), Decimal(0))
    withdrawals = sum((amount for _, _, amount in TRANSACTIONS if amount < 0), Decimal(0))
    closing = OPENING + deposits + withdrawals
    balance, rows = OPENING, []
    for day, name, amount in TRANSACTIONS:
        balance += amount
        rows.append((day, name, money(amount), money(balance)))

    first, second = _bank_page(1), _bank_page(2)
    first.lines(48, 128, (TENANT, *HOME), 11)
    pairs = (
        ("Account number", "5500 3306"),
        ("Statement period", "03/01/2024 - 03/31/2024"),
        ("Statement date", "March 31, 2024"),
    )
    facts(first, 330, 128, 234, pairs, leading=19)
    first.rectangle(48, 196, 516, 74, fill=PALE, radius=6)
    for x, label, amount in (
        (62, "Opening balance", OPENING),
        (194, "Deposits", deposits),
        (318, "Withdrawals", withdrawals),
        (444, "Closing balance", closing),
    ):
        first.text(x, 222, label, 10, color=GREY)
        first.text(x, 246, money(amount), 14.5, bold=True, color=DEEP)
    first.text(48, 306, "Account activity", 14, bold=True, color=DEEP)
    columns = (
        Column("Date", 58),
        Column("Description", 120),
        Column("Amount", 440, "right"),
        Column("Balance", 554, "right"),
    )
    layout = {"left": 48.0, "right": 564.0, "leading": 24.0}
    bottom = table(first, 318, columns, rows[:FIRST_PAGE_ROWS], head=DEEP, stripe=PALE, **layout)
    first.text(564, bottom + 20, "continued on page 2", 10, color=GREY, align="right")

    second.text(48, 126, "Account activity, continued", 14, bold=True, color=DEEP)
    bottom = table(second, 138, columns, rows[FIRST_PAGE_ROWS:], head=DEEP, stripe=PALE, **layout)
    bottom = total_bar(second, bottom + 12, "Closing balance", money(closing), left=48, right=564, fill=DEEP)
    second.text(48, bottom + 44, "In case of errors", 12, bold=True, color=DEEP)
    second.lines(
        48,
        bottom + 64,
        (
            "Tell us within 60 days of this statement: 555-0100, or PO Box 9, Port Amber, CA 95699.",
            "Annual percentage yield earned: 0.31 %. Days in the period: 31.",
        ),
        10.5,
        1.5,
    )
    scan = turned(scanned(textured(second.render(), seed=71), seed=72, noise=3), -0.7, "#f2f2f2")
    picture = Picture(jpeg(scan, 50), scan.size, (second.width, second.height))
    truth = Truth(
        document_type="bank_statement",
        entity=BANK,
        date=date(2024, 3, 31),
        total_amount=closing,
        unscored=("total_amount",),
        series_key="lanternfish-bank-statement",
        fields={"account_number": "5500 3306", "period_start": "2024-03-01", "period_end": "2024-03-31"},
    )
    lines = [*first.text_lines, *second.text_lines]
    return Sample("2024-03-bank-statement.pdf", write_pdf([first, picture]), truth, lines, pages=2)


def _bank_page(number: int) -> Canvas:
    page = Canvas()
    page.rectangle(0, 0, 612, 84, fill=DEEP)
    page.ellipse(72, 46, 22, 15, fill="#ffffff")
    page.polygon([(90, 46), (106, 34), (106, 58)], "#ffffff")
    page.ellipse(64, 43, 3, fill=DEEP)
    page.line([(70, 32), (60, 18), (50, 22)], "#ffffff", 1.6)
    page.ellipse(48, 24, 5, fill=GLOW)
    page.text(122, 52, BANK, 23, bold=True, color="#ffffff")
    page.text(564, 44, "Checking account statement", 12, color="#ffffff", align="right")
    page.text(564, 62, f"Page {number} of 2", 10, color="#b9c7da", align="right")
    return page


# --- invoice in euros ------------------------------------------------------------------------------

STUDIO = "Nettlebolt Weaving Studio"
MOSS, WHEAT = "#4a5d23", "#f5f3e7"
VAT = Decimal("0.23")
WORK = (
    ("Pattern design, spring collection", Decimal("14"), Decimal("65.00")),
    ("Hand-woven linen, undyed, per metre", Decimal("8.5"), Decimal("38.00")),
    ("Colour consultation", Decimal("2"), Decimal("80.00")),
    ("Shipping, insured", Decimal("1"), Decimal("24.50")),
)


def _invoice() -> Sample:
    issued, due, number = date(2024, 4, 19), date(2024, 5, 19), "NW-2024-031"
    page = Canvas()
    for row in range(4):
        for column in range(4):
            page.rectangle(
                48 + 11 * column,
                44 + 11 * row,
                9,
                9,
                fill=MOSS if (row + column) % 2 else "#c9b458",
                radius=1.5,
            )
    page.text(106, 66, STUDIO, 22, bold=True, color=MOSS)
    page.text(106, 84, "9 Weavers Lane, Galway, Ireland   |   VAT no. IE 0000000X", 10, color=GREY)
    page.text(564, 140, "INVOICE", 24, bold=True, color=MOSS, align="right")
    page.text(48, 136, "Bill to", 10, color=GREY)
    page.lines(48, 152, (TENANT, *HOME, "USA"), 11)
    pairs = (
        ("Invoice number", number),
        ("Invoice date", f"{issued:%d %B %Y}"),
        ("Due date", f"{due:%d %B %Y}"),
    )
    facts(page, 350, 166, 214, pairs, leading=18)
    columns = (
        Column("Description", 58),
        Column("Quantity", 348, "right"),
        Column("Unit price", 450, "right"),
        Column("Amount", 554, "right"),
    )
    rows = [
        (name, f"{quantity}", money(price, "€"), money(quantity * price, "€"))
        for name, quantity, price in WORK
    ]
    bottom = table(page, 246, columns, rows, left=48, right=564, head=MOSS, leading=25, stripe=WHEAT)
    subtotal = sum((quantity * price for _, quantity, price in WORK), Decimal(0))
    vat = cents(subtotal * VAT)
    pairs = (("Subtotal", money(subtotal, "€")), ("VAT 23 %", money(vat, "€")))
    bottom = facts(page, 340, bottom + 28, 214, pairs, size=11, leading=20)
    bottom = total_bar(page, bottom - 2, "Total", money(subtotal + vat, "€"), left=328, right=564, fill=MOSS)
    page.rectangle(48, 560, 516, 92, fill=WHEAT, radius=6)
    page.text(64, 586, "Payment", 12, bold=True, color=MOSS)
    page.lines(
        64,
        606,
        (
            "By bank transfer within 30 days, please quote the invoice number.",
            "IBAN IE00 0000 0000 0000 0000 00   BIC LFBKIE00",
        ),
        10.5,
        1.6,
    )
    page.text(306, 740, "Thank you for your order. Made by hand, slowly.", 10.5, color=INK, align="center")
    truth = Truth(
        document_type="invoice",
        entity=STUDIO,
        date=issued,
        due_date=due,
        total_amount=subtotal + vat,
        currency="EUR",
        series_key="nettlebolt-weaving",
        fields={"invoice_number": number},
    )
    return Sample("2024-04-design-invoice.pdf", write_pdf([page]), truth, page.text_lines)
