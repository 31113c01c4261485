"""Answer keys: what a perfect reader would find on a document, for results to be graded against.

The writer is shown the text and nothing that was made of it, so that it cannot agree with a mistake. It is asked for
the values that every summary has a place for, and for a few more that this document holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from alfrd_events.analysis.llm import lenient as taking
from alfrd_events.analysis.llm.forms import Amount, Currency, Day, Line, Name, ValueForm
from alfrd_events.analysis.llm.grounded import chooser
from alfrd_events.analysis.llm.jobs import FRAME
from alfrd_events.analysis.llm.material import fenced
from alfrd_events.analysis.text.grounding import Support
from alfrd_events.clients.calls import BadReply
from alfrd_events.clients.llm.base import Llm, Question
from alfrd_events.clients.llm.client import tokens
from alfrd_events.clients.llm.structured import Form, Intake, answered, schema_of
from alfrd_events.errors import Permanent
from alfrd_events.model import COMPARISONS, AnswerKey, Comparison, Document, DocumentType, KeyFact

_INSTRUCTION = """\
You write the answer key of an exam. Others will be asked what this document is and what it says; their answers will \
be compared with yours by a program, value by value. Read the whole text twice before you answer.

- Write down only what is printed. Where the document does not hold a value, leave it empty: an answer that gives one \
is then wrong.
- Amounts as plain decimals, dates as YYYY-MM-DD, names and numbers exactly as printed.
- The total is what is to be paid or was paid in the end. The date is the document's own, not that of printing.
- The account number is the one by which the issuer knows the recipient.
- Further values: at most six that somebody would look for on this very document, each printed without doubt."""
_MAX_TOKENS = 900
_MOST_FURTHER = 6


class FurtherForm(ValueForm):
    kind: Name = Field(description="exact, number or date: how it is to be compared")


class KeyForm(Form):
    essential: ClassVar[tuple[str, ...]] = ("document_type",)

    document_type: Name
    entity: Line = Field(description="the issuing company as printed; or empty")
    document_date: Day
    due_date: Day
    total_amount: Amount
    currency: Currency
    account_number: Name
    period_start: Day
    period_end: Day
    further: Annotated[
        list[FurtherForm],
        BeforeValidator(taking.list_of(20, objects="name")),
        Field(json_schema_extra={"maxItems": _MOST_FURTHER}),
    ]


async def write_key(
    llm: Llm, document: Document, types: Sequence[DocumentType], most_tokens: int
) -> AnswerKey:
    """Ask for the key of a document, from its full text.

    :raise BadReply: twice no good answer, or values that the text does not hold.
    :raise Permanent: the text is longer than the model is shown at once; the key of a part would be wrong.
    """
    if tokens(document.text) > most_tokens:
        raise Permanent(
            f"document {document.id} is too long for an answer key: over {most_tokens} tokens (ALFRD_LLM_INPUT_TOKENS)"
        )
    listed = "\n".join(f"- {known.name}: {known.description}".rstrip(": ") for known in types)
    question = Question(
        name="answer_key",
        system=f"{_INSTRUCTION}\n\nThe types:\n{listed}\n\n{FRAME}",
        material=fenced("document", document.text),
        schema=schema_of(KeyForm, document_type={"enum": [known.name for known in types]}),
        max_tokens=_MAX_TOKENS,
    )
    names = {known.name for known in types}
    return await answered(
        llm, question, KeyForm, lambda form: _key(form, document, names), Intake(choose_day=chooser(document))
    )


def _key(form: KeyForm, document: Document, types: set[str]) -> AnswerKey:
    """A key whose every value is printed; a writer who invents some cannot be trusted with the rest."""
    if form.document_type not in types:
        raise BadReply(f"answer_key: {form.document_type!r} is not one of the types", "invalid")
    support = Support.of(document)
    facts = [
        KeyFact(
            name=name, kind=kind, value="" if getattr(form, name) in (None, "") else str(getattr(form, name))
        )
        for name, kind in COMPARISONS.items()
    ]
    absent = [
        name
        for name, there in (
            ("entity", not form.entity or support.has_entity(form.entity)),
            ("total_amount", form.total_amount is None or support.has_amount(form.total_amount)),
            ("account_number", not form.account_number or support.has_identifier(form.account_number)),
            *(
                (name, getattr(form, name) is None or support.has_day(getattr(form, name)))
                for name in ("document_date", "due_date", "period_start", "period_end")
            ),
        )
        if not there
    ]
    if absent:
        raise BadReply(f"answer_key: not in the text: {', '.join(absent)}", "invalid")
    comparisons: dict[str, Comparison] = {"exact": "exact", "number": "number", "date": "date"}
    facts += [
        KeyFact(name=further.name, kind=comparisons.get(further.kind, "exact"), value=further.value)
        for further in form.further[:_MOST_FURTHER]
        if further.value and further.name not in COMPARISONS and support.has_text(further.value)
    ]
    return AnswerKey(document_type=form.document_type, facts=tuple(facts))
