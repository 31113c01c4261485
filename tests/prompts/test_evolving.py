"""The whole way: documents in, keys, a trial, a better version; on a simulated model and a real database."""

from __future__ import annotations

import asyncio
from typing import Any

from alfrd_events.db import prompts
from alfrd_events.providers.llm.base import Question
from tests.support.evolving import Loop
from tests.support.harness import Harness
from tests.support.simulated import NEEDED

SEED = 1


async def _until_promoted(loop: Loop, most: int = 200) -> dict[str, Any]:
    for _ in range(most // 10):
        await loop.documents(10)
        await loop.settle()
        active = await loop.active()
        if active["version"] > 1:
            return active
    raise AssertionError(await loop.trials())


async def test_a_prompt_improves_by_itself(db: Harness) -> None:
    async with Loop(db.url, SEED) as loop:
        seed = await loop.active()
        better = await _until_promoted(loop)
        assert loop.llm.quality(better["text"]) > loop.llm.quality(seed["text"])
        assert any(text in better["text"] for text in NEEDED)
        history = await prompts.history(db.database, "summarizer/utility_bill")
        assert [(row["version"], row["previous"]) for row in history] == [(better["version"], 1), (1, None)]
        assert "held-back documents (e-value" in history[0]["reason"]
        # A successor has no score until it has earned one of its own.
        (row,) = [row for row in await prompts.versions(db.database) if row["id"] == better["id"]]
        assert row["performance_score"] is None
        await loop.documents(10)
        await loop.settle()
        (row,) = [row for row in await prompts.versions(db.database) if row["id"] == better["id"]]
        assert row["scored_documents"] == 10
        assert 0.4 < row["performance_score"] < 1


async def test_nothing_is_tried_before_there_are_keys_enough(db: Harness) -> None:
    async with Loop(db.url, SEED) as loop:
        await loop.documents(29)
        await loop.settle()
        assert await loop.trials() == []
        (family,) = [
            row for row in await prompts.families(db.database) if row["document_type"] == "utility_bill"
        ]
        assert family["waits_for"] == "29 of 30 documents with an answer key"


async def test_a_suggestion_waits_for_a_person(db: Harness) -> None:
    async with Loop(db.url, SEED, mode="suggest") as loop:
        await loop.documents(80)
        await loop.settle()
        (trial,) = await loop.trials()
        assert (trial["phase"], trial["ending"]) == ("suggested", "")
        assert (await loop.active())["version"] == 1
        versions = await prompts.versions(db.database, "summarizer/utility_bill")
        (waiting,) = [row for row in versions if row["text"] == trial["challenger"]]
        assert await prompts.approve(db.database, waiting, await prompts.suggested(db.database, waiting))
        assert (await loop.active())["id"] == waiting["id"]
        await loop.documents(20)
        await loop.settle()
        (trial,) = await loop.trials()
        assert trial["ending"] == "confirmed"


async def test_a_crash_pays_for_no_evaluation_twice(db: Harness) -> None:
    async with Loop(db.url, SEED) as loop:
        await loop.documents(29)
        await loop.settle()
        crashes = 0
        count = 0

        async def crash_now_and_then(question: Question) -> None:
            nonlocal count, crashes
            count += 1
            if count % 7 == 0:
                crashes += 1
                raise asyncio.CancelledError

        loop.llm.before = crash_now_and_then
        await loop.documents(1)
        for _ in range(40):
            await loop.settle()
            await loop.crash()
            if not await loop.waiting("evolve_prompt") and await loop.trials():
                break
        assert crashes >= 5
        assert (await loop.trials())[0]["phase"] in ("testing", "shadow")
        # Whatever the turns and crashes, each version was asked once for each document.
        made = await db.one(
            "select count(*) from alfrd.evaluations e join alfrd.prompts p on p.id = e.prompt_id"
            " where p.kind = 'summarizer'"
        )
        assert loop.llm.asked["summary"] == made
        assert loop.llm.asked["prompt"] == 3
