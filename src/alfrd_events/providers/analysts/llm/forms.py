"""The forms that a model fills in, one for each job.

Every field is required and plain, an empty string where there is nothing to say: so the strictest servers take the
schemas, and a reply from which something is missing is seen to be half a reply. What a value means is checked here;
whether it is true, in ``grounding``.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from alfrd_events.model import Confidence, Frequency
from alfrd_events.providers.analysts.rules.amounts import parse_amount
from alfrd_events.providers.llm.structured import Form

_LONGEST = 400
_LARGEST = Decimal(10) ** 15


def _text(value: Any) -> Any:
    """Numbers for words, ``null`` for nothing: what models write although the schema says otherwise."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _day(value: Any) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise ValueError("a date is written YYYY-MM-DD")  # noqa: TRY004 - pydantic makes its own error of this one
    try:
        return date.fromisoformat(value.strip()[:10])
    except ValueError:
        raise ValueError("a date is written YYYY-MM-DD") from None


def _amount(value: Any) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        parsed = parse_amount(str(value))
        if parsed is None:
            raise ValueError("an amount is written as digits with a decimal point, such as 1234.50") from None
        amount = parsed
    if not amount.is_finite() or abs(amount) >= _LARGEST:
        raise ValueError("an amount is a number below 10^15")
    return amount


def _schema(description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description})


Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": "string"})]
Words = Annotated[list[Text], WithJsonSchema({"type": "array", "items": {"type": "string"}})]
Day = Annotated[date | None, BeforeValidator(_day), _schema("YYYY-MM-DD, or empty")]
Amount = Annotated[
    Decimal | None, BeforeValidator(_amount), _schema("digits with a decimal point, no currency; or empty")
]
Share = Annotated[Confidence, WithJsonSchema({"type": "number", "description": "0 to 1"})]


class ClassificationForm(Form):
    reasoning: Text = Field(description="one or two sentences: which words of the text tell", max_length=1000)
    document_type: Text
    confidence: Share
    tags: Words = Field(description="at most 6 lower-case topics, such as electricity")
    suggested_type: Text = Field(
        description="snake_case name of a better type that is not in the list; usually empty"
    )


class ItemForm(Form):
    description: Text
    quantity: Text
    unit_price: Amount
    amount: Amount


class ValueForm(Form):
    name: Text = Field(description="stable snake_case name, such as invoice_number")
    value: Text = Field(description="as printed; amounts as plain decimals, dates as YYYY-MM-DD")


class SummaryForm(Form):
    summary: Text = Field(description="one line of at most 200 characters", min_length=1, max_length=_LONGEST)
    entity: Text = Field(description="the issuing company as printed; or empty")
    document_date: Day
    due_date: Day
    total_amount: Amount
    currency: Text = Field(description="ISO 4217 code; or empty")
    account_number: Text = Field(description="by which the issuer knows the recipient; or empty")
    period_start: Day
    period_end: Day
    line_items: list[ItemForm]
    other_values: list[ValueForm]


class CheckForm(Form):
    name: Text
    passed: bool
    detail: Text


class ScoreForm(Form):
    checks: list[CheckForm] = Field(description="what you held against the text, at most 8")
    score: Share
    feedback: Text = Field(description="one or two sentences", min_length=1, max_length=2000)
    improvements: Words = Field(description="what would make the next result better; empty if nothing")


class FilingForm(Form):
    candidate: Text = Field(description="the number of the known series that it belongs to; or empty")
    entity: Text = Field(description="the company as printed; empty if nobody is named")
    kind: Text = Field(description="what recurs, in two or three lower-case words: electricity bill")
    frequency: Annotated[
        Frequency,
        WithJsonSchema(
            {
                "type": "string",
                "enum": [
                    "weekly",
                    "biweekly",
                    "monthly",
                    "quarterly",
                    "semiannual",
                    "annual",
                    "irregular",
                ],
            }
        ),
    ]
    description: Text = Field(description="one sentence")


class ExtractionForm(Form):
    values: list[ValueForm] = Field(description="one for each field that the document has")


class FileForm(Form):
    summary: Text = Field(description="a paragraph of three to six sentences", min_length=1, max_length=4000)
    insights: Words = Field(description="what stands out, at most 6 sentences; empty if nothing")


class PromptForm(Form):
    text: Text = Field(description="the whole new instruction", min_length=1)
    changes: Words = Field(description="what you changed and why, one sentence each")
