"""The nouns of the program: what flows between the database, the steps and the providers.

Plain immutable values without behaviour that needs I/O. Inputs of steps (:class:`Document`,
:class:`File`, …) are dataclasses, filled from the database, which has checked them already.
Results of steps are pydantic models, since their content comes from documents and from language
models and must be validated before it is written.

Boxes are ``(left, top, right, bottom)`` as ratios of the page's width and height, 0 to 1, measured on
the page as a person reads it (after any rotation). Confidences are 0 to 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Made = TypeVar("Made")
Box = tuple[float, float, float, float]
Confidence = Annotated[float, Field(ge=0, le=1)]
JsonObject = dict[str, Any]
Comparison = Literal["exact", "number", "date", "fuzzy"]
Frequency = Literal["weekly", "biweekly", "monthly", "quarterly", "semiannual", "annual", "irregular"]


PageSource = Literal["ocr", "text_layer", "plain", "e_invoice"]


# --- what a reader gives -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a document, with its bytes in memory."""

    number: int
    """Position in the document, from 1."""
    filename: str
    """As the user named it. A hint for messages; the type is told from the content."""
    content: bytes


@dataclass(frozen=True, slots=True)
class PartInfo:
    """What a look at a part's head tells, before any page is read."""

    media_type: str
    """``image/png``, ``application/pdf``, ``text/plain`` …, from the content, not from the name."""
    page_count: int


@dataclass(frozen=True, slots=True)
class Line:
    """A run of text on one line, as printed."""

    text: str
    box: Box
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Page:
    """One page of text in reading order."""

    number: int
    """From 1; within the part when a reader yields it, within the document when it is stored."""
    text: str
    confidence: float
    """Mean over the characters; 1.0 for a text layer or plain text, 0.0 for a page with no text."""
    lines: tuple[Line, ...] = ()
    """In reading order; empty where the reader knows no positions (plain text)."""
    width: float = 0
    height: float = 0
    """Size in the source's own unit (pixels of the image, points of the PDF), as read."""
    source: PageSource = "ocr"
    rotation: int = 0
    """Degrees clockwise by which the source was turned to be read: 0, 90, 180 or 270."""
    invoice: Invoice | None = None
    """The exact values that the page's text tells, where it is an electronic invoice."""


class InvoiceLine(BaseModel):
    """What was sold, on one line of an electronic invoice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    """Code of UN/ECE Recommendation 20, such as ``KWH``."""
    unit_price: Decimal | None = None
    amount: Decimal | None = None


class Invoice(BaseModel):
    """The values of an electronic invoice (EN 16931), exactly as its seller's program wrote them.

    Amounts of a credit note are stated as positive numbers, as the standard has it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    syntax: Literal["CII", "UBL"]
    kind: Literal["invoice", "credit_note"] = "invoice"
    number: str
    issue_date: date
    due_date: date | None = None
    seller: str
    seller_tax_id: str = ""
    buyer: str = ""
    customer_number: str = ""
    """By which the seller knows the buyer (BT-46)."""
    buyer_reference: str = ""
    order_number: str = ""
    period_start: date | None = None
    period_end: date | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    net: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal
    """With tax (BT-112)."""
    prepaid: Decimal | None = None
    rounding: Decimal | None = None
    due: Decimal | None = None
    """What is left to pay (BT-115)."""
    payment_terms: str = ""
    payment_reference: str = ""
    iban: str = ""
    lines: tuple[InvoiceLine, ...] = ()

    @property
    def is_credit(self) -> bool:
        """Whether the seller gives money back."""
        return self.kind == "credit_note"

    @property
    def adds_up(self) -> bool:
        """Whether its sums agree to the cent, as the standard demands (BR-CO-15, BR-CO-16)."""
        if self.net is not None and self.net + (self.tax or 0) != self.total:
            return False
        return self.due is None or self.due == self.total - (self.prepaid or 0) + (self.rounding or 0)


# --- what a step is given ----------------------------------------------------------------------


def filled(kind: type[Made], values: dict[str, Any]) -> Made:
    """An instance of a frozen dataclass.

    Its own ``__init__`` makes a call for each field: for the two dozen of a document that takes four times as long, and
    one is made for each step.

    :param values: of all its fields; not to be used afterwards.
    """
    made = object.__new__(kind)
    object.__setattr__(made, "__dict__", values)
    return made


@dataclass(frozen=True)
class Document:
    """A document as the database knows it now."""

    id: UUID
    filename: str
    status: str
    created_at: datetime
    owner: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    page_count: int = 0
    document_type: str = ""
    classification_confidence: float | None = None
    classification_reasoning: str = ""
    summary: str = ""
    entity: str = ""
    document_date: date | None = None
    due_date: date | None = None
    total_amount: Decimal | None = None
    currency: str = ""
    account_number: str = ""
    period_start: date | None = None
    period_end: date | None = None
    structured_data: Mapping[str, Any] = field(default_factory=dict)
    series_id: UUID | None = None
    series_data: Mapping[str, Any] = field(default_factory=dict)
    made_by: Mapping[str, Any] = field(default_factory=dict)
    """Step -> ``{"by": analyst, "prompt": id}``."""
    pages: tuple[Page, ...] = ()
    peers: tuple[Peer, ...] = ()
    """Earlier documents of what may be the same series, for an analyst that learns from them."""

    @cached_property
    def text(self) -> str:
        """All pages' text, pages apart by a form feed."""
        return "\f".join(page.text for page in self.pages)


@dataclass(frozen=True, slots=True)
class Peer:
    """A completed document of a series, to learn from."""

    document: Document
    slug: str
    """Of its series."""
    corrected: frozenset[str] = frozenset()
    """Names of the values that a person has set right."""

    @property
    def was_compiled(self) -> bool:
        """Whether its values were taken by a learned layout, and so prove nothing about it."""
        made = self.document.made_by.get("summarize") or {}
        return str(made.get("by", "")).startswith("compiled:")


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A row of ``alfrd.document_types``: a type that a document may be given."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The active version of an instruction, from ``alfrd.prompts``."""

    id: int
    kind: str
    document_type: str
    version: int
    text: str
    can_evolve: bool = False
    beside: Mapping[str, Prompt] = field(default_factory=dict)
    """Prefix -> the active version of the same kind for another analyst, where several work on one step."""


@dataclass(frozen=True, slots=True)
class Series:
    """Recurring documents of one entity and one kind."""

    id: UUID
    entity: str
    kind: str
    frequency: str
    slug: str
    title: str
    fields: tuple[str, ...] = ()
    """Names of the fields that its members carry, in the order in which they were first seen."""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class FileMember:
    """A completed document in a file, narrow: what the file's table needs."""

    id: UUID
    filename: str
    document_type: str
    summary: str
    entity: str
    document_date: date | None
    due_date: date | None
    total_amount: Decimal | None
    currency: str
    series_id: UUID | None
    series_data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class File:
    """A collection of the documents that carry all of its tags."""

    id: UUID
    title: str
    tags: tuple[str, ...]
    revision: int
    """Raised by the database whenever a member is added, removed or changed."""
    frequency: str
    """The frequency of its series where it is a series' file; else empty."""
    members: tuple[FileMember, ...]
    """By document date, undated ones last."""


@dataclass(frozen=True, slots=True)
class PartSource:
    """Where the bytes of a part are: in the database, or behind a URI."""

    number: int
    filename: str
    content: bytes | None
    uri: str = ""


@dataclass(frozen=True, slots=True)
class MadeOutput:
    """What a version of a prompt made of a document, as it came."""

    prompt: int
    kind: str
    output: JsonObject | None
    """``None``: nothing that had the shape that was asked for."""


@dataclass(frozen=True, slots=True)
class GradingInput:
    """What is known of a document whose results are to be graded."""

    key: JsonObject | None
    """Its answer key, if it has one already."""
    outputs: tuple[MadeOutput, ...]
    corrected: tuple[str, ...]
    """Columns that a person has set: the document holds the truth there."""
    by_chance: bool
    """Its results were sampled; else a person drew attention to them."""


@dataclass(frozen=True)
class Case:
    """All that a step is given: its subject, and what it needs beside it.

    Exactly one of ``document``, ``file`` and ``family`` is set. What a step does not ask for is left empty.
    """

    document: Document | None = None
    generation: int = 0
    """Of the document: raised whenever a person re-submits or corrects it."""
    file: File | None = None
    parts: tuple[PartSource, ...] = ()
    """For ``ocr``: the document's parts in order."""
    saved_pages: frozenset[int] = frozenset()
    """For ``ocr``: numbers of the pages that an earlier attempt has saved."""
    types: tuple[DocumentType, ...] = ()
    candidates: tuple[Series, ...] = ()
    """For ``file``: the owner's known series that could be its own."""
    series: Series | None = None
    """For ``extract``: the series that it was filed in."""
    prompt: Prompt | None = None
    known: JsonObject | None = None
    """For ``classify`` and ``summarize``: what this prompt is known to have made of this very text:
    ``{made_by, output}``."""
    family: UUID | None = None
    """For ``evolve_prompt``: the family of prompts that is its subject."""
    grading: GradingInput | None = None
    """For ``answer_key``."""


class Task(NamedTuple):
    """A claimed piece of work. ``(id, attempt)`` is the fencing token."""

    id: int
    step: str
    entity: str
    subject_id: UUID
    attempt: int
    max_attempts: int
    woken_by: str = ""

    def __hash__(self) -> int:
        return self.id


Kind = Literal["done", "retry", "throttled", "released", "failed", "buried"]
"""How a task ended. ``buried``: dead without a word to the document, for when even its failure cannot be written."""


class Outcome(NamedTuple):
    """How a task ended, as handed in with the next exchange."""

    task: Task
    kind: Kind
    result: JsonObject | bytes | None = None
    """An object, or the JSON of one."""
    error: str = ""
    retry_after: float | None = None
    """Seconds, for ``throttled``: what the provider asked for."""
    made_by: str = ""
    prompt_id: int | None = None
    usage: tuple[Usage, ...] = ()
    generation: int = 0
    """Of the document that it was made from."""


# --- what a step gives back --------------------------------------------------------------------


class Result(BaseModel):
    """Base of all results: immutable, and nothing unknown gets in."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Provenance(Result):
    """Who made a finding, where that is not simply the analyst that was asked."""

    made_by: str
    prompt_id: int | None = None
    """The version of the prompt that it was made with."""
    notes: tuple[str, ...] = ()
    """What the event of the step should tell: that a document was too long to be shown whole, for instance."""


class AnalystResult(Result):
    """Base of what an analyst finds."""

    provenance: Provenance | None = Field(default=None, exclude=True, repr=False)
    """Stored beside the result, not in it; ``None``: by the analyst that was asked, with the step's prompt."""


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


class PartReading(Result):
    """What is known of a part once it was looked at."""

    number: int
    filename: str
    uri: str
    media_type: str
    page_count: int
    byte_count: int
    sha256: str


class DocumentReading(Result):
    """A document that has been read; its pages are saved on the way."""

    page_count: int
    parts: tuple[PartReading, ...]


class Classification(AnalystResult):
    """What kind of document it is."""

    document_type: str
    """A known type's name; ``other`` where none fits."""
    confidence: Confidence
    reasoning: str
    tags: tuple[str, ...] = ()
    suggested_type: str = ""
    """A type that is not known yet but would fit better."""


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
    needs_review: str = ""
    """What a person should look at, in a sentence; empty where all main values are sure enough."""


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


class SeriesPlace(Filing):
    """A filing with the keys under which the database finds or creates the series."""

    entity_key: str
    slug: str


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


COMPARISONS: Mapping[str, Comparison] = {
    "entity": "fuzzy",
    "document_date": "date",
    "due_date": "date",
    "total_amount": "number",
    "currency": "exact",
    "account_number": "exact",
    "period_start": "date",
    "period_end": "date",
}
"""Values that every summary has a place for, and how each is compared with its answer key."""


class KeyFact(Result):
    """One thing that a document says, or does not say."""

    name: str
    kind: Comparison
    value: str
    """As it should be read: ISO dates, plain decimals. Empty: the document does not hold it."""


class AnswerKey(Result):
    """What a perfect reader would find on a document."""

    document_type: str
    facts: tuple[KeyFact, ...]


class Usage(Result):
    """What one call to a provider cost."""

    provider: str
    model: str = ""
    pages: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: Decimal = Decimal(0)
    milliseconds: int = 0
    cached: bool = False


def advisory_key(name: str) -> int:
    """A signed 64-bit advisory lock key from a readable name such as ``alfrd:migrate`` (BLAKE2b, 8 bytes).

    Derived here and not by ``hashtext``, which PostgreSQL does not promise to keep.
    """
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def text_hash(document: Document) -> str:
    """Digest of a document's whole text, as ``alfrd.text_hash`` makes it: whether it is the same text still."""
    return hashlib.sha256(document.text.encode()).hexdigest()
