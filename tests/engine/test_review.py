"""What is known of each value, and which documents a person should look at."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from alfrd_events.db.review import documents_to_review, review_of
from alfrd_events.errors import NotFound
from testing.harness import Harness

EVIDENCE = {
    "total_amount": {
        "page": 2,
        "text": "Total 12.50",
        "box": [0.1, 0.2, 0.3, 0.4],
        "confidence": 0.5,
        "label": "total",
        "alternatives": ["12.60", "13"],
    },
    "tax": {"page": 1, "text": "VAT 2.50", "box": None, "confidence": None, "label": "", "alternatives": []},
}
DATA = {
    "tax": "2.50",
    "line_items": [{"description": "Bread", "amount": "10.00"}, {"description": "Tea", "quantity": 2}],
    "unsupported": {"total_amount": "99"},
}
UNSURE = {"field": "total_amount", "reason": "the total is unsure (50%)", "confidence": 0.5}
MISSING = {"field": "entity", "reason": "no company was found", "confidence": 0.0}


async def given_summary(db: Harness, **changes: Any) -> UUID:
    """A document whose summary came out like this."""
    document = await db.given_document("classified")
    task = await db.claim("summarize", subject=document)
    assert task is not None
    await db.complete(task, **changes)
    return document


async def values_of(db: Harness, document: UUID) -> dict[str, dict[str, Any]]:
    return {row["field"]: row for row in (await review_of(db.database, document))["values"]}


async def test_each_value_is_a_row_with_what_is_known_of_it(db: Harness) -> None:
    document = await given_summary(db, evidence=EVIDENCE, structured_data=DATA)
    db.database.settings["datestyle"] = "German"

    values = await values_of(db, document)

    total = values["total_amount"]
    assert (total["value"], total["text"], total["page"]) == ("12.50", "Total 12.50", 2)
    assert total["box"] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert (total["confidence"], total["source"], total["corrected"]) == (0.5, "test", False)
    assert total["alternatives"] == ["12.60", "13"]
    assert values["document_date"]["value"] == "2024-03-01"
    assert values["document_type"]["confidence"] == pytest.approx(0.9)
    assert (values["tax"]["value"], values["tax"]["text"], values["tax"]["box"]) == ("2.50", "VAT 2.50", None)
    assert values["entity"]["page"] is None
    assert values["entity"]["confidence"] is None
    assert "due_date" not in values


async def test_line_items_are_rows_whose_field_is_their_path(db: Harness) -> None:
    document = await given_summary(db, structured_data=DATA)

    values = await values_of(db, document)

    inner = {field: row["value"] for field, row in values.items() if "." in field}
    assert inner == {
        "line_items.0.description": "Bread",
        "line_items.0.amount": "10.00",
        "line_items.1.description": "Tea",
        "line_items.1.quantity": "2",
    }


async def test_a_value_that_a_person_set_is_certain_and_has_no_evidence_of_another(db: Harness) -> None:
    document = await given_summary(db, evidence=EVIDENCE, structured_data=DATA)
    await db.sql(
        "update alfrd.documents set total_amount = 13,"
        " structured_data = jsonb_set(structured_data, '{line_items,0,amount}', '\"13.00\"')"
    )

    values = await values_of(db, document)

    for field, value in (("total_amount", "13"), ("line_items.0.amount", "13.00")):
        row = values[field]
        assert (row["value"], row["source"], row["confidence"], row["corrected"]) == (
            value,
            "person",
            1,
            True,
        )
        assert (row["text"], row["page"], row["box"], row["alternatives"]) == (None, None, None, [])
    for field in ("tax", "line_items.0.description"):
        assert (values[field]["source"], values[field]["corrected"]) == ("test", False)


async def test_doubts_become_a_sentence_and_the_worst_document_comes_first(db: Harness) -> None:
    unsure = await given_summary(db, doubts=[UNSURE])
    missing = await given_summary(db, doubts=[MISSING, UNSURE], entity="")
    sure = await given_summary(db, doubts=[])

    rows = await documents_to_review(db.database)

    assert [row["id"] for row in rows] == [missing, unsure]
    assert rows[0]["review_reason"] == "No company was found; the total is unsure (50%)."
    assert rows[1]["review_reason"] == "The total is unsure (50%)."
    assert (await review_of(db.database, sure))["needs_review"] is False
    assert [row["id"] for row in await documents_to_review(db.database, limit=1, tag=" Electricity")] == [
        missing
    ]
    assert await documents_to_review(db.database, document_type="receipt") == []
    assert await documents_to_review(db.database, status="failed") == []


async def test_a_doubt_about_a_value_that_a_person_set_is_none(db: Harness) -> None:
    document = await given_summary(db, doubts=[MISSING, UNSURE], entity="")
    await db.sql("update alfrd.documents set entity = 'Acme', document_type = 'insurance'")
    await db.sql("select alfrd.reopen_review(%s)", document)  # which the correction has ended
    task = await db.claim("summarize", subject=document)
    assert task is not None

    await db.complete(task, doubts=[MISSING, UNSURE], entity="")

    found = await review_of(db.database, document)
    assert (found["review_reason"], found["review_confidence"]) == ("The total is unsure (50%).", 0.5)


async def test_a_summary_without_doubts_takes_the_flag_away(db: Harness) -> None:
    document = await given_summary(db, doubts=[UNSURE])
    await db.sql("update alfrd.documents set status = 'classified'")
    task = await db.claim("summarize", subject=document)
    assert task is not None

    await db.complete(task, doubts=[])

    found = await review_of(db.database, document)
    assert (found["needs_review"], found["review_reason"], found["review_confidence"]) == (False, "", None)


async def test_every_role_may_look_and_none_may_flag(db: Harness, signed_in: dict[str, str]) -> None:
    await given_summary(db, structured_data=DATA)

    for login in signed_in:
        url = db.url.replace("postgres@", f"{login}@")
        async with await psycopg.AsyncConnection.connect(url) as connection:
            cursor = await connection.execute(
                "select count(*) from alfrd.document_values where field like 'line_items.%'"
            )
            assert await cursor.fetchone() == (4,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute("update alfrd.documents set needs_review = true")


async def test_a_document_that_is_not_there_has_no_review(db: Harness) -> None:
    with pytest.raises(NotFound):
        await review_of(db.database, UUID(int=1))
