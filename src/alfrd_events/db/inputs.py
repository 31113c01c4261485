"""What comes with a claim, as ``alfrd.inputs_of`` makes it: rows of values in a fixed order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields as fields_of
from typing import Any
from uuid import UUID

from alfrd_events.db.database import Database
from alfrd_events.db.json import uuid_of
from alfrd_events.db.values import moment, usable_amount, usable_date
from alfrd_events.model import Document, JsonObject, PartSource, Series, SeriesField, Task

Rows = Sequence[Sequence[Any]]

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
    "corrected": tuple,
}
"""Column -> what makes its values of those of JSON; the others are what they are."""
_DOCUMENT = [field.name for field in fields_of(Document) if field.name not in ("pages", "peers", "lessons")]


def document_rows(rows: Rows | None) -> Iterator[tuple[tuple[Any, ...], int]]:
    """The values of each document, in the order of :class:`Document` without its pages, and its generation.

    :param rows: as ``alfrd.document_rows`` makes them.
    """
    if not rows:
        return
    columns = zip(*rows, strict=True)
    converted = [
        map(_CONVERTERS[name], column) if name in _CONVERTERS else column
        for name, column in zip((*_DOCUMENT, "generation"), columns, strict=True)
    ]
    for *values, generation in zip(*converted, strict=True):
        yield tuple(values), generation


def series(rows: Rows | None) -> dict[UUID, Series]:
    """Series by id."""
    found = {}
    for text, entity, kind, frequency, slug, title, names, owner, named in rows or ():
        id = uuid_of(text)
        fields = tuple(
            SeriesField(name, type, tuple(former), version) for name, type, former, version in named or ()
        )
        found[id] = Series(id, entity, kind, frequency, slug, title, tuple(names), owner, named=fields)
    return found


class Parts:
    """What there is to read of documents, and the numbers of the pages that earlier attempts have saved."""

    def __init__(self) -> None:
        self.of: dict[UUID, list[PartSource]] = defaultdict(list)
        self.saved: dict[UUID, frozenset[int]] = {}

    def add(self, document: UUID, part: PartSource, saved: Sequence[int]) -> None:
        """One part more of a document."""
        self.of[document].append(part)
        self.saved[document] = frozenset(saved)

    def add_rows(self, rows: Rows) -> None:
        """Parts that came with a claim, their bytes as hexadecimal digits."""
        for document, number, filename, content, uri, saved in rows:
            read = None if content is None else bytes.fromhex(content)
            self.add(uuid_of(document), PartSource(number, filename, read, uri), saved)

    async def fetch(self, database: Database, documents: Iterable[UUID]) -> None:
        """Parts of any size."""
        for document, *part, saved in await database.tuples(
            "select * from alfrd.parts_of(%s, %s)", [list(documents), _BYTES_AT_ONCE]
        ):
            self.add(document, PartSource(*part), saved)


async def inputs_of(database: Database, tasks: Sequence[Task]) -> JsonObject:
    """What comes with a claim, asked for later."""
    found: JsonObject = await database.value(
        "select alfrd.inputs_of(%s::bigint[])", [[task.id for task in tasks]]
    )
    return found
