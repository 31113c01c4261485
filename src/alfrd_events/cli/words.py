"""Refuse what nothing can have, as a status, type, day or amount: an empty answer would read as "there is none"."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from alfrd_events.db.database import Database


async def known_status(database: Database, given: str | None, *entities: str) -> None:
    """:raise BadParameter: no document (or file) can have this status."""
    from alfrd_events.db import queries

    if given is not None:
        _refuse_unknown("status", given, await queries.statuses(database, entities))


async def known_type(database: Database, given: str | None) -> None:
    """:raise BadParameter: there is no such document type."""
    from alfrd_events.db import queries

    if given is not None:
        _refuse_unknown("type", given, await queries.document_types(database))


def day_of(option: str, given: str | None) -> date | None:
    """:raise BadParameter: this is no date."""
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter(f"{option} {given}: give a date such as 2024-04-30") from None


def amount_of(option: str, given: str | None) -> Decimal | None:
    """:raise BadParameter: this is no amount."""
    if given is None:
        return None
    try:
        amount = Decimal(given)
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise typer.BadParameter(f"{option} {given}: give an amount such as 2150 or 99.95")
    return amount


def _refuse_unknown(noun: str, given: str, known: Collection[str]) -> None:
    if given not in known:
        raise typer.BadParameter(f"no {noun} {given!r}: choose among {', '.join(known)}")
