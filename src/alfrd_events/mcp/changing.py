"""What an assistant may do where a person allows it: what a person does, and nothing that cannot be taken back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field

from alfrd_events.db import corrections, reviewing
from alfrd_events.db.database import Database
from alfrd_events.db.naming import find_document
from alfrd_events.mcp.answers import answer
from alfrd_events.mcp.looking import Document, Tool

Tags = Annotated[list[str], Field(max_length=50)]


@dataclass(frozen=True, slots=True)
class Changing:
    """The tools that write."""

    database: Database

    @property
    def tools(self) -> tuple[Tool, ...]:
        return (self.correct_document, self.undo_correction, self.accept_document, self.tag_document)

    async def correct_document(
        self,
        document: Document,
        values: Annotated[
            dict[str, Any],
            Field(
                description="By name: total, date, due, entity, currency, account, type, summary, series, or any field "
                "of structured_data. Dates as 2024-04-30, amounts as text such as 12.30, null: none."
            ),
        ],
    ) -> str:
        """Set values of a document as its owner would. Ask the person first, unless the person has asked for it."""
        id = await find_document(self.database, document)
        changed = await corrections.correct(self.database, id, values)
        return answer(document=id, changed=[asdict(each) for each in changed])

    async def undo_correction(self, document: Document) -> str:
        """Take the last correction of a document back."""
        id = await find_document(self.database, document)
        return answer(
            document=id, changed=[asdict(each) for each in await corrections.undo(self.database, id)]
        )

    async def accept_document(self, document: Document) -> str:
        """Say that a document that waits for review is right as it is. Only where the person has said so."""
        id = await find_document(self.database, document)
        await reviewing.accept(self.database, id)
        return answer(document=id, accepted=True)

    async def tag_document(self, document: Document, add: Tags = [], remove: Tags = []) -> str:  # noqa: B006 - never changed
        """Add and remove tags; the answer has those that it has then."""
        id = await find_document(self.database, document)
        return answer(document=id, tags=await corrections.tag(self.database, id, add, remove))
