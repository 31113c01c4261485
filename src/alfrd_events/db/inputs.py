"""What comes with a claim: lists, one for each column, as ``alfrd.inputs_of`` makes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from alfrd_events.db.database import Database
from alfrd_events.db.json import uuid_of
from alfrd_events.db.values import moment, usable_amount, usable_date
from alfrd_events.model import Document, JsonObject, PartSource, Series, Task

Columns = Mapping[str, Sequence[Any]]

_BYTES_AT_ONCE = 9_000_000_000_000
"""More than a part can have."""


def _uuid_or_none(text: str | None) -> UUID | None:
    return None if text is None else uuid_of(text)


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "id": uuid_of,
    "created_at": moment,
    "tags": tuple,
    "document_date": usable_date,
    "due_date": usable_date,
    "total_amount": usable_amount,
    "period_start": usable_date,
    "period_end": usable_date,
    "series_id": _uuid_or_none,
}
"""Column -> what makes its values of those of JSON; the others are what they are."""
_DOCUMENT = [field.name for field in fields(Document) if field.name not in ("pages", "peers")]


def document_rows(documents: Columns | Sequence[JsonObject]) -> Iterator[tuple[tuple[Any, ...], int]]:
    """The values of each document, in the order of :class:`Document` without its pages, and its generation.

    :param documents: a list for each column, or, of a few documents, an object for each of them.
    """
    columns = documents if isinstance(documents, Mapping) else _columns(documents)
    if not columns["id"]:
        return
    converted = [
        map(_CONVERTERS[name], columns[name]) if name in _CONVERTERS else columns[name] for name in _DOCUMENT
    ]
    for *values, generation in zip(*converted, columns["generation"], strict=True):
        yield tuple(values), generation


def _columns(rows: Sequence[JsonObject]) -> Columns:
    return {name: [row[name] for row in rows] for name in (*_DOCUMENT, "generation")}


def series(columns: Columns | None) -> dict[UUID, Series]:
    """Series by id."""
    if columns is None or not columns["id"]:
        return {}
    rows = ({**row, "id": uuid_of(row["id"]), "fields": tuple(row["fields"])} for row in _rows(columns))
    return {row["id"]: Series(**row) for row in rows}


class Parts:
    """What there is to read of documents, and the numbers of the pages that earlier attempts have saved."""

    def __init__(self) -> None:
        self.of: dict[UUID, list[PartSource]] = defaultdict(list)
        self.saved: dict[UUID, frozenset[int]] = {}

    def add(self, document: UUID, part: PartSource, saved: Sequence[int]) -> None:
        """One part more of a document."""
        self.of[document].append(part)
        self.saved[document] = frozenset(saved)

    def add_columns(self, columns: Columns | None) -> None:
        """Parts that came with a claim, their bytes as hexadecimal digits."""
        if columns is None or not columns["document_id"]:
            return
        for row in _rows(columns):
            content = None if row["content"] is None else bytes.fromhex(row["content"])
            part = PartSource(row["number"], row["filename"], content, row["uri"])
            self.add(uuid_of(row["document_id"]), part, row["saved"])

    async def fetch(self, database: Database, documents: Iterable[UUID]) -> None:
        """Parts of any size."""
        for document, *part, saved in await database.tuples(
            "select * from alfrd.parts_of(%s, %s)", [list(documents), _BYTES_AT_ONCE]
        ):
            self.add(document, PartSource(*part), saved)


def _rows(columns: Columns) -> Iterator[dict[str, Any]]:
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


async def inputs_of(database: Database, tasks: Sequence[Task]) -> JsonObject:
    """What comes with a claim, asked for later."""
    found: JsonObject = await database.value(
        "select alfrd.inputs_of(%s::uuid[], %s::uuid[], %s::uuid[], %s)",
        [
            [task.subject_id for task in tasks if task.entity == "document"],
            [task.subject_id for task in tasks if task.step == "ocr"] or None,
            [task.subject_id for task in tasks if task.step == "extract"] or None,
            any(task.step == "file" for task in tasks),
        ],
    )
    return found


async def document_columns(database: Database, ids: Sequence[UUID]) -> Columns:
    """Documents, for :func:`document_rows`."""
    found: Columns = await database.value(
        "select columns from alfrd.columns_of_documents(%s::uuid[])", [list(ids)]
    )
    return found
