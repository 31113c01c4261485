"""Texts of everyday documents, as many as wanted: no two alike, and what each says is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal


@dataclass(frozen=True)
class Paper:
    """A document's text, and what is true of it."""

    filename: str
    text: str
    document_type: str
    entity: str
    total: Decimal
    day: date


def papers(count: int) -> list[Paper]:
    """Bills and receipts of a few companies, month after month."""
    makers = (_electricity, _phone, _groceries, _insurance)
    return [makers[number % len(makers)](number) for number in range(count)]


def _electricity(number: int) -> Paper:
    day = _day(number)
    charge, tax = Decimal(8000 + 7 * number) / 100, Decimal(512 + number % 90) / 100
    total, due = charge + tax, day + timedelta(days=21)
    text = f"""Harbor Electric Company
Electricity bill

Account number: 4471-0001-22
Statement date: {day:%B %d, %Y}
Due date: {due:%B %d, %Y}
Electricity used: {400 + number} kWh

Energy charges    ${charge:.2f}
Taxes and fees    ${tax:.2f}
Total amount due  ${total:.2f}
"""
    return Paper(f"electric-{number}.txt", text, "utility_bill", "Harbor Electric Company", total, day)


def _phone(number: int) -> Paper:
    day = _day(number)
    total = Decimal(4500 + number % 700) / 100
    text = f"""Kittiwake Mobile LLC
Wireless bill

Account number: 901-5512
Bill date: {day:%Y-%m-%d}
Payment due: {day + timedelta(days=14):%Y-%m-%d}

Monthly plan, 1 line    ${total:.2f}
Total due               ${total:.2f}
"""
    return Paper(f"phone-{number}.txt", text, "service_bill", "Kittiwake Mobile LLC", total, day)


def _groceries(number: int) -> Paper:
    day = _day(number)
    bread, milk = Decimal(329 + number % 50) / 100, Decimal(189 + number % 40) / 100
    total = bread + milk
    text = f"""Corner Market Inc
12 Station Road
RECEIPT

Date: {day:%Y-%m-%d}  14:05
Rye bread      ${bread:.2f}
Whole milk     ${milk:.2f}
TOTAL          ${total:.2f}
Paid by VISA   ${total:.2f}
Thank you for shopping
"""
    return Paper(f"market-{number}.txt", text, "receipt", "Corner Market Inc", total, day)


def _insurance(number: int) -> Paper:
    day = _day(number)
    total = Decimal(11000 + 13 * (number % 300)) / 100
    text = f"""Granite Mutual Insurance
Auto insurance premium notice

Policy number: GM-771-1020
Date: {day:%B %d, %Y}
Coverage: liability and collision
Deductible: $500.00
Premium due: {day + timedelta(days=20):%B %d, %Y}
Total premium due    ${total:.2f}
"""
    return Paper(f"insurance-{number}.txt", text, "insurance", "Granite Mutual Insurance", total, day)


def _day(number: int) -> date:
    return date(2023, 1, 10) + timedelta(days=3 * number)
