"""A document in one line, and its values with the places where they were read."""

from __future__ import annotations

from alfrd_events.analysis.ranking.trees import Weights, trained
from alfrd_events.analysis.rules import lessons
from alfrd_events.analysis.rules.chosen import choose_values
from alfrd_events.analysis.rules.document_dates import STATEMENTS, When
from alfrd_events.analysis.rules.doubts import doubts_of
from alfrd_events.analysis.rules.doubts_of_order import doubts_of_order
from alfrd_events.analysis.rules.e_invoice import find_invoice, values_of
from alfrd_events.analysis.rules.fields import (
    LabelledValue,
    find_fees,
    find_identifiers,
    find_payment_method,
    find_quantities,
)
from alfrd_events.analysis.rules.forms.form import Form
from alfrd_events.analysis.rules.items import find_items
from alfrd_events.analysis.rules.lexicon import type_titles
from alfrd_events.analysis.rules.several_papers import first_of_several
from alfrd_events.analysis.rules.transactions import find_statement
from alfrd_events.analysis.rules.value_signs import Signs, with_confidence
from alfrd_events.analysis.text.currency import place_currency
from alfrd_events.analysis.text.parsed import ParsedText
from alfrd_events.analysis.text.totals import GIVEN_BACK, Totals
from alfrd_events.analysis.text.written import money
from alfrd_events.model import Document, Doubt, Evidence, JsonObject, Summary
from alfrd_events.model.doubts import clause

ACCOUNT_NAMES = (
    "account_number",
    "policy_number",
    "customer_number",
    "student_id",
    "employee_id",
    "registration_number",
)
ROWS_OF_A_TITLE = 12
WITHOUT_ITEMS = frozenset({"bank_statement", "credit_card", "investment", "payroll"})
"""Their tables list movements and deductions, not things that add up to the total."""
OWED = frozenset({"invoice", "utility_bill", "service_bill", "insurance", "property", "tax"})
"""What these say is given back, the sender owes: their total is negative."""
PURCHASES = frozenset({"receipt", "invoice"})
SUMS_OF_A_BILL = ("subtotal", "tax", "rounding")
"""A form with boxes has other names for its sums."""
CURRENCY_OF_TAX_FORMS = "USD"
"""The forms that are known are those of the United States, which print no sign."""
CORRECTABLE = (
    "entity",
    "document_date",
    "due_date",
    "total_amount",
    "currency",
    "account_number",
    "period_start",
    "period_end",
    "structured_data",
)


def summarize(document: Document, weights: Weights | None = None) -> Summary:
    """Read a document's values; what the text does not hold stays empty.

    :param weights: others than the package ships, to measure how they do.
    """
    weights = weights or trained()
    if known := find_invoice(document):
        exact = as_corrected(document, values_of(*known))
        what = "credit note" if known[1].is_credit else _noun(document.document_type or "invoice", exact)
        return exact.model_copy(update={"summary": one_line(what, exact)})
    if several := first_of_several(document):
        first = summarize(several.first, weights)
        doubt = Doubt(field="document", reason=clause("several", **several.places))
        return first.model_copy(update={"doubts": (doubt, *first.doubts)})
    parsed = ParsedText.of(document)
    if parsed.layout.is_blank:
        return Summary(summary="A document without text.")
    chosen = choose_values(document, parsed, weights)
    totals, when, form = chosen.proposals.rules_totals, chosen.proposals.rules_when, chosen.proposals.form
    identifiers = find_identifiers(parsed)
    total = chosen.total
    gives_back = parsed.is_credit and document.document_type not in STATEMENTS
    amount = total.value.value if total else None
    if total is not None and document.document_type in OWED and GIVEN_BACK.search(total.value.label):
        amount = -abs(total.value.value)
    unsupported: tuple[str, ...] = ()
    if totals.worked_out is not None:
        amount, unsupported = totals.worked_out, ("total_amount",)
    if amount is not None and gives_back:
        amount = -abs(amount)
    currency = (
        place_currency(parsed, total.value.placed if total else None) if total or parsed.all_amounts else None
    )
    is_of_taxes = form is not None and form.is_of_taxes
    account = next((identifiers[name] for name in ACCOUNT_NAMES if name in identifiers), None)
    evidence = chosen.evidence() | _evidence(when, account)
    if unsupported:
        evidence.pop("total_amount", None)
    structured: JsonObject = {}
    if form is None or not form.is_of_taxes:
        structured = _structured(
            document.document_type, parsed, totals, identifiers, evidence, gives_back=gives_back
        )
    if form is not None:
        for name in SUMS_OF_A_BILL:
            structured.pop(name, None)
            evidence.pop(name, None)
        structured |= _boxes(form, when, evidence)
    if document.document_type in STATEMENTS:
        structured |= _movements(parsed, when, evidence)
    summary = Summary(
        summary="-",
        entity=chosen.name.value.name if chosen.name else "",
        document_date=chosen.day.value.value if chosen.day else None,
        due_date=when.due.value.value if when.due else None,
        total_amount=amount,
        currency=currency.code if currency else CURRENCY_OF_TAX_FORMS if is_of_taxes else "",
        account_number=account.value if account else "",
        period_start=when.period.value.first if when.period else None,
        period_end=when.period.value.last if when.period else None,
        structured_data=structured,
        evidence=evidence,
        unsupported=unsupported,
    )
    summary = summary.model_copy(
        update={"evidence": with_confidence(Signs(document, parsed, summary), weights)}
    )
    doubts = (*doubts_of(document, summary, weights), *doubts_of_order(parsed, chosen.day, when.due))
    summary = summary.model_copy(update={"doubts": doubts})
    summary = as_corrected(document, lessons.summarized(document, parsed, summary))
    what = f"form {form.name}" if form is not None and is_of_taxes else ""
    return summary.model_copy(
        update={"summary": one_line(what or what_it_is(document, summary, parsed), summary)}
    )


def as_corrected(document: Document, found: Summary) -> Summary:
    """Put what a person has set in the place of what was found, so that the sentence says the same as the values."""
    kept = {name: getattr(document, name) for name in CORRECTABLE if name in document.corrected}
    return found.model_copy(update=kept) if kept else found


def what_it_is(document: Document, summary: Summary, parsed: ParsedText | None = None) -> str:
    """What to call a document: as it calls itself, else by its type."""
    heading = _heading(document.document_type, parsed or ParsedText.of(document))
    return heading or _noun(document.document_type, summary)


def _evidence(when: When, account: LabelledValue | None) -> dict[str, Evidence]:
    evidence: dict[str, Evidence] = {}
    if when.due is not None:
        evidence["due_date"] = when.due.segment.evidence
    if when.period is not None:
        evidence["period_start"] = evidence["period_end"] = when.period.segment.evidence
    if account is not None:
        evidence["account_number"] = account.segment.evidence
    return evidence


def _structured(
    document_type: str,
    parsed: ParsedText,
    totals: Totals,
    identifiers: dict[str, LabelledValue],
    evidence: dict[str, Evidence],
    *,
    gives_back: bool,
) -> JsonObject:
    """Everything else, under names that do not change from one document to the next.

    A payslip has several taxes, some without the word: one of them is not "the tax", and is left out.
    """
    data: JsonObject = {}
    for name, candidate in (
        ("subtotal", totals.subtotal),
        ("tax", totals.tax),
        ("rounding", totals.rounding),
    ):
        if candidate is not None and not (name == "tax" and document_type == "payroll"):
            data[name] = str(-abs(candidate.value) if gives_back else candidate.value)
            evidence[name] = candidate.amount.segment.evidence
    for name, found in (identifiers | find_quantities(parsed)).items():
        if name != "account_number":
            data[name] = found.value
            evidence[name] = found.segment.evidence
    for name, (amount, segment) in find_fees(parsed).items():
        data[name] = str(amount)
        evidence[name] = segment.evidence
    method = None if document_type in STATEMENTS else find_payment_method(parsed)
    if method is not None:
        data["payment_method"] = method.value
        evidence["payment_method"] = method.segment.evidence
    items = [] if document_type in WITHOUT_ITEMS else find_items(parsed)
    if items:
        data["line_items"] = items
    return data


def _boxes(form: Form, when: When, evidence: dict[str, Evidence]) -> JsonObject:
    """The values of a form's boxes by name, and which form it is if it is one of taxes."""
    data: JsonObject = {}
    if form.is_of_taxes:
        data["form"] = form.name
        if when.period is not None:
            data["tax_year"] = str(when.period.value.last.year)
    for name, value, segment in form.fields():
        data[name] = value
        evidence[name] = segment.evidence
    return data


def _movements(parsed: ParsedText, when: When, evidence: dict[str, Evidence]) -> JsonObject:
    """The rows of a statement of an account, with the balances before and after them."""
    own = when.own.value.value if when.own else None
    period = when.period.value if when.period else None
    statement = find_statement(parsed, period.first if period else None, period.last if period else own)
    if statement is None:
        return {}
    data: JsonObject = {"transactions": [each.as_json() for each in statement.transactions]}
    for name, balance in (("opening_balance", statement.opening), ("closing_balance", statement.closing)):
        if balance is not None:
            data[name] = str(balance.value.value)
            evidence[name] = balance.segment.evidence
    return data


def _heading(document_type: str, parsed: ParsedText) -> str:
    """What the paper calls itself, where that is more telling than its type: "rent receipt"."""
    title = type_titles().get(document_type)
    if title is None or document_type in PURCHASES:
        return ""
    for row in parsed.rows[:ROWS_OF_A_TITLE]:
        for segment in row.segments:
            heading = title.title_in(segment.folded)
            if " " in heading:
                return heading
    return ""


def one_line(what: str, summary: Summary) -> str:
    """``State Farm Insurance, insurance bill of 2024-02-01: $150.00, due 2024-02-21.``"""
    parts = [f"{summary.entity}, {what}" if summary.entity else what[:1].upper() + what[1:]]
    if summary.document_date:
        parts.append(f"of {summary.document_date.isoformat()}")
    line = " ".join(parts)
    if summary.period_start and summary.period_end:
        line += f" for {summary.period_start.isoformat()} to {summary.period_end.isoformat()}"
    if summary.total_amount is not None:
        line += f": {money(summary.total_amount, summary.currency)}"
    if summary.due_date:
        line += f", due {summary.due_date.isoformat()}"
    method = summary.structured_data.get("payment_method")
    if method and what == "receipt":
        line += f", paid by {method}"
    return line + "."


def _noun(document_type: str, summary: Summary) -> str:
    nouns = {
        "utility_bill": "utility bill",
        "service_bill": "service bill",
        "insurance": "insurance bill"
        if summary.due_date or summary.total_amount is not None
        else "insurance document",
        "property": "rent receipt" if "base_rent" in summary.structured_data else "property document",
        "education": "tuition statement" if summary.total_amount is not None else "education document",
        "payroll": "pay stub",
        "bank_statement": "bank statement",
        "credit_card": "credit card statement",
        "investment": "investment statement",
        "other": "document",
        "": "document",
    }
    if document_type in PURCHASES:
        return document_type
    return nouns.get(document_type, f"{document_type.replace('_', ' ')} document")
