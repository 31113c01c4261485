"""Finding business terms in an invoice's tree: elements by their local names, values as what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar
from unicodedata import normalize
from xml.etree.ElementTree import Element

from alfrd_events.errors import AlfrdError
from alfrd_events.reading.formats.xml import local

_AMOUNT = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,10})?|[+-]?\.\d{1,10}")
Value = TypeVar("Value")

CREDIT_NOTES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"})
"""Codes of UNTDID 1001 (BT-3) by which a seller gives money back."""
LONGEST = 1_000
"""Characters of one value."""


class NotInvoice(AlfrdError):
    """It cannot be read as an invoice; the text says why, as part of a sentence."""


def each(element: Element | None, path: str) -> Iterator[Element]:
    """The elements at the end of a path of local names (``a/b``), in their order."""
    if element is None:
        return
    name, _, rest = path.partition("/")
    for child in element:
        if local(child) == name:
            if rest:
                yield from each(child, rest)
            else:
                yield child


def first(element: Element | None, *paths: str) -> Element | None:
    """The first element that there is at one of these paths."""
    for path in paths:
        for found in each(element, path):
            return found
    return None


def text(element: Element | None, *paths: str) -> str:
    """The first text at one of these paths; empty where there is none."""
    for path in paths:
        for found in each(element, path):
            if said := " ".join((found.text or "").split()):
                return normalize("NFC", said)[:LONGEST]
    return ""


def required(element: Element | None, term: str, *paths: str) -> str:
    """As :func:`text`.

    :raise NotInvoice: there is none.
    """
    return needed(term, text(element, *paths) or None)


def needed(term: str, value: Value | None) -> Value:
    """The value of a term that every invoice has.

    :raise NotInvoice: it has none.
    """
    if value is None:
        raise NotInvoice(f"it has no {term}")
    return value


def amount(element: Element | None, *paths: str) -> Decimal | None:
    """An amount, a quantity or a price; exact, as written.

    :raise NotInvoice: it holds something else.
    """
    return _number(text(element, *paths), paths[0])


def amount_in(currency: str, element: Element | None, path: str) -> Decimal | None:
    """Of an amount that may be given in two currencies, the one in this currency.

    :raise NotInvoice: it holds something else.
    """
    for found in each(element, path):
        if found.get("currencyID", currency) == currency:
            return _number(" ".join((found.text or "").split()), path)
    return None


def _number(said: str, path: str) -> Decimal | None:
    if not said:
        return None
    if not _AMOUNT.fullmatch(said):
        raise NotInvoice(f"its {path.rpartition('/')[2]} is no number")
    return Decimal(said)


def day(element: Element | None, *paths: str) -> date | None:
    """A date: ``2026-03-05``, or ``20260305`` (format 102).

    :raise NotInvoice: it holds something else.
    """
    said = text(element, *paths)
    if not said:
        return None
    for shape in ("%Y-%m-%d", "%Y%m%d"):
        try:
            return datetime.strptime(said[:10] if shape == "%Y-%m-%d" else said, shape).date()  # noqa: DTZ007
        except ValueError:
            continue
    raise NotInvoice(f"its {paths[0].partition('/')[0]} is no date")
