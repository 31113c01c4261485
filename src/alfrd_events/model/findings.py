"""What analysts find: the type, the values, scores, the series, the fields, the summary of a file."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from pydantic import Field

from alfrd_events.model.base import AnalystResult, Box, Confidence, Frequency, JsonObject, Result


class Evidence(Result):
    """Where on the document a value was read."""

    page: int
    text: str
    box: Box | None = None
    confidence: Confidence | None = None
    """Calibrated probability that the value is right; ``None`` where nothing is known of it."""
    label: str = ""
    """The words that the value was found by."""
    alternatives: tuple[str, ...] = ()
    """What else it could be, the likeliest first: dates in ISO form, amounts as plain decimals."""


class Classification(AnalystResult):
    """What kind of document it is."""

    document_type: str
    """A known type's name; ``other`` where none fits."""
    confidence: Confidence
    reasoning: str
    tags: tuple[str, ...] = ()
    suggested_type: str = ""
    """A type that is not known yet but would fit better."""


class Doubt(Result):
    """A reason for a person to look at a document."""

    field: str
    """The value in doubt; ``document`` where it is the paper as a whole."""
    reason: str
    """A clause that names the value: ``the total is unsure (48%) and could be 12.65``."""
    confidence: Confidence = 0.0
    """How sure the value is; 0 where there is none."""


class Summary(AnalystResult):
    """A document in one line, and its values."""

    summary: str
    """One line with the vendor, the amount and the due date where it is a bill."""
    entity: str = ""
    """The issuing company as printed."""
    document_date: date | None = None
    """The document's own date: bill, statement, invoice or issue date."""
    due_date: date | None = None
    """Only where one is printed."""
    total_amount: Decimal | None = None
    """What is to be paid or was paid."""
    currency: str = ""
    """ISO 4217 code, or empty where the document does not tell."""
    account_number: str = ""
    """Account, policy, customer or member number by which the issuer knows the recipient."""
    period_start: date | None = None
    period_end: date | None = None
    structured_data: JsonObject = Field(default_factory=dict)
    """Further values under stable snake_case names: ``line_items`` (``[{description, quantity,
    unit_price, amount}]``), ``subtotal``, ``tax``, ``invoice_number`` … Amounts are strings of decimals, dates
    ISO dates."""
    evidence: dict[str, Evidence] = Field(default_factory=dict)
    """For each field name above: where it was read."""
    unsupported: tuple[str, ...] = ()
    """Names of fields whose value is not in the document's text."""
    doubts: tuple[Doubt, ...] = ()
    """What a person should look at; empty where all main values are sure enough."""


class Check(Result):
    """One thing that a result was checked for."""

    name: str
    passed: bool
    detail: str = ""


class Score(AnalystResult):
    """How good a result is, and why."""

    score: Confidence
    feedback: str
    checks: tuple[Check, ...] = ()
    improvements: tuple[str, ...] = ()


class Filing(AnalystResult):
    """The series that a document belongs to."""

    entity: str
    kind: str
    """What recurs, in lower-case words: ``electricity bill``, ``auto insurance``."""
    frequency: Frequency
    title: str
    description: str = ""
    series_id: UUID | None = None
    """Set when it is one of the known series that the analyst was shown."""
    documents_needed: int = 1
    """How many such documents make a series where there is none yet."""
    rivals: tuple[UUID, ...] = ()
    """Known series that it may belong to, the likeliest first, where that is not clear: a person is asked."""


class SeriesPlace(Filing):
    """A filing with the keys under which the database finds or creates the series."""

    entity_key: str
    slug: str
    account: str = ""
    """The key of its account, for kinds that have one."""


class Extraction(AnalystResult):
    """A document's values under the names that all members of its series share."""

    fields: JsonObject


class FileSummary(AnalystResult):
    """What a collection of documents says when it is read as a whole."""

    summary: str
    """Prose: what it is, how many, from when to when, how much, what stands out."""
    columns: tuple[str, ...]
    rows: tuple[JsonObject, ...]
    """One object per member, by date; its keys are among ``columns`` plus ``document_id``."""
    statistics: JsonObject = Field(default_factory=dict)
    """``count``, ``total`` and ``average`` per currency, ``first_date``, ``last_date``, ``trend``, ``gaps`` …"""
    insights: tuple[str, ...] = ()
