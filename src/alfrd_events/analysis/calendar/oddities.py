"""What is odd about a document beside the earlier ones of its series: amount, copy, account, balance.

An amount is odd if it lies outside of all that was seen, by a robust z-score and by per cent. Rather no alert than
a false one: five amounts have to be known, or three that were all the same, and after a rise the new price is
usual.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import log
from statistics import median

from alfrd_events.analysis.calendar.balances import balance
from alfrd_events.analysis.calendar.numbers import is_same_number
from alfrd_events.analysis.calendar.wording import amount, day_and_month, told
from alfrd_events.model.calendar import Alert, Dated, SeriesHistory

_BALANCES = frozenset({"bank statement", "investment statement"})
"""Kinds whose amount is a balance and no price."""
_LOOK_BACK = 24
"""Amounts that one is compared with."""
_FEWEST_ALIKE = 3
_FEWEST = 5
_ALIKE = 0.005
"""Amounts that differ by no more are the same."""
_TO_SPREAD = 1.4826
_LEAST_SPREAD = 0.01
"""Of the usual amount: also what never varies has some."""
_LEAST_CHANGE = log(1.4)
"""Where amounts vary, a change by less is no news."""
_NEWS = 6
"""Only of so many newest documents is anything raised; but for a duplicate, which is in all sums twice, however old."""


def oddities(history: SeriesHistory, *, days_apart: float | None) -> list[Alert]:
    """The alerts about single documents, by date.

    :param days_apart: how many days lie between two documents, if it has a rhythm that is sure. Without one its amounts
        are those of single purchases; none is usual.
    """
    found: list[Alert] = []
    has_price = days_apart is not None and history.kind not in _BALANCES
    for place, document in enumerate(history.documents):
        is_news = place >= len(history.documents) - _NEWS
        earlier = history.documents[:place]
        found += [
            alert if is_news or alert.kind == "duplicate" else alert.model_copy(update={"is_news": False})
            for alert in _about(history, document, earlier, days_apart, has_price=has_price)
        ]
    return found


def _about(
    history: SeriesHistory,
    document: Dated,
    earlier: Sequence[Dated],
    days_apart: float | None,
    *,
    has_price: bool,
) -> Iterator[Alert]:
    if (twin := _twin(document, earlier)) is not None:
        yield Alert(
            kind="duplicate",
            key=f"duplicate {document.id}",
            document_id=document.id,
            detail=f"{history.entity}: {document.filename} has the date and the amount of {twin.filename} "
            f"({day_and_month(twin.day)}, {amount(twin.amount or Decimal(0), twin.currency)})",
            data=told(
                history,
                document,
                same_as=str(twin.id),
                twin=twin.filename,
                amount=str(twin.amount or Decimal(0)),
            ),
        )
        return  # nothing else of it is news
    if has_price and (odd := _amount(history, document, earlier)) is not None:
        yield odd
    if (changed := _changed(history, document, earlier)) is not None:
        yield changed
    if (broken := balance(history, document, earlier, days_apart)) is not None:
        yield broken


def _twin(document: Dated, earlier: Sequence[Dated]) -> Dated | None:
    if document.amount is None:
        return None
    for other in reversed(earlier):
        if other.day != document.day:
            break
        same = (other.amount, other.currency) == (document.amount, document.currency)
        numbered_apart = other.number and document.number and other.number != document.number
        accounts_apart = other.account and document.account and other.account != document.account
        if same and not numbered_apart and not accounts_apart:
            return other
    return None


def usual_amount(documents: Sequence[Dated]) -> tuple[Decimal | None, str]:
    """The median of the last amounts in the currency of the newest, and that currency."""
    known = [document for document in documents if document.amount is not None]
    if not known:
        return None, ""
    currency = known[-1].currency
    amounts = [document.amount for document in known if document.currency == currency and document.amount]
    return (median(amounts[-3:]) if amounts else None), currency


def _amount(history: SeriesHistory, document: Dated, earlier: Sequence[Dated]) -> Alert | None:
    if document.amount is None:
        return None
    before = [
        float(other.amount)
        for other in earlier
        if other.amount is not None and other.amount > 0 and other.currency == document.currency
    ][-_LOOK_BACK:]
    now = float(document.amount)
    if len(before) < _FEWEST_ALIKE or now <= 0:
        return None
    steps = [abs(log(later / one)) for one, later in itertools.pairwise(before)]
    is_fixed = max(steps[1 - _FEWEST_ALIKE :]) <= _ALIKE and sum(
        step <= _ALIKE for step in steps
    ) >= 0.7 * len(steps)
    if len(before) < _FEWEST and not is_fixed:
        return None
    usual = median(before[-_FEWEST_ALIKE:])
    change = abs(log(now / usual))
    # What the change of each amount against the ones before it was: seasons and noise are in it.
    seen = [
        abs(log(value / median(before[place - _FEWEST_ALIKE : place])))
        for place, value in enumerate(before)
        if place >= _FEWEST_ALIKE
    ]
    spread = max(_LEAST_SPREAD, 0.0 if is_fixed else median(seen) * _TO_SPREAD)
    score = change / spread
    if is_fixed:
        is_odd = score >= 3.5
    else:
        # Few amounts tell little of how far they vary.
        jumps = change >= _LEAST_CHANGE and score >= 3.0 + 4.0 / len(seen) and change > 1.25 * max(seen)
        top, bottom = max(before), min(before)
        is_off_the_chart = len(before) >= 8 and now > max(top + 0.8 * (top - bottom), 1.2 * top)
        is_odd = jumps or is_off_the_chart
    if not is_odd:
        return None
    per_cent = (now / usual - 1) * 100
    return Alert(
        kind="amount",
        key=f"amount {document.id}",
        document_id=document.id,
        detail=f"{history.entity}: the {history.kind} of {day_and_month(document.day)} is "
        f"{amount(document.amount, document.currency)}, {abs(per_cent):.0f} % "
        f"{'more' if per_cent > 0 else 'less'} than the usual "
        f"{amount(Decimal(str(round(usual, 2))), document.currency)}",
        data=told(
            history,
            document,
            amount=str(document.amount),
            usual=f"{usual:.2f}",
            percent=round(per_cent, 1),
            z=round(min(score, 9999.0), 1),
        ),
    )


def _changed(history: SeriesHistory, document: Dated, earlier: Sequence[Dated]) -> Alert | None:
    for name, words, value, before in (
        (
            "bank_account",
            "bank account to pay to",
            document.bank_account,
            [other.bank_account for other in earlier if other.bank_account],
        ),
        (
            "account",
            "account number",
            document.account,
            [other.account for other in earlier if other.account],
        ),
    ):
        if not value or len(before) < 2 or any(is_same_number(value, other) for other in before):
            continue
        if not is_same_number(before[-1], before[-2]):
            continue  # none is the usual one
        return Alert(
            kind="changed",
            key=f"changed {document.id}",
            document_id=document.id,
            detail=f"{history.entity}: {document.filename} names another {words}, {value} and not {before[-1]}",
            data=told(history, document, what=name, was=before[-1]) | {"is": value},
        )
    return None
