"""What an application may do with documents, and what follows from it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from alfrd_events.errors import Refused
from testing.harness import Harness


async def test_an_insert_alone_makes_the_work_and_rings_once_per_step(db: Harness) -> None:
    listener = await db.session()
    await listener.execute("listen alfrd_work")
    await db.sql(
        "insert into alfrd.documents (filename, content) select n::text, 'x' from generate_series(1, 50) as n"
    )

    bells = [notify.payload async for notify in listener.notifies(timeout=2)]
    await listener.close()

    assert bells == ["ocr"]
    assert await db.one("select count(*) from alfrd.tasks where step = 'ocr' and state = 'ready'") == 50


async def test_copy_makes_the_work_too(db: Harness) -> None:
    async with (
        db.database.connection() as connection,
        connection.cursor() as cursor,
        cursor.copy("copy alfrd.documents (filename, uri) from stdin") as copy,
    ):
        await copy.write_row(("a.pdf", "file:///inbox/a.pdf"))
        await copy.write_row(("b.pdf", "file:///inbox/b.pdf"))

    assert await db.one("select count(*) from alfrd.tasks") == 2


async def test_a_rolled_back_insert_leaves_nothing(db: Harness) -> None:
    session = await db.session()
    await session.execute("begin")
    await session.execute("insert into alfrd.documents (filename, content) values ('a', 'x')")
    await session.execute("rollback")
    await session.close()

    assert await db.one("select count(*) from alfrd.tasks") == 0


async def _feed(db: Harness, statement: str, *parameters: Any) -> list[dict[str, Any]]:
    listener = await db.session()
    await listener.execute("listen alfrd_status")
    await db.sql(statement, *parameters)
    heard = [notify.payload async for notify in listener.notifies(timeout=2)]
    await listener.close()
    assert all(len(payload.encode()) < 8000 for payload in heard)
    return [json.loads(payload) for payload in heard]


async def test_the_feed_tells_each_status_with_its_id(db: Harness) -> None:
    document = await db.given_document()

    heard = await _feed(db, "update alfrd.documents set status = 'cancelled' where id = %s", document)

    assert heard == [{"subject_type": "document", "id": str(document), "status": "cancelled"}]


async def test_a_large_statement_sends_few_messages(db: Harness) -> None:
    insert = (
        "insert into alfrd.documents (filename, content) select n::text, 'x' from generate_series(1, %s) as n"
    )

    some = await _feed(db, insert, 400)
    many = await _feed(db, insert, 5000)

    assert [len(message["ids"]) for message in some] == [150, 150, 100]
    assert many == [{"subject_type": "document", "count": 5000, "status": "pending"}]


async def test_the_feed_can_be_switched_off(db: Harness) -> None:
    db.database.settings["alfrd.status_feed"] = "off"
    assert await _feed(db, "insert into alfrd.documents (filename, content) values ('a', 'x')") == []


async def test_an_illegal_status_is_refused_and_says_what_is_legal(db: Harness) -> None:
    document = await db.given_document()

    with pytest.raises(Refused, match=r"cannot go from 'pending' to 'filed'.*legal from here: cancelled"):
        await db.sql("update alfrd.documents set status = 'filed' where id = %s", document)
    with pytest.raises(Refused, match="no status 'done'"):
        await db.sql("insert into alfrd.documents (filename, status) values ('a', 'done')")

    assert await db.status_of(document) == "pending"


async def test_pending_again_starts_from_the_beginning(db: Harness) -> None:
    document = await db.given_document("completed")

    await db.sql("update alfrd.documents set status = 'pending' where id = %s", document)

    assert await db.tasks_of(document) == {"ocr": "ready"}
    assert await db.one("select count(*) from alfrd.pages where document_id = %s", document) == 0


async def test_the_same_fingerprint_is_one_document(db: Harness) -> None:
    insert = (
        "insert into alfrd.documents (filename, content, fingerprint) values ('a', 'x', 'same')"
        " on conflict do nothing returning id"
    )
    assert len(await db.sql(insert)) == 1
    assert await db.sql(insert) == []
    assert await db.one("select count(*) from alfrd.tasks") == 1


async def test_tags_are_normal_and_tell_who_gave_them(db: Harness) -> None:
    document = await db.given_document("completed", tags=["  Home ", "home", "TAX"])

    rows = await db.sql("select tag, source from alfrd.tags where document_id = %s order by tag", document)

    assert {row["tag"]: row["source"] for row in rows} == {
        "electricity": "analyst",
        "home": "user",
        "series:acme-power-electricity-bill": "system",
        "tax": "user",
        "utility_bill": "system",
    }
    assert await db.one("select tags from alfrd.documents") == [row["tag"] for row in rows]


async def test_a_correction_is_recorded_and_redoes_what_depends_on_it(db: Harness) -> None:
    document = await db.given_document("completed")

    await db.sql("update alfrd.documents set document_type = 'insurance' where id = %s", document)

    (correction,) = await db.sql("select field, old_value, new_value, corrected_by from alfrd.corrections")
    assert correction == {
        "field": "document_type",
        "old_value": "utility_bill",
        "new_value": "insurance",
        "corrected_by": "postgres",
    }
    assert await db.status_of(document) == "classified"
    assert await db.tasks_of(document) == {"summarize": "ready", "score_classification": "ready"}


async def test_a_worker_never_overwrites_a_correction(db: Harness) -> None:
    document = await db.given_document("completed")
    await db.sql(
        "update alfrd.documents set document_type = 'insurance', total_amount = 99 where id = %s", document
    )
    await db.sql("update alfrd.documents set status = 'pending' where id = %s", document)

    for step in ("ocr", "classify", "summarize", "file", "extract"):
        task = await db.claim(step)
        assert task is not None
        await db.complete(task)

    (row,) = await db.sql("select document_type, total_amount, entity, tags from alfrd.documents")
    assert (row["document_type"], row["total_amount"], row["entity"]) == ("insurance", 99, "Acme Power")
    assert "insurance" in row["tags"]
    assert "utility_bill" not in row["tags"]


async def test_a_correction_while_a_step_runs_wins(db: Harness) -> None:
    document = await db.given_document("classified")
    running = await db.claim("summarize", worker="a")
    assert running is not None

    await db.sql("update alfrd.documents set entity = 'Acme Power Ltd' where id = %s", document)
    await db.complete(running, worker="a")

    (row,) = await db.sql("select entity, status, total_amount from alfrd.documents")
    assert (row["entity"], row["status"]) == ("Acme Power Ltd", "summarized")
    assert row["total_amount"] is not None


async def test_a_correction_to_an_unknown_type_is_refused(db: Harness) -> None:
    await db.given_document("completed")
    with pytest.raises(Refused, match="'spaceship' is not a known document type"):
        await db.sql("update alfrd.documents set document_type = 'spaceship'")


async def test_an_unknown_type_becomes_a_suggestion(db: Harness) -> None:
    await db.given_document("ocr_completed")
    task = await db.claim("classify")
    assert task is not None

    await db.complete(task, document_type="other", suggested_type="warranty", reasoning="says warranty")

    (row,) = await db.sql("select name, reasoning from alfrd.type_suggestions")
    assert row == {"name": "warranty", "reasoning": "says warranty"}


async def test_documents_of_one_entity_and_kind_share_a_series(db: Harness) -> None:
    first = await db.given_document("completed")
    second = await db.given_document("completed")

    (row,) = await db.sql("select * from alfrd.series_overview")
    assert (row["document_count"], row["total_amount"], row["fields"]) == (2, 25, ["date", "total_amount"])
    series = await db.sql(
        "select distinct series_id from alfrd.documents where id in (%s, %s)", first, second
    )
    assert series == [{"series_id": row["id"]}]


async def test_series_of_one_name_and_two_frequencies_get_two_slugs(db: Harness) -> None:
    for frequency in ("monthly", "annual", "quarterly"):
        await db.given_document("summarized")
        task = await db.claim("file")
        assert task is not None
        await db.complete(task, frequency=frequency)

    slugs = await db.sql("select slug from alfrd.series order by slug")
    assert [row["slug"] for row in slugs] == [
        "acme-power-electricity-bill",
        "acme-power-electricity-bill-2",
        "acme-power-electricity-bill-3",
    ]


async def test_a_document_that_names_nobody_completes_without_a_series(db: Harness) -> None:
    document = await db.given_document("summarized")
    task = await db.claim("file")
    assert task is not None
    await db.complete(task, entity="", entity_key="")

    assert await db.status_of(document) == "filed"
    assert await db.one("select count(*) from alfrd.series") == 0
    assert await db.one("select series_id from alfrd.documents") is None


async def test_scores_are_tied_to_the_prompt_that_made_the_result(db: Harness) -> None:
    from alfrd_events.model import Outcome
    from testing.harness import RESULTS

    await db.given_document("ocr_completed")
    prompt = await db.one("select id from alfrd.prompts where kind = 'rules_classifier'")
    task = await db.claim("classify")
    assert task is not None
    await db.hand_in(Outcome(task, "done", result=RESULTS["classify"], made_by="rules", prompt_id=prompt))
    score = await db.claim("score_classification")
    assert score is not None
    await db.complete(score)

    (row,) = await db.sql("select prompt_id, score, step from alfrd.scores")
    assert (row["prompt_id"], row["step"]) == (prompt, "score_classification")


async def test_values_keep_their_types(db: Harness) -> None:
    document = await db.given_document("completed")

    (row,) = await db.sql(
        "select pg_typeof(total_amount)::text as amount, pg_typeof(document_date)::text as day,"
        " jsonb_typeof(structured_data) as structured, jsonb_typeof(series_data) as series"
        "  from alfrd.documents where id = %s",
        document,
    )
    assert row == {"amount": "numeric", "day": "date", "structured": "object", "series": "object"}


@pytest.mark.parametrize(
    "how",
    [
        "delete from alfrd.documents",
        "truncate alfrd.documents cascade",
        "truncate alfrd.documents, alfrd.pages, alfrd.tags, alfrd.scores cascade",
    ],
)
async def test_what_hangs_on_a_document_goes_with_it(db: Harness, how: str) -> None:
    await db.sql(
        "insert into alfrd.routes (subject_type, status, step) values ('document', 'completed', 'export')"
    )
    await db.given_document("completed", tags=["home"])
    export = await db.claim("export")
    assert export is not None
    await db.complete(export)
    hanging = ("pages", "tags", "document_parts", "step_results")
    assert all([await db.one(f"select count(*) from alfrd.{table}") for table in hanging])
    await db.claim("score_summary")

    await db.sql(how)

    for table in (*hanging, "scores"):
        assert await db.one(f"select count(*) from alfrd.{table}") == 0
    assert (
        await db.one(
            "select count(*) from alfrd.tasks where subject_type = 'document' and state <> 'running'"
        )
        == 0
    )


async def test_a_score_is_not_left_behind_by_a_document_that_is_being_deleted(db: Harness) -> None:
    await db.given_document("completed")
    task = await db.claim("score_summary")
    assert task is not None
    person = await db.session()
    await person.execute("begin")
    await person.execute("delete from alfrd.documents")
    handing_in = asyncio.create_task(db.complete(task))
    await asyncio.sleep(0.2)  # it waits for the person's transaction
    await person.execute("commit")
    await person.close()

    assert not await handing_in
    assert await db.one("select count(*) from alfrd.scores") == 0
