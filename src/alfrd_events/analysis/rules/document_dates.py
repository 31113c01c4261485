"""A document's own date, its due date and the period that it covers.

A date means what its label says. The label is what stands before it in its row, or above it. A date
that no label explains can be the document's own date, never a due date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alfrd_events.analysis.rules.date_labels import (
    AMOUNT_DUE_ON,
    BY,
    DEBITED,
    DISCOUNT,
    DUE,
    ENDS_WITH_UNTIL,
    HAS_ITS_VALUE,
    NOT_DUE,
    NUMBERED,
    OF_A_TITLED_PAPER,
    OF_ANOTHER,
    OTHER,
    OWN,
    PAY,
    PAY_UNTIL,
    PERIOD,
    PLACE,
    PLAIN,
    UNTIL,
    WHOLE_DUE,
    WILL_BE,
)
from alfrd_events.analysis.rules.document_periods import find_period_of
from alfrd_events.analysis.rules.payment_terms import (
    day_in_a_sentence,
    day_of_terms,
    is_for_early_ones,
)
from alfrd_events.analysis.text.dates import FoundDate, FoundPeriod
from alfrd_events.analysis.text.layout import Row, Segment, fold
from alfrd_events.analysis.text.parsed import ParsedText, Placed
from alfrd_events.analysis.text.vocabulary import pattern

BALANCE = pattern("statements.balance")
STATEMENTS = frozenset({"bank_statement", "credit_card", "investment"})
"""Types whose papers tell of a period, row by row."""
EARLIEST_YEAR = 1950
LONGEST_TO_PAY = timedelta(days=200)
ROWS_UNDER_A_REQUEST = 3
OF_A_LETTER = 7.0
"""What speaks for the day behind a place; a letter names the days of other papers, too."""
REACH = 48
"""How many characters before a date its label may stand, in the same row."""


@dataclass(frozen=True, slots=True)
class When:
    """The dates that a document is filed under."""

    own: Placed[FoundDate] | None = None
    due: Placed[FoundDate] | None = None
    period: Placed[FoundPeriod] | None = None


@dataclass(frozen=True, slots=True)
class _Candidate:
    placed: Placed[FoundDate]
    label: str
    """What stands before it in its row."""
    above: str
    """What stands above it, where nothing stands before it."""
    has_time: bool
    for_early_ones: bool
    """Whether the words behind it speak of a discount: "bis 27.09.2024 mit 2 % Skonto"."""
    is_of_period: bool
    """Whether a word for "until" is beside it: "21.05.2014 bis", with the end on the next line."""


def find_dates_of(
    parsed: ParsedText, created_at: datetime, *, is_receipt: bool, is_statement: bool = False
) -> When:
    """Tell the dates of a document apart.

    :param created_at: when it came in; a later date is not its own.
    :param is_receipt: its date is the moment of the purchase: the clock beside it says so.
    :param is_statement: its date is the end of its period, unless a label names another; not that of one of its rows.
    """
    candidates = _candidates(parsed)
    due = _day_to_pay_by(parsed, candidates)
    period = find_period_of(parsed)
    latest = created_at.date() + timedelta(days=45)
    if parsed.is_reminder:
        of_others = [each for each in candidates if OF_A_TITLED_PAPER.search(each.label)]
        own = _own(
            [each for each in candidates if each not in of_others], due, period, latest, is_receipt=False
        )
    else:
        own = _own(candidates, due, period, latest, is_receipt=is_receipt)
    if due is not None and own is not None:
        first = own.value.value
        if not first <= due.value.value <= first + LONGEST_TO_PAY:
            due = _day_to_pay_by(parsed, candidates, first, first + LONGEST_TO_PAY) or due
    if is_statement and not _is_labelled(own, candidates):
        if period is not None:
            own = Placed(_end_of(period.value), period.segment, period.start, period.end)
        else:
            own = _of_the_last_balance(parsed) or own
    if due is None and own is not None:
        due = day_of_terms(own, parsed, is_receipt=is_receipt)
    if due is not None and own is not None and due.value.value == own.value.value:
        due = None if _is_of_an_amount(due, candidates) else due
    return When(own, due, period)


def _day_to_pay_by(
    parsed: ParsedText, candidates: list[_Candidate], earliest: date = date.min, latest: date = date.max
) -> Placed[FoundDate] | None:
    """By a label, else by a sentence.

    :param earliest: a reminder repeats when the bill was due, and is written later.
    :param latest: a policy ends on a day that is called as the last day to pay is.
    """
    possible = [each for each in candidates if earliest <= each.placed.value.value <= latest]
    return (
        _due(possible)
        or _under_please_pay(parsed, possible)
        or _day_of_debit(parsed, possible)
        or _over_its_label(parsed, possible)
        or day_in_a_sentence(parsed, earliest)
    )


def _is_of_an_amount(due: Placed[FoundDate], candidates: list[_Candidate]) -> bool:
    """Whether "total amount due on" the paper's own day says what is owed that day, and not by when."""
    return any(
        candidate.placed == due and AMOUNT_DUE_ON.search(candidate.label or candidate.above)
        for candidate in candidates
    )


def _over_its_label(parsed: ParsedText, candidates: list[_Candidate]) -> Placed[FoundDate] | None:
    """A day with nothing before it or above it, and its label below: "19.03.2024" over "due date"."""
    for candidate in candidates:
        segment = candidate.placed.segment
        above = "" if any(each.isdigit() for each in candidate.above) else candidate.above  # it has its value
        if segment.box is None or re.search(r"[a-z]{3}", candidate.label + above):
            continue
        for other in parsed.layout.below(segment, reach=1):
            is_free = not any(True for _ in parsed.dates_below(other, 1)) and not parsed.dates[other.row]
            if is_free and WHOLE_DUE.search(other.folded):
                return candidate.placed
    return None


def _is_labelled(own: Placed[FoundDate] | None, candidates: list[_Candidate]) -> bool:
    return any(
        candidate.placed is own and (OWN.search(candidate.label) or OWN.search(candidate.above))
        for candidate in candidates
    )


def _of_the_last_balance(parsed: ParsedText) -> Placed[FoundDate] | None:
    """The latest day that a balance is given for: "Neuer Kontostand vom 31.03.2024"."""
    days = [
        placed
        for row, dates in zip(parsed.rows, parsed.dates, strict=True)
        if BALANCE.search(row.folded)
        for placed in dates
    ]
    return max(days, key=lambda placed: placed.value.value, default=None)


def _end_of(period: FoundPeriod) -> FoundDate:
    return FoundDate(period.last, period.start, period.end, period.text)


def _candidates(parsed: ParsedText) -> list[_Candidate]:
    found = []
    for row, dates in zip(parsed.rows, parsed.dates, strict=True):
        for index, placed in enumerate(dates):
            start = dates[index - 1].end if index else 0
            label = row.folded[max(start, placed.start - REACH) : placed.start]
            if placed.segment is not row.segments[0] and HAS_ITS_VALUE.search(label):
                label = ""
            above = "" if _explains(label, placed) else _above(parsed, placed.segment)
            after = row.folded[placed.end : placed.end + 12]
            has_time = bool(re.search(r"\d\s?:\s?\d\d|\d[ap]m", after))
            is_of_period = bool(
                UNTIL.match(row.folded[placed.end :]) or ENDS_WITH_UNTIL.search(label or above)
            )
            end = dates[index + 1].start if index + 1 < len(dates) else len(row.folded)
            early = is_for_early_ones(row.folded, (placed.start, placed.end), end)
            found.append(_Candidate(placed, label, above, has_time, early, is_of_period))
    return found


def _explains(label: str, placed: Placed[FoundDate]) -> bool:
    """Whether what is before a day says what it is; in a cell of its own, other words are of another cell."""
    if not re.search(r"[a-z]{3}", label):
        return False
    is_cell = placed.segment.text.strip() == placed.value.text.strip()
    return not is_cell or any(each.search(label) for each in (OWN, DUE, OTHER, PLAIN, PERIOD, PAY_UNTIL))


def _above(parsed: ParsedText, segment: Segment) -> str:
    """The nearest words above a segment: the head of its column."""
    for row in reversed(parsed.rows[max(0, segment.row - 2) : segment.row]):
        if row.page != segment.page:
            break
        if parsed.dates[row.index] and not parsed.layout.has_boxes:
            return ""  # what it says is said of a day of its own
        if not parsed.layout.has_boxes:
            return _above_by_column(parsed.rows[segment.row], row, segment)
        for other in row.segments:
            if other.overlaps_horizontally(segment) and re.search(r"[a-z]{2}", other.folded):
                has_its_own = any(placed.segment is other for placed in parsed.dates[row.index])
                return "" if has_its_own else other.folded
    return ""


def _above_by_column(row: Row, above: Row, segment: Segment) -> str:
    """Without positions, the head of a column is in the same place of a row of as many cells."""
    if len(above.segments) == len(row.segments) > 1:
        return above.segments[row.segments.index(segment)].folded
    return above.folded if len(above.folded) < 40 else ""


def _due(candidates: list[_Candidate]) -> Placed[FoundDate] | None:
    for place in ("label", "above"):
        for candidate in candidates:
            label: str = getattr(candidate, place)
            hits = [*DUE.finditer(label[-REACH:]), *PAY_UNTIL.finditer(label[-REACH:])]
            if (
                hits
                and not candidate.for_early_ones
                and not NOT_DUE.search(label)
                and not DISCOUNT.search(label)
                and any(not OWN.search(label[hit.end() :]) and _is_due(label, hit, candidate) for hit in hits)
            ):
                return candidate.placed
    return None


def _under_please_pay(parsed: ParsedText, candidates: list[_Candidate]) -> Placed[FoundDate] | None:
    """A day behind "by" alone, a line or two under what asks for payment."""
    for candidate in candidates:
        segment = candidate.placed.segment
        if not BY.search(candidate.label):
            continue
        for row in parsed.rows[max(0, segment.row - ROWS_UNDER_A_REQUEST) : segment.row]:
            if any(PAY.search(each.folded) and each.overlaps_horizontally(segment) for each in row.segments):
                return candidate.placed
    return None


def _day_of_debit(parsed: ParsedText, candidates: list[_Candidate]) -> Placed[FoundDate] | None:
    """The day on which the sender takes the money: "wird am 20.03.2014 … eingezogen"."""
    for candidate in candidates:
        placed = candidate.placed
        sentence = " ".join(row.folded for row in parsed.rows[placed.segment.row : placed.segment.row + 2])
        if WILL_BE.search(candidate.label) and DEBITED.search(sentence):
            return placed
    return None


def _is_due(label: str, hit: re.Match[str], candidate: _Candidate) -> bool:
    """ "Total amount due on" an invoice date is no due date unless it says when to pay."""
    between = label[-REACH:][hit.end() :]
    return len(re.sub(r"[^a-z]", "", between)) <= 14 and not (candidate.has_time)


def _own(
    candidates: list[_Candidate],
    due: Placed[FoundDate] | None,
    period: Placed[FoundPeriod] | None,
    latest: date,
    *,
    is_receipt: bool,
) -> Placed[FoundDate] | None:
    best: tuple[float, _Candidate] | None = None
    counts: dict[date, int] = {}
    for candidate in candidates:
        counts[candidate.placed.value.value] = counts.get(candidate.placed.value.value, 0) + 1
    for index, candidate in enumerate(candidates):
        found = candidate.placed.value.value
        if not found.year >= EARLIEST_YEAR or found > latest:
            continue
        score = _own_score(candidate, is_receipt=is_receipt)
        if due is not None and candidate.placed == due:
            score -= 6
        if period is not None and _within(candidate.placed, period):
            score -= 4
        score += min(counts[found] - 1, 2) * 0.7 - min(index, 20) * 0.05
        if best is None or score > best[0]:
            best = score, candidate
    if best is None or best[0] < -3:
        return None
    return best[1].placed


def _heads_a_letter(candidate: _Candidate) -> bool:
    """Whether it is in a cell with a place and nothing else: "Lyon, le 3 mai 2024"."""
    cell = candidate.placed.segment
    before, found, behind = cell.text.partition(candidate.placed.value.text)
    return bool(found) and not behind.strip(" .") and PLACE.match(fold(before)) is not None


def _own_score(candidate: _Candidate, *, is_receipt: bool) -> float:
    label = candidate.label or ""
    score = 0.0
    near = label[-30:]
    if _heads_a_letter(candidate):
        score += OF_A_LETTER
    if OF_ANOTHER.search(label):
        return -4.0
    for text, weight in ((near, 1.0), (candidate.above, 0.8)):
        if OWN.search(text) or NUMBERED.search(label):
            score += 6 * weight
        elif DUE.search(text):
            score -= 5 * weight
        elif OTHER.search(text):
            score -= 4 * weight
        elif PLAIN.search(text):
            score += 4 * weight
    if candidate.is_of_period:
        score -= 5
    if candidate.has_time:
        score += 2.5 if is_receipt else 1
    if not re.search(r"[^\d ]", candidate.placed.value.text):
        score -= 3  # its separators were lost, or it is a number and no date
    if len(label) > 40 and not is_receipt and score <= 0:
        score -= 2  # inside a sentence
    return score


def _within(placed: Placed[FoundDate], period: Placed[FoundPeriod]) -> bool:
    same_row = placed.segment.row == period.segment.row and placed.segment.page == period.segment.page
    return same_row and period.start <= placed.start < period.end
