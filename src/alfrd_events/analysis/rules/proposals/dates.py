"""Every date on a paper as a candidate for its own date, described by label and place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from alfrd_events.analysis.ranking.ranker import Candidate
from alfrd_events.analysis.rules.date_labels import DUE, OTHER, OWN, PERIOD, PLAIN
from alfrd_events.analysis.rules.document_dates import REACH, When
from alfrd_events.analysis.rules.proposals.print import Printed
from alfrd_events.analysis.text.dates import FoundDate
from alfrd_events.analysis.text.parsed import Placed

MOST_DATES = 60
CLOCK = re.compile(r"\d\s?:\s?\d\d|\d[ap]m")
LABELS = {"own": OWN, "due": DUE, "other": OTHER, "period": PERIOD, "plain": PLAIN}


@dataclass(frozen=True, slots=True)
class Day:
    """A date and the place where it is printed first."""

    value: date
    placed: Placed[FoundDate]
    label: str
    """What stands before it in its row."""


def propose_dates(printed: Printed, when: When, created_at: datetime) -> list[Candidate[Day]]:
    """All dates of a document, one candidate for each day."""
    places: dict[date, list[Placed[FoundDate]]] = {}
    for row in printed.parsed.dates:
        for placed in row:
            if len(places) < MOST_DATES:
                places.setdefault(placed.value.value, []).append(placed)
    pick = when.own.value.value if when.own else None
    if when.own is not None:  # the end of a month or of a year is not printed as a day
        places.setdefault(when.own.value.value, [when.own])
    days = sorted(places)
    return [
        _candidate(day, placed, printed, days, created_at.date(), is_pick=day == pick)
        for day, placed in places.items()
    ]


def _candidate(
    day: date,
    places: Sequence[Placed[FoundDate]],
    printed: Printed,
    days: Sequence[date],
    today: date,
    *,
    is_pick: bool,
) -> Candidate[Day]:
    rows = [printed.parsed.rows[placed.segment.row] for placed in places]
    before = [
        row.folded[max(0, placed.start - REACH) : placed.start]
        for row, placed in zip(rows, places, strict=True)
    ]
    above = [row.folded for placed in places if (row := printed.neighbour(placed.segment, -1))]
    after = [row.folded[placed.end : placed.end + 12] for row, placed in zip(rows, places, strict=True)]
    features = {
        "is_rules_pick": float(is_pick),
        "times": min(5.0, len(places)),
        "days": min(20.0, len(days)),
        "is_latest": float(day == days[-1]),
        "is_earliest": float(day == days[0]),
        "is_future": float(day > today),
        "years_ago": min(40.0, (today - day).days / 365),
        "has_clock": float(any(CLOCK.search(text) for text in after)),
        "row": min(40.0, rows[0].index),
        "row_share": rows[0].index / len(printed.parsed.rows),
        "dates_in_row": float(max(len(printed.parsed.dates[row.index]) for row in rows)),
        "words_before": min(8.0, min(len(text.split()) for text in before)),
        "height": printed.relative_height(places[0].segment),
        "reading_confidence": printed.confidence(places[0].segment),
    }
    for name, pattern in LABELS.items():
        features[f"{name}_before"] = float(any(pattern.search(text) for text in before))
        features[f"{name}_above"] = float(any(pattern.search(text) for text in above))
    return Candidate(Day(day, places[0], before[0].strip()), features, day.isoformat(), is_pick)
