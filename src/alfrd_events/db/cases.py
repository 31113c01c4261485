"""Load what claimed tasks need, for many tasks at once: a handful of queries, not one per task."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any
from uuid import UUID

from alfrd_events.db import calendar, outputs
from alfrd_events.db.database import Database
from alfrd_events.db.inputs import Parts, document_rows, inputs_of, series
from alfrd_events.db.json import decoded
from alfrd_events.db.lessons import lessons_by_owner, trials
from alfrd_events.db.pages import KeptPages, Pages, load_pages, page_of
from alfrd_events.db.peers import peers_of
from alfrd_events.db.reference import (
    Candidates,
    Reference,
    load_candidates,
    load_prompts,
    load_types,
)
from alfrd_events.db.values import usable_amount, usable_date
from alfrd_events.model import (
    Document,
    File,
    FileMember,
    JsonObject,
    Prompt,
    Task,
    filled,
)
from alfrd_events.model.inputs import StepInput

_CONNECTIONS = 2
"""What loading uses at a time. The exchange needs one, too, and over a slow way the pool grows slowly."""

_BLANK: dict[str, Any] = {each.name: () for each in fields(Document)}
_COLUMNS = [name for name in _BLANK if name not in ("pages", "peers", "lessons")]
_PAGE_COUNT = _COLUMNS.index("page_count")
_NOTHING: frozenset[int] = frozenset()


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
        self._kept = KeptPages()
        self._reference = Reference()
        self._candidates = Candidates()
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
            pages = tuple(map(page_of, sorted(rows, key=itemgetter("number"))))
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
            parts.add_rows(inputs["parts"])
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
        histories, tried = found.get("histories", {}), found.get("trials", {})
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
            "lessons": lambda _, document: reference.lessons.get(document.owner, ()),
            "candidates": lambda _, document: candidates.of(document.owner),
            "series": lambda _, document: filed.get(document.series_id) if document.series_id else None,
            "prompt": lambda task, document: self._prompt(
                reference, task.step, document.document_type if document else ""
            ),
            "known": lambda task, _: known.get(task.id),
            "file": lambda task, _: files[task.subject_id],
            "family": lambda task, _: task.subject_id,
            "grading": lambda task, _: gradings.get(task.subject_id),
            "history": lambda task, _: histories[task.subject_id],
            "trial": lambda task, _: tried[task.subject_id],
        }
        cases = {}
        for task in tasks:
            document = documents.get(task.subject_id.int)
            is_there = task.subject_type == "prompt" or any(
                task.subject_id in others for others in (files, histories, tried)
            )
            if document is None and not is_there:
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
            asked["pages"] = load_pages(database, missing)
        if inputs["reference_version"] != self._reference.version:
            asked["reference"] = self._look_up(inputs["reference_version"])
        if large := [id for id in needed_by.get("parts", ()) if id not in parts.of]:
            asked["parts"] = parts.fetch(database, large)
        if "file" in needed_by:
            asked["files"] = _files(database, needed_by["file"])
        if "candidates" in needed_by and (
            outdated := self._candidates.outdated(inputs["series_versions"] or {})
        ):
            asked["candidates"] = self._look_through_series(outdated)
        if self._peers and "peers" in needed_by:
            asked["peers"] = peers_of(database, needed_by["peers"], self._peers, self._whole)
        if "history" in needed_by:
            asked["histories"] = calendar.histories(database, needed_by["history"])
        if "trial" in needed_by:
            asked["trials"] = trials(database, needed_by["trial"], load_documents)
        if "grading" in needed_by:
            asked["gradings"] = outputs.gradings(database, needed_by["grading"])
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True)) if asked else {}

    async def _look_up(self, version: int) -> None:
        """Keep the prompts, types and lessons; they are of this version or newer."""
        prompts, types, taught = await asyncio.gather(
            load_prompts(self._database), load_types(self._database), lessons_by_owner(self._database)
        )
        if version > self._reference.version:
            self._reference = Reference(version, prompts, types, taught)

    async def _look_through_series(self, versions: Mapping[str, int]) -> None:
        """Keep the series of these owners; they are of these versions or newer."""
        self._candidates = self._candidates.with_newer(
            versions, await load_candidates(self._database, list(versions))
        )

    async def _known(
        self, reference: Reference, tasks: Sequence[Task], documents: Mapping[int, Document]
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

    def _prompt(self, reference: Reference, step: str, document_type: str) -> Prompt | None:
        kind = self._kinds[step].prompt_kind
        if not kind:
            return None
        chosen = reference.chosen
        if (kind, document_type) not in chosen:
            chosen[kind, document_type] = self._choose(reference, kind, document_type)
        return chosen[kind, document_type]

    def _choose(self, reference: Reference, kind: str, document_type: str) -> Prompt | None:
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
        # After the last step that is known here, they are not needed soon.
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


async def load_documents(database: Database, ids: Sequence[UUID]) -> dict[UUID, Document]:
    """Documents with their pages; those that are gone are left out."""
    found = await database.value("select alfrd.document_rows(%s::uuid[])", [list(ids)])
    rows = list(document_rows(found))
    pages = await load_pages(database, [values[0] for values, _ in rows])
    return {values[0]: Document(*(*values, pages.get(values[0], ()))) for values, _ in rows}


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
        members = await database.tuples(
            "select id, filename, document_type, summary, entity, document_date, due_date, total_amount, currency,"
            " series_id, series_data from alfrd.file_members(%s)",
            [row["id"]],
        )
        files[row["id"]] = File(
            **{**row, "tags": tuple(row["tags"])}, members=tuple(_member(*member) for member in members)
        )
    return files


def _member(
    id: UUID,
    filename: str,
    document_type: str,
    summary: str,
    entity: str,
    issued: date | None,
    due: date | None,
    amount: Decimal | None,
    *rest: Any,
) -> FileMember:
    """A member with the values that can be worked with: one odd value must not keep the others from their file."""
    usable = usable_date(issued), usable_date(due), usable_amount(amount)
    return FileMember(id, filename, document_type, summary, entity, *usable, *rest)
