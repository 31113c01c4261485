"""Pages of documents: loaded, and kept in memory from one step of a document to the next."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from alfrd_events.db.database import Database
from alfrd_events.model import Invoice, Line, Page

_KEPT_CHARACTERS = 8_000_000
_CHARACTERS_PER_LINE = 100
"""What the position of a line counts for, beside its text."""

Pages = tuple[Page, ...]
_NO_PAGES: tuple[int, Pages, int] = (-1, (), 0)


class KeptPages:
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


async def load_pages(database: Database, ids: Sequence[UUID]) -> dict[UUID, Pages]:
    """The pages of documents, in their order."""
    if not ids:
        return {}
    pages: dict[UUID, list[Page]] = defaultdict(list)
    for row in await database.rows(
        "select document_id, number, text, confidence, source, layout"
        "  from alfrd.pages where document_id = any (%s::uuid[]) order by document_id, number",
        [list(ids)],
    ):
        pages[row["document_id"]].append(page_of(row))
    return {id: tuple(found) for id, found in pages.items()}


def page_of(row: Mapping[str, Any]) -> Page:
    """A page of its row; the position of its lines comes as JSON."""
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
