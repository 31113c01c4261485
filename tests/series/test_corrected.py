"""What a person corrects has its series looked at as soon as it has gone its way again; bursts still coalesce."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from testing.harness import Harness
from tests.series.test_watching import look, watches

AGAIN = ("file", "extract")
OTHER = "Gas & Co"


async def go_its_way(db: Harness, document: UUID, steps: tuple[str, ...] = AGAIN, **filed: Any) -> None:
    """Run the steps that follow a correction of what a model has summarised."""
    for step in steps:
        task = await db.claim(step, subject=document)
        assert task is not None
        assert await db.complete(task, **(filed if step == "file" else {}))


async def correct(db: Harness, document: UUID, **values: str) -> None:
    await db.sql("select alfrd.correct(%s, %s)", document, json.dumps(values))


async def given(db: Harness) -> UUID:
    """A completed document whose series was looked at an hour ago."""
    document = await db.given_document("completed")
    await db.advance_clock(5)
    assert await look(db)
    await db.advance_clock(3600)
    return document


async def test_alerts_follow_a_correction_without_the_delay_of_a_burst(db: Harness) -> None:
    document = await given(db)

    await correct(db, document, total="77.70")
    (waiting,) = await watches(db)
    assert waiting["state"] == "scheduled", "it is looked at once, and when all is right"
    await go_its_way(db, document)

    (due,) = await watches(db)
    assert due["state"] == "ready"
    assert await look(db)
    assert await watches(db) == []


async def test_an_undone_correction_is_looked_at_at_once_as_well(db: Harness) -> None:
    document = await given(db)
    await correct(db, document, total="77.70")
    await go_its_way(db, document)
    await look(db)
    await db.advance_clock(5)

    await db.sql("select alfrd.undo(%s)", document)
    await go_its_way(db, document)

    assert [row["state"] for row in await watches(db)] == ["ready"]


async def test_the_series_that_a_corrected_document_leaves_is_looked_at_at_once(db: Harness) -> None:
    document = await given(db)
    left = await db.one("select series_id from alfrd.documents where id = %s", document)
    await correct(db, document, entity=OTHER)

    other = {"entity": OTHER, "entity_key": "gasco", "slug": "gas-and-co", "title": OTHER}
    await go_its_way(db, document, ("file",), **other)

    entered = await db.one("select series_id from alfrd.documents where id = %s", document)
    assert entered != left
    states = await db.sql("select subject_id, state from alfrd.tasks where step = 'watch_series'")
    assert {row["subject_id"]: row["state"] for row in states} == {left: "ready", entered: "scheduled"}


async def test_a_burst_of_corrections_is_looked_at_once_in_five_seconds(db: Harness) -> None:
    document = await given(db)
    await correct(db, document, total="77.70")
    await go_its_way(db, document)
    assert await look(db)

    for total in ("1.10", "2.20", "3.30"):
        await correct(db, document, total=total)
        await go_its_way(db, document)

    (waiting,) = await watches(db)
    assert waiting["state"] == "scheduled"
    assert timedelta(seconds=4) < waiting["ahead"] <= timedelta(seconds=5)
    await db.advance_clock(5)
    assert await look(db)
    assert await watches(db) == []


async def test_what_workers_file_for_the_first_time_waits_for_the_end_of_the_burst(db: Harness) -> None:
    await db.given_document("completed")

    (waiting,) = await watches(db)
    assert waiting["state"] == "scheduled"
    assert waiting["ahead"] > timedelta(seconds=3)
