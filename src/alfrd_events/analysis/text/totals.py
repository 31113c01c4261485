"""Which of a document's amounts is the total: what is to be paid, or was paid.

Every row that names a total is a candidate. Its label says how good a candidate it is ("net total"
after "total" after "subtotal"), and arithmetic on the same document confirms or denies it: cash less
change, a card payment, the total before rounding plus the rounding.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from alfrd_events.analysis.text import labels
from alfrd_events.analysis.text.amounts import Money
from alfrd_events.analysis.text.layout import Row, Segment
from alfrd_events.analysis.text.parsed import ParsedText, Placed

Role = Literal["total", "subtotal", "tax", "rounding", "payment", "change", "other"]

FINAL = re.compile(
    r"total\s*(?:amount|amt)?\s*(?:after|incl\w*)\s*(?:round|rnd)|rounded\s*(?:total|amount)"
    r"|total\s*round(?:ed)?|nett?\s*(?:total|amount|amt)\b"
    r"|grand\s*total|final\s*total|amount\s*(?:now\s*)?(?:due|payable|to\s*pay|owed)"
    r"|total\s*(?:amount|amt|bill)?\s*(?:now\s*)?"
    r"(?:due|payable|to\s*pay|owed|paid)|balance\s*due|please\s*pay|pay\s*this\s*amount"
    r"|amount\s*you\s*owe|new\s*balance"
    r"|total\s*(?:new\s*)?balance|(?:total|closing|ending)\s*balance|total\s*(?:monthly\s*)?premium|premium\s*due(?!\s*date)|patient\s*(?:responsibility|balance)"
    r""
    r"|net\s*pay\b|payment\s*due(?!\s*date)"
    r"|te\s*betalen|totaalbedrag|bedrag\s*incl\w*|zu\s*zahlen|zahlbetrag|gesamtbetrag"
    r"|rechnungsbetrag|endbetrag|gesamtsumme"
    r"|somme\s*a\s*payer|net\s*a\s*payer|montant\s*(?:total|a\s*payer|du)|total\s*a\s*(?:payer"
    r"|pagar)|importe\s*(?:total|a\s*pagar)"
    r"|importo\s*(?:totale|da\s*pagare)|totale\s*(?:da\s*pagare|fattura|documento)|jumlah\s*(?:besar"
    r"|perlu\s*dibayar)"
)
PLAIN = re.compile(
    r"(?<![a-z])(?:total|totaal|totale|gesamt|summe|somme|jumlah|tota1|totl|tolal|tctal)(?![a-z])"
    r"|(?<![a-z])total(?=amount|amt|sales|rm|incl|due|ttc|eur)"
)
WEAK = re.compile(
    r"^\W*(?:amount|amt|due|invoice\s*(?:total|amount)|bill\s*amount|betrag|montant|importe"
    r"|importo)\W*(?:rm)?\W*$"
)
INCLUSIVE = re.compile(r"(?<![a-z])(?:inc(?:l|lusive|luding|\.)?\b|ttc\b|inkl|incl(?!uded)|with\b)")
LESSER = re.compile(
    r"suppl(?:y|ies)|gross|sales\b|this\s*(?:page|month|period)|carried|charges|deposits|withdrawals"
    r"|current"
)
SUBTOTAL = re.compile(
    r"sub\W{0,3}tota|subtotaal|zwischensumme|sous\W?total|subtotale|nettobetrag|netto\b"
    r"|before\s*(?:tax|discount|gst)"
    r"|excl|exclusi|excluding|hors\s*taxe|\bht\b|\(ex\)|w/o\s*(?:tax|gst)|without\s*(?:tax|gst)"
    r"|ohne\s*(?:mwst|ust)"
)
TAX = re.compile(
    r"(?<![a-z])(?:gst|sst|vat|tax(?:es)?|tva|btw|mwst|ust|iva|cgst|sgst|igst|hst|pst"
    r"|umsatzsteuer)(?![a-z])"
    r"(?!\s*(?:invoice|id|reg|no\b|code|incl))"
)
ROUNDING = re.compile(r"(?<![a-z])(?:round(?:ing|ed|g)?|rnd|rounding|pembundaran)\b|bill\s*rounding")
CHANGE = re.compile(
    r"(?<![a-z])(?:change|chg\s*due|baki|wechselgeld|ruckgeld|rendu|cambio|wisselgeld|kembali)(?![a-z])"
)
PAYMENT = re.compile(
    r"(?<![a-z])(?:cash|tender(?:ed)?|visa|master(?:card)?|amex|edc|debit|credit\s*card|card|nets"
    r"|paid(?:\s*amount)?|tunai|received|pay"
    r"|bar|especes|efectivo|contanti|contant|pin|ideal|paypal|cheque|bank\s*transfer|payment"
    r"|betaald)(?![a-z])"
)
NEVER = re.compile(
    r"tota?l?\s*(?:qty|quantity|item|items|pcs|unit|units|sav|saving|savings|disc\w*|points|kwh"
    r"|hours|days|usage|qry|no\b|number|of\s*items|weight)"
    r"|minimum|previous|prior|last\s*(?:bill|statement|month)|opening|beginning|credit\s*(?:limit"
    r"|line)|available|past\s*due|overdue"
    r"|to\s*avoid|penalt|(?:fee|charge)\s*of|after\s*(?:the\s*)?due|if\s*paid|late\s*(?:fee|charge|payment)|you\s*save|saving|discount"
    r"|deposit\s*slip|item\s*count|auto\s*pay"
    r"|points|year\s*to\s*date|ytd|deductible|coverage|limit|qty|exchange|refund|per\s*(?:unit|kwh"
    r"|day|month)"
)
SUMMARY_OF_TAXES = re.compile(
    r"(?:gst|tax|sst|vat|btw|mwst)\s*(?:summar|sunmar|suamar|sumar|analysis|breakdown|detail|recap"
    r"|specification)|tax\s*code|gst\s*rate"
    r"|summary\s*of\s*(?:gst|tax)|ex\.?\s*btw"
)
ROWS_OF_A_TAX_SUMMARY = 8
_ROWS_OF_A_COLUMN = 8
_HEADS_OF_A_TABLE = 4
WORDS_OF_A_LABEL = 8
_WORD = re.compile(r"[a-z]{3}|[\u0590-\u06ff]{3}|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{2}")
LARGEST_ROUNDING = 1
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
    proof = _Proof.of(by_role)
    ranked = sorted(by_role.get("total", []), key=lambda candidate: _score(candidate, proof), reverse=True)
    total = ranked[0] if ranked else _from_payment(by_role)
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


def role_of(label: str) -> tuple[Role, float]:
    """The part that an amount plays by its label (folded), and how strongly the label says so."""
    if len(label) <= 90 and labels.label("total").search(label):
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
        if to_pay := [head for head in heads if labels.label("total").search(head)]:
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
        if role_of(segment.folded)[0] != role:
            continue
        names_what_to_pay = FINAL.search(segment.folded) or labels.label("total").search(segment.folded)
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
    roundings: frozenset[Decimal]

    @classmethod
    def of(cls, by_role: dict[Role, list[Candidate]]) -> _Proof:
        payments, changes, roundings = (
            {candidate.value for candidate in by_role.get(role, [])[-MOST_CONSIDERED:]}
            for role in ("payment", "change", "rounding")
        )
        return cls(
            Counter(candidate.value for candidate in by_role.get("total", [])),
            frozenset(payments),
            frozenset(abs(paid) - abs(change) for paid in payments for change in changes),
            frozenset(value for value in roundings if 0 < abs(value) <= LARGEST_ROUNDING),
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
    if value == 0:
        score -= 8
    if value < 0:
        score -= 6
    return score + min(candidate.amount.segment.row, 500) / 1000


def _from_payment(by_role: dict[Role, list[Candidate]]) -> Candidate | None:
    """Without a total, what was paid less the change; else the subtotal."""
    payments = [candidate for candidate in by_role.get("payment", []) if candidate.value > 0]
    changes = [abs(candidate.value) for candidate in by_role.get("change", [])]
    if payments and not any(changes):
        return payments[-1]
    return _last(by_role.get("subtotal"))


def _worked_out(parsed: ParsedText, by_role: dict[Role, list[Candidate]]) -> Decimal | None:
    """What a row that says "total" must have said, when only its figure was not read."""
    subtotal, tax, rounding = (_last(by_role.get(role)) for role in ("subtotal", "tax", "rounding"))
    named = any(PLAIN.fullmatch(row.folded.strip(" :.")) for row in parsed.rows)
    if not named or subtotal is None or tax is None or subtotal.value <= 0:
        return None
    return subtotal.value + tax.value + (rounding.value if rounding else Decimal(0))


def _last(candidates: list[Candidate] | None) -> Candidate | None:
    return candidates[-1] if candidates else None
