"""Any server that speaks OpenAI's ``/chat/completions``: Ollama, vLLM, LM Studio, llama.cpp, OpenAI itself.

They differ in what they take: some hold a model to a JSON schema, some only to JSON, some to nothing; newer models of
OpenAI take ``max_completion_tokens`` and no temperature. What a server refuses is left out the next time, and that is
remembered once the request has worked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import orjson

from alfrd_events.errors import AlfrdError, Permanent, SettingsInvalid, Throttled, Transient
from alfrd_events.model import JsonObject
from alfrd_events.observe import Log
from alfrd_events.providers.calls import Calls, Lost, Reply
from alfrd_events.providers.llm.base import Question
from alfrd_events.providers.llm.client import (
    CONNECT_SECONDS,
    CONNECTIONS,
    READ_SECONDS,
    Client,
    asked,
    quotable,
    with_schema,
)

if TYPE_CHECKING:
    from aiohttp import ClientSession

log = Log("openai")

_STOPS = {"length": "max_tokens", "content_filter": "content_filtered"}
_OF_THE_FORMAT = (
    "response_format",
    "json_schema",
    "json_object",
    "schema",
    "grammar",
    "structured",
    "guided",
)
_FEWEST_CHARACTERS = 8_000
_MOST_CHARACTERS_PER_TOKEN = 8
_OVERLOADED = frozenset({408, 409, 425})
_TOO_LONG = (
    "context length",
    "context_length",
    "context size",
    "context window",
    "too many tokens",
    "too long",
)


@dataclass(frozen=True)
class Dialect:
    """What a server understands, as far as it is known."""

    format: Literal["json_schema", "json_object", "none"] = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True

    def without(self, message: str) -> Dialect | None:
        """How to say it to a server that refused with this message; ``None`` if it is not a matter of words."""
        said = message.lower()
        if any(words in said for words in _TOO_LONG):
            return None
        if "max_completion_tokens" in said and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if "temperature" in said and self.temperature:
            return replace(self, temperature=False)
        if any(word in said for word in _OF_THE_FORMAT) and self.format != "none":
            return replace(self, format="json_object" if self.format == "json_schema" else "none")
        return None


class OpenAi(Client):
    """A model behind ``base_url``.

    :param base_url: up to the version, ``http://localhost:11434/v1``.
    :param api_key: sent as a bearer token if it is not empty; never logged.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        calls: Calls,
        *,
        api_key: str = "",
        reasoning_tokens: int = 0,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """
        :raise SettingsInvalid: no URL, no model, or the HTTP library of the extra ``llm`` is not installed.
        """
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise SettingsInvalid(
                "ALFRD_LLM=openai needs ALFRD_OPENAI_BASE_URL, such as http://localhost:11434/v1 (Ollama)"
            )
        if not model:
            raise SettingsInvalid(
                "ALFRD_LLM=openai needs ALFRD_LLM_MODEL: a model that the server has, such as qwen3:8b"
            )
        if find_spec("aiohttp") is None:
            raise SettingsInvalid("ALFRD_LLM=openai needs aiohttp; run: pip install 'alfrd-events[llm]'")
        super().__init__("openai", "chat.completions", model, calls, reasoning_tokens)
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._api_key = api_key
        self._read_seconds = read_seconds
        self._session: ClientSession | None = None
        self._dialect = Dialect()
        self._cut_told = False

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _place(self) -> str:
        return self._url

    async def _send(self, question: Question, limit: int) -> Reply:
        dialect = self._dialect
        while True:
            status, headers, body = await self._post(self._request(question, limit, dialect))
            if status == 200:
                break
            message = _message(body)
            other = dialect.without(message) if status in (400, 404, 415, 422, 500, 501) else None
            if other is None:
                raise self._sorted(status, headers, message, question)
            dialect = other
        if dialect != self._dialect:
            log.info("the server takes another form of request", model=self.model, **vars(dialect))
            self._dialect = dialect
        reply = self._reply(body, question)
        self._look_for_a_cut(question, reply)
        return reply

    def _reply(self, body: bytes, question: Question) -> Reply:
        """
        :raise Lost: it is no chat completion, and what it cost is not known.
        """
        try:
            answer = orjson.loads(body)
            choice = answer["choices"][0]
            message = choice["message"]
            content = message.get("content")
            usage = answer.get("usage") or {}
            read = int(usage.get("prompt_tokens") or 0)
            written = int(usage.get("completion_tokens") or 0)
            cached = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Lost(f"{self.name}: {question.name}: the server's answer is no chat completion") from error
        if isinstance(content, list):
            content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        reason = "content_filter" if message.get("refusal") else str(choice.get("finish_reason"))
        return Reply(
            content={"stop": _STOPS.get(reason, reason), "text": content or ""},
            input_tokens=max(read - cached, 0),  # theirs include the cached ones, as Bedrock's do not
            output_tokens=written,
            cache_read_tokens=cached,
        )

    def _look_for_a_cut(self, question: Question, reply: Reply) -> None:
        """Some servers cut a question that is longer than their context and say nothing; the count tells."""
        read = reply.input_tokens + reply.cache_read_tokens
        sent = len(question.system) + len(question.material)
        if (
            self._cut_told
            or not read
            or sent < _FEWEST_CHARACTERS
            or sent / read < _MOST_CHARACTERS_PER_TOKEN
        ):
            return
        self._cut_told = True
        log.warning(
            "the server seems to have cut the question; raise its context length or lower ALFRD_LLM_INPUT_TOKENS",
            model=self.model,
            characters=sent,
            tokens=read,
        )

    def _request(self, question: Question, limit: int, dialect: Dialect) -> JsonObject:
        held = dialect.format == "json_schema"
        request: JsonObject = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": question.system if held else with_schema(question)},
                {"role": "user", "content": asked(question)},
            ],
            dialect.limit: limit,
            "stream": False,
        }
        if dialect.temperature:
            request["temperature"] = 0
        if held:
            form = {"name": question.name, "strict": True, "schema": question.schema}
            request["response_format"] = {"type": "json_schema", "json_schema": form}
        elif dialect.format == "json_object":
            request["response_format"] = {"type": "json_object"}
        return request

    async def _post(self, request: JsonObject) -> tuple[int, Any, bytes]:
        import aiohttp

        try:
            async with self._opened().post(self._url, data=orjson.dumps(request)) as response:
                return response.status, response.headers, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Transient(
                f"{self.name}: no server at {_host(self._url)} ({type(error).__name__}); "
                "is it running, and is ALFRD_OPENAI_BASE_URL right?"
            ) from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Lost(f"{self.name}: no answer from {_host(self._url)} ({type(error).__name__})") from error

    def _opened(self) -> ClientSession:
        from aiohttp import ClientSession, ClientTimeout, TCPConnector

        if self._session is None:
            headers = {"Content-Type": "application/json"}
            if self._api_key:
                headers["Authorization"] = f"Bearer {self._api_key}"
            self._session = ClientSession(
                connector=TCPConnector(limit=CONNECTIONS),
                timeout=ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=self._read_seconds),
                headers=headers,
            )
        return self._session

    def _sorted(self, status: int, headers: Any, message: str, question: Question) -> AlfrdError:
        if self._api_key:
            message = message.replace(self._api_key, "***")
        shown = quotable(message, question)
        said = f"{self.name}: HTTP {status}" + (f": {shown}" if shown else "")
        if status == 429:
            if "insufficient_quota" in message:
                return Permanent(
                    f"{said}; the account has no credit left: add some, or choose another server"
                )
            return Throttled(f"{said}; asked to slow down", retry_after=_retry_after(headers))
        if status == 503 and "Retry-After" in headers:
            return Throttled(f"{said}; asked to come back later", retry_after=_retry_after(headers))
        if status >= 500 or status in _OVERLOADED:
            return Transient(f"{said}; the server failed")
        if status in (401, 403):
            return Permanent(f"{said}; set ALFRD_OPENAI_API_KEY to a key that may use this model")
        if status == 404:
            return Permanent(
                f"{said}; check ALFRD_OPENAI_BASE_URL ({_host(self._url)}, usually ending in /v1) and that the server "
                f"has the model {self.model} (ALFRD_LLM_MODEL)"
            )
        if any(words in message.lower() for words in _TOO_LONG):
            return Permanent(f"{said}; lower ALFRD_LLM_INPUT_TOKENS, or give the model a larger context")
        return Permanent(f"{said}; the server refuses the request")


def _message(body: bytes) -> str:
    """What an error's body says, in one of the forms in which servers say it."""
    try:
        said = orjson.loads(body)
    except ValueError:
        return body[:500].decode(errors="replace")
    if isinstance(said, dict):
        said = said.get("error", said.get("detail", said.get("message", said)))
    if isinstance(said, dict):
        said = " ".join(str(said[name]) for name in ("code", "param", "message") if said.get(name))
    return str(said)


def _retry_after(headers: Any) -> float | None:
    try:
        return max(float(headers["Retry-After"]), 0.0)
    except (KeyError, ValueError):
        return None


def _host(url: str) -> str:
    """Without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
