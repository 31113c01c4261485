"""Values that PostgreSQL can hold and Python cannot: dates before Christ, ``infinity``, years beyond 9999.

A column may hold them whatever its checks say now: it was written before they were there, or with them switched off. A
query that meets one must not fail, since it would fail for all the rows beside it.

Who shows such a value shows its text. Who works with it works as if there were none: :func:`usable_date`,
:func:`usable_amount`.

Importing this module has effect for every connection of the process.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import psycopg
from psycopg.abc import Buffer, Loader
from psycopg.types.datetime import (
    DateLoader,
    IntervalLoader,
    TimeLoader,
    TimestampLoader,
    TimestamptzLoader,
    TimetzLoader,
)

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
LARGEST_AMOUNT = Decimal(10) ** 15
"""No bill is as high as this. The checks of the tables say the same: see ``sql/migrations``."""


def _or_text(kind: Any) -> type[Loader]:
    """A loader of a type that gives the text of what Python has no value for."""

    class Tolerant(kind):  # type: ignore[misc]
        def load(self, data: Buffer) -> Any:
            try:
                return super().load(data)
            except (psycopg.DataError, OverflowError, ValueError):
                return bytes(data).decode()

    return cast(type[Loader], Tolerant)


for _name, _loader in {
    "date": DateLoader,
    "time": TimeLoader,
    "timetz": TimetzLoader,
    "timestamp": TimestampLoader,
    "timestamptz": TimestamptzLoader,
    "interval": IntervalLoader,
}.items():
    psycopg.adapters.register_loader(_name, _or_text(_loader))


def usable_date(value: date | str | None) -> date | None:
    """A date to work with; ``None`` for what is none, such as ``infinity``.

    :param value: as a query gives it, or its ISO text as JSON has it.
    """
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def usable_amount(value: Decimal | str | None) -> Decimal | None:
    """An amount to work with; ``None`` for ``NaN``, the infinite, and what no arithmetic on amounts can bear.

    :param value: as a query gives it, or its text.
    """
    if value is None:
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < LARGEST_AMOUNT else None


def moment(text: str) -> datetime:
    """The moment of a JSON text; the first or last that Python knows where it lies beyond."""
    try:
        return datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        is_early = text.startswith("-") or text.endswith("BC")
        return _FIRST if is_early else _LAST
