"""A document's own date, its due date and the period that it covers.

A date means what its label says. The label is what stands before it in its row, or above it. A date
that no label explains can be the document's own date, never a due date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alfrd_events.analysis.text import labels
from alfrd_events.analysis.text.dates import FoundDate, FoundPeriod, find_months, find_periods
from alfrd_events.analysis.text.layout import Segment, fold
from alfrd_events.analysis.text.parsed import ParsedText, Placed

OWN = re.compile(
    r"(?:statement|bill(?:ing)?|invoice|inv|issue|letter|notice|receipt|document|doc|closing"
    r"|assessment|pay|check|cheque|print\s*bill)"
    r"\s*date|date\s*(?:of\s*)?(?:issued?|invoice|bill|statement|issuance|the\s*invoice|receipt"
    r"|letter|notice)|(?:issued|dated|invoiced)"
    r"\s*(?:on)?\b|(?:bill|statement|invoice)\s*(?:issued|prepared)|charges\s*as\s*of|factuurdatum"
    r"|rechnungsdatum|ausstellungsdatum"
    r"|beleg\W?datum|rechnungs\W?datum|(?:rechnung|invoice|facture|factura|fattura|faktura|quittung)\b[^.]{0,40}?\b(?:vom|du|del|of|dated|z\s*dnia|ze\s*dne)\s*$"
    r"|(?:rechnung|invoice|facture|factura|fattura|faktura|quittung)\W{0,4}$|date\s*de\s*(?:facturation|facture|la\s*facture)|date\s*d'?\s*emission"
    r"|facture\s*n.{1,25}du|fecha\s*(?:de\s*)?"
    r"(?:factura|emision|expedicion)|data\s*(?:fattura|emissione|documento|della\s*fattura)"
    r"|transaction\s*date|purchase\s*date|order\s*date"
    r"|sale\s*date|date\s*(?:&|and)\s*time|tarikh"
)
PLAIN = re.compile(
    r"(?<![a-z])(?:date|datum|fecha|data|dt|le|du|den)\W{0,3}$|^\W*(?:date|datum|fecha|data)\b"
    r"|(?<![a-z])date\W"
)
DUE = re.compile(
    r"(?<![a-z])(?:(?:payment|bill|premium|rent|amount)?\s*due\s*(?:date|on|by)?"
    r"|pay(?:ment)?\s*(?:is\s*)?(?:due\s*)?(?:by|before|on\s*or\s*before)"
    r"|payable\s*(?:by|on|before)|(?:please\s*)?pay\s*by|is\s*due\s*(?:by|on)?|due\s*by|vervaldatum"
    r"|uiterste\s*betaaldatum"
    r"|te\s*betalen\s*(?:voor|uiterlijk)|zahlungsziel|zahlbar\s*bis|fallig(?:keit|\s*(?:am|bis))?\w*"
    r"|bezahlen\s*(?:bis|bitte)"
    r"|date\s*limite|echeance|a\s*(?:payer|regler)\s*avant|vencimiento|fecha\s*limite|scadenza"
    r"|pagare\s*entro|last\s*date\s*(?:of|for)\s*payment)"
    r"(?![a-z])"
)
NOT_DUE = re.compile(
    r"(?:previous|last|past|after|if\s*(?:not\s*)?paid|not\s*(?:paid|received)|since"
    r"|over)\W{0,2}(?:\w+\W+){0,2}due|due\s*(?:on|upon)\s*receipt|balance\s*due\s*from"
)
OTHER = re.compile(
    r"(?:birth|dob|expir|exp\b|valid|warrant|since|established|deliver|ship|check\W?in|check\W?out"
    r"|arriv|depart|effective|renewal|hire|service\s*(?:from|to)"
    r"|payments?\s*received|payment|from|through|until|previous|next|last|meter\s*read|read\s*date"
    r"|start|end|besteldatum|orderdatum|verzenddatum|order\s*date"
    r"|best\s*before|return\s*by|registered|copyright|act\b|revised|rev\b|form\b|as\s*of\s"
    r"|version|stylesheet|stand\W*$|liefer|leistung|bestell|auftrag|vertrag|lieferschein|gemass|livraison|commande"
    r"|received\s*after|in\s*effect|policy\s*period|coverage|reprint|print\s*date)"
)
PERIOD = re.compile(
    r"(?:bill(?:ing|ed)?|statement|service|rental|rent|pay|coverage|policy|invoice|usage|lease"
    r"|academic|tax|reporting)\s*(?:period|cycle|dates|month|term)"
    r"|period|for\s*the\s*month|zeitraum|abrechnungszeitraum|leistungszeitraum|periode|periodo"
    r"|periodo|du\b.*\bau\b|semester|term\b|service\s*from"
)
PREFERRED_PERIOD = re.compile(r"bill|statement|service|rental|rent|pay\b|invoice|zeitraum|usage")
LONGER_PERIOD = re.compile(r"policy\s*(?:period|term)|coverage|lease|contract")
DISCOUNT = re.compile(r"skonto|discount|escompte|sconto|korting|abatement|descuento|rabatt")
"""A day that is for those who pay early is no due date."""
WITHIN_DAYS = re.compile(
    r"(?:payable|pay(?:ment)?(?:\s*is)?(?:\s*due)?|due|net|terms?)\W{0,3}(?:within\s*)?(\d{1,3})\s*(?:calendar\s*)?days"
    r"|within\s*(\d{1,3})\s*days\s*(?:of|from|after)\s*(?:the\s*)?(?:invoice|receipt\s*of|bill)"
    r"|(?:zahlbar|zahlung|zahlungsziel|fallig)[^.;\d]{0,40}?(\d{1,3})\s*tage[n]?(?!\w)"
    r"|(\d{1,3})\s*tage[n]?\s*(?:netto|rein\s*netto|ohne\s*abzug)"
    r"|(?:payable|paiement|reglement)[^.;\d]{0,30}?(\d{1,3})\s*jours"
    r"|(?:betalingstermijn|te\s*betalen|betaling)[^.;\d]{0,30}?(\d{1,3})\s*dagen"
    r"|(?:betalas|betalningsvillkor|forfaller)[^.;\d]{0,30}?(\d{1,3})\s*dagar"
    r"|(?:pago|pagadero|vencimiento)[^.;\d]{0,30}?(\d{1,3})\s*dias"
    r"|(?:pagamento)[^.;\d]{0,30}?(\d{1,3})\s*(?:giorni|dias)"
    r"|net\s*(\d{1,3})(?!\s*[\d.,%])"
)
STATEMENTS = frozenset({"bank_statement", "credit_card", "investment"})
"""Types whose papers tell of a period, row by row."""
EARLIEST_YEAR = 1950
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


def find_dates_of(
    parsed: ParsedText, created_at: datetime, *, is_receipt: bool, is_statement: bool = False
) -> When:
    """Tell the dates of a document apart.

    :param created_at: when it came in; a later date is not its own.
    :param is_receipt: its date is the moment of the purchase: the clock beside it says so.
    :param is_statement: its date is the end of its period, unless a label names another; not that of one of its rows.
    """
    candidates = _candidates(parsed)
    due = _due(candidates)
    period = _period(parsed)
    latest = created_at.date() + timedelta(days=45)
    own = _own(candidates, due, period, latest, is_receipt=is_receipt)
    if is_statement and period is not None and not _is_labelled(own, candidates):
        own = Placed(_end_of(period.value), period.segment, period.start, period.end)
    if due is None and own is not None:
        due = _days_after(own, parsed)
    if due is not None and own is not None and due.value.value == own.value.value:
        due = None  # "due on" the day of the invoice is "on receipt": nobody has a day to keep
    return When(own, due, period)


def _is_labelled(own: Placed[FoundDate] | None, candidates: list[_Candidate]) -> bool:
    return any(
        candidate.placed is own and (OWN.search(candidate.label) or OWN.search(candidate.above))
        for candidate in candidates
    )


def _end_of(period: FoundPeriod) -> FoundDate:
    return FoundDate(period.last, period.start, period.end, period.text)


def _days_after(own: Placed[FoundDate], parsed: ParsedText) -> Placed[FoundDate] | None:
    """The due date that is given as a number of days: "payable within 14 days"."""
    for row in parsed.rows:
        match = WITHIN_DAYS.search(row.folded)
        if match is None or DISCOUNT.search(row.folded[: match.end() + 30]):
            continue
        days = int(next(filter(None, match.groups())))
        if 0 < days <= 180:
            day = own.value.value + timedelta(days=days)
            return Placed(
                FoundDate(day, match.start(), match.end(), match[0]), row.segments[0], *match.span()
            )
    return None


def _candidates(parsed: ParsedText) -> list[_Candidate]:
    found = []
    for row, dates in zip(parsed.rows, parsed.dates, strict=True):
        for index, placed in enumerate(dates):
            start = dates[index - 1].end if index else 0
            label = row.folded[max(start, placed.start - REACH) : placed.start]
            above = "" if re.search(r"[a-z]{3}", label) else _above(parsed, placed.segment)
            after = row.folded[placed.end : placed.end + 12]
            has_time = bool(re.search(r"\d\s?:\s?\d\d|\d[ap]m", after))
            found.append(_Candidate(placed, label, above, has_time))
    return found


def _above(parsed: ParsedText, segment: Segment) -> str:
    """The nearest words above a segment: the head of its column."""
    for row in reversed(parsed.rows[max(0, segment.row - 2) : segment.row]):
        if row.page != segment.page:
            break
        if not parsed.layout.has_boxes:
            return row.folded if len(row.folded) < 40 else ""
        for other in row.segments:
            if other.overlaps_horizontally(segment) and re.search(r"[a-z]{2}", other.folded):
                return other.folded
    return ""


def _due(candidates: list[_Candidate]) -> Placed[FoundDate] | None:
    for place in ("label", "above"):
        for candidate in candidates:
            label: str = getattr(candidate, place)
            hits = [*DUE.finditer(label[-REACH:]), *labels.label("due").finditer(label[-REACH:])]
            if (
                hits
                and not NOT_DUE.search(label)
                and not DISCOUNT.search(label)
                and any(not OWN.search(label[hit.end() :]) and _is_due(label, hit, candidate) for hit in hits)
            ):
                return candidate.placed
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


def _own_score(candidate: _Candidate, *, is_receipt: bool) -> float:
    label = candidate.label or ""
    score = 0.0
    near = label[-30:]
    for text, weight in ((near, 1.0), (candidate.above, 0.8)):
        if OWN.search(text):
            score += 6 * weight
        elif DUE.search(text):
            score -= 5 * weight
        elif OTHER.search(text):
            score -= 4 * weight
        elif PLAIN.search(text):
            score += 4 * weight
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


def _period(parsed: ParsedText) -> Placed[FoundPeriod] | None:
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
        if re.search(r"\b(?:from|start|begin|von|du|van)\b", heads) and re.search(
            r"\b(?:to|through|thru|end|until|bis|au|tot)\b", heads
        ):
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
