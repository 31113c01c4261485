"""From what a server sent back to the object that was asked for.

Where a model may only fill in a tool's input, the object comes as one. Where it writes text, the object is somewhere in
it: after reasoning, inside a code fence, with a comma too many. It is looked for, and mended if need be; what ends in
the middle is not mended, since a list that lost its second half is still a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from alfrd_events.model import JsonObject
from alfrd_events.providers.calls import BadReply
from alfrd_events.providers.llm.base import Question

REFUSED = frozenset({"content_filtered", "guardrail_intervened"})
"""Outcomes that asking again does not change."""
STOPPED: dict[str, str] = {
    "max_tokens": "the answer is longer than {limit} tokens",
    "content_filtered": "the provider's content filter withheld the answer",
    "guardrail_intervened": "a guardrail of the account withheld the answer",
    "malformed_model_output": "the model's output could not be parsed by the provider",
    "malformed_tool_use": "the model did not fill in the form that it was given",
    "model_context_window_exceeded": "question and answer together are longer than the model's context window",
}
_REASONING = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_UNOPENED_REASONING = re.compile(r"^.*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"```[a-z]*\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_MOST_PLACES = 200


def object_of(content: JsonObject, question: Question, limit: int) -> JsonObject:
    """The object in a reply: ``{"stop": reason, "object": …}`` or ``{"stop": reason, "text": …}``.

    :param limit: the tokens that the answer might have.
    :raise BadReply: named for the reason to stop, ``truncated`` or ``malformed``.
    """
    stop = content.get("stop")
    if stop in STOPPED:
        raise BadReply(f"{question.name}: {STOPPED[stop].format(limit=limit)}", outcome=stop)
    found = content.get("object")
    if isinstance(found, dict):
        return found
    text = content.get("text")
    if not isinstance(text, str) or not text.strip():
        raise BadReply(f"{question.name}: the answer is empty")
    return _object_in(text, question)


def _object_in(text: str, question: Question) -> JsonObject:
    plain = _UNOPENED_REASONING.sub("", _REASONING.sub("", text)).strip()
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
        raise BadReply(f"{question.name}: the answer ends in the middle", outcome="truncated")
    return _mended(rest, question)


def _objects_in(text: str) -> Iterator[dict[str, Any]]:
    """The outermost objects of a text that are valid as they stand."""
    decoder = json.JSONDecoder()
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
