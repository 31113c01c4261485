"""Checks of a document's values: each is in the text, what belongs together adds up, and dates make sense."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from alfrd_events.analysis.rules.chosen import choose_values
from alfrd_events.analysis.rules.items import items_add_up
from alfrd_events.analysis.rules.name_words import ADDRESS, HOUSE_NUMBER_FIRST, ORGANISATION, TRADE
from alfrd_events.analysis.rules.several_papers import first_of_several
from alfrd_events.analysis.rules.weighing import GRAVE, Weighed, weigh
from alfrd_events.analysis.text.grounding import Support
from alfrd_events.analysis.text.layout import fold
from alfrd_events.analysis.text.naming import ENDS_WITH_LEGAL_FORM, entity_key
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.totals import find_totals
from alfrd_events.model import Document

REQUIRED: dict[str, tuple[str, ...]] = {
    "receipt": ("entity", "document_date", "total_amount"),
    "invoice": ("entity", "document_date", "total_amount", "invoice_number"),
    "utility_bill": ("entity", "document_date", "total_amount", "due_date", "account_number"),
    "service_bill": ("entity", "document_date", "total_amount", "account_number"),
    "insurance": ("entity", "document_date", "account_number"),
    "bank_statement": ("entity", "document_date", "account_number"),
    "credit_card": ("entity", "document_date", "total_amount", "due_date"),
    "property": ("entity", "document_date"),
    "payroll": ("entity", "document_date", "total_amount"),
    "education": ("entity", "document_date"),
    "tax": ("entity", "document_date"),
    "other": (),
}
LONG_NUMBER = re.compile(r"\d{5}|\+\d|(?<!\d)\d{3}[\s.)-]{1,2}\d{4}(?!\d)|\d{2,4}(?:[\s./-]\d{2,4}){2}")
"""A telephone, account or registration number, a postal code or a date; "Studio 54" has none."""
SUMS = frozenset({"total", "subtotal"})
"""The rows that items can add up to; a payment or a tax is not one."""
CENT = Decimal("0.02")


def checks_of_values(document: Document) -> Iterator[Weighed]:
    """Every check that applies to the stored values of a document."""
    parsed = ParsedText.of(document)
    yield from _one_paper(document)
    yield from _required(document)
    yield from _named(document, parsed)
    yield from _supported(document, parsed)
    yield from _sums(document, parsed)
    yield from _movements(document)
    yield from _dates(document)
    yield from _readable(document, parsed)


def _one_paper(document: Document) -> Iterable[Weighed]:
    """Whether all pages belong to one paper; said only where they do not, as of most there is nothing to check."""
    if several := first_of_several(document):
        advice = "Send each paper as a file of its own."
        yield weigh("one paper", False, several.reason, GRAVE, advice)


def _required(document: Document) -> Iterable[Weighed]:
    for name in REQUIRED.get(document.document_type, ("entity",)):
        value = getattr(document, name) if hasattr(document, name) else document.structured_data.get(name)
        given = value not in (None, "")
        wanted, kind = name.replace("_", " "), document.document_type.replace("_", " ")
        advice = f"Look for the {wanted}: a {kind} usually prints it."
        yield weigh(f"{name} given", given, "" if given else "missing", 2, advice)


def _named(document: Document, parsed: ParsedText) -> Iterable[Weighed]:
    """Whether the entity is a name and nothing else that stands at the head of a paper."""
    name = document.entity
    if not name:
        return
    folded = fold(name)
    yield weigh(
        "entity without a number",
        not LONG_NUMBER.search(name),
        name,
        3,
        "Give the name alone, without telephone, account or registration number.",
    )
    yield weigh(
        "entity is no address",
        not _is_address(name) or _heads(name, parsed),
        name,
        2,
        "Give the company's name, not its address.",
    )
    yield weigh(
        "entity is more than a trade",
        not TRADE.match(folded) or _heads(name, parsed),
        name,
        3,
        "Give who it is, not what it is: the name stands above or beside this line.",
    )


def _is_address(name: str) -> bool:
    """ "12 Main Street", not "Main Street Dental" or "Jalan Batu Sdn Bhd"."""
    folded = fold(name)
    named = ENDS_WITH_LEGAL_FORM.search(name) or ORGANISATION.search(folded)
    return bool(ADDRESS.search(folded)) and (not named or bool(HOUSE_NUMBER_FIRST.match(folded)))


def _heads(name: str, parsed: ParsedText) -> bool:
    """Whether it is what the paper begins with: "The Pharmacy" may be a shop's name."""
    return bool(parsed.rows) and entity_key(name) == entity_key(parsed.rows[0].segments[0].text)


def _supported(document: Document, parsed: ParsedText) -> Iterable[Weighed]:
    support = Support(parsed)
    chosen = choose_values(document, parsed)
    if document.entity:
        present = support.has_entity(document.entity)
        yield weigh(
            "entity in the text", present, document.entity, 3, "Give the company's name as it is printed."
        )
        if chosen.name is not None and present:
            issuer = chosen.name.value.name
            same = entity_key(issuer) == entity_key(document.entity)
            yield weigh(
                "entity is the issuer",
                same,
                f"the issuer looks like {issuer}",
                1,
                f"Check whether {issuer} issued it.",
            )
    if document.total_amount is not None:
        yield weigh(
            "total in the text",
            support.has_amount(document.total_amount),
            str(document.total_amount),
            4,
            "Give a total that is printed, not one worked out.",
        )
        if chosen.total is not None:
            best = chosen.total.value
            yield weigh(
                "total has the total's label",
                best.value == document.total_amount,
                f"the row “{best.label[:40]}” says {best.value}",
                2,
                f"The row “{best.label[:40]}” says {best.value}.",
            )
    form, due = chosen.proposals.form, chosen.proposals.rules_when.due
    end_of_form = form.day.value.value if form is not None and form.day is not None else None
    counted = {"document_date": end_of_form, "due_date": due.value.value if due else None}
    for name, day in (("document_date", document.document_date), ("due_date", document.due_date)):
        if day is not None:
            yield weigh(
                f"{name} in the text",
                support.has_day(day) or day == counted[name],
                day.isoformat(),
                3,
                f"Give a {name.replace('_', ' ')} that is printed.",
            )
    if document.account_number:
        present = support.has_identifier(document.account_number)
        yield weigh("account number in the text", present, "", 2, "Give the account number as printed.")


def _sums(document: Document, parsed: ParsedText) -> Iterable[Weighed]:
    total = document.total_amount
    data = document.structured_data
    subtotal, tax, rounding = (_decimal(data.get(name)) for name in ("subtotal", "tax", "rounding"))
    if total is not None and subtotal is not None:
        extras = sum(
            (_decimal(data.get(name)) or Decimal(0) for name in ("service_charge", "shipping", "tip")),
            Decimal(0),
        )
        discount = abs(_decimal(data.get("discount")) or Decimal(0))
        prepaid = _decimal(data.get("prepaid")) or Decimal(0)
        parts = [
            subtotal
            + (tax or 0) * with_tax
            + extras * with_extras
            + (rounding or 0)
            - discount * less
            - prepaid
            for with_tax in (0, 1)
            for with_extras in (0, 1)
            for less in (0, 1)
        ]
        fits = any(abs(part - total) <= CENT for part in parts)
        yield weigh(
            "subtotal, tax and total agree",
            fits,
            f"{subtotal} + {tax or 0} against {total}",
            2,
            "Check which rows are subtotal, tax and total.",
        )
    items = data.get("line_items")
    if isinstance(items, list) and items and all(_is_item(item) for item in items):
        sums = [candidate.value for candidate in find_totals(parsed).candidates if candidate.role in SUMS]
        stated = [value for value in (total, subtotal) if value is not None]
        targets = [*stated, *sums, *([total - tax] if total is not None and tax is not None else [])]
        targets += [abs(target) for target in targets]  # a credit note may print its rows without a sign
        yield weigh(
            "line items add up",
            items_add_up(items, targets),
            f"{len(items)} items",
            2,
            "Check the line items: their amounts do not add up to the total.",
        )


def _movements(document: Document) -> Iterable[Weighed]:
    """Opening balance and rows of a statement give its closing balance."""
    data = document.structured_data
    opening, closing = _decimal(data.get("opening_balance")), _decimal(data.get("closing_balance"))
    rows = data.get("transactions")
    if not isinstance(rows, list) or opening is None or closing is None:
        return
    amounts = [_decimal(row.get("amount")) if isinstance(row, dict) else None for row in rows]
    moved = sum((amount for amount in amounts if amount is not None), Decimal(0))
    yield weigh(
        "transactions add up",
        None not in amounts and opening + moved == closing,
        f"{len(rows)} rows",
        2,
        "Check the transactions: with the opening balance they do not add up to the closing balance.",
    )


def _dates(document: Document) -> Iterable[Weighed]:
    own, due = document.document_date, document.due_date
    if own is not None:
        newest = document.created_at.date() + timedelta(days=45)
        yield weigh(
            "plausible date",
            own.year >= 1950 and own <= newest,
            own.isoformat(),
            2,
            "Check day, month and year: the date is long ago or in the future.",
        )
    if own is not None and due is not None:
        yield weigh(
            "due after its date",
            own <= due <= own + timedelta(days=400),
            f"{own} → {due}",
            2,
            "Check which date is the due date.",
        )
    first, last = document.period_start, document.period_end
    if first is not None and last is not None:
        yield weigh(
            "period in order",
            first <= last <= first + timedelta(days=800),
            f"{first} → {last}",
            1,
            "Check the order of the period's two ends.",
        )


def _readable(document: Document, parsed: ParsedText) -> Iterable[Weighed]:
    line = document.summary.strip()
    yield weigh(
        "one line",
        bool(line) and "\n" not in line and len(line) <= 300,
        "",
        1,
        "Give one line of at most 300 characters.",
    )
    if document.total_amount is not None and line:
        digits = re.sub(r"\D", "", f"{document.total_amount:.2f}")
        yield weigh(
            "summary names the amount",
            digits in re.sub(r"\D", "", line),
            "",
            1,
            "Name the amount in the summary.",
        )
    confidences = [page.confidence for page in document.pages]
    if confidences:
        yield weigh(
            "well read",
            min(confidences) >= 0.6,
            f"reader's confidence {min(confidences):.2f}",
            1,
            "The page was badly read; scan it again at a higher resolution.",
        )
    if parsed.all_amounts and document.document_type in {"receipt", "invoice"}:
        yield weigh(
            "currency given",
            bool(document.currency),
            document.currency,
            1,
            "Name the currency of the amounts.",
        )


def _is_item(item: object) -> bool:
    return isinstance(item, dict) and _decimal(item.get("amount")) is not None


def _decimal(value: object) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
