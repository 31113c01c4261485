"""Statements of one account follow each other: each begins with the balance that the one before ended with.

Rather no alert than a false one: where it cannot be told that nothing lies between two statements, nothing is said. One
that is missing is told by the calendar, as missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from alfrd_events.analysis.calendar.numbers import is_same_number
from alfrd_events.analysis.calendar.wording import amount, day_and_month, told
from alfrd_events.model.calendar import Alert, Dated, SeriesHistory

_DAYS_BETWEEN = 5
"""Between the end of one period and the start of the next: a weekend and a holiday."""
_AT_MOST = 1.5
"""Of the days that usually lie between two statements: with more, one is missing."""


def balance(
    history: SeriesHistory, document: Dated, earlier: Sequence[Dated], days_apart: float | None
) -> Alert | None:
    """The alert that a statement does not begin where the last one of its account ended.

    :param days_apart: how many days usually lie between two of them; ``None``: it is not known.
    """
    opening = document.opening
    before = _last_of_account(document, earlier)
    if opening is None or not before or not _follows(document, before[-1], days_apart):
        return None
    # Of two scans of the last one, one may be misread.
    closings = [other.closing for other in before]
    if None in closings or any(closing is not None and abs(closing) == abs(opening) for closing in closings):
        return None
    last = before[-1]
    assert last.closing is not None
    difference = opening - last.closing
    return Alert(
        kind="balance",
        key=f"balance {document.id}",
        document_id=document.id,
        detail=f"{history.entity}: {document.filename} of {day_and_month(document.day)} begins with "
        f"{amount(opening, document.currency)}, but {last.filename} of {day_and_month(last.day)} ended with "
        f"{amount(last.closing, last.currency)}; the difference is {amount(abs(difference), document.currency)}",
        data=told(
            history,
            document,
            opening=str(opening),
            closing=str(last.closing),
            difference=str(difference),
            before=str(last.id),
            before_filename=last.filename,
            before_day=last.day.isoformat(),
        ),
    )


def _last_of_account(document: Dated, earlier: Sequence[Dated]) -> list[Dated]:
    """The statement before this one, in all of its scans."""
    of_account = [
        other
        for other in earlier
        if other.day < document.day
        and is_same_number(document.account, other.account)
        and (document.currency == other.currency or "" in (document.currency, other.currency))
    ]
    return [other for other in of_account if other.day == of_account[-1].day]


def _follows(document: Dated, before: Dated, days_apart: float | None) -> bool:
    """Whether nothing lies between two statements, as far as their periods or their dates tell."""
    if document.period_start is not None:
        between = (document.period_start - (before.period_end or before.day)).days
        return abs(between) <= _DAYS_BETWEEN
    return days_apart is not None and (document.day - before.day).days <= _AT_MOST * days_apart
