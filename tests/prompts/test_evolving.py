"""The whole way: documents in, keys, a trial, a better version; on a simulated model and a real database."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from alfrd_events.clients.calls import BadReply
from alfrd_events.clients.llm.base import Question
from alfrd_events.db import prompts
from testing.evolving import Loop
from testing.harness import Harness
from testing.simulated import NEEDED, TYPE_NEEDED

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
        suggested: list[dict[str, Any]] = []
        while not suggested:  # a trial may come to nothing before
            await loop.documents(20)
            await loop.settle()
            suggested = [trial for trial in await loop.trials() if trial["phase"] == "suggested"]
        (trial,) = suggested
        assert trial["ending"] == ""
        assert (await loop.active())["version"] == 1
        versions = await prompts.versions(db.database, "summarizer/utility_bill")
        (waiting,) = [row for row in versions if row["text"] == trial["challenger"]]
        assert await prompts.approve(db.database, await prompts.suggested(db.database, waiting))
        assert (await loop.active())["id"] == waiting["id"]
        await loop.documents(20)
        await loop.settle()
        (ended,) = [each for each in await loop.trials() if each["id"] == trial["id"]]
        assert ended["ending"] == "confirmed"


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


async def test_a_classifier_takes_sixty_keys_and_twenty_pairs(db: Harness) -> None:
    async with Loop(db.url, SEED) as loop:
        loop.llm.misled = 0.45
        await loop.documents(59)
        await loop.settle()
        assert not await db.sql(
            "select from alfrd.trials t join alfrd.prompts p on p.id = t.champion_id where p.kind = 'classifier'"
        )
        while (await loop.active("classifier", ""))["version"] == 1:
            await loop.documents(10)
            await loop.settle()
        better = await loop.active("classifier", "")
        assert TYPE_NEEDED in better["text"]
        assert len(better["text"].split()) <= 300
        pairs = await db.one(
            "select count(*) from alfrd.evaluations e join alfrd.answer_keys k using (document_id)"
            " where e.prompt_id = %s and e.source = 'trial' and k.split = 'held_back'",
            better["id"],
        )
        assert pairs >= 20


async def test_another_model_starts_from_scratch_and_ends(db: Harness) -> None:
    async with Loop(db.url, SEED) as loop:
        await loop.documents(29)
        await loop.settle()
        await db.sql("update alfrd.evaluations set made_by = 'simulated:before'")
        await loop.documents(11)
        await loop.settle()
        (trial,) = await loop.trials()
        assert trial["phase"] in ("testing", "shadow")
        assert not await loop.waiting("evolve_prompt")
        # Every pair that was compared is of one model now.
        assert (
            await db.one(
                "select count(*) from alfrd.evaluations e join alfrd.trials t on e.document_id = any (t.screening)"
                "  and e.prompt_id = t.champion_id and e.made_by <> 'simulated:one'"
            )
            == 0
        )


async def test_a_judge_that_fails_gives_no_score(db: Harness) -> None:
    async with Loop(db.url, SEED) as loop:

        async def refuse_keys(question: Question) -> None:
            if question.name == "answer_key":
                raise BadReply("no key today")

        loop.llm.before = refuse_keys
        await loop.documents(5)
        await loop.settle()
        assert await db.one("select count(*) from alfrd.answer_keys") == 0
        assert await db.sql("select distinct score, key_revision from alfrd.evaluations") == [
            {"score": None, "key_revision": None}
        ]
        assert {row["performance_score"] for row in await prompts.versions(db.database)} == {None}
        assert await db.one("select count(*) from alfrd.documents where status = 'summarized'") == 5


async def test_more_replies_of_the_wrong_shape_stop_a_better_version(db: Harness) -> None:
    async with Loop(db.url, SEED) as loop:
        loop.llm.broken = set(NEEDED)
        await loop.documents(80)
        await loop.settle()
        assert (await loop.active())["version"] == 1
        trials = await loop.trials()
        assert trials
        assert all(trial["promoted_at"] is None for trial in trials)


async def test_a_family_waits_twice_as_long_after_each_failure(db: Harness) -> None:
    family = await db.one(
        "select id from alfrd.prompt_families where kind = 'summarizer' and document_type = 'utility_bill'"
    )
    seed = await db.one(
        "select id from alfrd.prompts where kind = 'summarizer' and document_type = 'utility_bill' and is_active"
    )
    waits = []
    for _ in range(9):
        trial = await db.one("select alfrd.begin_trial(%s, %s)", family, seed)
        assert await db.one("select alfrd.begin_trial(%s, %s)", family, seed) is None, "one at a time"
        assert await db.one("select alfrd.end_trial(%s, 'reflecting', 'no_candidate', '')", trial)
        waits.append(
            await db.one(
                "select extract(epoch from cooldown_until - alfrd.now())::float8 / 3600 from alfrd.prompt_families"
                " where id = %s",
                family,
            )
        )
    assert [round(wait) for wait in waits] == [6, 12, 24, 48, 96, 192, 384, 720, 720]
    assert "without success" in await db.one("select alfrd.evolution_due(%s)", family)


async def test_no_trial_begins_without_money(db: Harness) -> None:
    async with Loop(db.url, SEED, day_usd="0.02", per_day=1000) as loop:
        await loop.documents(60)
        await loop.settle()
        spent = await db.sql("select usd from alfrd.spending where scope like 'evolution%%'")
        assert all(row["usd"] <= Decimal("0.02") for row in spent)
        assert (await loop.active())["version"] == 1


async def test_a_trial_that_costs_too_much_ends(db: Harness) -> None:
    async with Loop(db.url, SEED, trial_usd="0.01") as loop:
        await loop.documents(40)
        await loop.settle()
        (trial,) = await loop.trials()
        assert trial["ending"] == "over_budget"
        assert await db.one(
            "select max(usd) from alfrd.spending where scope = 'evolution trial 1'"
        ) <= Decimal("0.01")


async def test_a_document_that_reads_otherwise_gets_another_key(db: Harness) -> None:
    async with Loop(db.url, SEED) as loop:
        (document,) = await loop.documents(1)
        await loop.settle()
        await db.sql("update alfrd.pages set text = text || ' (second reading)'")
        await db.sql("update alfrd.documents set status = 'classified' where id = %s", document)
        await loop.settle()
        assert loop.llm.asked["answer_key"] == 2
        assert await db.one("select revision from alfrd.answer_keys") == 2


async def test_a_leaking_reflector_gets_nothing_through(db: Harness) -> None:
    async with Loop(db.url, SEED) as loop:
        await loop.documents(29)
        await loop.settle()
        (leak,) = await db.sql(
            "select fact ->> 'value' as value from alfrd.answer_keys k cross join jsonb_array_elements(facts) as fact"
            "  join alfrd.evaluations e using (document_id) join alfrd.prompts p on p.id = e.prompt_id"
            " where k.split = 'train' and fact ->> 'name' = 'account_number' and p.kind = 'summarizer'"
            " order by e.score, k.document_id limit 1"
        )
        loop.llm.leak = f"For instance {leak['value'].lower()}."
        await loop.documents(1)
        await loop.settle()
        versions = await prompts.versions(db.database, "summarizer/utility_bill")
        assert not any(leak["value"].lower() in row["text"].lower() for row in versions)
        assert loop.llm.asked["prompt"] == 3
