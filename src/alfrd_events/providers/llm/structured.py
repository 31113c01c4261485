"""Answers that are a pydantic model: its schema goes out, and only what is valid under it comes back.

A bad answer is asked for once more, with what was wrong and past the cache of replies. A second bad one fails the
attempt; nothing is taken by halves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from alfrd_events.errors import Permanent
from alfrd_events.model import JsonObject
from alfrd_events.observe import Log
from alfrd_events.providers.calls import BadReply
from alfrd_events.providers.llm.answers import REFUSED
from alfrd_events.providers.llm.base import Llm, Question

log = Log("llm")

Made = TypeVar("Made")
_MOST_PROBLEMS = 5


class Form(BaseModel):
    """Base of the answers that a model is asked for: every field must be there, and no others may be."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)


FormT = TypeVar("FormT", bound=Form)


class Withheld(Permanent):
    """A filter of the provider or a guardrail of the account withheld the answer, as it would again."""


async def answered(llm: Llm, question: Question, form: type[FormT], make: Callable[[FormT], Made]) -> Made:
    """Ask until the answer is good, twice at most.

    :param question: its schema is :func:`schema_of` the form, with what is known more exactly.
    :param make: makes the result of a valid answer; raises :class:`BadReply` where it makes no sense.
    :raise BadReply: the second answer was no good either; its ``outcome`` names what was wrong.
    :raise Withheld: by a filter or a guardrail.
    """

    def check(content: JsonObject) -> Made:
        try:
            valid = form.model_validate(content)
        except ValidationError as error:
            raise BadReply(f"{question.name}: {_problems(error)}", outcome="invalid") from error
        return make(valid)

    try:
        return await llm.ask(question, check)
    except BadReply as error:
        if error.outcome in REFUSED:
            raise _withheld(llm, error) from error
        log.info("asking again", model=llm.name, what=question.name, why=error.outcome)
        again = replace(question, correction=_correction(error))
    try:
        return await llm.ask(again, check, fresh=True)
    except BadReply as error:
        if error.outcome in REFUSED:
            raise _withheld(llm, error) from error
        raise BadReply(f"{llm.name}: two bad answers: {error}", outcome=error.outcome) from error


def _withheld(llm: Llm, error: BadReply) -> Withheld:
    return Withheld(f"{llm.name}: {error}; ask another model, or relax the filter")


def schema_of(form: type[Form], **known: JsonObject) -> JsonObject:
    """The JSON schema of a form: without references, all fields required, no others allowed.

    So it fits what the strictest take: OpenAI's strict mode, and the few keywords that Nova knows.

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
        if name in ("type", "properties", "items", "enum", "description")
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
