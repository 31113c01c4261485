"""Look at a series: its rhythm, what is expected next, and what holds now that a person should know."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from alfrd_events.analysis.calendar.lateness import lateness
from alfrd_events.analysis.calendar.oddities import oddities, usual_amount
from alfrd_events.analysis.calendar.rhythm import learn
from alfrd_events.model.calendar import SeriesHistory, Watch

_EARLIEST = date(1900, 1, 1)
_MOST_SURE = 0.99
_AHEAD = timedelta(days=3 * 365)


def watch(history: SeriesHistory) -> Watch:
    """What the dates and amounts of a series say at ``history.now``.

    A document that is dated before 1900, or more than three years ahead, was misread: it does not count.
    """
    latest = history.now.date() + _AHEAD
    believed = tuple(document for document in history.documents if _EARLIEST <= document.day <= latest)
    history = replace(history, documents=believed)
    rhythm = learn([document.day for document in history.documents])
    is_regular = rhythm is not None and rhythm.is_sure
    days_apart = rhythm.cycle.length if rhythm is not None and is_regular else None
    odd = tuple(oddities(history, days_apart=days_apart))
    usual, currency = usual_amount(history.documents)
    if rhythm is None:
        return Watch(usual_amount=usual, currency=currency, alerts=odd)
    late = lateness(history, rhythm)
    expected = rhythm.expected(rhythm.last_place + 1)
    sure = is_regular and not late.has_ended
    return Watch(
        frequency=rhythm.cycle.name,
        confidence=min(rhythm.confidence, _MOST_SURE),
        every_days=rhythm.cycle.days,
        every_months=rhythm.cycle.months,
        expected=expected if sure else None,
        expected_from=expected - timedelta(days=rhythm.slack) if sure else None,
        expected_to=expected + timedelta(days=rhythm.slack) if sure else None,
        usual_amount=usual,
        currency=currency,
        has_ended=late.has_ended,
        next_at=late.next_at,
        alerts=(*late.alerts, *odd),
    )
