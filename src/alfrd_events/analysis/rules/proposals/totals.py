"""Every amount on a paper as a candidate for its total, described by label, place and arithmetic."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from alfrd_events.analysis.ranking.ranker import Candidate
from alfrd_events.analysis.rules.proposals.print import Printed
from alfrd_events.analysis.text.amounts import Money
from alfrd_events.analysis.text.layout import Row, Segment
from alfrd_events.analysis.text.parsed import Placed
from alfrd_events.analysis.text.totals import FINAL, INCLUSIVE, Role, Totals, role_of

ROLES: tuple[Role, ...] = ("total", "subtotal", "tax", "rounding", "payment", "change")
MOST_AMOUNTS = 150
"""Of a longer list the last ones are looked at; a total is seldom among the first."""
MOST_IN_SUMS = 40
CENT = Decimal("0.02")
TAX_RATES = tuple(
    Decimal(rate) / 100
    for rate in ("5", "5.5", "6", "7", "8", "9", "10", "13", "19", "20", "21", "22", "23", "25")
)
LONGEST_RUN_OF_ITEMS = 40


@dataclass
class _Seen:
    """All places where one value is printed."""

    value: Decimal
    places: list[Placed[Money]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TotalValue:
    """A total and the place that speaks for it best."""

    value: Decimal
    placed: Placed[Money]
    label: str


def propose_totals(printed: Printed, totals: Totals) -> list[Candidate[TotalValue]]:
    """All amounts of a document that could be its total, one candidate for each value."""
    seen = _by_value(printed, totals)
    sums = _Sums.of(seen, printed, totals)
    pick = totals.total.value if totals.total else None
    return [_candidate(each, printed, totals, sums, is_pick=each.value == pick) for each in seen]


def _by_value(printed: Printed, totals: Totals) -> list[_Seen]:
    labelled = [candidate.amount for candidate in totals.candidates]
    known = {(id(placed.segment), placed.start) for placed in labelled}
    amounts = [
        placed
        for row in printed.parsed.amounts
        for placed in row
        if placed.value.looks_like_money or (id(placed.segment), placed.start) in known
    ]
    seen: dict[Decimal, _Seen] = {}
    for placed in amounts[-MOST_AMOUNTS:]:
        seen.setdefault(placed.value.value, _Seen(placed.value.value)).places.append(placed)
    return list(seen.values())


@dataclass(frozen=True)
class _Sums:
    """What is needed to check an amount's arithmetic."""

    ordered: Sequence[Decimal]
    """All values, ascending."""
    by_role: dict[Role, list[Decimal]]
    runs: frozenset[Decimal]
    """Sums of amounts that stand below one another, each run ending just above another amount."""

    @classmethod
    def of(cls, seen: Sequence[_Seen], printed: Printed, totals: Totals) -> _Sums:
        by_role: dict[Role, list[Decimal]] = {role: [] for role in ROLES}
        for candidate in totals.candidates:
            if candidate.role in by_role:
                by_role[candidate.role].append(candidate.value)
        return cls(sorted(each.value for each in seen), by_role, frozenset(_runs(printed)))

    def has(self, value: Decimal) -> bool:
        """Whether an amount is printed, to within a rounding."""
        place = bisect_left(self.ordered, value - CENT)
        return place < len(self.ordered) and self.ordered[place] <= value + CENT

    def is_paid_less_change(self, value: Decimal) -> bool:
        paid, change = self.by_role["payment"][-MOST_IN_SUMS:], self.by_role["change"][-MOST_IN_SUMS:]
        return any(abs(p - abs(c) - value) < CENT for p in paid for c in change if c)

    def is_difference_of_two(self, value: Decimal) -> bool:
        """Whether it is one amount less another, as is a payment less the change without any label."""
        larger = [each for each in self.ordered if each > value][-MOST_IN_SUMS:]
        return value > 0 and any(self.has(each - value) and each != 2 * value for each in larger)

    def is_sum_of_two(self, value: Decimal) -> bool:
        smaller = [each for each in self.ordered if 0 < each < value][-MOST_IN_SUMS:]
        return any(self.has(value - each) for each in smaller if each * 2 != value)

    def is_net_and_tax(self, value: Decimal) -> bool:
        return any(
            abs(n + t - value) < CENT for n in self.by_role["subtotal"] for t in self.by_role["tax"] if t
        )

    def holds_tax_at_a_rate(self, value: Decimal) -> bool:
        """Whether both its net and its tax at a common rate are printed."""
        if value <= 1:
            return False
        for rate in TAX_RATES:
            net = (value / (1 + rate)).quantize(Decimal("0.01"))
            if self.has(net) and self.has(value - net):
                return True
        return False

    def is_net_of_another(self, value: Decimal) -> bool:
        return any(self.has(value * (1 + rate)) and self.has(value * rate) for rate in TAX_RATES if value > 1)

    def becomes_more_by_tax(self, value: Decimal) -> bool:
        """Whether it is what an amount that names a tax is added to."""
        return any(self.has(value + tax) for tax in self.by_role["tax"] if 0 < tax < value)

    def adjusted(self, value: Decimal, sign: int) -> bool:
        """Whether it is another amount after (1) or before (-1) a printed rounding."""
        return any(self.has(value - sign * rounding) for rounding in self.by_role["rounding"] if rounding)


def _runs(printed: Printed) -> Iterable[Decimal]:
    """Sums of a column from any of its amounts down to any later one, at most so many rows."""
    last = [row[-1] for row in printed.parsed.amounts if row and row[-1].value.looks_like_money]
    column = [placed.value.value for placed in last[-MOST_AMOUNTS:]]
    for start in range(len(column)):
        total = column[start]
        for value in column[start + 1 : start + LONGEST_RUN_OF_ITEMS]:
            if abs(total - value) < CENT and total:
                yield value
                break
            total += value


def _candidate(
    seen: _Seen, printed: Printed, totals: Totals, sums: _Sums, *, is_pick: bool
) -> Candidate[TotalValue]:
    place, label = _best_place(seen, totals)
    features = {
        "is_rules_pick": float(is_pick),
        **_label_features(seen, printed, totals),
        **_place_features(seen, place, printed),
        **_arithmetic_features(seen.value, sums),
        "reading_confidence": printed.confidence(place.segment),
        "row_has_percent": float("%" in printed.parsed.rows[place.segment.row].text),
    }
    return Candidate(TotalValue(seen.value, place, label), features, f"<{seen.value}>", is_pick)


def _best_place(seen: _Seen, totals: Totals) -> tuple[Placed[Money], str]:
    """The place whose label says "total" most clearly, else the last one."""
    places = {id(placed): placed for placed in seen.places}
    labelled = [each for each in totals.candidates if id(each.amount) in places]
    best = max(labelled, key=lambda each: (each.role == "total", each.strength), default=None)
    return (best.amount, best.label) if best else (seen.places[-1], "")


def _label_features(seen: _Seen, printed: Printed, totals: Totals) -> dict[str, float]:
    """What the rules take its labels for, what stands before and above it, and what the rows around it are."""
    ours = {id(placed) for placed in seen.places}
    roles = [(each.role, each.strength) for each in totals.candidates if id(each.amount) in ours]
    features = {f"is_{role}": float(sum(1 for each, _ in roles if each == role)) for role in ROLES}
    features["strength"] = max((strength for role, strength in roles if role == "total"), default=-5.0)
    before = [_before(placed, printed) for placed in seen.places]
    above = [_above(placed.segment, printed) for placed in seen.places]
    features["final_before"] = float(any(FINAL.search(label) for label in before))
    features["inclusive_before"] = float(any(INCLUSIVE.search(label) for label in before))
    features["final_above"] = float(any(FINAL.search(label) for label in above))
    features["total_above"] = float(any(role_of(label)[0] == "total" for label in above))
    features["lesser_above"] = float(any(role_of(label)[0] in ("subtotal", "tax") for label in above))
    features["words_before"] = min(8.0, max(len(label.split()) for label in before))
    for name, distance in (("above", -1), ("below", 1), ("second_below", 2)):
        rows = [printed.neighbour(placed.segment, distance) for placed in seen.places]
        found = {role_of(_words(row))[0] for row in rows if row is not None}
        features |= {f"row_{name}_is_{role}": float(role in found) for role in ROLES}
    return features


def _words(row: Row) -> str:
    return " ".join(word for word in row.folded.split() if not word[-1].isdigit())


def _before(placed: Placed[Money], printed: Printed) -> str:
    row = printed.parsed.rows[placed.segment.row]
    return " ".join(row.folded[: placed.start].split())


def _above(segment: Segment, printed: Printed) -> str:
    """The nearest words above in its column."""
    for distance in (-1, -2, -3):
        row = printed.neighbour(segment, distance)
        if row is None:
            return ""
        for other in row.segments:
            if other.overlaps_horizontally(segment) and sum(c.isalpha() for c in other.folded) > 2:
                return other.folded
    return ""


def _place_features(seen: _Seen, place: Placed[Money], printed: Printed) -> dict[str, float]:
    rows = printed.parsed.rows
    last = max(placed.segment.row for placed in seen.places)
    row = rows[place.segment.row]
    placed_amounts = printed.parsed.amounts[place.segment.row]
    box = place.segment.box
    return {
        "times": min(5.0, len(seen.places)),
        "last_row": last / max(1, len(rows) - 1),
        "first_row": min(placed.segment.row for placed in seen.places) / max(1, len(rows) - 1),
        "rows_to_end": min(40.0, len(rows) - 1 - last),
        "right_edge": box[2] if box else 0.5,
        "height": max(printed.relative_height(placed.segment) for placed in seen.places),
        "amounts_in_row": min(6.0, len(placed_amounts)),
        "is_last_in_row": float(placed_amounts[-1] is place),
        "stands_alone": float(len(row.segments) == 1),
        "has_sign": float(any(placed.value.currency for placed in seen.places)),
        "has_decimals": float(any(placed.value.has_decimals for placed in seen.places)),
        "is_year_to_date": float(printed.parsed.is_year_to_date(place.segment)),
    }


def _arithmetic_features(value: Decimal, sums: _Sums) -> dict[str, float]:
    larger = len(sums.ordered) - bisect_left(sums.ordered, value) - 1
    largest = sums.ordered[-1]
    totals = sums.by_role["total"]
    return {
        "is_zero": float(value == 0),
        "is_negative": float(value < 0),
        "is_round": float(value % 10 == 0),
        "larger_ones": min(15.0, larger),
        "share_of_largest": float(value / largest) if largest > 0 and value > -largest else 0.0,
        "amounts": min(40.0, len(sums.ordered)),
        "is_largest_total": float(bool(totals) and value == max(totals)),
        "other_totals": min(5.0, len({total for total in totals if total != value})),
        "paid_less_change": float(sums.is_paid_less_change(value)),
        "difference_of_two": float(sums.is_difference_of_two(value)),
        "sum_of_two": float(sums.is_sum_of_two(value)),
        "net_and_tax": float(sums.is_net_and_tax(value)),
        "tax_at_a_rate": float(sums.holds_tax_at_a_rate(value)),
        "net_of_another": float(sums.is_net_of_another(value)),
        "becomes_more_by_tax": float(sums.becomes_more_by_tax(value)),
        "sum_of_items": float(value in sums.runs),
        "after_rounding": float(sums.adjusted(value, 1)),
        "before_rounding": float(sums.adjusted(value, -1)),
        "change_is_given": float(any(sums.by_role["change"])),
    }
