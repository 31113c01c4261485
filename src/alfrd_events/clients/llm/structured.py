"""Answers that are a pydantic model: its schema goes out, and only what is valid under it comes back.

A bad answer is asked for once more, with what was wrong and past the cache of replies. Of a second bad one what is
whole is taken, with a note for what is missing, if the form can do without the rest; else the attempt fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, model_validator

from alfrd_events.clients.calls import BadReply
from alfrd_events.clients.llm.answers import CUT, REFUSED, CutObject
from alfrd_events.clients.llm.base import Llm, Question
from alfrd_events.clients.llm.schemas import BOUNDS
from alfrd_events.errors import Permanent
from alfrd_events.model import JsonObject
from alfrd_events.observe import Log

log = Log("llm")

Made = TypeVar("Made")
_MOST_PROBLEMS = 5
CUT_NOTE = "the model's answer was cut at its limit; what is whole of it was taken"


@dataclass
class Intake:
    """How to read an answer, and what was left out of it."""

    choose_day: Callable[[date, date], date | None] = lambda _by_day, _by_month: None
    """Which of two days 03/04/2024 is: that with the day first, or that with the month first; ``None``: who knows."""
    lenient: bool = False
    """It is the last try: what is missing is left empty, and nothing is asked for again."""
    notes: list[str] = field(default_factory=list)
    """What was left out, and why; without a word of the document."""
    was_cut: bool = False
    """The answer ended too early, and its complete part was accepted."""

    def note(self, what: str) -> None:
        """Add a note, once."""
        if what not in self.notes:
            self.notes.append(what)


class Form(BaseModel):
    """Base of the answers that a model is asked for: every field must be there, and no others may be."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)
    fills_gaps: ClassVar[bool] = False
    """Whether what is missing is left empty at the first try, too."""
    essential: ClassVar[tuple[str, ...]] = ()
    """Fields of which an answer has one at least: without any it says nothing, and is not taken in part."""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: Any, info: ValidationInfo) -> Any:
        """On the last try, leave empty what is missing; a field that cannot be empty refuses that itself."""
        intake = info.context
        lenient = isinstance(intake, Intake) and intake.lenient
        if not isinstance(given, dict) or not (lenient or cls.fills_gaps):
            return given
        if (
            lenient
            and cls.essential
            and not any(given.get(name) not in (None, "", []) for name in cls.essential)
        ):
            raise ValueError(f"it has none of: {', '.join(cls.essential)}")
        missing = [name for name, one in cls.model_fields.items() if one.is_required() and name not in given]
        if missing and isinstance(intake, Intake) and not cls.fills_gaps and not intake.was_cut:
            intake.note(f"missing in the answer, and left empty: {', '.join(missing)}")
        return {**dict.fromkeys(missing, ""), **given}


FormT = TypeVar("FormT", bound=Form)


class Withheld(Permanent):
    """A filter of the provider or a guardrail of the account withheld the answer, as it would again."""


async def answered(
    llm: Llm,
    question: Question,
    form: type[FormT],
    make: Callable[[FormT], Made],
    intake: Intake | None = None,
) -> Made:
    """Ask until the answer is good, twice at most.

    :param question: its schema is :func:`schema_of` the form, with what is known more exactly.
    :param make: makes the result of a valid answer; raises :class:`BadReply` where it makes no sense.
    :param intake: how the answer is read; afterwards it tells what was left out.
    :raise BadReply: the second answer was no good either; its ``outcome`` names what was wrong.
    :raise Withheld: by a filter or a guardrail.
    """
    intake = intake or Intake()

    def check(content: JsonObject) -> Made:
        _begin(intake, cut=isinstance(content, CutObject), lenient=isinstance(content, CutObject))
        try:
            valid = form.model_validate(content, context=intake)
            return make(valid)
        except ValidationError as error:
            raise BadReply(
                f"{question.name}: {_problems(error)}", outcome="invalid", partial=content
            ) from error
        except BadReply as error:
            error.partial = content
            raise

    try:
        return await llm.ask(question, check)
    except BadReply as error:
        if error.outcome in REFUSED:
            raise _withheld(llm, error) from error
        log.info("asking again", model=llm.name, what=question.name, why=error.outcome)
        again, first = replace(question, correction=_correction(error)), error
    try:
        return await llm.ask(again, check, fresh=True)
    except BadReply as error:
        if error.outcome in REFUSED:
            raise _withheld(llm, error) from error
        for bad in (error, first):
            if bad.partial is not None:
                _begin(intake, cut=bad.outcome in CUT, lenient=True)
                try:
                    return make(form.model_validate(bad.partial, context=intake))
                except (ValidationError, BadReply):
                    continue  # not even in part; the error is raised below
        raise BadReply(f"{llm.name}: two bad answers: {error}", outcome=error.outcome) from error


def _begin(intake: Intake, *, cut: bool, lenient: bool) -> None:
    """Forget what an answer before this one left out."""
    intake.notes.clear()
    intake.lenient, intake.was_cut = lenient, cut
    if cut:
        intake.note(CUT_NOTE)


def _withheld(llm: Llm, error: BadReply) -> Withheld:
    return Withheld(f"{llm.name}: {error}; ask another model, or relax the filter")


def schema_of(form: type[Form], **known: JsonObject) -> JsonObject:
    """The JSON schema of a form: without references, all fields required, no others allowed.

    So it fits what the strictest take: OpenAI's strict mode, and the few keywords that Nova knows; the latter and some
    servers without the bounds of :func:`unbounded`.

    :param known: schemas of fields that are known only now, such as the names of document types.
    """
    schema = _schema_of(form)
    changed = {name: {**schema["properties"][name], **field} for name, field in known.items()}
    return {**schema, "properties": {**schema["properties"], **changed}}


@cache
def _schema_of(form: type[Form]) -> JsonObject:
    """Made once: pydantic takes two milliseconds for it."""
    whole = form.model_json_schema()
    schema: JsonObject = _plain(whole, whole.get("$defs", {}))
    return schema


def _plain(schema: Any, definitions: JsonObject) -> Any:
    if isinstance(schema, list):
        return [_plain(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    kept = {
        name: {field: _plain(value, definitions) for field, value in content.items()}
        if name == "properties"
        else _plain(content, definitions)
        for name, content in schema.items()
        if name in ("type", "properties", "items", "enum", "description") or name in BOUNDS
    }
    if "properties" in kept:
        kept |= {"required": list(kept["properties"]), "additionalProperties": False}
    return kept


def _problems(error: ValidationError) -> str:
    """What is wrong, without the values: they come from a document."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    named = [f"{'.'.join(map(str, each['loc'])) or 'answer'}: {each['msg']}" for each in problems]
    more = f"; and {len(named) - _MOST_PROBLEMS} more" if len(named) > _MOST_PROBLEMS else ""
    return "; ".join(named[:_MOST_PROBLEMS]) + more


def _correction(error: BadReply) -> str:
    wrong = str(error)
    if error.outcome in ("max_tokens", "truncated"):
        wrong += ". Be brief: the fewest words and items that answer the question"
    return (
        f"Your last answer to this could not be used: {wrong}. "
        "Answer again, complete and in the form that is asked for, and with nothing else."
    )
