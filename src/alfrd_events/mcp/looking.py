"""What an assistant may ask: few tools, each with names that people use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from alfrd_events.analysis.llm.prompt_injection import gives_orders
from alfrd_events.db import bills as stored_bills
from alfrd_events.db import calendar as stored_calendar
from alfrd_events.db import client, queries
from alfrd_events.db.database import Database
from alfrd_events.db.naming import find_document, series_like, text_of_page
from alfrd_events.db.review import documents_to_review
from alfrd_events.mcp.answers import MOST_ROWS, answer, page_text, rows

Tool = Callable[..., Awaitable[str]]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="Rows at the most.")]
Document = Annotated[
    str,
    Field(max_length=500, description="File name, a clear part of it, or the first 8 characters of the id."),
]
Words = Annotated[str, Field(max_length=500)]

_HIT = (
    "id",
    "filename",
    "document_type",
    "entity",
    "document_date",
    "total_amount",
    "currency",
    "page",
    "excerpt",
)
_BILL = (
    "filename",
    "entity",
    "series",
    "issued",
    "due",
    "total",
    "currency",
    "state",
    "paid_on",
    "paid",
    "statement",
)
_DAY = ("day", "state", "title", "filename", "amount", "currency", "window_from", "window_to")
_ALERT = ("kind", "title", "detail", "series", "raised_at")
_REVIEW = (
    "id", "filename", "document_type", "entity", "document_date", "total_amount", "currency", "review_confidence",
    "review_reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Looking:
    """The tools that read."""

    database: Database

    @property
    def tools(self) -> tuple[Tool, ...]:
        return (
            self.search_documents,
            self.show_document,
            self.list_series,
            self.series_table,
            self.calendar,
            self.alerts,
            self.bills,
            self.documents_to_review,
        )

    async def search_documents(
        self,
        words: Annotated[
            str,
            Field(
                max_length=500, description='Words on its pages, "a phrase", -without, or; empty: the newest.'
            ),
        ] = "",
        company: Annotated[
            str | None, Field(max_length=200, description="A part of the company's name.")
        ] = None,
        document_type: Annotated[
            str | None, Field(max_length=200, description="Such as utility_bill.")
        ] = None,
        tag: Annotated[str | None, Field(max_length=200)] = None,
        series: Annotated[
            str | None, Field(max_length=200, description="Slug, or a clear part of its name.")
        ] = None,
        since: Annotated[date | None, Field(description="Date of the document.")] = None,
        until: date | None = None,
        limit: Limit = 20,
    ) -> str:
        """Find documents by the words on their pages; excerpts have the hits between ⟦ and ⟧."""
        slug = None if series is None else (await stored_calendar.find_series(self.database, series))["slug"]
        wanted = queries.SearchFilter(
            document_type=document_type, entity=company, tag=tag, series=slug, since=since, until=until
        )
        has_filter = any((company, document_type, tag, slug, since, until))
        if words.strip() or has_filter:
            found = await queries.search(self.database, words, limit + 1, wanted)
        else:
            found = await queries.documents(self.database, limit=limit + 1)
        shown = rows(found[:limit], _HIT, limit)["rows"]
        return answer(documents=shown, there_are_more=len(found) > limit)

    async def show_document(
        self,
        document: Document,
        page: Annotated[int, Field(ge=1, description="Which page's text to show.")] = 1,
    ) -> str:
        """Show what is known of a document, and the text of one of its pages."""
        id = await find_document(self.database, document)
        (known,) = await client.documents(self.database, [id])
        text = await text_of_page(self.database, id, page)
        facts: dict[str, Any] = {
            name: value for name, value in known.items() if value not in (None, "", [], {})
        }
        if text is None:
            return answer(document=facts, page_text=f"page {page} is not there, or has not been read")
        if gives_orders(text):
            facts["warning"] = "The page gives orders to a machine: somebody tries to misuse who reads it."
        return answer(document=facts, page={"number": page, **page_text(text)})

    async def list_series(
        self,
        name: Annotated[str, Field(max_length=200, description="A part of its name; empty: all.")] = "",
        limit: Limit = 50,
    ) -> str:
        """List what recurs: documents of one company and one kind, such as monthly bills."""
        found = await series_like(self.database, name, limit + 1)
        return answer(series=found[:limit], there_are_more=len(found) > limit)

    async def series_table(
        self,
        series: Annotated[str, Field(max_length=200, description="Slug, or a clear part of its name.")],
        limit: Limit = 36,
    ) -> str:
        """Show a series as a table: a row for each document, the newest last, with its values; and its rhythm."""
        found = await stored_calendar.find_series(self.database, series)
        documents = await stored_calendar.documents_of(self.database, found["id"])
        table = [
            {
                "date": row["day"],
                "filename": row["filename"],
                "due": row["due_date"],
                "total": row["total_amount"],
                "currency": row["currency"],
                **(row["series_data"] if isinstance(row["series_data"], dict) else {}),
            }
            for row in documents[-limit:]
        ]
        rhythm = await stored_calendar.rhythm(self.database, found["id"]) or {}
        expected = {
            name: rhythm.get(name) for name in ("expected", "expected_from", "expected_to", "usual_amount")
        }
        return answer(
            series={name: found[name] for name in ("slug", "title", "entity", "kind")},
            next_one=expected,
            table=table,
            left_out=len(documents) - len(table),
        )

    async def calendar(
        self,
        first: Annotated[date | None, Field(description="A month ago if not given.")] = None,
        last: Annotated[date | None, Field(description="In two months if not given.")] = None,
        limit: Limit = MOST_ROWS,
    ) -> str:
        """Show what came, what is due and what is expected, day by day."""
        return answer(days=rows(await stored_calendar.days(self.database, first, last), _DAY, limit))

    async def alerts(self, limit: Limit = 50) -> str:
        """Show what is missing, late or odd."""
        return answer(alerts=rows(await stored_calendar.alerts(self.database), _ALERT, limit))

    async def bills(
        self,
        state: Annotated[Literal["open", "overdue", "paid", "all"], Field(description="Which ones.")] = "all",
        limit: Limit = 50,
    ) -> str:
        """Show bills, the most urgent first: what is to be paid, what was, and by which statement."""
        states = [] if state == "all" else [state]
        return answer(bills=rows(await stored_bills.bills(self.database, states), _BILL, limit))

    async def documents_to_review(self, limit: Limit = 20) -> str:
        """Show documents of whose values the program is unsure, the least sure first, and why."""
        found = await documents_to_review(self.database, limit=limit + 1)
        return answer(
            documents=rows(found[:limit], _REVIEW, limit)["rows"], there_are_more=len(found) > limit
        )
