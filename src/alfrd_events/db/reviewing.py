"""One document after the other for a reviewer: claimed, seen, and its verdict.

Thin calls of the functions under ``sql/functions/reviews.sql``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from alfrd_events.db.database import Database
from alfrd_events.db.queries import text_of
from alfrd_events.db.review import review_of


@dataclass(frozen=True, slots=True)
class Claimed:
    """A document that a reviewer has to judge."""

    id: UUID
    filename: str
    reason: str
    """Why it needs review, in a sentence."""
    values: dict[str, dict[str, Any]]
    """By field: rows of ``alfrd.document_values``."""
    text: str
    """Of its pages, apart by a form feed."""
    others: int
    """How many other documents need review."""


async def next_review(
    database: Database, reviewer: str, minutes: float, skip: Collection[UUID] = ()
) -> Claimed | None:
    """Claim the worst document that needs review and that no other person looks at; ``None``: there is none.

    :param skip: those that the reviewer does not want now.
    :raise Refused: the name or the minutes make no sense.
    """
    row = await database.row(
        "select * from alfrd.next_review(%s, %s::double precision, %s::uuid[])",
        [reviewer, minutes, list(skip)],
    )
    if row is None:
        return None
    id = row["document_id"]
    values = (await review_of(database, id))["values"]
    rivals = await database.rows("select slug from alfrd.series_candidates(%s)", [id])
    if rivals:
        values.append({"field": "series", "value": None, "alternatives": [rival["slug"] for rival in rivals]})
    texts = await text_of(database, [id])
    return Claimed(
        id,
        row["filename"],
        row["reason"],
        {value["field"]: value for value in values},
        texts.get(id, ""),
        row["others"],
    )


async def accept(database: Database, document: UUID) -> None:
    """Say that it is right as it is, which ends its review.

    :raise NotFound: there is no such document.
    """
    await database.value("select alfrd.accept(%s)", [document])


async def reopen(database: Database, document: UUID) -> None:
    """Take the acceptance back.

    :raise NotFound: there is no such document.
    """
    await database.value("select alfrd.reopen_review(%s)", [document])


async def release(database: Database, document: UUID) -> None:
    """Give a claimed document back.

    :raise NotFound: there is no such document.
    """
    await database.value("select alfrd.release_review(%s)", [document])
