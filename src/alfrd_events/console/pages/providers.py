"""Money: what calls to providers cost."""

from __future__ import annotations

from typing import Literal, get_args

from starlette.requests import Request
from starlette.responses import Response

from alfrd_events.console.state import SetUp, console_of, session_of, show
from alfrd_events.db import queries

Grouping = Literal["day", "model", "step", "series"]


def _caps(set_up: SetUp) -> list[tuple[str, str]]:
    """What may be spent at the most, on a day and on a document; only those that are set."""
    known = {f"ALFRD_CAP_{cap.upper()}_USD": cap for cap in ("day", "document")}
    return [(known[name], value) for name, value in set_up.settings if name in known and value]


async def money(request: Request) -> Response:
    """What calls cost, by day, model, step or series."""
    session_of(request)
    database = console_of(request).database
    by = request.query_params.get("by", "day")
    chosen: Grouping = next((each for each in get_args(Grouping) if each == by), "day")
    return show(
        request,
        "money.html",
        by=chosen,
        groupings=get_args(Grouping),
        rows=await queries.usage(database, chosen),
        money=await queries.money(database),
        caps=_caps(console_of(request).set_up),
    )
