"""What corrections teach: used for the next papers of the sender, undone without a trace, and kept to the owner."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.db.database import Database
from alfrd_events.errors import NotFound
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import noop_tools, options

PAPER = """{name}
Electricity bill
Account number: 4071-22-{number}
www.{domain}
Bill date: {date}
Electricity used 5{number} kWh
Amount due: $12{number}.50
Paid by instalment: $4{number}.10
"""
WITHOUT_A_MARK = {"name": "Pacific Electric Company", "domain": "a"}
"""A name with letters that readers confuse, and no address."""
WHERE = " where id = %s"
VALUES = "select document_type, entity, total_amount::text as total, document_date::text as date from alfrd.documents"


@pytest.fixture(autouse=True)
async def _files_are_summarised_at_once(db: Harness) -> None:
    """Its wait for more changes, half a second after each correction, would be most of the time of these tests."""
    await db.sql("update alfrd.routes set delay = '0' where step = 'summarize_file'")


async def given(
    db: Harness,
    number: int,
    owner: str = "",
    *,
    name: str = "Acme Power Company",
    domain: str = "acme-power.example",
    date: str = "March 3, 2024",
) -> UUID:
    """A bill, as far as the rules take it."""
    id: UUID = await db.one(
        "insert into alfrd.documents (filename, owner, content) values (%s, %s, %s) returning id",
        f"{number}.txt",
        owner,
        PAPER.format(number=number, name=name, domain=domain, date=date).encode(),
    )
    await work(db)
    return id


async def work(db: Harness) -> None:
    async with Database(db.url) as database:
        await run_worker(database, BUILT_IN, noop_tools(RulesAnalyst()), options(db.url))


async def correct(db: Harness, document: UUID, **values: Any) -> None:
    await db.sql("select alfrd.correct(%s, %s)", document, json.dumps(values))
    await work(db)


async def values_of(db: Harness, document: UUID) -> dict[str, Any]:
    (row,) = await db.sql(VALUES + WHERE, document)
    return row


@pytest.mark.parametrize(
    ("first", "correction", "second", "expected"),
    [
        ({}, {"type": "insurance"}, {}, {"document_type": "insurance"}),
        ({}, {"entity": "Other Corp"}, {}, {"entity": "Other Corp"}),
        (WITHOUT_A_MARK, {"type": "insurance"}, WITHOUT_A_MARK, {"document_type": "insurance"}),
        ({"name": "Statement"}, {"entity": "Gas & Co"}, {"name": "Statement"}, {"entity": "Gas & Co"}),
        ({}, {"total": "410.10"}, {}, {"total": "411.10"}),
        ({"date": "03/04/2024"}, None, {"date": "05/06/2024"}, None),
    ],
    ids=["type", "company", "type by name", "company by address", "label", "order of dates"],
)
async def test_the_next_paper_of_the_sender_needs_no_correction(
    db: Harness,
    first: dict[str, str],
    correction: dict[str, str] | None,
    second: dict[str, str],
    expected: dict[str, str] | None,
) -> None:
    one = await given(db, 10, "ann", **first)
    if correction is None:  # whichever way the rules read it, the other way is right
        was = (await values_of(db, one))["date"]
        other = {"2024-04-03": "2024-03-04", "2024-03-04": "2024-04-03"}[was]
        correction = {"date": other}
        expected = {"date": {"2024-04-03": "2024-06-05", "2024-03-04": "2024-05-06"}[other]}
    assert expected is not None
    untaught = await given(db, 11, "ann", **second)
    before = await values_of(db, untaught)
    await correct(db, one, **correction)

    theirs = await values_of(db, await given(db, 11, "bob", **second))
    ours = await values_of(db, await given(db, 11, "ann", **second))

    assert theirs == before
    assert ours == {**before, **expected}
    assert await db.one("select count(*) from alfrd.lessons where active and owner = 'ann'") == 1

    await db.sql("select alfrd.undo(%s)", one)
    await work(db)
    assert await db.one("select count(*) from alfrd.lessons") == 0
    rows = await db.sql(f"{VALUES} where owner = 'ann' and filename = '11.txt'")
    assert rows == [before, before]
    assert await values_of(db, await given(db, 11, "ann", **second)) == before


async def test_a_plain_update_teaches_as_well_and_other_senders_learn_nothing(db: Harness) -> None:
    one = await given(db, 10)
    await db.sql("update alfrd.documents set document_type = 'insurance' where id = %s", one)
    await work(db)

    other = await values_of(db, await given(db, 11, name="Zenith Energy Ltd", domain="zenith.example"))

    assert other["document_type"] == "utility_bill"
    (lesson,) = await db.sql("select kind, sender, marks, found, value, taught_by, active from alfrd.lessons")
    assert lesson == {
        "kind": "type",
        "sender": "Acme Power Company",
        "marks": ["www.acme-power.example"],
        "found": "utility_bill",
        "value": "insurance",
        "taught_by": "postgres",
        "active": True,
    }


async def test_two_lessons_that_contradict_each_other_stop_both_until_one_is_undone(db: Harness) -> None:
    one, two = await given(db, 10), await given(db, 11)
    await correct(db, one, type="insurance")
    await db.sql("delete from alfrd.lessons")
    await correct(db, two, type="tax")
    await db.sql(
        "insert into alfrd.lessons (owner, kind, sender, field, found, value) values"
        " ('', 'type', 'acme power company', 'document_type', 'utility_bill', 'legal')"
    )
    await work(db)

    rows = await db.sql("select id, active, contradicted_by from alfrd.lessons order by id")
    assert [(row["active"], row["contradicted_by"]) for row in rows] == [
        (False, f"lesson {rows[1]['id']}"),
        (False, f"lesson {rows[0]['id']}"),
    ]
    assert (await values_of(db, await given(db, 12)))["document_type"] == "utility_bill"

    await db.sql("select alfrd.unlearn(%s)", rows[1]["id"])
    await work(db)
    assert (await values_of(db, await given(db, 13)))["document_type"] == "tax"
    with pytest.raises(NotFound, match="no lesson 99"):
        await db.sql("select alfrd.unlearn(99)")


@pytest.mark.parametrize(
    "correction", [{"type": "insurance"}, {"entity": "Other Corp"}], ids=["type", "company"]
)
async def test_what_a_person_has_accepted_stops_a_lesson(db: Harness, correction: dict[str, str]) -> None:
    one, two = await given(db, 10), await given(db, 11)
    await db.sql("select alfrd.accept(%s)", one)

    await correct(db, two, **correction)

    assert await db.one("select contradicted_by from alfrd.lessons") == f"document {one}"
    untaught = await values_of(db, await given(db, 12))
    assert (untaught["document_type"], untaught["entity"]) == ("utility_bill", "Acme Power Company")


async def test_words_that_would_mislead_on_an_accepted_paper_are_not_used(db: Harness) -> None:
    one, two, _ = [await given(db, number) for number in (10, 11, 12)]
    await db.sql("select alfrd.accept(%s)", one)

    await correct(db, two, total="411.10")

    (lesson,) = await db.sql("select kind, value, contradicted_by from alfrd.lessons")
    assert lesson == {"kind": "label", "value": "paid by instalment", "contradicted_by": f"document {one}"}
    assert (await values_of(db, await given(db, 13)))["total"] == "1213.50"


async def test_the_customers_own_number_identifies_no_sender(db: Harness) -> None:
    await given(db, 10, name="Zenith Energy Ltd", domain="customer.example")
    two = await given(db, 11, domain="customer.example")

    await correct(db, two, type="insurance")

    assert await db.one("select marks from alfrd.lessons") == []


async def test_abbreviations_are_no_internet_addresses(db: Harness) -> None:
    words = "U.Price Sub.Total Reg.No inv.no Pos.ID incl.tax Mar.2024 t.de Qty.RM"
    addresses = "acme.de www.u.price mail@acme-power.example shop.acme.co.in firma.at acme.com.my"
    numbers = "Tel. 0049 30/123456-7, 12.345, 21/01/2019 15:33:12, 2019-01-21 15.33"

    marks = await db.one("select alfrd.marks_of(%s)", f"{words}\n{addresses}\n{numbers}")

    assert sorted(marks) == sorted(
        [
            "acme.de",
            "www.u.price",
            "acme-power.example",
            "shop.acme.co.in",
            "firma.at",
            "acme.com.my",
            "0049301234567",
        ]
    )


async def test_an_undone_lesson_leaves_no_trace(db: Harness) -> None:
    compared = (
        "select id, status, document_type, summary, entity, total_amount, tags, series_data, needs_review, corrected"
        "  from alfrd.documents where id <> %s order by id",
        "select distinct on (document_id, step) document_id, step, score, checks from alfrd.scores"
        " where document_id <> %s order by document_id, step, id desc",
        "select document_id, tag, source from alfrd.tags where document_id <> %s order by 1, 2",
    )

    async def rows() -> list[Any]:
        return [await db.sql(statement, one) for statement in compared]

    one, two = await given(db, 10), await given(db, 11)
    before = await rows()
    await correct(db, one, total="410.10", type="insurance")
    await db.sql("update alfrd.documents set status = 'ocr_completed' where id = %s", two)
    await work(db)
    assert await rows() != before

    for lesson in await db.sql("select id from alfrd.lessons"):
        await db.sql("select alfrd.unlearn(%s)", lesson["id"])
    await work(db)

    assert await rows() == before


async def test_what_many_corrections_teach_is_taught_three_times(db: Harness) -> None:
    for number in range(10, 15):
        await given(db, number)

    await db.sql("update alfrd.documents set document_type = 'insurance', total_amount = 410.10")
    assert await db.one("select count(*) from alfrd.lessons where kind = 'label'") == 3
    await work(db)

    assert await db.one("select count(*) from alfrd.lessons where active and kind = 'type'") == 3


async def test_what_a_correction_taught_settles_the_open_reviews_of_its_sender(db: Harness) -> None:
    one, two, claimed = [await given(db, number, "ann") for number in (10, 11, 12)]
    others = await given(db, 13, "bob")
    stranger = await given(db, 14, "ann", name="Zenith Energy Ltd", domain="zenith.example")
    await db.sql("update alfrd.documents set needs_review = true, review_reason = 'The total is unsure.'")
    await db.sql(
        "update alfrd.documents set review_claimed_by = 'eve', review_claimed_until = now() + interval '1 hour'"
        " where id = %s",
        claimed,
    )
    await correct(db, one, total="410.10")

    assert await db.one("select alfrd.reviews_taught(%s)", one) == [two]
    assert await db.one("select alfrd.apply_lessons(%s)", one) == [two]
    assert await db.one("select count(*) from alfrd.next_review('ann') where document_id = %s", two) == 0
    await work(db)

    totals = {
        row["id"]: row["total"]
        for row in await db.sql("select id, total_amount::text as total from alfrd.documents")
    }
    assert totals == {
        one: "410.10",
        two: "411.10",
        claimed: "1212.50",
        others: "1213.50",
        stranger: "1214.50",
    }
    assert await db.one("select alfrd.apply_lessons(%s)", one) == []
    with pytest.raises(NotFound, match="no document"):
        await db.sql("select alfrd.apply_lessons(gen_random_uuid())")
