"""Selection: all documents that fit a filter, or those that were ticked, with what can be done to all of them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from alfrd_events.console.pages.documents import filter_of, totals_of
from alfrd_events.console.state import console_of, session_of, set_cookie, show, texts_of
from alfrd_events.console.texts import Texts
from alfrd_events.db import bulk
from alfrd_events.db import console as ask
from alfrd_events.db.database import Row

_NAMES_SHOWN = 12
_MOST_TICKED = 1_000
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def selection(request: Request) -> Response:
    """How many documents were chosen, the first of them, and what can be done to them."""
    session_of(request)
    database = console_of(request).database
    wanted, given = chosen_of(request.query_params, texts_of(request))
    found = await bulk.fitting(database, wanted)
    is_more = len(found) > bulk.MOST_AT_ONCE
    statuses = Counter(row["status"] for row in found)
    rows = await ask.documents(database, wanted, limit=_NAMES_SHOWN + 1)
    return show(
        request,
        "selection.html",
        number=min(len(found), bulk.MOST_AT_ONCE),
        is_more=is_more,
        most=bulk.MOST_AT_ONCE,
        totals=totals_of(rows) if len(rows) <= _NAMES_SHOWN else await ask.totals(database, wanted),
        statuses=statuses.most_common(),
        failed=statuses["failed"],
        rows=rows[:_NAMES_SHOWN],
        left=len(found) - _NAMES_SHOWN,
        fields=given,
        back=_address({name: value for name, value in given if name != "id"}),
        address=_query(given),
        seal=seal_of([row["id"] for row in found]),
        changes=await bulk.changes(database),
    )


def chosen_of(parameters: QueryParams, texts: Texts) -> tuple[ask.Filter, list[tuple[str, str]]]:
    """The documents that are meant, and the same as names and values of a form."""
    wanted, given = filter_of(parameters, texts)
    ids = []
    for text in parameters.getlist("id")[:_MOST_TICKED]:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    fields = [(name, value) for name, value in given.items() if value and name != "order"]
    return replace(wanted, ids=tuple(ids)), fields + [("id", str(id)) for id in ids]


async def meant(request: Request, parameters: QueryParams) -> list[UUID]:
    """The ids of the documents that are meant; one more than may be changed at once where there are too many."""
    wanted, _ = chosen_of(parameters, texts_of(request))
    return [row["id"] for row in await bulk.fitting(console_of(request).database, wanted)]


def seal_of(ids: Iterable[UUID]) -> str:
    """What tells one selection from another: a form carries that of the page that it was on."""
    return hashlib.sha256(b"".join(sorted(id.bytes for id in ids))).hexdigest()


def _query(fields: Sequence[tuple[str, str]]) -> str:
    return str(QueryParams(list(fields)))


def _address(given: dict[str, str]) -> str:
    left = _query(list(given.items()))
    return f"/documents?{left}" if left else "/documents"


async def as_csv(request: Request) -> Response:
    """All that fit, as a table for spreadsheets. What one would take for a formula has an apostrophe before it."""

    async def lines(rows: AsyncIterator[list[Row]]) -> AsyncIterator[str]:
        yield _line(bulk.EXPORTED)
        async for some in rows:
            yield "".join(_line([_cell(row[name]) for name in bulk.EXPORTED]) for row in some)

    return _exported(request, lines, "documents.csv", "text/csv; charset=utf-8")


async def as_json(request: Request) -> Response:
    """The same as a list of objects."""

    async def lines(rows: AsyncIterator[list[Row]]) -> AsyncIterator[str]:
        before = "[\n"
        async for some in rows:
            for row in some:
                yield before + json.dumps(row, default=str)
                before = ",\n"
        yield "\n]\n" if before == ",\n" else "[]\n"

    return _exported(request, lines, "documents.json", "application/json")


def _exported(request: Request, lines: Any, name: str, media_type: str) -> Response:
    session_of(request)
    wanted, _ = chosen_of(request.query_params, texts_of(request))
    response = StreamingResponse(
        lines(bulk.exported(console_of(request).database, wanted)),
        media_type=media_type,
        headers={"content-disposition": f"attachment; filename={name}"},
    )
    set_cookie(request, response)
    return response


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if isinstance(value, str | list) and text.startswith(_BEGINS_A_FORMULA) else text
