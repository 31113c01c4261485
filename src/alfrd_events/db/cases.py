"""Load what claimed tasks need, for many tasks at once: a handful of queries, not one per task."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, LiteralString
from uuid import UUID

from alfrd_events.db import outputs
from alfrd_events.db.database import Database
from alfrd_events.db.peers import peers_of
from alfrd_events.model import (
    Case,
    Document,
    DocumentType,
    File,
    FileMember,
    Invoice,
    JsonObject,
    Line,
    Page,
    PartSource,
    Prompt,
    Series,
    Task,
)

_COLUMNS = [field.name for field in fields(Document) if field.name not in ("pages", "peers")]
_TAGS = _COLUMNS.index("tags")
_DOCUMENTS: LiteralString = (
    f"select {', '.join(_COLUMNS)}, generation from alfrd.documents where id = any (%s::uuid[])"  # noqa: S608
)
_SERIES = "select id, owner, entity, kind, frequency, slug, title, fields from alfrd.series "
_NEED_TYPES = {"classify", "score_classification", "answer_key"}
_REPLAYED = {"classify", "summarize"}
_CANDIDATES_AT_MOST = 2000
_CONNECTIONS = 2
"""What loading uses at a time. The exchange needs one, too, and over a slow way the pool grows slowly."""
_KEPT_CHARACTERS = 8_000_000
_CHARACTERS_PER_LINE = 100
"""What the position of a line counts for, beside its text."""

Pages = tuple[Page, ...]


class Cases:
    """Loads the cases of tasks, and keeps pages in memory from one step of a document to the next.

    :param prompt_kinds: step -> kind of the prompt that it works with; a step without one needs none.
    :param prefixes: of the kinds: the first one's prompt is the case's, the others' are beside it.
    :param peers: how many documents of a series the analyst learns from at most.
    """

    def __init__(
        self,
        database: Database,
        prompt_kinds: Mapping[str, str],
        prefixes: Sequence[str] = ("",),
        peers: int = 0,
    ) -> None:
        self._peers = peers
        self._database = database.sparingly(_CONNECTIONS)
        self._prompt_kinds = prompt_kinds
        self._prefixes = prefixes
        self._kept = _KeptPages()

    async def load(self, tasks: Sequence[Task]) -> dict[int, Case]:
        """The case of each task, by task id; a task whose subject is gone has none."""
        by_step: dict[str, list[Task]] = defaultdict(list)
        for task in tasks:
            by_step[task.step].append(task)
        database, kinds = self._database, self._prompt_kinds
        # Side by side: what a single task waits for is round trips.
        (
            (documents, files),
            (parts, saved),
            types,
            candidates,
            (series, peers),
            prompts,
        ) = await asyncio.gather(
            asyncio.gather(
                self._documents([task for task in tasks if task.entity == "document"]),
                _files(database, [task.subject_id for task in tasks if task.entity == "file"]),
            ),
            _parts(database, [task.subject_id for task in by_step["ocr"]]),
            _types(database, wanted=bool(_NEED_TYPES & by_step.keys())),
            _candidates(database, wanted=bool(by_step["file"])),
            asyncio.gather(
                _series_of(database, [task.subject_id for task in by_step["extract"]]),
                peers_of(
                    database,
                    [task.subject_id for step in ("summarize", "extract") for task in by_step[step]],
                    self._peers,
                    self._whole,
                ),
            ),
            _prompts(
                database,
                {prefix + kinds[step] for step in by_step if step in kinds for prefix in self._prefixes},
            ),
        )
        gradings = await outputs.gradings(database, [task.subject_id for task in by_step["answer_key"]])
        known = await _known(database, tasks, kinds, documents, prompts)
        cases = {}
        for task in tasks:
            document, file = documents.get(task.subject_id), files.get(task.subject_id)
            family = task.subject_id if task.entity == "prompt" else None
            if document is None and file is None and family is None:
                continue
            if document is not None and task.subject_id in peers:
                document = replace(document, peers=peers[task.subject_id])
            cases[task.id] = Case(
                document=document,
                file=file,
                parts=tuple(parts.get(task.subject_id, ())),
                saved_pages=frozenset(saved.get(task.subject_id, ())),
                types=types,
                candidates=candidates.get(document.owner, ()) if document and task.step == "file" else (),
                series=series.get(document.series_id) if document and document.series_id else None,
                prompt=self._prompt(
                    prompts, kinds.get(task.step, ""), document.document_type if document else ""
                ),
                known=known.get(task.id),
                family=family,
                grading=gradings.get(task.subject_id) if task.step == "answer_key" else None,
            )
        return cases

    def _prompt(
        self, prompts: Mapping[tuple[str, str], Prompt], kind: str, document_type: str
    ) -> Prompt | None:
        first, *others = self._prefixes
        prompt = _best_prompt(prompts, first + kind, document_type)
        if prompt is None or not others:
            return prompt
        beside = {prefix: _best_prompt(prompts, prefix + kind, document_type) for prefix in others}
        return replace(prompt, beside={prefix: found for prefix, found in beside.items() if found})

    async def _whole(self, ids: Sequence[UUID]) -> dict[UUID, Document]:
        """Documents with their pages, to learn from."""
        rows = await self._database.tuples(_DOCUMENTS, [_array(ids)]) if ids else []
        pages = await _pages(self._database, ids)
        whole = {}
        for *values, _ in rows:
            values[_TAGS] = tuple(values[_TAGS])
            values.append(pages.get(values[0], ()))
            whole[values[0]] = Document(*values)
        return whole

    async def _documents(self, tasks: Sequence[Task]) -> dict[UUID, Document]:
        if not tasks:
            return {}
        rows = await self._database.tuples(_DOCUMENTS, [_array({task.subject_id for task in tasks})])
        read = {task.subject_id for task in tasks if task.step != "ocr"}
        missing = [row[0] for row in rows if row[0] in read and (row[0], row[-1]) not in self._kept]
        pages = await _pages(self._database, missing)
        # The last step, as far as it is known here: nobody needs them soon.
        last = {task.subject_id for task in tasks if task.step == "extract"}
        documents = {}
        for *values, generation in rows:
            id = values[0]
            values[_TAGS] = tuple(values[_TAGS])
            of_document: Pages = ()
            if id in read:
                of_document = self._kept.get((id, generation), pages.get(id, ()), keep=id not in last)
            values.append(of_document)
            documents[id] = Document(*values)
        return documents


class _KeptPages:
    """Pages by document and generation, the least recently used ones dropped first.

    Within a generation they do not change: reading a document again is a new one.
    """

    def __init__(self) -> None:
        self._pages: OrderedDict[tuple[UUID, int], tuple[Pages, int]] = OrderedDict()
        self._size = 0

    def __contains__(self, key: tuple[UUID, int]) -> bool:
        return key in self._pages

    def get(self, key: tuple[UUID, int], loaded: Pages, *, keep: bool) -> Pages:
        """What is kept, or else what was loaded; kept from now on, or no more."""
        pages, size = self._pages.pop(key, (loaded, 0))
        self._size -= size
        if keep and pages:
            size = size or sum(len(page.text) + _CHARACTERS_PER_LINE * len(page.lines) for page in pages)
            self._pages[key] = pages, size
            self._size += size
            while self._size > _KEPT_CHARACTERS:
                _, (_, dropped) = self._pages.popitem(last=False)
                self._size -= dropped
        return pages


def _array(ids: Iterable[UUID]) -> str:
    """Ids as a literal of ``uuid[]``, which is sent sooner than a list."""
    return f"{{{','.join(map(str, ids))}}}"


async def _pages(database: Database, ids: Sequence[UUID]) -> dict[UUID, Pages]:
    if not ids:
        return {}
    pages: dict[UUID, list[Page]] = defaultdict(list)
    for row in await database.rows(
        "select document_id, number, text, confidence, source, layout"
        "  from alfrd.pages where document_id = any (%s::uuid[]) order by document_id, number",
        [_array(ids)],
    ):
        pages[row["document_id"]].append(_page(row))
    return {id: tuple(found) for id, found in pages.items()}


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
        invoice=Invoice.model_validate(layout["invoice"]) if "invoice" in layout else None,
    )


async def _parts(
    database: Database, ids: Sequence[UUID]
) -> tuple[dict[UUID, list[PartSource]], dict[UUID, list[int]]]:
    """The parts of documents, and the numbers of the pages that an earlier attempt has saved."""
    if not ids:
        return {}, {}
    # A document that carries content or a uri itself is its own first and only part.
    rows = await database.tuples(
        "with wanted as (select id, filename, content, uri from alfrd.documents where id = any (%s::uuid[]))"
        " select w.id, coalesce(p.number, 1), coalesce(p.filename, w.filename), coalesce(p.content, w.content),"
        "        coalesce(p.uri, w.uri), array(select number from alfrd.pages where document_id = w.id)"
        "   from wanted w left join alfrd.document_parts p"
        "     on p.document_id = w.id and w.content is null and w.uri = ''"
        "  where p.number is not null or w.content is not null or w.uri <> '' order by 1, 2",
        [_array(ids)],
    )
    parts: dict[UUID, list[PartSource]] = defaultdict(list)
    saved = {}
    for id, *part, numbers in rows:
        parts[id].append(PartSource(*part))
        saved[id] = numbers
    return parts, saved


async def _types(database: Database, *, wanted: bool) -> tuple[DocumentType, ...]:
    return await load_types(database) if wanted else ()


async def load_types(database: Database) -> tuple[DocumentType, ...]:
    """The known document types."""
    rows = await database.rows("select name, description from alfrd.document_types order by name")
    return tuple(DocumentType(**row) for row in rows)


async def load_documents(database: Database, ids: Sequence[UUID]) -> dict[UUID, Document]:
    """Documents with their pages; those that are gone are left out."""
    rows = await database.tuples(_DOCUMENTS, [_array(ids)])
    pages = await _pages(database, [row[0] for row in rows])
    documents = {}
    for *values, _generation in rows:
        values[_TAGS] = tuple(values[_TAGS])
        values.append(pages.get(values[0], ()))
        documents[values[0]] = Document(*values)
    return documents


async def _known(
    database: Database,
    tasks: Sequence[Task],
    kinds: Mapping[str, str],
    documents: Mapping[UUID, Document],
    prompts: Mapping[tuple[str, str], Prompt],
) -> dict[int, JsonObject]:
    """What prompts are known to have made of these very texts, by task: a replay pays for nothing twice."""
    wanted = {}
    for task in tasks:
        document = documents.get(task.subject_id)
        if document is None or task.step not in _REPLAYED:
            continue
        prompt = _best_prompt(prompts, kinds.get(task.step, ""), document.document_type)
        if prompt is not None:
            wanted[task.id] = (prompt.id, document)
    return await outputs.known(database, wanted)


async def _candidates(database: Database, *, wanted: bool) -> dict[str, tuple[Series, ...]]:
    """Per owner, the newest first."""
    if not wanted:
        return {}
    candidates: dict[str, list[Series]] = defaultdict(list)
    for row in await database.rows(_SERIES + "order by created_at desc limit %s", [_CANDIDATES_AT_MOST]):
        candidates[row["owner"]].append(_one_series(row))
    return {owner: tuple(known) for owner, known in candidates.items()}


async def _series_of(database: Database, documents: Sequence[UUID]) -> dict[UUID, Series]:
    if not documents:
        return {}
    rows = await database.rows(
        _SERIES + "where id in (select series_id from alfrd.documents where id = any (%s::uuid[]))",  # noqa: S608
        [_array(documents)],
    )
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
