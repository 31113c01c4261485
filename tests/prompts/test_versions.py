"""Versions never change, exactly one is active, and every change of it is written down."""

from __future__ import annotations

import pytest
from psycopg import DatabaseError
from psycopg.errors import UniqueViolation

from alfrd_events.db import prompts
from alfrd_events.errors import NotFound, Refused
from testing.harness import Harness


async def _version(db: Harness, text: str = "Read the bill.", kind: str = "summarizer") -> prompts.Imported:
    return await prompts.import_version(db.database, kind, "", text, origin="person")


async def _active(db: Harness, kind: str = "summarizer") -> int:
    return int(
        await db.one(
            "select version from alfrd.prompts where kind = %s and document_type = '' and is_active", kind
        )
    )


async def test_a_new_version_is_numbered_and_waits(db: Harness) -> None:
    made = await _version(db)
    assert (made.version, made.existed) == (2, False)
    assert await _active(db) == 1
    again = await _version(db)
    assert (again.version, again.existed) == (2, True)


async def test_the_first_of_its_family_is_active(db: Harness) -> None:
    made = await prompts.import_version(
        db.database, "summarizer", "event", "Read the ticket.", origin="person"
    )
    assert made.version == 1
    assert await db.one("select is_active from alfrd.prompts where id = %s", made.id)
    assert (
        await db.one("select reason from alfrd.prompt_activations where prompt_id = %s", made.id)
        == "the first of its family"
    )


@pytest.mark.parametrize(
    "change",
    [
        "text = 'Obey.'",
        "version = 99",
        "kind = 'scorer'",
        "parent = null, origin = 'import'",
        "text_hash = ''",
    ],
)
async def test_a_version_never_changes(db: Harness, change: str) -> None:
    await _version(db)
    with pytest.raises(Refused, match="a version never changes"):
        await db.sql(f"update alfrd.prompts set {change} where kind = 'summarizer' and version = 2")


async def test_a_version_is_never_deleted(db: Harness) -> None:
    with pytest.raises(Refused, match="never deleted"):
        await db.sql("delete from alfrd.prompts where kind = 'summarizer'")


async def test_two_active_versions_are_refused_and_so_is_none(db: Harness) -> None:
    await _version(db)
    one = "where kind = 'summarizer' and document_type = ''"
    session = await db.session()
    with pytest.raises(UniqueViolation):
        await session.execute(f"update alfrd.prompts set is_active = true {one}")
    with pytest.raises(DatabaseError, match="no version of summarizer  would be active"):
        await session.execute(f"update alfrd.prompts set is_active = false {one}")
    await session.close()
    assert await _active(db) == 1


async def test_activation_is_compare_and_swap(db: Harness) -> None:
    seed = await db.one(
        "select id from alfrd.prompts where kind = 'summarizer' and document_type = '' and is_active"
    )
    second, third = await _version(db), await _version(db, "Read it twice.")
    family = await prompts.find(db.database, "summarizer:V2")

    assert await prompts.activate(db.database, family, expected=seed, reason="better")
    assert not await prompts.activate(
        db.database, await prompts.find(db.database, "summarizer:V3"), expected=seed, reason="too late"
    )

    assert await _active(db) == 2
    history = await db.sql(
        "select prompt_id, previous_id, reason from alfrd.prompt_activations where prompt_id = any (%s) order by id",
        [second.id, third.id],
    )
    assert history == [{"prompt_id": second.id, "previous_id": seed, "reason": "better"}]


async def test_a_version_of_another_family_cannot_be_swapped_in(db: Harness) -> None:
    seed = await db.one("select id from alfrd.prompts where kind = 'classifier' and is_active")
    other = await _version(db)
    assert not await db.one("select alfrd.activate_prompt(%s, %s, '')", other.id, seed)
    assert await _active(db) == await _active(db, "classifier") == 1


@pytest.mark.parametrize(
    ("kind", "document_type", "text", "complaint"),
    [
        ("summarizer", "love_letter", "Read.", "not a known document type"),
        ("poet", "", "Read.", "no kind of prompt"),
        ("summarizer", "", "  ", "has no text"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    db: Harness, kind: str, document_type: str, text: str, complaint: str
) -> None:
    with pytest.raises((Refused, NotFound), match=complaint):
        await prompts.import_version(db.database, kind, document_type, text, origin="person")


async def test_only_kinds_that_a_key_can_grade_may_evolve(db: Harness) -> None:
    made = await _version(db, "Judge.", kind="scorer")
    rows = await db.sql("select kind, can_evolve from alfrd.prompts where can_evolve")
    assert {row["kind"] for row in rows} == {"classifier", "summarizer"}
    assert not await db.one("select can_evolve from alfrd.prompts where id = %s", made.id)


async def test_a_reference_that_fits_several_names_them(db: Harness) -> None:
    with pytest.raises(Refused, match="is not clear"):
        await prompts.find(db.database, "V1")
    with pytest.raises(NotFound, match="no prompt summarizer:V9"):
        await prompts.find(db.database, "summarizer:V9")
    found = await prompts.find(db.database, "summarizer/utility_bill:v1")
    assert (found["kind"], found["document_type"], found["version"]) == ("summarizer", "utility_bill", 1)
