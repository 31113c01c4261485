"""How often the documents of a series come, and when the next one is expected.

Each cycle, from weekly to annual, puts the dates on a grid of its own. A cycle fits if nearly every date lies close
to a place of the grid, on a place of its own, and most places are taken. The confidence is one less the chance that
dates without any rhythm would lie as close; of several cycles that fit, the one with the highest confidence is
right.

A place may be empty (a document is missing), and a second date on a place is an extra (a reminder, a copy). Both
are seen, and neither shifts the others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, median

DAYS_PER_MONTH = 365.2425 / 12
SURE_ENOUGH = 0.6
"""Confidence from which on a frequency is named."""
SURE_ENOUGH_TO_ALERT = 0.85
_REGULAR = 0.15
"""Of a cycle's length: gaps that vary more have no rhythm, or are those of two accounts."""
_RECENT = 6
"""Places that the position of the next one is learned from: bills move, and old ones mislead."""
_TO_SPREAD = 1.4826
"""Median absolute deviation × this is the standard deviation, if dates vary normally."""


@dataclass(frozen=True)
class Cycle:
    """A frequency, with days of tolerance."""

    name: str
    days: int
    months: int
    tolerance: int
    """Days that a date may lie off its place at most."""
    slack: int
    """Days before and after the expected date that belong to its window at least."""
    grace: int
    """Days after its window that a document may take to arrive at least."""
    lost_after: int
    """So many documents in a row that do not come are an end, not a gap."""

    @property
    def length(self) -> float:
        """Days from one place to the next, on average."""
        return self.days or self.months * DAYS_PER_MONTH

    def start(self, first: date, place: int) -> int:
        """The ordinal day at which a place begins: a day of the grid, or the first of a month.

        :param first: the date of place 0.
        """
        if self.days:
            return first.toordinal() + place * self.days
        years, month = divmod(first.year * 12 + first.month - 1 + place * self.months, 12)
        return date(years, month + 1, 1).toordinal()


CYCLES = (
    Cycle("weekly", 7, 0, tolerance=3, slack=2, grace=3, lost_after=4),
    Cycle("biweekly", 14, 0, tolerance=5, slack=3, grace=4, lost_after=4),
    Cycle("monthly", 0, 1, tolerance=12, slack=5, grace=7, lost_after=3),
    Cycle("bimonthly", 0, 2, tolerance=20, slack=7, grace=8, lost_after=3),
    Cycle("quarterly", 0, 3, tolerance=25, slack=9, grace=10, lost_after=3),
    Cycle("semiannual", 0, 6, tolerance=40, slack=14, grace=14, lost_after=2),
    Cycle("annual", 0, 12, tolerance=60, slack=21, grace=21, lost_after=2),
)


@dataclass(frozen=True)
class Rhythm:
    """A cycle that fits the dates of a series."""

    cycle: Cycle
    confidence: float
    first: date
    places: tuple[int, ...]
    """Those that are taken, ascending."""
    days: tuple[date, ...]
    """The date on each of them."""
    slack: int
    """Days before and after an expected date that belong to its window."""
    _position: float
    """Days from the start of a place to its date."""
    _drift: float = 0.0
    """Days between two dates, where they keep to these and not to the calendar; 0: they keep to the calendar."""

    @property
    def is_sure(self) -> bool:
        """Whether it is sure enough to miss a document by it: every third place may be empty by the choice of a
        sender.
        """
        empty = self.last_place + 1 - len(self.places)
        return self.confidence >= SURE_ENOUGH_TO_ALERT and 3 * empty <= len(self.places) - 2

    @property
    def last_place(self) -> int:
        """The place of the newest date."""
        return self.places[-1]

    def expected(self, place: int) -> date:
        """The likeliest date of a place: for one that is empty or to come."""
        if self._drift and place > self.last_place:
            return self.days[-1] + timedelta(days=round((place - self.last_place) * self._drift))
        near = [
            day.toordinal() - self.cycle.start(self.first, taken)
            for taken, day in zip(self.places, self.days, strict=True)
            if abs(taken - place) <= _RECENT // 2
        ]
        position = median(near) if near and place < self.last_place else self._position
        return date.fromordinal(self.cycle.start(self.first, place) + round(position))

    def missing(self) -> list[int]:
        """The empty places between the first and the newest date."""
        taken = set(self.places)
        return [place for place in range(self.last_place) if place not in taken]


def learn(days: Sequence[date]) -> Rhythm | None:
    """The rhythm of these dates, in any order; ``None``: they have none that can be told.

    Three dates are the fewest.
    """
    ordered = sorted(set(days))
    if len(ordered) < 3:
        return None
    fitting = [rhythm for cycle in CYCLES if (rhythm := _fit(cycle, ordered)) is not None]
    best = max(fitting, key=lambda rhythm: rhythm.confidence, default=None)
    return best if best is not None and best.confidence >= SURE_ENOUGH else None


def _fit(cycle: Cycle, days: Sequence[date]) -> Rhythm | None:
    first = days[0]
    places, taken = [0], [first]
    positions = [float(first.toordinal() - cycle.start(first, 0))]
    chance, extras, off = 1.0, 0, []
    for day in days[1:]:
        position = median(positions[-3:])
        place = _nearest(cycle, first, position, day)
        distance = abs(day.toordinal() - cycle.start(first, place) - position)
        if place <= places[-1]:
            extras += 1
            continue
        if distance > cycle.tolerance:
            extras += 1  # it belongs to no place
            continue
        chance *= min(1.0, (2 * distance + 1) / cycle.length)
        off.append(distance)
        places.append(place)
        taken.append(day)
        positions.append(float(day.toordinal() - cycle.start(first, place)))
    empty = places[-1] + 1 - len(places)
    if len(places) < 3 or extras > len(days) // 5 or len(places) <= 0.6 * (places[-1] + 1):
        return None
    steps = [later - one for one, later in itertools.pairwise(positions)]
    usual_step = median(steps)
    if fmean(abs(step - usual_step) for step in steps) > _REGULAR * cycle.length:
        return None
    confidence = max(0.0, 1 - chance * (1 + empty + extras) ** 1.5)
    recent = positions[-_RECENT:]
    middle = median(recent)
    spread = _TO_SPREAD * median(abs(position - middle) for position in recent)
    drift = _drift(cycle, places, taken, spread)
    slack = max(cycle.slack, math.ceil(2.5 * spread), math.ceil(max(off[-2 * _RECENT :])) + 1)
    return Rhythm(
        cycle,
        round(confidence, 3),
        first,
        tuple(places),
        tuple(taken),
        min(cycle.tolerance, slack),
        middle,
        drift,
    )


def _nearest(cycle: Cycle, first: date, position: float, day: date) -> int:
    """The place whose expected date is nearest to a day."""
    guess = round((day.toordinal() - position - cycle.start(first, 0)) / cycle.length)
    return min(
        range(guess - 1, guess + 2),
        key=lambda place: abs(day.toordinal() - position - cycle.start(first, place)),
    )


def _drift(cycle: Cycle, places: Sequence[int], days: Sequence[date], spread: float) -> float:
    """The days between two dates where these vary less than the dates vary within a month (every 28 days, say);
    else 0.
    """
    dated = list(zip(places, days, strict=True))
    gaps = [
        (later - earlier).days
        for (place, earlier), (next_place, later) in itertools.pairwise(dated)
        if next_place == place + 1
    ][-_RECENT:]
    if len(gaps) < _RECENT - 1:
        return 0.0
    usual = median(gaps)
    gap_spread = _TO_SPREAD * median(abs(gap - usual) for gap in gaps)
    drifts = abs(usual - cycle.length) >= 0.04 * cycle.length
    return float(usual) if drifts and gap_spread < spread else 0.0
