"""Which of a document's amounts is the total: what is to be paid, or was paid.

Every row that names a total is a candidate. Its label says how good a candidate it is ("net total"
after "total" after "subtotal"), and arithmetic on the same document confirms or denies it: cash less
change, a card payment, the total before rounding plus the rounding.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from alfrd_events.analysis.text.amounts import Money
from alfrd_events.analysis.text.layout import Row, Segment
from alfrd_events.analysis.text.parsed import ParsedText, Placed
from alfrd_events.analysis.text.vocabulary import any_of, beginnings, pattern, words

Role = Literal["total", "subtotal", "tax", "rounding", "payment", "change", "other"]

FINAL = re.compile(
    rf"{any_of('totals.final')}|{any_of('totals.final_whole')}\b"
    rf"|{any_of('totals.final_unless_date')}(?!\s*{any_of('totals.date')})"
)
PLAIN = re.compile(
    rf"{words('totals.plain')}|{beginnings('totals.plain_glued')}(?={any_of('totals.glued_to_total')})"
    rf"|{beginnings('totals.plain_if_inclusive')}(?=\W{{0,3}}{any_of('totals.including')}(?!{any_of('totals.no_including')}))"
)
WEAK = re.compile(rf"^\W*{any_of('totals.weak')}\W*{any_of('totals.weak_currency')}?\W*$")
INCLUSIVE = re.compile(
    rf"{beginnings('totals.inclusive')}\b|{beginnings('totals.inclusive_beginning')}"
    rf"|{beginnings('totals.including')}(?!{any_of('totals.no_including')})"
)
LESSER = re.compile(rf"{any_of('totals.lesser')}|{any_of('totals.lesser_whole')}\b")
SUBTOTAL = re.compile(
    rf"{any_of('totals.subtotal')}|{any_of('totals.subtotal_end')}\b|\b{any_of('totals.subtotal_whole')}\b"
    rf"|\({any_of('totals.exclusive_in_brackets')}\)"
)
TAX = re.compile(
    rf"{words('totals.tax')}(?!\s*(?:{any_of('totals.no_tax')}|{any_of('totals.no_tax_whole')}\b))"
)
ROUNDING = re.compile(rf"{beginnings('totals.rounding')}\b|{any_of('totals.rounding_within')}")
GIVEN_BACK = pattern("totals.given_back")
CHANGE = pattern("totals.change")
PAYMENT = pattern("totals.payment")
NEVER = re.compile(rf"{any_of('totals.never')}|{any_of('totals.never_whole')}\b")
SUMMARY_OF_TAXES = re.compile(any_of("totals.tax_summary"))
ROWS_OF_A_TAX_SUMMARY = 8
_ROWS_OF_A_COLUMN = 8
_HEADS_OF_A_TABLE = 4
WORDS_OF_A_LABEL = 8
_WORD = re.compile(r"[a-z]{3}|[\u0590-\u06ff]{3}|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{2}")
LARGEST_ROUNDING = 1
LARGEST_CASH_ROUNDING = Decimal("0.05")
"""To the nearest ten cents; half of it at most."""
AS_SURE_AS_A_LABEL = 10
SURER_THAN_A_LABEL = 14
"""The label is of a total that the tip is not in."""
MOST_CONSIDERED = 40
"""Payments and roundings that are set against the totals; a till prints a handful."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An amount with the part it plays in the sum."""

    role: Role
    label: str
    strength: float
    amount: Placed[Money]

    @property
    def value(self) -> Decimal:
        return self.amount.value.value


@dataclass(frozen=True, slots=True)
class Totals:
    """The amounts at the foot of a bill."""

    total: Candidate | None
    subtotal: Candidate | None
    tax: Candidate | None
    rounding: Candidate | None
    payment: Candidate | None
    candidates: tuple[Candidate, ...]
    worked_out: Decimal | None = None
    """Subtotal, tax and rounding together, where the total itself was lost in reading."""


def find_totals(parsed: ParsedText) -> Totals:
    """Find what a document adds up to."""
    candidates = [found for row in _rows_outside_tax_summaries(parsed) for found in _candidates(parsed, row)]
    by_role: dict[Role, list[Candidate]] = {}
    for candidate in candidates:
        by_role.setdefault(candidate.role, []).append(candidate)
    _leave_out_cards(by_role)
    proof = _Proof.of(by_role)
    for paid in (_rounded_payment(parsed, by_role, proof), _paid_with_tip(parsed, proof)):
        if paid is not None:
            by_role.setdefault("total", []).append(paid)
    ranked = sorted(by_role.get("total", []), key=lambda candidate: _score(candidate, proof), reverse=True)
    total = ranked[0] if ranked else _from_payment(by_role) or _only_amount(parsed)
    worked_out = None
    if not ranked and (total is None or total.role == "subtotal"):
        worked_out = _worked_out(parsed, by_role)
    return Totals(
        total=total,
        subtotal=_last(by_role.get("subtotal")),
        tax=_last(by_role.get("tax")),
        rounding=_last(by_role.get("rounding")),
        payment=_last(by_role.get("payment")),
        candidates=tuple(candidates),
        worked_out=worked_out,
    )


def _leave_out_cards(by_role: dict[Role, list[Candidate]]) -> None:
    """Where a total was paid, a credit below it is what is left on a card: nothing is given back."""
    paid = {candidate.value for candidate in by_role.get("payment", [])}
    totals = by_role.get("total", [])
    others = [candidate for candidate in totals if not GIVEN_BACK.search(candidate.label)]
    if any(candidate.value in paid for candidate in others):
        by_role["total"] = others


def role_of(label: str) -> tuple[Role, float]:
    """The part that an amount plays by its label (folded), and how strongly the label says so."""
    if len(label) <= 90 and pattern("totals.to_pay").search(label):
        return "total", 10
    if len(label) > 90 or NEVER.search(label):
        return "other", 0
    if FINAL.search(label):
        if len(label.split()) > WORDS_OF_A_LABEL:
            return "total", 2  # a sentence about paying; its amount may be a fee
        return "total", 10 if not SUBTOTAL.search(label) else 3
    if ROUNDING.search(label):
        return "rounding", 1
    if SUBTOTAL.search(label):
        return "subtotal", 1
    if PLAIN.search(label):
        return _plain_total(label)
    if CHANGE.search(label):
        return "change", 1
    if PAYMENT.search(label):
        return "payment", 1
    if TAX.search(label):
        return "tax", 1
    if WEAK.search(label):
        return "total", 4
    return "other", 0


def _plain_total(label: str) -> tuple[Role, float]:
    if INCLUSIVE.search(label):
        return "total", 8 if not LESSER.search(label) else 7
    if TAX.search(label) or "included" in label:
        return "tax", 2
    return "total", 7 if not LESSER.search(label) else 5


def _rows_outside_tax_summaries(parsed: ParsedText) -> list[Row]:
    rows = []
    skip_until = -1
    for row in parsed.rows:
        if SUMMARY_OF_TAXES.search(row.folded):
            skip_until = row.index + ROWS_OF_A_TAX_SUMMARY
        if row.index > skip_until or FINAL.search(row.folded):
            rows.append(row)
    return rows


def _candidates(parsed: ParsedText, row: Row) -> Iterator[Candidate]:
    """What a row says, one candidate for each of its labels: ``Saving 0.00  Total 6.85`` has two."""
    placed = parsed.amounts[row.index]
    yield from _in_a_column_of_its_own(parsed, row)
    for label, amounts in _labelled(row, placed):
        role, strength = role_of(label)
        if role == "other":
            continue
        money = [amount for amount in amounts if amount.value.looks_like_money]
        money = [amount for amount in money if not parsed.is_year_to_date(amount.segment)] or money
        chosen = money[-1] if money else None
        if chosen is None and not placed:
            chosen = _amount_below(parsed, row, role)
        if chosen is None and amounts and role == "total" and amounts[-1].value.value > 0:
            chosen, strength = amounts[-1], strength - 3
        if chosen is None:
            continue
        if role == "rounding" and abs(chosen.value.value) > LARGEST_ROUNDING:
            role, strength = "total", 9  # the adjustment's label with the adjusted total beside it
        yield Candidate(role, label, strength, chosen)


def _in_a_column_of_its_own(parsed: ParsedText, row: Row) -> Iterator[Candidate]:
    """What is to be paid, where its label is over it and the rest of the row belongs to a table beside it."""
    if not parsed.layout.has_boxes or len(row.segments) < 3 or not parsed.amounts[row.index]:
        return
    first, second = row.segments[0], row.segments[1]
    if not _WORD.search(second.folded) and not any(each.isdigit() for each in second.folded):
        return
    if any(placed.segment in (first, second) for placed in parsed.amounts[row.index]):
        return
    if role_of(first.folded) == ("total", 10):
        for amount in parsed.amounts_below(first, 1):
            if amount.value.looks_like_money:
                yield Candidate("total", first.folded, AS_SURE_AS_A_LABEL, amount)


def _labelled(row: Row, amounts: tuple[Placed[Money], ...]) -> list[tuple[str, list[Placed[Money]]]]:
    """A row's words, each run of them with the amounts that follow it."""
    groups: list[tuple[str, list[Placed[Money]]]] = []
    position = 0
    for amount in amounts:
        words = " ".join(row.folded[position : amount.start].split())
        if not groups or _WORD.search(words):
            groups.append((words, []))
        groups[-1][1].append(amount)
        position = amount.end
    rest = " ".join(row.folded[position:].split())
    if not groups and len(row.segments) >= _HEADS_OF_A_TABLE:
        heads = [segment.folded for segment in row.segments]
        if to_pay := [head for head in heads if pattern("totals.to_pay").search(head)]:
            return [(head, []) for head in to_pay]
    if not groups:
        return [(rest, [])]
    label, last = groups[-1]
    if len(groups) == 1 and not _WORD.search(label):
        groups[-1] = (rest, last)
    return groups


def _amount_below(parsed: ParsedText, row: Row, role: Role) -> Placed[Money] | None:
    """For a label that stands on top of its amount; a weak label must have it right below."""
    for segment in row.segments:
        if role_of(segment.folded)[0] != role or len(segment.folded.split()) > WORDS_OF_A_LABEL:
            continue
        names_what_to_pay = FINAL.search(segment.folded) or pattern("totals.to_pay").search(segment.folded)
        if role == "total" and names_what_to_pay and (foot := _foot_of_column(parsed, segment)) is not None:
            return foot
        reach = 2 if FINAL.search(segment.folded) else 1
        for amount in parsed.amounts_below(segment, reach):
            if amount.value.looks_like_money and not _has_own_label(parsed.rows[amount.segment.row]):
                return amount
    return None


def _foot_of_column(parsed: ParsedText, head: Segment) -> Placed[Money] | None:
    """The last amount of a column, if it is the sum of those above it."""
    column = [amount for amount in parsed.amounts_below(head, _ROWS_OF_A_COLUMN) if amount.value.has_decimals]
    for size in range(len(column), 1, -1):
        *parts, last = (amount.value.value for amount in column[:size])
        if sum(parts) == last:
            return column[size - 1]
    return None


def _has_own_label(row: Row) -> bool:
    return role_of(row.folded)[0] != "other" or len(re.sub(r"[^a-z]+", "", row.folded)) > 60


@dataclass(frozen=True, slots=True)
class _Proof:
    """What the rest of the document says about its total."""

    totals: Counter[Decimal]
    payments: frozenset[Decimal]
    less_change: frozenset[Decimal]
    """Each payment less each change given."""
    tendered: frozenset[Decimal]
    """What a till calls a total and is more than another one by the change given."""
    roundings: frozenset[Decimal]
    gives_back: bool
    """Whether net and tax are negative, as on a credit note."""

    @classmethod
    def of(cls, by_role: dict[Role, list[Candidate]]) -> _Proof:
        payments, changes, roundings = (
            {candidate.value for candidate in by_role.get(role, [])[-MOST_CONSIDERED:]}
            for role in ("payment", "change", "rounding")
        )
        parts = [each.value for role in ("subtotal", "tax") for each in by_role.get(role, []) if each.value]
        totals = Counter(candidate.value for candidate in by_role.get("total", []))
        return cls(
            totals,
            frozenset(payments),
            frozenset(abs(paid) - abs(change) for paid in payments for change in changes),
            frozenset(
                total for total in totals for change in changes if change and total - abs(change) in totals
            ),
            frozenset(value for value in roundings if 0 < abs(value) <= LARGEST_ROUNDING),
            bool(parts) and all(part < 0 for part in parts),
        )


def _score(candidate: Candidate, proof: _Proof) -> float:
    value = candidate.value
    score = candidate.strength + 0.5 * min(3, proof.totals[value] - 1)
    if value in proof.less_change:
        score += 4
    elif value in proof.payments:
        score += 2
    if any(value - adjustment in proof.totals for adjustment in proof.roundings):
        score += 3
    if any(value + adjustment in proof.totals for adjustment in proof.roundings):
        score -= 3
    if value in proof.tendered:
        score -= 6
    if value == 0:
        score -= 8
    if value < 0 and not proof.gives_back and not GIVEN_BACK.search(candidate.label):
        score -= 6
    return score + min(candidate.amount.segment.row, 500) / 1000


def _from_payment(by_role: dict[Role, list[Candidate]]) -> Candidate | None:
    """Without a total, what was paid less the change; else the subtotal."""
    payments = [candidate for candidate in by_role.get("payment", []) if candidate.value > 0]
    changes = [abs(candidate.value) for candidate in by_role.get("change", [])]
    if payments and not any(changes):
        return payments[-1]
    return _last(by_role.get("subtotal"))


def _only_amount(parsed: ParsedText) -> Candidate | None:
    """The one sum of money on a paper: "Gerichtskosten 159,00 EUR" on a bill without a total."""
    found = [
        (row, amount)
        for row in parsed.rows
        for amount in parsed.amounts[row.index]
        if amount.value.currency and amount.value.has_decimals and not NEVER.search(row.folded)
    ]
    if len({amount.value.value for _, amount in found}) != 1:
        return None
    row, amount = found[-1]
    return Candidate("total", row.folded[: amount.start].strip(" :."), 1, amount)


def _rounded_payment(
    parsed: ParsedText, by_role: dict[Role, list[Candidate]], proof: _Proof
) -> Candidate | None:
    """The payment, where a rounding is named without its amount, no change is given, and it is the rounded total."""
    if proof.roundings or not any(ROUNDING.search(row.folded) for row in parsed.rows):
        return None
    if not any(change.value == 0 for change in by_role.get("change", [])):
        return None
    for payment in by_role.get("payment", [])[-MOST_CONSIDERED:]:
        if any(0 < abs(payment.value - total) <= LARGEST_CASH_ROUNDING for total in proof.totals):
            return replace(payment, role="total", strength=AS_SURE_AS_A_LABEL)
    return None


def _paid_with_tip(parsed: ParsedText, proof: _Proof) -> Candidate | None:
    """What was paid, where it is a total and the tip that is printed, whatever it is called."""
    placed = [(row, amount) for row in parsed.rows for amount in parsed.amounts[row.index]]
    tips = {
        amount.value.value
        for row, amount in placed
        if amount.value.value > 0 and pattern("totals.tip").match(row.folded.lstrip())
    }
    sums = {total + tip for total in proof.totals for tip in tips}
    paid = [(row, amount) for row, amount in placed if amount.value.value in sums]
    if not paid:
        return None
    row, amount = paid[-1]
    return Candidate("total", row.folded[: amount.start].strip(" :."), SURER_THAN_A_LABEL, amount)


def _worked_out(parsed: ParsedText, by_role: dict[Role, list[Candidate]]) -> Decimal | None:
    """What a row that says "total" must have said, when only its figure was not read."""
    subtotal, tax, rounding = (_last(by_role.get(role)) for role in ("subtotal", "tax", "rounding"))
    named = any(PLAIN.fullmatch(row.folded.strip(" :.")) for row in parsed.rows)
    if not named or subtotal is None or tax is None or subtotal.value <= 0:
        return None
    return subtotal.value + tax.value + (rounding.value if rounding else Decimal(0))


def _last(candidates: list[Candidate] | None) -> Candidate | None:
    return candidates[-1] if candidates else None
