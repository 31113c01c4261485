"""Which recurring series a document belongs to: whose, of what kind, how often.

The kind follows from the type and the principal subject, never from incidental words, so that all
documents of a series get the same. Receipts and invoices of a merchant are one series, "purchases":
whether a shop prints "receipt" or "tax invoice" on its roll differs from day to day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from alfrd_events.analysis.rules.lexicon import kinds
from alfrd_events.analysis.text.excerpt import excerpt
from alfrd_events.analysis.text.layout import fold
from alfrd_events.analysis.text.naming import (
    LEGAL_FORM,
    account_key,
    clean_name,
    entity_key,
    likeness,
    same_entity,
)
from alfrd_events.analysis.text.phrases import SearchableText
from alfrd_events.model import Document, Filing, Frequency, Series

PLAIN_KINDS: dict[str, str] = {
    "receipt": "purchases",
    "invoice": "purchases",
    "bank_statement": "bank statement",
    "credit_card": "credit card statement",
    "investment": "investment statement",
    "payroll": "pay stub",
    "utility_bill": "utility bill",
    "service_bill": "service bill",
    "insurance": "insurance",
    "property": "property",
    "education": "education",
    "medical": "medical",
    "tax": "tax",
    "government": "government letters",
    "legal": "legal documents",
    "employment": "employment",
    "vehicle": "vehicle",
    "event": "events",
    "promotional": "promotions",
    "junk": "junk mail",
}
FREQUENCIES: dict[str, Frequency] = {
    "electricity bill": "monthly",
    "gas bill": "monthly",
    "water bill": "monthly",
    "waste bill": "monthly",
    "utility bill": "monthly",
    "phone bill": "monthly",
    "internet bill": "monthly",
    "television bill": "monthly",
    "service bill": "monthly",
    "auto insurance": "monthly",
    "home insurance": "annual",
    "renters insurance": "monthly",
    "health insurance": "monthly",
    "dental insurance": "monthly",
    "life insurance": "monthly",
    "insurance": "monthly",
    "rent": "monthly",
    "mortgage": "monthly",
    "association dues": "monthly",
    "property tax": "annual",
    "income tax": "annual",
    "tax": "annual",
    "tuition": "semiannual",
    "school report": "semiannual",
    "bank statement": "monthly",
    "credit card statement": "monthly",
    "investment statement": "quarterly",
    "pay stub": "biweekly",
    "vehicle registration": "annual",
    "car loan": "monthly",
}
"""How often one of a kind usually comes; any other comes irregularly."""
LENGTHS: tuple[tuple[int, int, Frequency], ...] = (
    (6, 8, "weekly"),
    (13, 16, "biweekly"),
    (26, 35, "monthly"),
    (84, 98, "quarterly"),
    (175, 190, "semiannual"),
    (355, 375, "annual"),
)
MARGIN = 0.03
"""By so much the likest name has to be liker than the next."""
_MOST_RIVALS = 5


def detect_series(document: Document, candidates: Sequence[Series]) -> Filing:
    """Name a document's series, the candidate's own where one fits; none (no entity) if nobody is named."""
    entity = clean_name(document.entity)
    kind = kind_of(document)
    if not entity:
        return Filing(entity="", kind=kind, frequency="irregular", title=kind)
    known = _known(document, entity, kind, candidates)
    if len(known) == 1:
        return filed_in(known[0])
    frequency = frequency_of(document, kind)
    entity = display_name(entity)
    return Filing(
        entity=entity,
        kind=kind,
        frequency=frequency,
        title=f"{entity}: {kind}",
        description=description_of(entity, kind, frequency),
        documents_needed=documents_needed(document),
        rivals=tuple(series.id for series in known),
    )


def documents_needed(document: Document) -> int:
    """How many documents make a new series: two receipts of a shop, of all else one."""
    return 2 if document.document_type == "receipt" else 1


def filed_in(series: Series) -> Filing:
    """A place in a series that is known."""
    return Filing(
        entity=series.entity,
        kind=series.kind,
        frequency=as_frequency(series.frequency),
        title=series.title,
        description=description_of(series.entity, series.kind, series.frequency),
        series_id=series.id,
    )


def kind_of(document: Document) -> str:
    """What recurs, in lower-case words."""
    text = SearchableText(fold(excerpt(document).text))
    by_words = kinds().get(document.document_type, ())
    present = next((kind for kind, phrases in by_words if phrases.occur_in(text)), None)
    plain = document.document_type.replace("_", " ") or "documents"
    return present or PLAIN_KINDS.get(document.document_type, plain)


def frequency_of(document: Document, kind: str) -> Frequency:
    """How often to expect one: by the length of the period it covers, else by its kind."""
    usual: Frequency = FREQUENCIES.get(kind, "irregular")
    if document.period_start and document.period_end and usual != "irregular":
        days = (document.period_end - document.period_start).days + 1
        return next((name for low, high, name in LENGTHS if low <= days <= high), usual)
    return usual


def display_name(entity: str) -> str:
    """The name as people say it: a shouted name keeps its capitals, white space is single."""
    return re.sub(r"\s+", " ", entity).strip(" ,;:")


def account_of(document: Document, kind: str) -> str:
    """The key of the account that a document belongs to; empty for kinds without accounts, such as purchases."""
    return account_key(document.account_number) if kind in FREQUENCIES else ""


def _known(document: Document, entity: str, kind: str, candidates: Sequence[Series]) -> Sequence[Series]:
    """The candidate of the same kind and account, else of the same company; several where it is not clear which."""
    account = account_of(document, kind)
    of_kind = [series for series in candidates if series.kind == kind]
    if account and (same := [series for series in of_kind if series.account == account]):
        return same[:1]
    fitting = [
        series
        for series in of_kind
        if same_entity(series.entity, entity) and not (account and series.account)
    ]
    if not account and len(fitting) > 1:
        fitting = [series for series in fitting if not series.account] or fitting
    ranked = sorted(fitting, key=lambda series: likeness(series.entity, entity), reverse=True)
    near = [
        series
        for series in ranked
        if likeness(series.entity, entity) > likeness(ranked[0].entity, entity) - MARGIN
    ]
    if len(near) > 1 and entity_key(near[0].entity) == entity_key(entity) and not near[0].account:
        return near[:1]
    return near[:_MOST_RIVALS]


def as_frequency(name: str) -> Frequency:
    known: tuple[Frequency, ...] = (
        "weekly",
        "biweekly",
        "monthly",
        "quarterly",
        "semiannual",
        "annual",
        "irregular",
    )
    return next((frequency for frequency in known if frequency == name), "irregular")


def description_of(entity: str, kind: str, frequency: str) -> str:
    short = LEGAL_FORM.sub("", entity).strip(" ,.") or entity
    often = "" if frequency == "irregular" else f"{frequency} "
    return (
        f"{often}{kind} from {short}".strip().capitalize() if often else f"{kind.capitalize()} from {short}"
    )
