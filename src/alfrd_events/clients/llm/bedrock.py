"""Amazon Bedrock by its Converse API, which is the same for all models.

A model is held to the form of the answer by a tool that it must use: Nova and Claude fill in a tool's input under its
schema. Others get the schema as the form of their output (``outputConfig``), and those that take neither get it in the
instruction. When a model refuses one way, the client tries the next and remembers what worked.

The client sends each request once: :class:`~alfrd_events.clients.calls.Calls` reserves and counts each further try.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from alfrd_events.clients.aws import Aws, error_code, sorted_errors
from alfrd_events.clients.calls import Calls, Lost, Reply
from alfrd_events.clients.llm.base import Question
from alfrd_events.clients.llm.client import READ_SECONDS, Client, asked, quotable, with_schema
from alfrd_events.clients.llm.schemas import unbounded
from alfrd_events.errors import AlfrdError, Permanent, Transient
from alfrd_events.model import JsonObject
from alfrd_events.observe import Log

log = Log("bedrock")

DEFAULT_MODEL = "us.amazon.nova-lite-v1:0"
Way = Literal["tool", "schema", "told"]
_FILLS_IN_TOOLS = ("amazon.nova", "anthropic.claude")
_OF_THE_WAY = ("tool", "outputconfig", "textformat", "json_schema", "structured output", "schema")
_TOO_LONG = ("too long", "too many input tokens", "context", "exceeds the maximum")
_NOT_ON_DEMAND = "on-demand throughput"


class Bedrock(Client):
    """A model of Bedrock.

    :param model: of a model or of an inference profile, as ``us.amazon.nova-lite-v1:0``; or an ARN.
    """

    def __init__(
        self,
        aws: Aws,
        model: str,
        calls: Calls,
        *,
        reasoning_tokens: int = 0,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        super().__init__("bedrock", "Converse", model or DEFAULT_MODEL, calls, reasoning_tokens)
        self._aws = aws
        self._read_seconds = read_seconds
        held = any(family in self.model for family in _FILLS_IN_TOOLS)
        self._ways: tuple[Way, ...] = ("tool", "schema", "told") if held else ("schema", "tool", "told")

    async def aclose(self) -> None:
        await self._aws.aclose()

    def _place(self) -> str:
        return ""

    async def _send(self, question: Question, limit: int) -> Reply:
        from botocore.exceptions import ClientError

        client = await self._aws.client(
            "bedrock-runtime", attempts=1, read_seconds=self._read_seconds, validation=False
        )
        for number, way in enumerate(self._ways):
            try:
                with sorted_errors(self.name, self._remedies(), self._denied(), paid=True):
                    try:
                        answer = await client.converse(**self._request(question, limit, way))
                    except ClientError as error:
                        if (sorted_here := self._sorted(error, question)) is not None:
                            raise sorted_here from error
                        raise
            except _RefusedWay as refusal:
                if way == self._ways[-1]:
                    raise Permanent(str(refusal)) from refusal
                continue
            if number:
                log.info("the model takes another form of request", model=self.model, way=way)
                self._ways = self._ways[number:]
            return _reply(answer, question)
        raise AssertionError("the last way is never given up")

    def _request(self, question: Question, limit: int, way: Way) -> JsonObject:
        request: JsonObject = {
            "modelId": self.model,
            "system": [{"text": with_schema(question) if way == "told" else question.system}],
            "messages": [{"role": "user", "content": [{"text": asked(question)}]}],
            "inferenceConfig": {"maxTokens": limit, "temperature": 0},
        }
        about = f"Give the {question.name.replace('_', ' ')} by filling in this form."
        if way == "tool":
            form = {
                "name": question.name,
                "description": about,
                "inputSchema": {"json": unbounded(question.schema)},
            }
            request["toolConfig"] = {
                "tools": [{"toolSpec": form}],
                "toolChoice": {"tool": {"name": question.name}},
            }
        elif way == "schema":
            form = {
                "name": question.name,
                "description": about,
                "schema": json.dumps(unbounded(question.schema)),
            }
            request["outputConfig"] = {
                "textFormat": {"type": "json_schema", "structure": {"jsonSchema": form}}
            }
        return request

    def _sorted(self, error: Exception, question: Question) -> AlfrdError | None:
        """What is particular to Bedrock; ``None``: as with any service of AWS."""
        code = error_code(error)
        if code in ("ModelTimeoutException", "ModelErrorException"):
            return Transient(f"{self.name}: {code}: the model failed; it may work the next time")
        if code != "ValidationException":
            return None
        message = str(getattr(error, "response", {}).get("Error", {}).get("Message", ""))
        said = message.lower()
        shown = f"{self.name}: {code}: {quotable(message, question)}"
        if _NOT_ON_DEMAND in said:
            return Permanent(
                f"{shown}; set ALFRD_LLM_MODEL to the id of an inference profile, such as us.{self.model}"
            )
        if any(words in said for words in _TOO_LONG):
            return Permanent(
                f"{shown}; lower ALFRD_LLM_INPUT_TOKENS, or choose a model with a longer context"
            )
        if any(words in said for words in _OF_THE_WAY):
            return _RefusedWay(shown)
        return Permanent(f"{shown}; check ALFRD_LLM_MODEL and the region")

    def _remedies(self) -> dict[str, str]:
        missing = f"there is no {self.model} in this region; check ALFRD_LLM_MODEL and ALFRD_AWS_REGION"
        return {"ResourceNotFoundException": missing}

    def _denied(self) -> str:
        return (
            f"allow bedrock:InvokeModel on {self.model} and on the models behind it in the IAM policy, and see in the "
            "Bedrock console that the account has access to the model; docs/providers.md shows a policy"
        )


class _RefusedWay(AlfrdError):
    """The model does not accept this way to state the answer's form."""


def _reply(answer: Any, question: Question) -> Reply:
    """
    :raise Lost: it is no answer of Converse, and what it cost is not known.
    """
    try:
        stop = str(answer["stopReason"])
        blocks = answer["output"]["message"]["content"]
        usage = answer["usage"]
        read, written = int(usage["inputTokens"]), int(usage["outputTokens"])
        cache_read = int(usage.get("cacheReadInputTokens") or 0)
        cache_write = int(usage.get("cacheWriteInputTokens") or 0)
        filled_in = [block["toolUse"]["input"] for block in blocks if "toolUse" in block]
        text = "".join(block["text"] for block in blocks if "text" in block)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Lost(f"bedrock: {question.name}: the answer is not one of Converse") from error
    content: JsonObject = {"stop": stop}
    if filled_in and isinstance(filled_in[0], dict):
        content["object"] = filled_in[0]
    else:
        content["text"] = filled_in[0] if filled_in and isinstance(filled_in[0], str) else text
    return Reply(
        content=content,
        input_tokens=read,
        output_tokens=written,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
    )
