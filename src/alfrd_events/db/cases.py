"""Load what claimed tasks need, for many tasks at once: a handful of queries, not one per task."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import itemgetter
from typing import Any
from uuid import UUID

from alfrd_events.db import outputs
from alfrd_events.db.database import Database
from alfrd_events.db.inputs import Parts, document_columns, document_rows, inputs_of, series
from alfrd_events.db.json import decoded
from alfrd_events.db.peers import peers_of
from alfrd_events.db.values import usable_amount, usable_date
from alfrd_events.model import (
    Document,
    DocumentType,
    File,
    FileMember,
    Invoice,
    JsonObject,
    Line,
    Page,
    Prompt,
    Series,
    Task,
    filled,
)
from alfrd_events.model.inputs import StepInput

_CANDIDATES_AT_MOST = 2000
_CONNECTIONS = 2
"""What loading uses at a time. The exchange needs one, too, and over a slow way the pool grows slowly."""
_KEPT_CHARACTERS = 8_000_000
_CHARACTERS_PER_LINE = 100
"""What the position of a line counts for, beside its text."""

_BLANK: dict[str, Any] = {each.name: () for each in fields(Document)}
_COLUMNS = [name for name in _BLANK if name not in ("pages", "peers")]
_PAGE_COUNT = _COLUMNS.index("page_count")
_NOTHING: frozenset[int] = frozenset()

Pages = tuple[Page, ...]
_NO_PAGES: tuple[int, Pages, int] = (-1, (), 0)


class Cases:
    """Loads the cases of tasks, and keeps pages in memory from one step of a document to the next.

    :param kinds: step -> the type of its input, whose fields say what the step needs.
    :param prefixes: of the kinds: the first one's prompt is the case's, the others' are beside it.
    :param peers: how many documents of a series the analyst learns from at most.
    """

    def __init__(
        self,
        database: Database,
        kinds: Mapping[str, type[StepInput]],
        prefixes: Sequence[str] = ("",),
        peers: int = 0,
    ) -> None:
        self._peers = peers
        self._database = database.sparingly(_CONNECTIONS)
        self._kinds = kinds
        self._fields = {step: tuple(each.name for each in fields(kind)) for step, kind in kinds.items()}
        self._prefixes = prefixes
        self._kept = _KeptPages()
        self._reference = _Reference()
        self._candidates = _Candidates()
        self._pages_as_read = False
        """Pages are stored as they were read: no trigger of the user's changes them."""

    def keep(self, document: UUID, generation: int, reading: JsonObject) -> None:
        """What was read of a document, and is written: its next step will want it.

        :param reading: the result of ``ocr``, with the rows of its pages. What was saved before its end is not among
            them.
        """
        rows = reading["pages"]
        if self._pages_as_read and rows and len(rows) == reading["page_count"]:
            self._kept.drop(document.int)  # a way back to the start may have led here within one generation
            pages = tuple(map(_page, sorted(rows, key=itemgetter("number"))))
            self._kept.keep(document.int, generation, pages)

    async def load(self, tasks: Sequence[Task], came_with_claim: str | None = None) -> dict[int, StepInput]:
        """The case of each task, by task id; a task whose subject is gone has none.

        :param came_with_claim: the inputs of these tasks, in JSON; asked for if they are missing.
        """
        needed_by: dict[str, list[UUID]] = defaultdict(list)
        for task in tasks:
            for name in self._fields[task.step]:
                needed_by[name].append(task.subject_id)
            if self._kinds[task.step].learns:
                needed_by["peers"].append(task.subject_id)
        if came_with_claim is None:
            inputs = await inputs_of(self._database, tasks)
        else:
            inputs = decoded(came_with_claim)
        rows = list(document_rows(inputs["documents"]))
        parts = Parts()
        if inputs["parts"] is not None:
            parts.add_columns(inputs["parts"])
            self._pages_as_read = inputs["pages_as_read"]
        # By the number in a UUID, here and below: UUIDs are slow to hash and to compare.
        read = {task.subject_id.int for task in tasks if task.step != "ocr"}
        # Before anything is waited for: meanwhile others may drop them.
        kept = [
            self._kept.get(values[0].int, generation) if values[_PAGE_COUNT] and values[0].int in read else ()
            for values, generation in rows
        ]
        missing = [values[0] for (values, _), pages in zip(rows, kept, strict=True) if pages is None]
        found = await self._ask(needed_by, inputs, missing, parts)
        # From here on the same for all: another load may replace them while this one waits.
        reference, candidates = self._reference, self._candidates
        documents = self._documents(tasks, rows, kept, found.get("pages", {}))
        generations = {values[0].int: generation for values, generation in rows}
        files, peers = found.get("files", {}), found.get("peers", {})
        gradings = found.get("gradings", {})
        known = await self._known(reference, tasks, documents)
        filed = series(inputs["series"])
        given: dict[str, Callable[[Task, Any], Any]] = {
            "document": lambda task, document: (
                replace(document, peers=peers[task.subject_id]) if task.subject_id in peers else document
            ),
            "generation": lambda task, _: generations.get(task.subject_id.int, 0),
            "parts": lambda task, _: tuple(parts.of.get(task.subject_id, ())),
            "saved_pages": lambda task, _: parts.saved.get(task.subject_id, _NOTHING),
            "types": lambda _, __: reference.types,
            "candidates": lambda _, document: candidates.of(document.owner),
            "series": lambda _, document: filed.get(document.series_id) if document.series_id else None,
            "prompt": lambda task, document: self._prompt(
                reference, task.step, document.document_type if document else ""
            ),
            "known": lambda task, _: known.get(task.id),
            "file": lambda task, _: files[task.subject_id],
            "family": lambda task, _: task.subject_id,
            "grading": lambda task, _: gradings.get(task.subject_id),
        }
        cases = {}
        for task in tasks:
            document = documents.get(task.subject_id.int)
            if document is None and task.subject_id not in files and task.entity != "prompt":
                continue
            kind = self._kinds[task.step]
            cases[task.id] = filled(
                kind, {name: given[name](task, document) for name in self._fields[task.step]}
            )
        return cases

    async def _ask(
        self,
        needed_by: Mapping[str, Sequence[UUID]],
        inputs: JsonObject,
        missing: Sequence[UUID],
        parts: Parts,
    ) -> dict[str, Any]:
        """What neither came with the claim nor is kept here: nothing, for most tasks.

        Side by side: what a single task waits for is round trips.
        """
        database = self._database
        asked: dict[str, Awaitable[Any]] = {}
        if missing:
            asked["pages"] = _pages(database, missing)
        if inputs["edition"] != self._reference.edition:
            asked["reference"] = self._look_up(inputs["edition"])
        if large := [id for id in needed_by.get("parts", ()) if id not in parts.of]:
            asked["parts"] = parts.fetch(database, large)
        if "file" in needed_by:
            asked["files"] = _files(database, needed_by["file"])
        if "candidates" in needed_by and inputs["series_state"] != self._candidates.state:
            asked["candidates"] = self._look_through_series(inputs["series_state"])
        if self._peers and "peers" in needed_by:
            asked["peers"] = peers_of(database, needed_by["peers"], self._peers, self._whole)
        if "grading" in needed_by:
            asked["gradings"] = outputs.gradings(database, needed_by["grading"])
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True)) if asked else {}

    async def _look_up(self, edition: int) -> None:
        """Keep the prompts and types; they are of this edition or newer."""
        prompts, types = await asyncio.gather(_prompts(self._database), load_types(self._database))
        if edition > self._reference.edition:
            self._reference = _Reference(edition, prompts, types)

    async def _look_through_series(self, state: str) -> None:
        """Keep the series that a document may belong to; they are of this state or newer."""
        self._candidates = _Candidates(state, await _candidates(self._database))

    async def _known(
        self, reference: _Reference, tasks: Sequence[Task], documents: Mapping[int, Document]
    ) -> dict[int, JsonObject]:
        """What prompts are known to have made of these very texts, by task: a replay pays for nothing twice."""
        if "" not in self._prefixes:
            return {}  # those prompts are for other analysts than this one
        wanted = {}
        for task in tasks:
            if (
                "known" not in self._fields[task.step]
                or (document := documents.get(task.subject_id.int)) is None
            ):
                continue
            prompt = reference.best(self._kinds[task.step].prompt_kind, document.document_type)
            if prompt is not None and prompt.can_evolve:  # of the others nothing is kept
                wanted[task.id] = (prompt.id, document)
        return await outputs.known(self._database, wanted)

    def _prompt(self, reference: _Reference, step: str, document_type: str) -> Prompt | None:
        kind = self._kinds[step].prompt_kind
        if not kind:
            return None
        chosen = reference.chosen
        if (kind, document_type) not in chosen:
            chosen[kind, document_type] = self._choose(reference, kind, document_type)
        return chosen[kind, document_type]

    def _choose(self, reference: _Reference, kind: str, document_type: str) -> Prompt | None:
        first, *others = self._prefixes
        prompt = reference.best(first + kind, document_type)
        if prompt is None or not others:
            return prompt
        beside = {prefix: reference.best(prefix + kind, document_type) for prefix in others}
        return replace(prompt, beside={prefix: found for prefix, found in beside.items() if found})

    async def _whole(self, ids: Sequence[UUID]) -> dict[UUID, Document]:
        """Documents with their pages, to learn from."""
        return await load_documents(self._database, ids) if ids else {}

    def _documents(
        self,
        tasks: Sequence[Task],
        rows: Sequence[tuple[Any, int]],
        kept: Sequence[Pages | None],
        loaded: Mapping[UUID, Pages],
    ) -> dict[int, Document]:
        # The last step, as far as it is known here: nobody needs them soon.
        last = {task.subject_id.int for task in tasks if task.step == "extract"}
        documents = {}
        for (values, generation), pages in zip(rows, kept, strict=True):
            number = values[0].int
            if pages is None:
                pages = loaded.get(values[0], ())
            if number in last:
                self._kept.drop(number)
            elif pages:
                self._kept.keep(number, generation, pages)
            # As large as it has to be: a dictionary that grows to that is laid out three times.
            row = _BLANK.copy()
            row.update(zip(_COLUMNS, values, strict=True), pages=pages)
            documents[number] = filled(Document, row)
        return documents


@dataclass(frozen=True)
class _Reference:
    """What changes rarely, and is kept until it does."""

    edition: int = -1
    prompts: Mapping[tuple[str, str], Prompt] = field(default_factory=dict)
    """The active ones, by kind and document type."""
    types: tuple[DocumentType, ...] = ()
    chosen: dict[tuple[str, str], Prompt | None] = field(default_factory=dict)
    """By kind and document type: what was found to work with."""

    def best(self, kind: str, document_type: str) -> Prompt | None:
        """The one for this type of document, else the one for all."""
        return self.prompts.get((kind, document_type)) or self.prompts.get((kind, ""))


@dataclass(frozen=True)
class _Candidates:
    """The series that a document may belong to, kept until one of them changes."""

    state: str = ""
    by_owner: Mapping[str, tuple[Series, ...]] = field(default_factory=dict)

    def of(self, owner: str) -> tuple[Series, ...]:
        return self.by_owner.get(owner, ())


class _KeptPages:
    """Pages of documents, the least recently used ones dropped first.

    Within a generation they do not change: reading a document again is a new one.
    """

    def __init__(self) -> None:
        self._pages: OrderedDict[int, tuple[int, Pages, int]] = OrderedDict()
        """By the number of the document: its generation, its pages, and their size."""
        self._size = 0

    def get(self, document: int, generation: int) -> Pages | None:
        """What is kept of this generation."""
        of, pages, _ = self._pages.get(document, _NO_PAGES)
        return pages if of == generation else None

    def keep(self, document: int, generation: int, pages: Pages) -> None:
        """Keep them from now on, as those that were used last."""
        if self._pages.get(document, _NO_PAGES)[0] == generation:
            self._pages.move_to_end(document)
            return
        self.drop(document)
        size = sum(len(page.text) + _CHARACTERS_PER_LINE * len(page.lines) for page in pages)
        self._pages[document] = generation, pages, size
        self._size += size
        while self._size > _KEPT_CHARACTERS:
            _, (_, _, dropped) = self._pages.popitem(last=False)
            self._size -= dropped

    def drop(self, document: int) -> None:
        """Keep them no more."""
        _, _, size = self._pages.pop(document, _NO_PAGES)
        self._size -= size


async def _pages(database: Database, ids: Sequence[UUID]) -> dict[UUID, Pages]:
    if not ids:
        return {}
    pages: dict[UUID, list[Page]] = defaultdict(list)
    for row in await database.rows(
        "select document_id, number, text, confidence, source, layout"
        "  from alfrd.pages where document_id = any (%s::uuid[]) order by document_id, number",
        [list(ids)],
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


async def load_types(database: Database) -> tuple[DocumentType, ...]:
    """The known document types."""
    rows = await database.rows("select name, description from alfrd.document_types order by name")
    return tuple(DocumentType(**row) for row in rows)


async def load_documents(database: Database, ids: Sequence[UUID]) -> dict[UUID, Document]:
    """Documents with their pages; those that are gone are left out."""
    rows = list(document_rows(await document_columns(database, ids)))
    pages = await _pages(database, [values[0] for values, _ in rows])
    return {values[0]: Document(*(*values, pages.get(values[0], ()))) for values, _ in rows}


async def _candidates(database: Database) -> dict[str, tuple[Series, ...]]:
    """Per owner, the newest first."""
    candidates: dict[str, list[Series]] = defaultdict(list)
    for id, entity, kind, frequency, slug, title, names, owner in await database.tuples(
        "select id, entity, kind, frequency, slug, title, fields, owner"
        "  from alfrd.series order by created_at desc limit %s",
        [_CANDIDATES_AT_MOST],
    ):
        candidates[owner].append(Series(id, entity, kind, frequency, slug, title, tuple(names), owner))
    return {owner: tuple(known) for owner, known in candidates.items()}


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
            **{**row, "tags": tuple(row["tags"])}, members=tuple(_member(member) for member in members)
        )
    return files


def _member(row: Mapping[str, Any]) -> FileMember:
    """A member with the values that can be worked with: one odd value must not keep the others from their file."""
    dates = {name: usable_date(row[name]) for name in ("document_date", "due_date")}
    return FileMember(**{**row, **dates, "total_amount": usable_amount(row["total_amount"])})


async def _prompts(database: Database) -> dict[tuple[str, str], Prompt]:
    rows = await database.rows(
        "select id, kind, document_type, version, text, can_evolve from alfrd.prompts where is_active"
    )
    return {(row["kind"], row["document_type"]): Prompt(**row) for row in rows}
