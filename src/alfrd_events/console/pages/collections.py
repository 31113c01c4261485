"""Series and files: documents that belong together."""

from __future__ import annotations

import asyncio
from datetime import date
from importlib.util import find_spec
from typing import Any, Literal
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from alfrd_events.console.pages.documents import page_of, totals_of
from alfrd_events.console.state import PART, console_of, id_of, session_of, set_cookie, show, texts_of
from alfrd_events.console.texts import Texts
from alfrd_events.db import bills, calendar, queries, sql_views
from alfrd_events.db import console as ask
from alfrd_events.db.database import Row
from alfrd_events.portable.writing import table_of_series
from alfrd_events.terminal.occasions import occasions, years
from alfrd_events.terminal.plot import plot_of, svg_shapes

_SERIES_SHOWN = 100
_MEMBERS = 500
_YEARS = 10
_MARKS = 52


async def all_series(request: Request) -> Response:
    """Every series, a hundred to a page."""
    session_of(request)
    page = page_of(request.query_params)
    rows = await ask.all_series(
        console_of(request).database, limit=_SERIES_SHOWN + 1, offset=(page - 1) * _SERIES_SHOWN
    )
    has_next = len(rows) > _SERIES_SHOWN
    return show(request, "all_series.html", rows=rows[:_SERIES_SHOWN], page=page, has_next=has_next)


async def one_series(request: Request) -> Response:
    """One series: its calendar, what is missing, late or odd, a bar for each total, and its documents."""
    session_of(request)
    database, id, texts = console_of(request).database, id_of(request), texts_of(request)
    found = await ask.series(database, id)
    rhythm = await calendar.rhythm(database, id) or {}
    alerts = await calendar.alerts_of(database, id)
    dated = [row for row in occasions(found["members"], alerts, rhythm) if isinstance(row["day"], date)]
    odd = {row["id"] for row in dated if row["state"] == "odd"}
    plot = plot_of(found["members"][::-1], odd, rhythm.get("usual_amount"))
    return show(
        request,
        "series.html",
        series=found,
        rhythm=rhythm,
        rhythm_in_words=_in_words(texts, rhythm, found["document_count"]),
        alerts=[alert for alert in alerts if not alert["dismissed_at"] and not alert["is_snoozed"]],
        years=years(dated)[-_YEARS:],
        marks=dated[-_MARKS:] if rhythm.get("every_days") else [],
        months=texts.formats.months,
        plot=plot,
        shapes=Markup(svg_shapes(plot, texts.formats.show, texts.formats.money)),  # noqa: S704 - what is text in it is escaped there
        changes=await ask.changes_of(database, id),
        bills=await bills.of_documents(database, [member["id"] for member in found["members"]]),
        view=await sql_views.of_series(database, id),
        others=await ask.like_series(database, id),
        has_xlsx=find_spec("xlsxwriter") is not None,
    )


async def as_csv(request: Request) -> Response:
    """All documents of a series with its fields, as a table for spreadsheets."""
    return await _table(request, "csv", "text/csv; charset=utf-8")


async def as_xlsx(request: Request) -> Response:
    """The same as a spreadsheet."""
    return await _table(request, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")


async def _table(request: Request, form: Literal["csv", "xlsx"], media_type: str) -> Response:
    session_of(request)
    database, id = console_of(request).database, id_of(request)
    found = await ask.series(database, id)
    table = await table_of_series(database, id)
    response = Response(
        table.as_csv() if form == "csv" else await asyncio.to_thread(table.as_xlsx),
        media_type=media_type,
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(found['slug'], safe='')}.{form}"
        },
    )
    set_cookie(request, response)
    return response


def _in_words(texts: Texts, rhythm: Row, documents: int) -> str:
    """How often the documents of a series come, what they cost, and when the next is expected."""
    if not rhythm.get("frequency"):
        return texts.plain("rhythm.unknown", n=documents)
    formats = texts.formats
    words = texts.plain(
        "rhythm.sure",
        every=texts.name("every", rhythm["frequency"]),
        percent=formats.percent(rhythm["confidence"]),
    )
    if rhythm["usual_amount"] is not None:
        words += texts.plain(
            "rhythm.usually", amount=formats.money(rhythm["usual_amount"], rhythm["currency"])
        )
    if rhythm["has_ended"]:
        return words + texts.plain("rhythm.ended")
    first, last = rhythm["expected_from"], rhythm["expected_to"]
    if first is None or last is None:
        return words
    return words + texts.plain("rhythm.next", first=formats.show(first), last=formats.show(last))


async def all_files(request: Request) -> Response:
    """Every file."""
    session_of(request)
    database = console_of(request).database
    choices: dict[str, Any] = {} if PART in request.query_params else {"tags": await ask.tags(database)}
    return show(request, "all_files.html", rows=await queries.files(database), **choices)


async def one_file(request: Request) -> Response:
    """One file with its summary and members."""
    session_of(request)
    found = await queries.file(console_of(request).database, id_of(request))
    members = found["members"]
    return show(
        request,
        "file.html",
        file=found,
        totals=totals_of(members),
        members=members[-_MEMBERS:],
        left=len(members) - _MEMBERS,
    )
