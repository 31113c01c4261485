"""Refuse a status or type that nothing can have: an empty answer would read as "there is none"."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from alfrd_events.db.database import Database


async def known_status(database: Database, given: str | None, *entities: str) -> None:
    """:raise BadParameter: no document (or file) can have this status."""
    from alfrd_events.db import looks

    if given is not None:
        _refuse_unknown("status", given, await looks.statuses(database, entities))


async def known_type(database: Database, given: str | None) -> None:
    """:raise BadParameter: there is no such document type."""
    from alfrd_events.db import looks

    if given is not None:
        _refuse_unknown("type", given, await looks.document_types(database))


def _refuse_unknown(noun: str, given: str, known: Collection[str]) -> None:
    if given not in known:
        raise typer.BadParameter(f"no {noun} {given!r}: choose among {', '.join(known)}")
