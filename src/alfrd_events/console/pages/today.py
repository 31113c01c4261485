"""Today: what needs a person, what has failed, what is missing, what is due, what is being done, and what came in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response

from alfrd_events.console.state import console_of, session_of, show
from alfrd_events.db import bills, calendar, review
from alfrd_events.db import console as ask
from alfrd_events.db.database import Row

_REVIEWS_SHOWN = 12
_NEW_SHOWN = 12
_ALERTS_SHOWN = 12
_DUE_SHOWN = 20
_OVERDUE_DAYS = 60
_MOST_OVERDUE = 500


async def today(request: Request) -> Response:
    """The first page."""
    session = session_of(request)
    database = console_of(request).database
    reviews = await review.documents_to_review(database, limit=_REVIEWS_SHOWN + 1)
    failures, due, counts = await asyncio.gather(  # each reads many rows
        ask.failures(database), ask.due(database), ask.counts(database)
    )
    alerts = await calendar.alerts(database)
    overdue = await bills.overdue(database, _OVERDUE_DAYS, _MOST_OVERDUE)
    return show(
        request,
        "today.html",
        counts=counts,
        reviews=reviews[:_REVIEWS_SHOWN],
        more_reviews=len(reviews) > _REVIEWS_SHOWN,
        failures=failures,
        most=ask.MOST_COUNTED,
        verdict=session.verdict and session.verdict[0],
        able=await ask.able(database),
        working=await ask.in_work(database),
        newest=await ask.documents(database, ask.Filter(), limit=_NEW_SHOWN),
        alerts=alerts[:_ALERTS_SHOWN],
        more_alerts=len(alerts) - _ALERTS_SHOWN,
        due=due[:_DUE_SHOWN],
        more_due=len(due) - _DUE_SHOWN,
        overdue=overdue[:_DUE_SHOWN],
        more_overdue=len(overdue) - _DUE_SHOWN,
        sums={
            "overdue": _sums(overdue),
            **{state: _sums(row for row in due if row["state"] == state) for state in ("due", "expected")},
        },
    )


def _sums(rows: Iterable[Row]) -> list[Row]:
    """The total in each currency, by its name."""
    totals: dict[str, Decimal] = {}
    for row in rows:
        if row["total_amount"] is not None:
            totals[row["currency"]] = totals.get(row["currency"], Decimal(0)) + row["total_amount"]
    return [{"currency": currency, "total_amount": total} for currency, total in sorted(totals.items())]
