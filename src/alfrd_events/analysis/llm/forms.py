"""The forms that a model fills in, one for each job.

Every field is required and plain, an empty string where there is nothing to say: so the strictest servers take the
schemas, and a reply from which something is missing is seen to be half a reply. Schemas bind lengths and numbers where
a server holds its model to them, so that a small one does not ramble past its limit; :mod:`.taking` takes what a model
writes that is not held. What a value means is checked here; whether it is true, in ``grounding``.

What matters most comes first, and lists last: an answer that is cut at its limit has lost the end of a list.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from alfrd_events.analysis.llm import lenient as taking
from alfrd_events.clients.llm.structured import Form
from alfrd_events.model import Confidence, Frequency

MOST_ITEMS = 40
"""Line items in one answer; a longer list is asked for in pieces."""
_ISO_DAY = "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"
_PLAIN_AMOUNT = r"^(-?[0-9]{1,13}(\.[0-9]{1,6})?)?$"


def _schema(description: str, pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description, "pattern": pattern})


def _length(longest: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "maxLength": longest})


def _list(most: int, longest: int) -> WithJsonSchema:
    items = {"type": "string", "maxLength": longest}
    return WithJsonSchema({"type": "array", "items": items, "maxItems": most})


Name = Annotated[str, BeforeValidator(taking.text(100)), _length(100)]
Line = Annotated[str, BeforeValidator(taking.text(400)), _length(200)]
"""A little more is taken than is asked for."""
Sentences = Annotated[str, BeforeValidator(taking.text(2000)), _length(400)]
Paragraph = Annotated[str, BeforeValidator(taking.text(4000)), _length(1500)]
Whole = Annotated[str, BeforeValidator(taking.text(100_000)), WithJsonSchema({"type": "string"})]
Tags = Annotated[list[Name], BeforeValidator(taking.list_of(20)), _list(6, 40)]
Remarks = Annotated[list[Line], BeforeValidator(taking.list_of(20)), _list(8, 200)]
Day = Annotated[date | None, BeforeValidator(taking.day), _schema("YYYY-MM-DD, or empty", _ISO_DAY)]
Amount = Annotated[
    Decimal | None,
    BeforeValidator(taking.amount),
    _schema("digits with a decimal point, no currency; or empty", _PLAIN_AMOUNT),
]
Share = Annotated[
    Confidence,
    BeforeValidator(taking.share),
    WithJsonSchema({"type": "number", "description": "0 to 1", "minimum": 0, "maximum": 1}),
]
Currency = Annotated[
    str,
    BeforeValidator(taking.currency),
    _schema("ISO 4217 code; or empty", "^([A-Z]{3})?$"),
]
Yes = Annotated[bool, BeforeValidator(taking.yes), WithJsonSchema({"type": "boolean"})]
Count = Annotated[
    int, BeforeValidator(taking.count), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 9999})
]
Often = Annotated[
    Frequency,
    BeforeValidator(taking.frequency),
    WithJsonSchema({"type": "string", "enum": list(taking.KNOWN_FREQUENCIES)}),
]


class RowForm(Form):
    """A part of a list: what is missing in it is left empty, and not asked for again."""

    fills_gaps: ClassVar[bool] = True


class ClassificationForm(Form):
    essential: ClassVar[tuple[str, ...]] = ("document_type",)

    reasoning: Sentences = Field(description="one or two sentences: which words of the text tell")
    document_type: Name
    confidence: Share
    tags: Tags = Field(description="at most 6 lower-case topics, such as electricity")
    suggested_type: Name = Field(
        description="snake_case name of a better type that is not in the list; usually empty"
    )


class ItemForm(RowForm):
    description: Line
    quantity: Name
    unit_price: Amount
    amount: Amount


class ValueForm(RowForm):
    name: Name = Field(description="stable snake_case name, such as invoice_number")
    value: Line = Field(description="as printed; amounts as plain decimals, dates as YYYY-MM-DD")


Items = Annotated[
    list[ItemForm],
    BeforeValidator(taking.list_of(500, objects="description")),
    Field(
        description=f"in the order in which they are printed, at most {MOST_ITEMS}",
        json_schema_extra={"maxItems": MOST_ITEMS},
    ),
]
Values = Annotated[
    list[ValueForm],
    BeforeValidator(taking.list_of(100, objects="name")),
    Field(json_schema_extra={"maxItems": 40}),
]


class SummaryForm(Form):
    essential: ClassVar[tuple[str, ...]] = ("summary", "entity", "document_date", "total_amount")

    summary: Line = Field(description="one line of at most 200 characters")
    entity: Line = Field(description="the issuing company as printed; or empty")
    document_date: Day
    due_date: Day
    total_amount: Amount
    currency: Currency
    account_number: Name = Field(description="by which the issuer knows the recipient; or empty")
    period_start: Day
    period_end: Day
    unsure: Tags = Field(
        default=[], description="names of the values above that could be wrong; empty if you are sure of all"
    )
    other_values: Values
    item_count: Count = Field(default=0, description="how many line items are printed in all")
    line_items: Items


class ItemsForm(Form):
    """The next piece of a list that is too long for one answer."""

    line_items: Items


class CheckForm(RowForm):
    name: Name
    passed: Yes
    detail: Line


class ScoreForm(Form):
    essential: ClassVar[tuple[str, ...]] = ("score",)

    score: Share
    feedback: Sentences = Field(description="one or two sentences")
    checks: Annotated[
        list[CheckForm],
        BeforeValidator(taking.list_of(50, objects="detail")),
        Field(description="what you held against the text, at most 8", json_schema_extra={"maxItems": 8}),
    ]
    improvements: Remarks = Field(description="what would make the next result better; empty if nothing")


class FilingForm(Form):
    essential: ClassVar[tuple[str, ...]] = ("candidate", "entity", "kind")

    candidate: Name = Field(description="the number of the known series that it belongs to; or empty")
    entity: Line = Field(description="the company as printed; empty if nobody is named")
    kind: Name = Field(description="what recurs, in two or three lower-case words: electricity bill")
    frequency: Often
    description: Line = Field(description="one sentence")


class ExtractionForm(Form):
    essential: ClassVar[tuple[str, ...]] = ("values",)

    values: Values = Field(description="one for each field that the document has")


class FileForm(Form):
    essential: ClassVar[tuple[str, ...]] = ("summary",)

    summary: Paragraph = Field(description="a paragraph of three to six sentences")
    insights: Remarks = Field(description="what stands out, at most 6 sentences; empty if nothing")


class PromptForm(Form):
    essential: ClassVar[tuple[str, ...]] = ("text",)

    text: Whole = Field(description="the whole new instruction", min_length=1)
    changes: Remarks = Field(description="what you changed and why, one sentence each")
