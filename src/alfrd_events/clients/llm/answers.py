"""Find the requested object in a server's answer.

A model that fills in a tool's input gives the object as it is. A model that writes text puts the object somewhere in
it: after reasoning, inside a code fence, with a comma too many. This module finds it and repairs its syntax.

It does not repair an answer that ends in the middle: a list that lost its second half is still a list. The error
carries the complete part. The part is accepted at once only where the question names the list at which the answer may
end (:class:`CutObject`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from alfrd_events.clients.calls import BadReply
from alfrd_events.clients.llm.base import Question
from alfrd_events.model import JsonObject
from alfrd_events.storable import storable

REFUSED = frozenset({"content_filtered", "guardrail_intervened"})
"""Outcomes that asking again does not change."""
CUT = frozenset({"max_tokens", "truncated", "model_context_window_exceeded"})
"""Outcomes of an answer that ended too early."""
STOPPED: dict[str, str] = {
    "max_tokens": "the answer is longer than {limit} tokens",
    "content_filtered": "the provider's content filter withheld the answer",
    "guardrail_intervened": "a guardrail of the account withheld the answer",
    "malformed_model_output": "the model's output could not be parsed by the provider",
    "malformed_tool_use": "the model did not fill in the form that it was given",
    "model_context_window_exceeded": "question and answer together are longer than the model's context window",
}
THOUGHT = (
    "the model thought and did not answer: raise ALFRD_LLM_REASONING_TOKENS ({limit} tokens were allowed in all), or "
    "switch its thinking off"
)
_REASONING = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_UNOPENED_REASONING = re.compile(r"^.*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_UNCLOSED_REASONING = re.compile(r"^\s*<(?:think|thinking|reasoning)>", re.IGNORECASE)
_FENCED = re.compile(r"```[a-z]*\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]|"', re.DOTALL)
_MOST_PLACES = 200


class CutObject(dict[str, Any]):
    """An object whose last list has lost its end; everything in it is whole."""


def object_of(content: JsonObject, question: Question, limit: int) -> JsonObject:
    """The object in a reply: ``{"stop": reason, "object": …}`` or ``{"stop": reason, "text": …}``.

    :param limit: the tokens that the answer might have.
    :raise BadReply: named for the reason to stop, ``truncated`` or ``malformed``; with what is whole of the answer.
    """
    try:
        return _object_of(content, question, limit)
    except BadReply as error:
        if error.outcome in CUT and error.partial is not None and question.cut_at in error.partial:
            return CutObject(error.partial)
        raise


def _object_of(content: JsonObject, question: Question, limit: int) -> JsonObject:
    stop = content.get("stop")
    found = content.get("object")
    text = content.get("text")
    text = text if isinstance(text, str) else ""
    if stop in STOPPED:
        message = STOPPED[stop].format(limit=limit)
        if stop not in CUT:
            raise BadReply(f"{question.name}: {message}", outcome=stop)
        partial = storable(found) if isinstance(found, dict) else whole_part(_without_reasoning(text))
        if partial is not None and _is_complete(partial, question) and not isinstance(found, dict):
            return partial  # only what came after it was cut off
        if _only_thought(text, content):
            message = f"{message}; {THOUGHT.format(limit=limit)}"
        raise BadReply(f"{question.name}: {message}", outcome=stop, partial=partial)
    if isinstance(found, dict):
        return dict(storable(found))
    if not text.strip():
        return _of_reasoning(content, question, limit)
    return dict(storable(_object_in(text, question)))


def _of_reasoning(content: JsonObject, question: Question, limit: int) -> JsonObject:
    """An answer that a server took for thinking, if it is whole."""
    thought = content.get("reasoning")
    if not isinstance(thought, str) or not thought.strip():
        raise BadReply(f"{question.name}: the answer is empty")
    for candidate in reversed(list(_objects_in(thought))):
        if _is_complete(candidate, question):
            return dict(storable(candidate))
    raise BadReply(f"{question.name}: {THOUGHT.format(limit=limit)}")


def _is_complete(found: JsonObject, question: Question) -> bool:
    return set(question.schema.get("properties", ())) <= found.keys()


def _only_thought(text: str, content: JsonObject) -> bool:
    return bool(_UNCLOSED_REASONING.match(text)) or (not text.strip() and bool(content.get("reasoning")))


def _without_reasoning(text: str) -> str:
    return _UNOPENED_REASONING.sub("", _REASONING.sub("", text)).strip()


def _object_in(text: str, question: Question) -> JsonObject:
    plain = _without_reasoning(text)
    wanted = frozenset(question.schema.get("properties", ()))
    found = [candidate for candidate in _objects_in(plain) if wanted & candidate.keys()]
    if found:
        # Of several, the one that has most of what was asked for; of equals, the last: the others were drafts.
        return max(reversed(found), key=lambda candidate: len(wanted & candidate.keys()))
    start, end = plain.find("{"), plain.rfind("}")
    if start < 0:
        raise BadReply(f"{question.name}: there is no JSON object in the answer")
    rest = plain[start : end + 1]
    if end < start or rest.count("{") != rest.count("}") or rest.count("[") != rest.count("]"):
        raise BadReply(
            f"{question.name}: the answer ends in the middle", outcome="truncated", partial=whole_part(plain)
        )
    return _mended(rest, question)


def whole_part(text: str) -> JsonObject | None:
    """What is whole of an object that may end in the middle: a value, or an item of a list, counts with its end only.

    ``None``: nothing is.
    """
    start = text.find("{")
    if start < 0:
        return None
    open_: list[str] = []
    best = ""
    for token in _TOKEN.finditer(text, start):
        mark = token[0]
        if mark == '"':
            break  # a string without an end
        if mark in "{[":
            open_.append(mark)
        elif mark in "}]":
            if not open_ or open_.pop() != {"}": "{", "]": "["}[mark]:
                break
            if not open_:
                best = text[start : token.end()]
                break
        elif mark != ",":
            continue
        # Inside of an item of a list nothing counts before the item has its end.
        if mark != "{" and "[{" not in "".join(open_) and (mark != "[" or open_ == ["{", "["]):
            cut = token.start() if mark == "," else token.end()
            best = text[start:cut] + "".join("}" if one == "{" else "]" for one in reversed(open_))
    try:
        found = json.loads(best, strict=False) if best else None
    except (ValueError, RecursionError):
        return None
    return dict(storable(found)) if isinstance(found, dict) else None


def _objects_in(text: str) -> Iterator[dict[str, Any]]:
    """Yield the outermost objects of a text that are valid unchanged."""
    decoder = json.JSONDecoder(strict=False)
    for part in (*_FENCED.findall(text), text):
        position = part.find("{")
        for _ in range(_MOST_PLACES):
            if position < 0:
                break
            try:
                value, end = decoder.raw_decode(part, position)
            except (ValueError, RecursionError):
                position = part.find("{", position + 1)
            else:
                yield value
                position = part.find("{", end)


def _mended(text: str, question: Question) -> JsonObject:
    import json_repair

    try:
        value = json_repair.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"{question.name}: the answer is not JSON, and cannot be mended") from error
    if not isinstance(value, dict):
        raise BadReply(f"{question.name}: the answer is not a JSON object")
    return value
