"""The period that a document is about: printed in one line, broken over two, in columns, or as the name of a month."""

from __future__ import annotations

from alfrd_events.analysis.rules.date_labels import (
    COLUMN_FROM,
    COLUMN_TO,
    LONGER_PERIOD,
    PERIOD,
    PREFERRED_PERIOD,
)
from alfrd_events.analysis.text.dates import FoundPeriod, find_months, find_periods
from alfrd_events.analysis.text.layout import fold
from alfrd_events.analysis.text.parsed import ParsedText, Placed


def find_period_of(parsed: ParsedText) -> Placed[FoundPeriod] | None:
    """The billing period; a policy's year only where there is no other."""
    best: tuple[float, Placed[FoundPeriod]] | None = None
    for row, periods in zip(parsed.rows, parsed.periods, strict=True):
        previous = parsed.rows[row.index - 1].folded if row.index else ""
        for placed in periods:
            label = row.folded[max(0, placed.start - 60) : placed.start] or previous
            score = _period_score(label)
            if best is None or score > best[0]:
                best = score, placed
    for found in (_wrapped(parsed), _columns(parsed)):
        if found is not None and (best is None or best[0] < 2):
            best = _period_score(found[0]), found[1]
    if best is None:
        return _rental_month(parsed)
    return best[1]


def _period_score(label: str) -> float:
    score = 0.0
    if PERIOD.search(label):
        score += 2
    if PREFERRED_PERIOD.search(label):
        score += 1
    if LONGER_PERIOD.search(label):
        score -= 2
    return score


def _wrapped(parsed: ParsedText) -> tuple[str, Placed[FoundPeriod]] | None:
    """A period broken over two lines: the second end, or only its year, stands below."""
    best = None
    for segment in parsed.layout.segments():
        if not PERIOD.search(segment.folded) or len(segment.text) > 80:
            continue
        below = next(parsed.layout.below(segment, reach=1), None)
        if below is None:
            continue
        text = f"{segment.text} {below.text}"
        for found in _periods_in(text, parsed):
            score = _period_score(fold(text[: found.start]))
            if best is None or score > best[0]:
                best = score, fold(text[: found.start]), Placed(found, segment, 0, 0)
    return None if best is None else (best[1], best[2])


def _periods_in(text: str, parsed: ParsedText) -> list[FoundPeriod]:
    return find_periods(text, parsed.order)


def _columns(parsed: ParsedText) -> tuple[str, Placed[FoundPeriod]] | None:
    """Two dates side by side under headings such as "Service from" and "Service to"."""
    for row, dates in zip(parsed.rows, parsed.dates, strict=True):
        if len(dates) != 2 or dates[0].value.value >= dates[1].value.value:
            continue
        heads = " ".join(other.folded for other in parsed.rows[max(0, row.index - 3) : row.index + 1])
        if COLUMN_FROM.search(heads) and COLUMN_TO.search(heads):
            first, last = dates
            found = FoundPeriod(
                first.value.value, last.value.value, first.start, last.end, row.text[first.start : last.end]
            )
            return "service period", Placed(found, first.segment, first.start, last.end)
    return None


def _rental_month(parsed: ParsedText) -> Placed[FoundPeriod] | None:
    for row in parsed.rows:
        if PERIOD.search(row.folded):
            for found in find_months(row.text):
                return Placed(found, row.segments[0], found.start, found.end)
    return None
