"""Which documents of a series are missing or late, and when to look again.

Late: its window is over, and the time that papers of this series take to arrive. Missing: another one came or was
due since. Ended: so many in a row did not come that no more are expected.

Only a series that is followed as it goes can be late: an archive that was added in one go shows its holes, not
of today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from alfrd_events.analysis.calendar.rhythm import Rhythm
from alfrd_events.analysis.calendar.wording import day_and_month, span, told
from alfrd_events.model.calendar import Alert, AlertKind, Dated, KnownAlert, SeriesHistory

_NEWS_DAYS, _NEWS_PLACES = 400, 5
"""A hole that lies further behind the newest document, by both, is no news."""
_HOLIDAY_DAYS = 7
"""Around the turn of the year, papers may take so much longer."""


@dataclass(frozen=True)
class Lateness:
    """What did not come, and the next moment at which something more may be late."""

    alerts: tuple[Alert, ...] = ()
    next_at: datetime | None = None
    has_ended: bool = False


def lateness(history: SeriesHistory, rhythm: Rhythm) -> Lateness:
    """Compare the dates with the rhythm; nothing is said of a rhythm that is not sure."""
    if not rhythm.is_sure:
        return Lateness()
    news_from = rhythm.days[-1] - timedelta(days=max(_NEWS_DAYS, _NEWS_PLACES * rhythm.cycle.length))
    holes = tuple(
        _did_not_come(history, rhythm, place, "missing", is_news=rhythm.expected(place) >= news_from)
        for place in rhythm.missing()
    )
    if not _is_followed(history, rhythm):
        return Lateness(holes)
    today = history.now.astimezone(UTC).date()
    patience = _patience(history.documents, rhythm)
    overdue: list[int] = []
    place = rhythm.last_place + 1
    while len(overdue) < rhythm.cycle.lost_after and late_on(rhythm, place, patience) <= today:
        overdue.append(place)
        place += 1
    if len(overdue) == rhythm.cycle.lost_after:
        return Lateness((*holes, _ended(history, rhythm, overdue)), None, has_ended=True)
    alerts: list[Alert] = []
    wakes = [late_on(rhythm, place, patience)]
    for each in overdue:
        next_due = rhythm.expected(each + 1)
        if next_due > today:
            wakes.append(next_due)
        alerts.append(_did_not_come(history, rhythm, each, "late" if next_due > today else "missing"))
    return Lateness((*holes, *alerts), midnight(min(wakes)))


def late_on(rhythm: Rhythm, place: int, patience: int) -> date:
    """The first day on which a document that has not come is late."""
    expected = rhythm.expected(place)
    holidays = (
        _HOLIDAY_DAYS
        if (expected.month, expected.day) >= (12, 15) or expected.timetuple().tm_yday <= 4
        else 0
    )
    return expected + timedelta(days=rhythm.slack + patience + holidays + 1)


def midnight(day: date) -> datetime:
    """The moment at which a day begins, by UTC."""
    return datetime.combine(day, time(), UTC)


def _is_followed(history: SeriesHistory, rhythm: Rhythm) -> bool:
    newest = history.documents[-1]
    return _days_to_arrive(newest) <= rhythm.cycle.length + rhythm.slack + rhythm.cycle.grace


def _days_to_arrive(document: Dated) -> int:
    return (document.arrived.astimezone(UTC).date() - document.day).days


def _patience(documents: Sequence[Dated], rhythm: Rhythm) -> int:
    """Days after its window that a document may take to arrive: what nine in ten of the last took, where that is
    longer.
    """
    took = sorted(
        days
        for document in documents[-20:]
        if 0 <= (days := _days_to_arrive(document)) <= rhythm.cycle.length
    )
    usual = took[(len(took) * 9) // 10] if took else 0
    return max(rhythm.cycle.grace, usual + 2)


def _did_not_come(
    history: SeriesHistory, rhythm: Rhythm, place: int, kind: AlertKind, *, is_news: bool = True
) -> Alert:
    expected = rhythm.expected(place)
    first, last = expected - timedelta(days=rhythm.slack), expected + timedelta(days=rhythm.slack)
    state = "has not come yet" if kind == "late" else "is missing"
    return Alert(
        kind=kind,
        key=_key(history.alerts, expected, rhythm.cycle.length),
        detail=f"{history.entity}: the {history.kind} of about {day_and_month(expected)} {state}; "
        f"it was expected {span(first, last)}",
        expected=expected,
        expected_from=first,
        expected_to=last,
        data=told(history, about=expected.isoformat(), first=first.isoformat(), last=last.isoformat()),
        is_news=is_news,
    )


def _key(known: Sequence[KnownAlert], expected: date, length: float) -> str:
    """The key of the alert that was raised for this place before; the expected date moves a little with each
    document.
    """
    for alert in known:
        if alert.kind in ("late", "missing"):
            before = date.fromisoformat(alert.key)
            if abs((before - expected).days) < length / 2:
                return alert.key
    return expected.isoformat()


def _ended(history: SeriesHistory, rhythm: Rhythm, overdue: Sequence[int]) -> Alert:
    last = rhythm.days[-1]
    return Alert(
        kind="ended",
        key=f"after {last.isoformat()}",
        detail=f"{history.entity}: no {history.kind} since {day_and_month(last)}; "
        f"{len(overdue)} were expected since, and no more are",
        data=told(history, last=last.isoformat(), expected=len(overdue)),
    )
