"""The calendar of series in the database: what step ``watch_series`` is given, alerts, what is due when.

Source: ``sql/functions/series_alerts.sql``, ``sql/functions/series_calendar.sql``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from alfrd_events.db.database import Database, Row
from alfrd_events.db.json import uuid_of
from alfrd_events.db.queries import SHORTEST_PREFIX
from alfrd_events.db.values import moment, usable_amount, usable_date
from alfrd_events.errors import NotFound, Refused
from alfrd_events.model.calendar import Dated, KnownAlert, SeriesHistory


async def histories(database: Database, series: Sequence[UUID]) -> dict[UUID, SeriesHistory]:
    """What is known of these series now; one that is gone has none."""
    return {
        row["series"]: SeriesHistory(
            row["series"],
            row["entity"],
            row["kind"] or "documents",
            row["now"],
            tuple(dated for each in row["documents"] if (dated := _dated(each)) is not None),
            tuple(KnownAlert(each["kind"], each["key"]) for each in row["alerts"]),
        )
        for row in await database.rows("select * from alfrd.series_histories(%s::uuid[])", [list(series)])
    }


def _dated(row: Row) -> Dated | None:
    day, arrived = usable_date(row["day"]), moment(row["arrived"])
    if day is None:
        return None
    return Dated(
        uuid_of(row["id"]),
        row["filename"],
        day,
        arrived,
        usable_amount(row["amount"]),
        row["currency"],
        row["account"],
        row["number"],
        row["bank_account"],
        usable_amount(row["opening"]),
        usable_amount(row["closing"]),
        usable_date(row["period_start"]),
        usable_date(row["period_end"]),
    )


async def alerts(database: Database) -> list[Row]:
    """What a person should look at, the newest first."""
    return await database.rows("select * from alfrd.open_alerts order by raised_at desc, detail")


async def find_alert(database: Database, given: str) -> UUID:
    """The alert whose id begins so.

    :raise NotFound: there is none.
    :raise Refused: several begin so, or fewer than four characters are given.
    """
    if len(given) < SHORTEST_PREFIX:
        raise Refused(f"{given} is too short: give at least {SHORTEST_PREFIX} characters of the id")
    rows = await database.rows(
        "select id from alfrd.series_alerts where starts_with(id::text, lower(%s)) limit 2", [given]
    )
    if not rows:
        raise NotFound(f"no alert {given}; alfrd-events alerts lists them")
    if len(rows) > 1:
        raise Refused(f"{given} is not clear: several alerts begin with it")
    found: UUID = rows[0]["id"]
    return found


async def dismiss(database: Database, alert: UUID) -> None:
    """Never show an alert again."""
    await database.execute("select alfrd.dismiss_alert(%s)", [alert])


async def snooze(database: Database, alert: UUID, until: datetime) -> None:
    """Do not show an alert until then."""
    await database.execute("select alfrd.snooze_alert(%s, %s)", [alert, until])


async def days(database: Database, first: date | None, last: date | None) -> list[Row]:
    """What came and is to come between two days; a month back to two months ahead of today if not given."""
    return await database.rows(
        "select * from alfrd.calendar(coalesce(%s::date, (alfrd.now() - interval '1 month')::date),"
        " coalesce(%s::date, (alfrd.now() + interval '2 months')::date))",
        [first, last],
    )


async def find_series(database: Database, given: str) -> Row:
    """The series of this slug; else of an id that begins so, or whose slug or title holds these words.

    :raise NotFound: there is none.
    :raise Refused: several fit.
    """
    rows = await database.rows(
        "with wanted as (select lower(btrim(%(given)s)) as words),"
        " fitting as (select s.id, s.owner, s.slug, s.title, s.entity, s.kind, s.slug = words as is_exact"
        "   from alfrd.series s, wanted where s.slug = words or length(words) >= 3 and (starts_with(s.id::text, words)"
        "     or strpos(lower(s.slug), words) > 0 or strpos(lower(s.title), words) > 0))"
        " select id, owner, slug, title, entity, kind from fitting"
        "  where is_exact or not exists (select from fitting f where f.is_exact) order by slug limit 6",
        {"given": given},
    )
    if not rows:
        raise NotFound(f"no series {given}; alfrd-events series lists them")
    if len(rows) > 1:
        names = ", ".join(row["slug"] for row in rows[:5]) + (" and more" if len(rows) > 5 else "")
        raise Refused(f"{given} is not clear: {names}")
    return rows[0]


async def rhythm(database: Database, series: UUID) -> Row | None:
    """How often the documents of a series come; ``None``: it was not looked at yet."""
    return await database.row("select * from alfrd.series_rhythms where series_id = %s", [series])


async def alerts_of(database: Database, series: UUID) -> list[Row]:
    """Every alert of a series that is not resolved, by its occasion."""
    return await database.rows(
        "select id, kind, key, document_id, detail, expected, expected_from, expected_to, data, raised_at,"
        " dismissed_at, snoozed_until, coalesce(snoozed_until > alfrd.now(), false) as is_snoozed"
        "  from alfrd.series_alerts where series_id = %s and resolved_at is null order by key",
        [series],
    )


async def documents_of(database: Database, series: UUID) -> list[dict[str, Any]]:
    """The documents of a series, by date."""
    return await database.rows(
        "select d.id, d.filename, d.status, coalesce(d.document_date, d.period_end) as day, d.due_date,"
        " d.total_amount, d.currency, d.series_data from alfrd.documents d where d.series_id = %s"
        " order by 4 nulls last, d.created_at, d.id",
        [series],
    )
