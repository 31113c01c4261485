"""In doubt which of two series a document belongs to, a person is asked, and the answer is remembered."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from alfrd_events.analysis.rules.series import detect_series
from alfrd_events.db import corrections, reviewing
from alfrd_events.errors import NotFound, Refused
from alfrd_events.model import Series
from testing.harness import Harness
from tests.analysts.paper import plain

KIND = "electricity bill"


async def file(db: Harness, entity: str, *rivals: UUID) -> UUID:
    """A completed document of this sender, with these rivals."""
    document = await db.given_document("summarized")
    key = entity.lower().replace(" ", "")
    place: dict[str, Any] = {
        "entity": entity,
        "entity_key": key,
        "kind": KIND,
        "slug": key,
        "title": entity,
        "account": "",
    }
    for step, changes in (("file", {**place, "rivals": [str(id) for id in rivals]}), ("extract", {})):
        task = await db.claim(step, subject=document)
        assert task is not None
        assert await db.complete(task, **changes)
    return document


async def place_of(db: Harness, document: UUID) -> UUID | None:
    (row,) = await db.sql("select series_id from alfrd.documents where id = %s", document)
    found: UUID | None = row["series_id"]
    return found


async def settle(db: Harness, document: UUID) -> None:
    """File and extract a document anew after a correction."""
    for step in ("file", "extract"):
        task = await db.claim(step, subject=document)
        assert task is not None
        assert await db.complete(
            task, entity="Acme Power Nouth", entity_key="acmepowernouth", kind=KIND, slug="acmepowernouth"
        )


@pytest.fixture
async def two(db: Harness) -> tuple[UUID, UUID]:
    """Two series whose names are alike."""
    made = [await place_of(db, await file(db, name)) for name in ("Acme Power North", "Acme Power South")]
    assert made[0] is not None
    assert made[1] is not None
    return made[0], made[1]


async def test_a_document_that_may_belong_to_two_series_is_a_question(
    db: Harness, two: tuple[UUID, UUID]
) -> None:
    document = await file(db, "Acme Power Nouth", *two)

    assert await place_of(db, document) is None
    assert await db.one("select count(*) from alfrd.series") == 2, "none is made for it"
    (row,) = await db.sql(
        "select status, needs_review, review_reason from alfrd.documents where id = %s", document
    )
    assert (row["status"], row["needs_review"]) == ("completed", True)
    assert row["review_reason"] == (
        "The series is not clear: Acme Power Nouth may belong to acmepowernorth or acmepowersouth."
    )
    case = await reviewing.next_review(db.database, "ann", 5)
    assert case is not None
    assert case.id == document
    assert case.values["series"]["alternatives"] == ["acmepowernorth", "acmepowersouth"]


async def test_the_answer_is_an_alias_and_can_be_undone(db: Harness, two: tuple[UUID, UUID]) -> None:
    document = await file(db, "Acme Power Nouth", *two)
    await corrections.correct(db.database, document, {"series": "acmepowersouth"})
    await settle(db, document)

    assert await place_of(db, document) == two[1]
    assert await db.one("select needs_review from alfrd.documents where id = %s", document) is False
    assert await place_of(db, await file(db, "Acme Power Nouth", *two)) == two[1], "no second question"

    await corrections.undo(db.database, document)
    assert await db.one("select count(*) from alfrd.series_aliases") == 0
    assert await db.one("select needs_review from alfrd.documents where id = %s", document) is True
    assert await db.one("select count(*) from alfrd.series_candidates(%s)", document) == 2


async def test_a_series_of_its_own_may_be_the_answer(db: Harness, two: tuple[UUID, UUID]) -> None:
    document = await file(db, "Acme Power Nouth", *two)
    own = await db.one("select alfrd.answer_series(%s)", document)
    await settle(db, document)

    assert own not in two
    assert await place_of(db, document) == own
    assert await place_of(db, await file(db, "Acme Power Nouth", *two)) == own
    assert await db.one("select count(*) from alfrd.files where series_id = %s", own) == 1


async def test_what_was_not_asked_or_does_not_exist_is_refused(db: Harness, two: tuple[UUID, UUID]) -> None:
    document, other = await file(db, "Acme Power Nouth", *two), await file(db, "Acme Power North")
    for given, error in (
        ((other, two[0]), Refused),
        ((uuid4(), two[0]), NotFound),
        ((document, uuid4()), NotFound),
    ):
        with pytest.raises(error):
            await db.database.value("select alfrd.answer_series(%s, %s)", list(given))


async def test_who_accepts_a_document_is_not_asked_again(db: Harness, two: tuple[UUID, UUID]) -> None:
    document = await file(db, "Acme Power Nouth", *two)
    await reviewing.accept(db.database, document)
    await db.sql("update alfrd.documents set status = 'summarized' where id = %s", document)
    task = await db.claim("file", subject=document)
    assert task is not None
    place = {
        "entity": "Acme Power Nouth",
        "entity_key": "acmepowernouth",
        "kind": KIND,
        "slug": "acmepowernouth",
    }
    assert await db.complete(task, **place, rivals=[str(id) for id in two])

    assert await db.one("select needs_review from alfrd.documents where id = %s", document) is False
    assert await place_of(db, document) is None


@pytest.mark.parametrize(
    ("printed", "accounts", "found"),
    [
        ("Harborlight Electrix", ("", ""), [0, 1]),
        ("Harborlight Electric", ("", ""), [0]),
        ("Harborlight Electric", ("5500330601", "5500330602"), [0, 1]),
        ("Harborlight Electric", ("", "5500330602"), [0]),
    ],
    ids=["as like", "the very name", "two accounts", "one without an account"],
)
def test_known_series_that_are_as_like_are_rivals(
    printed: str, accounts: tuple[str, str], found: list[int]
) -> None:
    document = plain("electricity 500 kWh", document_type="utility_bill", entity=printed)
    kind = detect_series(document, ()).kind
    names = ("Harborlight Electric", "Harborlight Electric" if accounts[0] else "Harborlight Electris")
    known = [
        Series(uuid4(), name, kind, "monthly", name, name, account=account)
        for name, account in zip(names, accounts, strict=True)
    ]

    place = detect_series(document, [*known, Series(uuid4(), "Kittiwake", kind, "monthly", "k", "k")])

    expected = [known[number].id for number in found]
    assert (place.series_id, list(place.rivals)) == (
        (expected[0], []) if len(found) == 1 else (None, expected)
    )
