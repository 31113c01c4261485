"""A document's way through the statuses, one exchange at a time."""

from __future__ import annotations

from testing.harness import Harness


async def test_a_document_passes_every_status_and_leaves_no_task(db: Harness) -> None:
    document = await db.given_document(status="completed")

    assert await db.status_of(document) == "completed"
    assert await db.tasks_of(document) == {"score_classification": "ready", "score_summary": "ready"}
    done = [step for kind, step in await db.events_of(document) if kind == "completed"]
    assert done == ["ocr", "classify", "summarize", "file", "extract"]
