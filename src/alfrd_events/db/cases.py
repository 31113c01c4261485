"""Load what claimed tasks need, for many tasks at once: a handful of queries, not one per task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from alfrd_events.db.database import Database
from alfrd_events.model import (
    Case,
    Document,
    DocumentType,
    File,
    FileMember,
    Line,
    Page,
    PartSource,
    Prompt,
    Series,
    Task,
)

_DOCUMENT = """
select id, owner, filename, status, created_at, tags, metadata, page_count, document_type, classification_confidence,
       classification_reasoning, summary, entity, document_date, due_date, total_amount, currency, account_number,
       period_start, period_end, structured_data, series_id, series_data, made_by
  from alfrd.documents where id = any (%s)
"""
_SERIES = "select id, owner, entity, kind, frequency, slug, title, fields from alfrd.series "
_CANDIDATES_AT_MOST = 2000


async def load(database: Database, tasks: Sequence[Task], prompt_kinds: Mapping[str, str]) -> dict[int, Case]:
    """The case of each task, by task id; a task whose subject is gone has none.

    :param prompt_kinds: step -> kind of the prompt that it works with; a step without one needs none.
    """
    by_step: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        by_step[task.step].append(task)
    files = await _files(database, [task.subject_id for task in tasks if task.entity == "file"])
    document_ids = [task.subject_id for task in tasks if task.entity == "document"]
    with_pages = [task.subject_id for task in tasks if task.entity == "document" and task.step != "ocr"]
    documents = await _documents(database, document_ids, with_pages)
    reading = [task.subject_id for task in by_step["ocr"]]
    parts = await _parts(database, reading)
    saved = await _saved_pages(database, reading)
    types = await _types(database) if {"classify", "score_classification"} & by_step.keys() else ()
    candidates = await _candidates(database) if by_step["file"] else ()
    series = await _series(
        database,
        [
            found
            for task in by_step["extract"]
            if (d := documents.get(task.subject_id)) and (found := d.series_id)
        ],
    )
    prompts = await _prompts(database, {prompt_kinds[step] for step in by_step if step in prompt_kinds})
    cases = {}
    for task in tasks:
        document, file = documents.get(task.subject_id), files.get(task.subject_id)
        if document is None and file is None:
            continue
        document_type = document.document_type if document else ""
        cases[task.id] = Case(
            document=document,
            file=file,
            parts=tuple(parts.get(task.subject_id, ())),
            saved_pages=frozenset(saved.get(task.subject_id, ())),
            types=types,
            candidates=tuple(known for known in candidates if document and known.owner == document.owner),
            series=series.get(document.series_id) if document and document.series_id else None,
            prompt=_best_prompt(prompts, prompt_kinds.get(task.step, ""), document_type),
        )
    return cases


async def _documents(
    database: Database, ids: Sequence[UUID], with_pages: Sequence[UUID]
) -> dict[UUID, Document]:
    if not ids:
        return {}
    rows = await database.rows(_DOCUMENT, [list(ids)])
    pages: dict[UUID, list[Page]] = defaultdict(list)
    if with_pages:
        for row in await database.rows(
            "select document_id, number, text, confidence, source, layout"
            "  from alfrd.pages where document_id = any (%s) order by document_id, number",
            [list(with_pages)],
        ):
            pages[row["document_id"]].append(_page(row))
    documents = {}
    for row in rows:
        row["tags"] = tuple(row["tags"])
        documents[row["id"]] = Document(**row, pages=tuple(pages.get(row["id"], ())))
    return documents


def _page(row: Mapping[str, Any]) -> Page:
    layout = row["layout"]
    return Page(
        number=row["number"],
        text=row["text"],
        confidence=row["confidence"],
        lines=tuple(
            Line(line["text"], tuple(line["box"]), line["confidence"]) for line in layout.get("lines", ())
        ),
        width=layout.get("width", 0),
        height=layout.get("height", 0),
        source=row["source"],
        rotation=layout.get("rotation", 0),
    )


async def _parts(database: Database, ids: Sequence[UUID]) -> dict[UUID, list[PartSource]]:
    if not ids:
        return {}
    # A document that carries content or a uri itself is its own first and only part.
    rows = await database.rows(
        "select id as document_id, 1 as number, filename, content, uri from alfrd.documents"
        "  where id = any (%(ids)s) and (content is not null or uri <> '')"
        " union all "
        "select p.document_id, p.number, p.filename, p.content, p.uri"
        "  from alfrd.document_parts p join alfrd.documents d on d.id = p.document_id"
        "  where p.document_id = any (%(ids)s) and d.content is null and d.uri = ''"
        " order by document_id, number",
        {"ids": list(ids)},
    )
    parts: dict[UUID, list[PartSource]] = defaultdict(list)
    for row in rows:
        parts[row.pop("document_id")].append(PartSource(**row))
    return parts


async def _saved_pages(database: Database, ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    if not ids:
        return {}
    rows = await database.rows(
        "select document_id, array_agg(number) as numbers from alfrd.pages where document_id = any (%s) group by 1",
        [list(ids)],
    )
    return {row["document_id"]: row["numbers"] for row in rows}


async def _types(database: Database) -> tuple[DocumentType, ...]:
    rows = await database.rows("select name, description from alfrd.document_types order by name")
    return tuple(DocumentType(**row) for row in rows)


async def _candidates(database: Database) -> tuple[Series, ...]:
    rows = await database.rows(_SERIES + "order by created_at desc limit %s", [_CANDIDATES_AT_MOST])
    return tuple(_one_series(row) for row in rows)


async def _series(database: Database, ids: Iterable[UUID]) -> dict[UUID, Series]:
    wanted = list(ids)
    if not wanted:
        return {}
    rows = await database.rows(_SERIES + "where id = any (%s)", [wanted])
    return {row["id"]: _one_series(row) for row in rows}


def _one_series(row: Mapping[str, Any]) -> Series:
    return Series(**{**row, "fields": tuple(row["fields"])})


async def _files(database: Database, ids: Sequence[UUID]) -> dict[UUID, File]:
    if not ids:
        return {}
    files = {}
    for row in await database.rows(
        "select f.id, f.title, f.tags, f.revision, coalesce(s.frequency, '') as frequency"
        "  from alfrd.files f left join alfrd.series s on s.id = f.series_id where f.id = any (%s)",
        [list(ids)],
    ):
        # The revision is read before the members: a change in between makes the summary old, never wrongly new.
        members = await database.rows(
            "select id, filename, document_type, summary, entity, document_date, due_date, total_amount, currency,"
            " series_id, series_data from alfrd.file_members(%s)",
            [row["id"]],
        )
        files[row["id"]] = File(
            **{**row, "tags": tuple(row["tags"])}, members=tuple(FileMember(**member) for member in members)
        )
    return files


async def _prompts(database: Database, kinds: Iterable[str]) -> dict[tuple[str, str], Prompt]:
    wanted = list(kinds)
    if not wanted:
        return {}
    rows = await database.rows(
        "select id, kind, document_type, version, text from alfrd.prompts where is_active and kind = any (%s)",
        [wanted],
    )
    return {(row["kind"], row["document_type"]): Prompt(**row) for row in rows}


def _best_prompt(prompts: Mapping[tuple[str, str], Prompt], kind: str, document_type: str) -> Prompt | None:
    return prompts.get((kind, document_type)) or prompts.get((kind, ""))
