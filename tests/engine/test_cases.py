"""What tasks are given, and what is kept of it from one step to the next."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import fields
from uuid import UUID

from alfrd_events.db.cases import Cases
from alfrd_events.db.inputs import inputs_of
from alfrd_events.model import Document, Task
from alfrd_events.model.inputs import DocumentInput, FilingInput, OcrInput, StepInput, SummarizeInput
from alfrd_events.steps.registry import BUILT_IN
from testing.harness import RESULTS, Harness

INPUTS = {name: step.input for name, step in BUILT_IN.items()}
PAGE = RESULTS["ocr"]["pages"][0]


async def _read(db: Harness, document: UUID, text: str) -> None:
    task = await db.claim("ocr", subject=document)
    assert task is not None
    assert await db.complete(task, pages=[{**PAGE, "text": text}])


async def _given(db: Harness, cases: Cases, document: UUID, step: str) -> Document:
    task = await _running(db, document, step)
    return _document(await cases.load([task]))


async def _running(db: Harness, document: UUID, step: str) -> Task:
    """A task of the document that runs, whatever its status is."""
    await db.sql(
        "delete from alfrd.tasks where subject_id = %s and step = %s and state = 'running'", document, step
    )
    id = await db.one(
        "insert into alfrd.tasks (step, subject_type, subject_id, status, state, attempt, worker_id)"
        " select step, subject_type, %s, status, 'running', 1, 0 from alfrd.routes where step = %s returning id",
        document,
        step,
    )
    return Task(id, step, "document", document, 1, 5)


def _document(loaded: Mapping[int, StepInput]) -> Document:
    (found,) = loaded.values()
    assert isinstance(found, DocumentInput)
    return found.document


async def test_pages_are_loaded_once_and_the_document_each_time(db: Harness) -> None:
    cases = Cases(db.database, INPUTS)
    document = await db.given_document()
    await _read(db, document, "one")
    assert (await _given(db, cases, document, "classify")).text == "one"

    await db.sql("update alfrd.pages set text = 'nobody looks any more'")
    await db.sql("update alfrd.documents set priority = 5, metadata = '{\"case\": 7}'")
    again = await _given(db, cases, document, "summarize")
    assert (again.text, again.metadata) == ("one", {"case": 7})


async def test_a_document_that_is_read_again_has_its_new_pages(db: Harness) -> None:
    cases = Cases(db.database, INPUTS)
    document = await db.given_document()
    await _read(db, document, "one")
    assert (await _given(db, cases, document, "classify")).text == "one"

    await db.sql("update alfrd.documents set status = 'pending' where id = %s", document)
    await _read(db, document, "two")
    assert (await _given(db, cases, document, "classify")).text == "two"


async def test_what_is_kept_is_bounded(db: Harness) -> None:
    cases = Cases(db.database, INPUTS)
    documents = [await db.given_document() for _ in range(12)]
    for number, document in enumerate(documents):
        await _read(db, document, f"{number} {'x' * 1_000_000}")
        await _given(db, cases, document, "classify")
    await db.sql("update alfrd.pages set text = 'loaded again'")

    texts = [(await _given(db, cases, document, "summarize")).text for document in reversed(documents)]
    assert [text == "loaded again" for text in texts] == [False] * 7 + [True] * 5


async def test_pages_that_are_kept_when_a_load_begins_are_not_lost_to_another_one(db: Harness) -> None:
    cases = Cases(db.database, INPUTS)
    document = await db.given_document()
    await _read(db, document, "one")
    await _given(db, cases, document, "classify")
    waits_for_series, last = [await _running(db, document, step) for step in ("file", "extract")]
    inputs = json.dumps(await inputs_of(db.database, [waits_for_series]))

    first = asyncio.create_task(cases.load([waits_for_series], inputs))
    await asyncio.sleep(0)
    await cases.load([last], inputs)

    assert _document(await first).text == "one"


async def test_what_is_given_equals_what_its_constructors_make(db: Harness) -> None:
    document = await db.given_document("classified")
    task = await _running(db, document, "summarize")
    given = (await Cases(db.database, INPUTS).load([task]))[task.id]
    assert isinstance(given, SummarizeInput)
    assert given.document == Document(
        **{each.name: getattr(given.document, each.name) for each in fields(Document)}
    )
    assert given == SummarizeInput(**{each.name: getattr(given, each.name) for each in fields(given)})
    assert set(vars(given)) == {each.name for each in fields(given)}


async def test_a_subject_that_is_gone_has_no_case(db: Harness) -> None:
    document = await db.given_document("classified")
    await db.sql("delete from alfrd.documents")
    task = Task(1, "summarize", "document", document, 1, 5)
    assert await Cases(db.database, INPUTS).load([task]) == {}


async def _read_by(cases: Cases, db: Harness, document: UUID, text: str) -> None:
    """As a worker does it: it is given the document, hands in what it read, and keeps it."""
    task = await db.claim("ocr", subject=document)
    assert task is not None
    given = (await cases.load([task]))[task.id]
    assert isinstance(given, OcrInput)
    reading = {**RESULTS["ocr"], "pages": [{**PAGE, "text": text}]}
    assert await db.complete(task, pages=reading["pages"])
    cases.keep(document, given.generation, reading)


async def test_what_a_worker_has_read_it_need_not_load(db: Harness) -> None:
    cases = Cases(db.database, INPUTS)
    document = await db.given_document()
    await _read_by(cases, db, document, "one")
    as_loaded = await _given(db, Cases(db.database, INPUTS), document, "classify")
    await db.sql("update alfrd.pages set text = 'nobody looks at this'")

    assert await _given(db, cases, document, "classify") == as_loaded


async def test_what_a_trigger_stores_in_place_of_what_was_read_is_loaded(db: Harness) -> None:
    await db.sql(
        "create function public.blacken() returns trigger language plpgsql as"
        " $$ begin new.text := replace(new.text, 'Smith', '*****'); return new; end $$"
    )
    await db.sql(
        "create trigger blacken before insert on alfrd.pages for each row execute function public.blacken()"
    )
    cases = Cases(db.database, INPUTS)
    document = await db.given_document()
    await _read_by(cases, db, document, "Mr Smith")

    assert (await _given(db, cases, document, "classify")).text == "Mr *****"


async def test_series_are_loaded_again_when_one_has_changed(db: Harness) -> None:
    cases = Cases(db.database, INPUTS)
    document = await db.given_document("summarized")
    task = await _running(db, document, "file")

    async def titles() -> list[str]:
        given = (await cases.load([task]))[task.id]
        assert isinstance(given, FilingInput)
        return [series.title for series in given.candidates]

    assert await titles() == []
    await db.sql("insert into alfrd.series (entity, entity_key, slug, title) values ('A', 'a', 'a', 'one')")
    assert await titles() == ["one"]
    await db.sql("update alfrd.series set title = 'two'")
    assert await titles() == ["two"]
    await db.sql("delete from alfrd.series")
    assert await titles() == []
