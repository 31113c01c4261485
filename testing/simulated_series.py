"""Series of made-up senders, day by day, and what a calendar makes of them: the truth is known.

Papers come late, move around holidays and weekends, are lost; prices rise; a sender has two accounts; a sender
ends. Each is played as the engine would: the calendar looks when a paper arrives and at each moment that it asked
for, and nothing else wakes it.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from alfrd_events.analysis.calendar.rhythm import CYCLES, Cycle
from alfrd_events.analysis.calendar.watching import watch
from alfrd_events.model.calendar import Alert, Dated, KnownAlert, SeriesHistory

SERIES = UUID(int=1)
LENGTHS = {
    "weekly": 40,
    "biweekly": 30,
    "monthly": 26,
    "bimonthly": 16,
    "quarterly": 14,
    "semiannual": 9,
    "annual": 7,
}
"""How many papers a sender of each frequency sends."""


@dataclass
class Sender:
    """What one sender has sent, and what went wrong on the way."""

    cycle: Cycle
    papers: list[Dated]
    """Those that arrived, by arrival."""
    lost: list[date]
    """The nominal dates of those that did not."""
    raised_at: set[UUID]
    """The papers with which a price changed."""
    ends: bool
    until: datetime


@dataclass
class Score:
    """Counts over many senders."""

    senders: int = 0
    looks: int = 0
    """Arrivals from the third paper on."""
    frequency_right: int = 0
    frequency_unknown: int = 0
    papers: int = 0
    alerts: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    """What should be told: papers lost, prices changed, senders ended."""
    missed: Counter[str] = field(default_factory=Counter)

    @property
    def false_rate(self) -> float:
        """Of all alerts raised, those that are wrong."""
        return self.false.total() / max(1, self.alerts.total())

    @property
    def miss_rate(self) -> float:
        """Of all that should be told, what was not."""
        return self.missed.total() / max(1, self.events.total())

    @property
    def frequency_rate(self) -> float:
        """Of all looks from the third paper on, those at which the frequency was right; unknown is not right."""
        return self.frequency_right / max(1, self.looks)


def sender(seed: int, cycle: Cycle) -> Sender:
    """A made-up sender of this frequency."""
    chance = random.Random(f"{cycle.name} {seed}")
    first = date(2019, 1, 1) + timedelta(days=chance.randrange(365))
    every_28_days = cycle.name == "monthly" and chance.random() < 0.1
    wobble = {"weekly": 0.4, "biweekly": 0.7}.get(cycle.name, 1.5 + cycle.months / 4)
    count = LENGTHS[cycle.name]
    ends = chance.random() < 0.15
    fixed = chance.random() < 0.5
    base = Decimal(chance.randrange(2000, 30000)) / 100
    rises_with = chance.randrange(8, count) if count > 10 and chance.random() < 0.5 else -1
    papers, lost, raised = [], [], set()
    price = 1.0
    for number in range(count):
        nominal = first + timedelta(days=28 * number) if every_28_days else _nominal(cycle, first, number)
        day = _moved(chance, cycle, nominal, wobble)
        if number == rises_with:
            price = 1 + (chance.uniform(0.08, 0.3) if fixed else chance.uniform(0.6, 1.0))
        if 0 < number < count - 1 and number != rises_with and chance.random() < 0.04:
            lost.append(nominal)
            continue
        season = 0.0 if fixed else 0.15 * math.sin(nominal.timetuple().tm_yday / 365 * 2 * math.pi)
        noise = 0.0 if fixed else chance.gauss(0, 0.06)
        amount = (base * Decimal(price * (1 + season + noise))).quantize(Decimal("0.01"))
        arrived = day + timedelta(days=chance.choice([0, 1, 1, 2] if cycle.days else [1, 1, 2, 2, 3, 4, 6]))
        paper = Dated(UUID(int=chance.getrandbits(128)), f"{number}.pdf", day, _noon(arrived), amount, "USD")
        papers.append(paper)
        if number == rises_with:
            raised.add(paper.id)
    last = papers[-1].day
    patience = timedelta(days=cycle.length * (cycle.lost_after + 1) + cycle.tolerance + 40)
    until = _noon(last + patience) if ends else papers[-1].arrived
    return Sender(cycle, papers, lost, raised, ends, until)


def two_accounts(seed: int, cycle: Cycle) -> Sender:
    """A sender with two accounts whose papers went into one series: nothing is lost, and nothing should be said."""
    first, second = sender(seed, cycle), sender(seed + 10_000, cycle)
    shift = first.papers[0].day - second.papers[0].day + timedelta(days=cycle.length / 3)
    moved = [replace(paper, day=paper.day + shift, arrived=paper.arrived + shift) for paper in second.papers]
    papers = sorted([*first.papers, *moved], key=lambda paper: paper.arrived)
    return Sender(cycle, papers, [], set(), ends=False, until=papers[-1].arrived)


def _nominal(cycle: Cycle, first: date, number: int) -> date:
    if cycle.days:
        return first + timedelta(days=cycle.days * number)
    start = date.fromordinal(cycle.start(first, number))
    return start + timedelta(days=min(first.day, 28) - 1)


def _moved(chance: random.Random, cycle: Cycle, nominal: date, wobble: float) -> date:
    day = nominal + timedelta(days=round(chance.gauss(0, wobble)))
    if chance.random() < 0.03:
        day += timedelta(
            days=chance.choice([-1, 1]) * chance.randint(1, min(21, max(1, round(cycle.length / 7))))
        )
    if not cycle.days and day.weekday() >= 5:
        day += timedelta(days=7 - day.weekday())
    if (day.month, day.day) >= (12, 24) or (day.month, day.day) == (1, 1):
        day = date(day.year + (day.month == 12), 1, 2) if not cycle.days else day + timedelta(days=1)
    return day


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def looks(one: Sender) -> Iterator[tuple[int, str, tuple[Alert, ...]]]:
    """Each look at a sender's series: papers so far, the frequency, and the alerts that it raises."""
    arrivals = sorted(one.papers, key=lambda paper: paper.arrived)
    known: dict[str, KnownAlert] = {}
    arrived: list[Dated] = []
    next_at: datetime | None = None
    while arrivals or (next_at is not None and next_at <= one.until):
        if arrivals and (next_at is None or arrivals[0].arrived <= next_at):
            now = arrivals[0].arrived
            arrived.append(arrivals.pop(0))
        else:
            assert next_at is not None
            now = next_at
        documents = tuple(sorted(arrived, key=lambda paper: (paper.day, paper.arrived)))
        seen = watch(SeriesHistory(SERIES, "Sender", "bill", now, documents, tuple(known.values())))
        raised = tuple(alert for alert in seen.alerts if alert.is_news and alert.key not in known)
        known |= {alert.key: KnownAlert(alert.kind, alert.key) for alert in raised}
        assert seen.next_at is None or seen.next_at > now
        next_at = seen.next_at
        yield len(arrived), seen.frequency, raised


def play(one: Sender, score: Score, *, mixed: bool = False) -> None:
    """Add what the calendar makes of a sender to the counts.

    :param mixed: two accounts in one series: no frequency is right or wrong.
    """
    score.senders += 1
    score.papers += len(one.papers)
    found: list[Alert] = []
    before = 0
    for papers, frequency, raised in looks(one):
        found += raised
        if papers >= 3 and papers > before and not mixed:
            score.looks += 1
            score.frequency_right += frequency == one.cycle.name
            score.frequency_unknown += frequency == ""
        before = papers
    near = timedelta(days=one.cycle.length / 2)
    lost, raised_at, ended = list(one.lost), set(one.raised_at), one.ends
    score.events.update(lost=len(lost), price=len(raised_at), ended=int(ended))
    last = max(paper.day for paper in one.papers)
    for alert in found:
        score.alerts[alert.kind] += 1
        if alert.kind in ("late", "missing"):
            expected = alert.expected
            assert expected is not None
            hit = min(lost, key=lambda day: abs(day - expected), default=None)
            if hit is not None and abs(hit - expected) <= near:
                lost.remove(hit)
            elif not (one.ends and expected > last):
                score.false[alert.kind] += 1
        elif alert.kind == "amount" and alert.document_id in raised_at:
            raised_at.discard(alert.document_id)
        elif alert.kind == "ended" and ended:
            ended = False
        else:
            score.false[alert.kind] += 1
    score.missed.update(lost=len(lost), price=len(raised_at), ended=int(ended))


def simulate(senders: int) -> dict[str, Score]:
    """So many senders of each frequency, by its name; ``mixed``: two accounts in one series."""
    scores = {cycle.name: Score() for cycle in CYCLES}
    scores["mixed"] = Score()
    for cycle in CYCLES:
        for seed in range(senders):
            play(sender(seed, cycle), scores[cycle.name])
        for seed in range(senders // 10):
            play(two_accounts(seed, cycle), scores["mixed"], mixed=True)
    return scores


def total(scores: dict[str, Score]) -> Score:
    """All counts together."""
    whole = Score()
    for score in scores.values():
        whole.senders += score.senders
        whole.looks += score.looks
        whole.frequency_right += score.frequency_right
        whole.frequency_unknown += score.frequency_unknown
        whole.papers += score.papers
        whole.alerts += score.alerts
        whole.false += score.false
        whole.events += score.events
        whole.missed += score.missed
    return whole
