"""A person's look: claimed by one at a time, accepted or corrected, remembered."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from alfrd_events.errors import NotFound, Refused
from testing.harness import RESULTS, Harness
from testing.pgbouncer import past

STATE = "select needs_review, review_reason, review_confidence, reviewed_at, review_claimed_by from alfrd.documents"
CLOSED = {
    "needs_review": False,
    "review_reason": "",
    "review_confidence": None,
    "review_claimed_by": "",
}


async def given_doubtful(db: Harness, *confidences: float) -> list[UUID]:
    """Documents whose total is as sure as that."""
    documents = []
    for confidence in confidences:
        document = await db.given_document("classified")
        await _summarize(db, document, confidence)
        documents.append(document)
    return documents


async def _summarize(db: Harness, document: UUID, confidence: float) -> None:
    task = await db.claim("summarize", subject=document)
    assert task is not None
    doubt = {"field": "total_amount", "reason": "the total is unsure", "confidence": confidence}
    await db.complete(task, **{**RESULTS["summarize"], "doubts": [doubt]})


async def next_of(db: Harness, reviewer: str, *skipped: UUID, minutes: float = 10) -> dict[str, Any] | None:
    rows = await db.sql(
        "select * from alfrd.next_review(%s, %s::double precision, %s::uuid[])",
        reviewer,
        minutes,
        list(skipped),
    )
    return rows[0] if rows else None


async def test_the_worst_comes_first_and_nobody_gets_it_twice(db: Harness) -> None:
    fair, worst = await given_doubtful(db, 0.6, 0.2)

    first, second = await next_of(db, "ann"), await next_of(db, "bob")

    assert first is not None
    assert first["document_id"] == worst
    assert (first["reason"], round(first["confidence"], 2), first["others"]) == (
        "The total is unsure.",
        0.2,
        1,
    )
    assert second is not None
    assert second["document_id"] == fair
    assert await next_of(db, "cid") is None
    await db.advance_clock(11 * 60)
    again = await next_of(db, "cid", worst)
    assert again is not None
    assert again["document_id"] == fair
    await db.sql("select alfrd.release_review(%s)", fair)
    assert (await next_of(db, "ann", worst)) is not None


async def test_an_accepted_document_is_out_of_review_until_it_is_read_again(db: Harness) -> None:
    (document,) = await given_doubtful(db, 0.4)
    await next_of(db, "ann")
    await db.advance_clock(7)

    await db.sql("select alfrd.accept(%s)", document)

    (row,) = await db.sql(STATE)
    assert row.pop("reviewed_at") is not None
    assert row == CLOSED
    (review,) = await db.sql("select reviewer, verdict, seconds, reason from alfrd.reviews")
    assert 7 <= review.pop("seconds") < 60
    assert review == {"reviewer": "ann", "verdict": "accepted", "reason": "The total is unsure."}
    await db.sql("update alfrd.documents set status = 'classified' where id = %s", document)
    await _summarize(db, document, 0.1)
    assert await next_of(db, "ann") is None

    await db.sql("update alfrd.documents set status = 'pending' where id = %s", document)
    for step in ("ocr", "classify"):
        task = await db.claim(step, subject=document)
        assert task is not None
        await db.complete(task)
    await _summarize(db, document, 0.1)
    assert await next_of(db, "ann") is not None


async def test_a_correction_ends_the_review_and_its_undoing_opens_it_again(db: Harness) -> None:
    (document,) = await given_doubtful(db, 0.4)
    (before,) = await db.sql(STATE)

    await db.sql("update alfrd.documents set total_amount = 3 where id = %s", document)

    (row,) = await db.sql(STATE)
    assert row.pop("reviewed_at") is not None
    assert row == CLOSED
    (review,) = await db.sql(
        "select reviewer, verdict, seconds, change_id is not null as made from alfrd.reviews"
    )
    assert review == {"reviewer": "postgres", "verdict": "corrected", "seconds": None, "made": True}

    await db.sql("select alfrd.undo(%s)", document)
    assert await db.sql(STATE) == [before]
    assert await db.one("select count(*) from alfrd.reviews") == 0


async def test_an_acceptance_is_taken_back(db: Harness) -> None:
    (document,) = await given_doubtful(db, 0.4)
    (before,) = await db.sql(STATE)
    await db.sql("select alfrd.accept(%s)", document)

    await db.sql("select alfrd.reopen_review(%s)", document)

    assert await db.sql(STATE) == [before]
    assert await db.one("select count(*) from alfrd.reviews") == 0


async def test_what_makes_no_sense_is_refused(db: Harness) -> None:
    for call in ("accept", "reopen_review", "release_review"):
        with pytest.raises(NotFound):
            await db.sql(f"select alfrd.{call}(%s)", uuid4())
    for reviewer, minutes in (("", 10), ("ann", 0), ("ann", 1e6), ("ann", float("nan"))):
        with pytest.raises(Refused, match=r"between 0\.01 and 1440 minutes"):
            await next_of(db, reviewer, minutes=minutes)


async def test_many_reviewers_at_once_share_the_documents(db: Harness, signed_in: dict[str, str]) -> None:
    documents = await given_doubtful(db, *(place / 100 for place in range(30)))

    async def review(name: str) -> list[UUID]:
        seen = []
        async with await psycopg.AsyncConnection.connect(
            past(db.url.replace("postgres@", "shop@")), autocommit=True
        ) as shop:
            while row := await (await shop.execute("select * from alfrd.next_review(%s)", [name])).fetchone():
                seen.append(row[0])
                if len(seen) % 3:
                    await shop.execute("select alfrd.accept(%s)", [row[0]])
                else:
                    await shop.execute("select alfrd.correct(%s, %s)", [row[0], json.dumps({"total": 7})])
        return seen

    shared = await asyncio.gather(*(review(f"r{number}") for number in range(6)))

    assert sorted(id for seen in shared for id in seen) == sorted(documents)
    assert await db.one("select count(*) from alfrd.reviews") == 30
    assert await db.one("select count(*) from alfrd.documents where needs_review") == 0
