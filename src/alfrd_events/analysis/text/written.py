"""Values as text: for people, and for JSON."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

SYMBOLS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "MYR": "RM ",
    "INR": "₹",
    "SGD": "S$",
    "AUD": "A$",
    "CAD": "C$",
}


def money(amount: Decimal, currency: str) -> str:
    """An amount for people: ``$1,351.40``, ``RM 29.70``, ``12.50 CHF``."""
    digits = f"{amount:,.2f}"
    symbol = SYMBOLS.get(currency)
    if symbol:
        return f"-{symbol}{digits[1:]}" if digits.startswith("-") else f"{symbol}{digits}"
    return f"{digits} {currency}".strip()


def iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
