"""Bedrock Converse: requests are checked against botocore's service model, and so are the replies."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator

from alfrd_events.model import JsonObject
from tests.cloud import rule_model
from tests.cloud.chat import check_strict, name_of
from tests.cloud.models import WireModel
from tests.cloud.server import Answer, Fault, Request

NOVA = "us.amazon.nova-lite-v1:0"


class Bedrock:
    """Some models behind the Converse operation.

    :param models: what there is, and the ways in which each may be held to a form: ``tool``, ``schema``.
    """

    name = "bedrock"

    def __init__(
        self,
        reply: rule_model.Reply = rule_model.answer,
        *,
        models: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._reply = reply
        self._models = models or {NOVA: ("tool",)}
        self._wire = WireModel("bedrock-runtime")
        self._scripted: deque[Answer | JsonObject] = deque()

    def says(self, *answers: Answer | JsonObject) -> None:
        """What it answers next, instead of thinking: an ``output``, a ``stopReason`` …, or a whole reply."""
        self._scripted.extend(answers)

    def takes(self, request: Request) -> bool:
        return request.path.startswith("/model/") and request.path.endswith("/converse")

    async def answer(self, request: Request) -> Answer:
        asked = self._checked(request)
        if refusal := self._refusal(asked):
            return refusal
        if self._scripted:
            scripted = self._scripted.popleft()
            return scripted if isinstance(scripted, Answer) else self._converse(asked, **scripted)
        return self._made(asked)

    def throttled(self, request: Request) -> Answer:
        return self.error("ThrottlingException", "Too many requests, please wait before trying again.")

    def failed(self, request: Request) -> Answer:
        return self.error("InternalServerException", "The system encountered an unexpected error.")

    def spoil(self, request: Request, answer: Answer, fault: Fault) -> Answer:
        whole: Any = answer.content
        if fault == "truncated":
            return Answer(200, {**whole, "stopReason": "max_tokens", "output": plain('{"half": ')})
        return Answer(200, {**whole, "output": plain("I am sorry, but"), "stopReason": "end_turn"})

    def error(self, code: str, message: str) -> Answer:
        """The service's own refusal, with the status that its model gives it."""
        return Answer(self._wire.status_of(code), {"message": message}, {"x-amzn-ErrorType": code})

    def _checked(self, request: Request) -> dict[str, Any]:
        self._wire.check_signature(request)
        assert request.method == "POST", request.method
        model = unquote(request.path.removeprefix("/model/").removesuffix("/converse"))
        asked: dict[str, Any] = {**request.json(), "modelId": model}
        self._wire.check_input("Converse", asked)
        limits = asked["inferenceConfig"]
        assert 0 < limits["maxTokens"] <= 10_000, f"a limit of {limits['maxTokens']} tokens"
        assert limits["temperature"] == 0, "it is left to chance"
        assert [message["role"] for message in asked["messages"]] == ["user"], "more than one turn"
        return asked

    def _refusal(self, asked: dict[str, Any]) -> Answer | None:
        model = asked["modelId"]
        if model not in self._models:
            return self.error("ValidationException", "The provided model identifier is invalid.")
        ways = self._models[model]
        if "toolConfig" in asked and "tool" not in ways:
            return self.error(
                "ValidationException", "This model doesn't support the toolConfig.toolChoice.tool field."
            )
        if "outputConfig" in asked and "schema" not in ways:
            return self.error(
                "ValidationException", "outputConfig.textFormat is not supported by this model."
            )
        return None

    def _made(self, asked: dict[str, Any]) -> Answer:
        system, material = asked["system"][0]["text"], asked["messages"][0]["content"][0]["text"]
        tool = asked.get("toolConfig")
        if tool is not None:
            (form,) = (each["toolSpec"] for each in tool["tools"])
            assert tool["toolChoice"] == {"tool": {"name": form["name"]}}, "no tool is forced"
            name, schema = form["name"], form["inputSchema"]["json"]
        elif "outputConfig" in asked:
            form = asked["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
            name, schema = form["name"], json.loads(form["schema"])
        else:
            schema = json.loads(system[system.rindex("JSON schema:\n") + len("JSON schema:\n") :])
            name = name_of(schema)
        check_strict(schema)
        made = self._reply(name, system, material)
        Draft202012Validator(schema).validate(made)
        if tool is None:
            return self._converse(asked, output=plain(json.dumps(made)))
        return self._converse(asked, output=filled_in(name, made), stopReason="tool_use")

    def _converse(self, asked: dict[str, Any], **given: Any) -> Answer:
        read = len(json.dumps([asked["system"], asked["messages"]])) // 4
        output = given.get("output", plain(""))
        written = len(json.dumps(output)) // 4
        content = {
            "output": output,
            "stopReason": given.get("stopReason", "end_turn"),
            "usage": {
                "inputTokens": read,
                "outputTokens": written,
                "totalTokens": read + written,
                "cacheReadInputTokens": 0,
                "cacheWriteInputTokens": 0,
                **given.get("usage", {}),
            },
            "metrics": {"latencyMs": 1},
        }
        self._wire.check_output("Converse", content)
        return Answer(200, content)


def filled_in(name: str, content: JsonObject) -> JsonObject:
    """An output in which a form is filled in."""
    use = {"toolUseId": "tooluse_1", "name": name, "input": content}
    return {"message": {"role": "assistant", "content": [{"toolUse": use}]}}


def plain(text: str) -> JsonObject:
    return {"message": {"role": "assistant", "content": [{"text": text}]}}
