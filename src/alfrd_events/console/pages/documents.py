"""Documents: the list, with filters that are its URL."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from alfrd_events.console.rendering import day
from alfrd_events.console.rendering import query as query_of
from alfrd_events.console.state import PART, console_of, session_of, show, texts_of
from alfrd_events.console.texts import Texts
from alfrd_events.db import bulk, queries
from alfrd_events.db import console as ask
from alfrd_events.db.database import Database, Row

PAGE_SIZE = 50
_MOST_PAGES = 20_000
FILTERS = ("q", "status", "type", "tag", "series", "since", "until", "least", "most", "order")


async def documents(request: Request) -> Response:
    """The documents that a URL asks for, newest first if it says nothing else."""
    session_of(request)
    database = console_of(request).database
    wanted, given = filter_of(request.query_params, texts_of(request))
    page = page_of(request.query_params)
    rows = await ask.documents(database, wanted, limit=PAGE_SIZE + 1, offset=(page - 1) * PAGE_SIZE)
    if page == 1 and len(rows) <= PAGE_SIZE:
        totals = totals_of(rows)
    else:
        totals = await ask.totals(database, wanted)
    pages = None if totals["is_more"] else max(1, ceil(totals["count"] / PAGE_SIZE))
    if not rows and page > 1:  # past the end: the last page, or where that is not known, the first
        page = pages or 1
        rows = await ask.documents(database, wanted, limit=PAGE_SIZE + 1, offset=(page - 1) * PAGE_SIZE)
    has_next, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    excerpts = await ask.excerpts(database, wanted.words, [row["id"] for row in rows])
    return show(
        request,
        "documents.html",
        rows=rows,
        excerpts=excerpts,
        totals=totals,
        page=page,
        pages=pages,
        has_next=has_next,
        filters=given,
        is_filtered=any(value for key, value in given.items() if key != "order"),
        **await _views(database, given, texts_of(request)),
        **({} if PART in request.query_params else await _choices(database)),
    )


async def _views(database: Database, given: dict[str, str], texts: Texts) -> dict[str, Any]:
    """The filters that have names, and which of them this is."""
    views = [
        {"name": view["name"], "query": query_of(filter_of(QueryParams(view["query"]), texts)[1])}
        for view in await bulk.views(database)
    ]
    here = query_of(given)
    return {
        "views": views,
        "here": here,
        "view": next((view["name"] for view in views if view["query"] == here), ""),
    }


async def _choices(database: Database) -> dict[str, Any]:
    """What the form above the list offers."""
    return {
        "statuses": await queries.statuses(database, ["document"]),
        "types": await queries.document_types(database),
        "tags": await ask.tags(database),
        "orders": ask.ORDERS,
    }


def totals_of(rows: Sequence[Row]) -> Row:
    """As :func:`ask.totals`, of documents that are all at hand."""
    by_currency: dict[str, list[Row]] = {}
    for row in rows:
        by_currency.setdefault(row["currency"], []).append(row)
    sums = []
    for currency, group in sorted(by_currency.items(), key=lambda each: (-len(each[1]), each[0])):
        if known := [row["total_amount"] for row in group if row["total_amount"] is not None]:
            sums.append({"currency": currency, "total": sum(known)})
    return {"count": len(rows), "is_more": False, "sums": sums}


def filter_of(parameters: QueryParams, texts: Texts) -> tuple[ask.Filter, dict[str, str]]:
    """What a URL asks for, and the same as text; what makes no sense in it is left out.

    :param texts: the language of who typed it; what comes back is written as programs do.
    """
    given = {key: parameters.get(key, "").strip()[:200] for key in FILTERS}
    given["order"] = given["order"] if given["order"] in ask.ORDERS else ""
    for key in ("since", "until"):
        given[key] = given[key] if day(given[key]) else ""
    least, most = (texts.formats.decimal(given[key]) for key in ("least", "most"))
    given |= {"least": "" if least is None else str(least), "most": "" if most is None else str(most)}
    given = {key: value.replace("\0", "") for key, value in given.items()}
    wanted = ask.Filter(
        words=given["q"],
        status=given["status"],
        document_type=given["type"],
        tag=given["tag"],
        series=given["series"],
        since=day(given["since"]),
        until=day(given["until"]),
        least=least,
        most=most,
        order=given["order"] or ask.ORDERS[0],
    )
    return wanted, given


def page_of(parameters: QueryParams) -> int:
    """Which page of a list a URL asks for; the first if it makes no sense."""
    text = parameters.get("page", "")
    return (
        min(max(int(text), 1), _MOST_PAGES) if text.isascii() and text.isdecimal() and len(text) < 10 else 1
    )
