"""What people correct is true: it grades anew without a call, stops a worse version, and calls a bad one back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from alfrd_events.db import prompts
from testing.evolving import Loop
from testing.harness import Harness
from testing.simulated import NEEDED


async def _score(db: Harness, document: UUID) -> float:
    return float(
        await db.one(
            "select e.score from alfrd.evaluations e join alfrd.prompts p on p.id = e.prompt_id"
            " where e.document_id = %s and e.source = 'production' and p.kind = 'summarizer'",
            document,
        )
    )


async def _fact(db: Harness, document: UUID, name: str) -> str:
    return str(
        await db.one(
            "select fact ->> 'value' from alfrd.answer_keys cross join jsonb_array_elements(facts) as fact"
            " where document_id = %s and fact ->> 'name' = %s",
            document,
            name,
        )
    )


async def test_a_correction_makes_the_key_right_and_grades_anew_without_a_call(db: Harness) -> None:
    async with Loop(db.url, 1) as loop:
        (document,) = await loop.documents(1)
        await loop.settle()
        before, asked = await _score(db, document), dict(loop.llm.asked)
        given = await db.one("select due_date from alfrd.documents where id = %s", document)
        assert await _fact(db, document, "due_date") != "2031-01-01"

        await db.sql("update alfrd.documents set due_date = '2031-01-01' where id = %s", document)
        await loop.settle()

        assert loop.llm.asked == asked
        assert await _fact(db, document, "due_date") == "2031-01-01"
        assert await db.one("select verified from alfrd.answer_keys") == ["due_date"]
        # It is what the model had written that is graded, not what the person has put in its place.
        expected = before - (1 / 12 if given is not None else 0)
        assert abs(await _score(db, document) - expected) < 1e-6


async def test_a_corrected_type_grades_the_classifier(db: Harness) -> None:
    async with Loop(db.url, 1) as loop:
        (document,) = await loop.documents(1)
        await loop.settle()
        await db.sql("update alfrd.documents set document_type = 'invoice' where id = %s", document)
        await loop.settle()
        scores = await db.sql(
            "select e.score, e.misses -> 0 ->> 'kind' as miss from alfrd.evaluations e"
            "  join alfrd.prompts p on p.id = e.prompt_id where p.kind = 'classifier'"
        )
        assert scores == [{"score": 0.0, "miss": "invoice taken for utility_bill"}]


async def test_a_document_that_chance_left_out_gets_a_key_when_it_is_corrected(db: Harness) -> None:
    async with Loop(db.url, 1) as loop:
        (document,) = await loop.documents(1)
        await loop.settle()
        await db.sql("delete from alfrd.evaluations; delete from alfrd.answer_keys")
        wrong = await db.one("select total_amount from alfrd.documents")

        await db.sql("update alfrd.documents set total_amount = 4711.00")
        await loop.settle()

        assert await _fact(db, document, "total_amount") == "4711.00"
        assert await db.one("select sampled from alfrd.answer_keys") is False
        was = await db.one(
            "select (e.output ->> 'total_amount')::numeric from alfrd.evaluations e join alfrd.prompts p"
            " on p.id = e.prompt_id where p.kind = 'summarizer'"
        )
        assert was == wrong
        (row,) = [
            row for row in await prompts.versions(db.database, "summarizer/utility_bill") if row["is_active"]
        ]
        assert row["scored_documents"] == 0, "a document that a person chose says nothing of the others"


async def test_a_version_that_loses_what_people_have_set_is_refused(db: Harness) -> None:
    async with Loop(db.url, 1) as loop:
        documents = await loop.documents(29)
        await loop.settle()
        # A person confirms a value that every later version gets wrong.
        for document in documents[:3]:
            await db.sql("update alfrd.documents set currency = 'XAU' where id = %s", document)
        await loop.settle()
        await db.sql(
            "update alfrd.evaluations e set output = jsonb_set(output, '{currency}', to_jsonb('XAU'::text))"
            "  from alfrd.prompts p where p.id = e.prompt_id and p.kind = 'summarizer' and e.document_id = any (%s)",
            documents[:3],
        )
        for _ in range(6):
            await loop.documents(10)
            await loop.settle()
        ended = [trial for trial in await loop.trials() if trial["ending"] == "refused"]
        assert ended
        assert "it gets wrong what people have corrected" in ended[0]["note"]
        assert (await loop.active())["version"] == 1


async def _promoted(loop: Loop) -> dict[str, Any]:
    while True:
        await loop.documents(10)
        await loop.settle()
        (trial, *_) = reversed(await loop.trials() or [{"phase": ""}])
        if trial["phase"] == "shadow":
            return trial


async def test_a_promoted_version_that_turns_out_worse_is_called_back(db: Harness) -> None:
    async with Loop(db.url, 1) as loop:
        trial = await _promoted(loop)
        (mark, *_) = [
            text for text in NEEDED if text in trial["challenger"] and text not in trial["champion"]
        ]
        loop.llm.drift[mark] = 0.3
        given = 0
        while (await loop.active())["text"] == trial["challenger"] and given < 15:
            given += len(await loop.documents(3))
            await loop.settle()
        assert (await loop.active())["text"] == trial["champion"]
        (ended,) = [each for each in await loop.trials() if each["ending"] == "rolled_back"]
        assert "in shadow" in ended["note"]
        newest = (await prompts.history(db.database, "summarizer/utility_bill"))[0]
        assert newest["reason"].startswith("rollback of trial")


async def _correct(loop: Loop, document: UUID) -> None:
    """As a person would, at the loop's time."""
    await loop.database.execute("update alfrd.documents set entity = 'Acme' where id = %s", [document])


async def test_three_corrections_call_a_promoted_version_back(db: Harness) -> None:
    async with Loop(db.url, 1) as loop:
        trial = await _promoted(loop)
        documents = await loop.documents(4)
        await loop.settle()
        for document in documents[:2]:
            await _correct(loop, document)
        await loop.settle()
        assert (await loop.active())["text"] == trial["challenger"]
        await _correct(loop, documents[2])
        await loop.settle()
        assert (await loop.active())["text"] == trial["champion"]
        (ended,) = [each for each in await loop.trials() if each["ending"] == "rolled_back"]
        assert ended["note"] == "people corrected 3 of its last 20 documents"
