"""A server that speaks OpenAI's ``/v1/chat/completions``, in the ways in which real ones differ."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from jsonschema import Draft202012Validator

from alfrd_events.model import JsonObject
from tests.cloud import rule_model
from tests.cloud.server import Answer, Fault, Request

PATH = "/v1/chat/completions"
MODELS = "/v1/models"
_KNOWN = {
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "response_format", "stream",
}  # fmt: skip


class Chat:
    """One model behind the protocol.

    :param formats: the kinds of ``response_format`` that it takes.
    :param key: what it wants as a bearer token.
    :param obeys: whether its model keeps to the schema; many servers only ask theirs to.
    :param cuts: whether an answer ends at the limit of tokens, of 3.3 characters each.
    :param told: what its list of models tells of this one, beside the name.
    :param modern: as OpenAI's newer models: ``max_completion_tokens``, and no temperature.
    """

    name = "chat"

    def __init__(
        self,
        reply: rule_model.Reply = rule_model.answer,
        *,
        model: str = "small",
        formats: tuple[str, ...] = ("json_schema", "json_object"),
        key: str = "",
        modern: bool = False,
        obeys: bool = True,
        cuts: bool = False,
        told: JsonObject | None = None,
    ) -> None:
        self._reply = reply
        self._model = model
        self._formats = formats
        self._key = key
        self._modern = modern
        self._obeys = obeys
        self._cuts = cuts
        self._told = told or {}
        self._scripted: deque[Answer | str] = deque()

    def says(self, *answers: Answer | str) -> None:
        """What it answers next, instead of thinking: the text of a message, or a whole reply."""
        self._scripted.extend(answers)

    def takes(self, request: Request) -> bool:
        return request.path in (PATH, MODELS)

    async def answer(self, request: Request) -> Answer:
        if self._key and request.headers.get("Authorization") != f"Bearer {self._key}":
            return _error(401, "Incorrect API key provided", "invalid_api_key")
        if request.path == MODELS:
            return Answer(200, {"object": "list", "data": [{"id": self._model, **self._told}]})
        asked = request.json()
        if refusal := self._refusal(asked):
            return refusal
        if self._scripted:
            scripted = self._scripted.popleft()
            return scripted if isinstance(scripted, Answer) else completion(asked, scripted)
        text = json.dumps(self._made(asked))
        most = int(3.3 * (asked.get("max_tokens") or asked["max_completion_tokens"]))
        if self._cuts and len(text) > most:
            return completion(asked, text[:most], "length")
        return completion(asked, text)

    def throttled(self, request: Request) -> Answer:
        return Answer(429, {"error": {"message": "Rate limit reached"}}, {"Retry-After": "0.05"})

    def failed(self, request: Request) -> Answer:
        return _error(500, "The server had an error while processing your request", "server_error")

    def spoil(self, request: Request, answer: Answer, fault: Fault) -> Answer:
        whole: Any = answer.content
        text = whole["choices"][0]["message"]["content"]
        if fault == "truncated":
            return completion(request.json(), text[: len(text) // 2], "length")
        return completion(request.json(), text[: len(text) // 2])

    def _refusal(self, asked: dict[str, Any]) -> Answer | None:
        unknown = asked.keys() - _KNOWN
        assert not unknown, f"unknown parameters {sorted(unknown)}"
        roles = [message["role"] for message in asked["messages"]]
        assert roles == ["system", "user"], f"roles {roles}"
        assert asked["stream"] is False, "it asks for a stream"
        if asked["model"] != self._model:
            return _error(404, f"The model `{asked['model']}` does not exist", "model_not_found")
        if self._modern and "max_tokens" in asked:
            return _error(
                400,
                "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
                "unsupported",
            )
        if self._modern and "temperature" in asked:
            return _error(400, "Unsupported value: 'temperature' does not support 0.", "unsupported_value")
        limit = asked.get("max_tokens") or asked["max_completion_tokens"]
        assert isinstance(limit, int), "no limit"
        assert 0 < limit <= 10_000, f"a limit of {limit} tokens"
        form = asked.get("response_format")
        if form is not None and form["type"] not in self._formats:
            return _error(400, f"'response_format.type' must not be {form['type']!r}", "invalid_request")
        if form is not None and form["type"] == "json_schema":
            check_strict(form["json_schema"]["schema"])
            assert form["json_schema"]["strict"] is True, "not strict"
        return None

    def _made(self, asked: dict[str, Any]) -> JsonObject:
        system, user = (message["content"] for message in asked["messages"])
        form = asked.get("response_format") or {}
        if form.get("type") == "json_schema":
            name, schema = form["json_schema"]["name"], form["json_schema"]["schema"]
        else:
            schema = json.loads(system[system.rindex("JSON schema:\n") + len("JSON schema:\n") :])
            name = name_of(schema)
        made = self._reply(name, system, user)
        if self._obeys:
            Draft202012Validator(schema).validate(made)
        return made


def name_of(schema: JsonObject) -> str:
    """Which form a schema is of, for a server that is only told the schema."""
    fields = schema["properties"].keys()
    telling = {
        "document_type": "classification", "entity": "summary", "score": "score", "values": "extraction",
        "insights": "file_summary", "text": "prompt", "line_items": "line_items",
    }  # fmt: skip
    if "candidate" in fields:
        return "filing"
    return next((name for field, name in telling.items() if field in fields), "unknown")


def check_strict(schema: JsonObject) -> None:
    """What OpenAI's strict mode asks of a schema: all fields required, no others, no references."""
    Draft202012Validator.check_schema(schema)
    assert "$ref" not in json.dumps(schema), "a reference"
    if schema.get("type") == "object":
        assert schema["additionalProperties"] is False, "additional properties"
        assert set(schema["required"]) == set(schema["properties"]), "a field that is not required"
        for field in schema["properties"].values():
            check_strict(field)
    elif schema.get("type") == "array":
        check_strict(schema["items"])


def completion(asked: dict[str, Any], text: str, reason: str = "stop", **message: Any) -> Answer:
    """A reply as servers give it."""
    read = sum(len(message["content"]) for message in asked["messages"]) // 4
    return Answer(
        200,
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": asked["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, **message},
                    "finish_reason": reason,
                }
            ],
            "usage": {
                "prompt_tokens": read,
                "completion_tokens": len(text) // 4,
                "total_tokens": read + len(text) // 4,
                "prompt_tokens_details": {"cached_tokens": read // 2},
            },
        },
    )


def _error(status: int, message: str, code: str) -> Answer:
    return Answer(status, {"error": {"message": message, "type": "invalid_request_error", "code": code}})
