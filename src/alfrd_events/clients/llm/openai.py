"""Any server that speaks OpenAI's ``/chat/completions``: Ollama, vLLM, LM Studio, llama.cpp, OpenAI itself.

Servers differ in what they accept: some hold a model to a JSON schema, some only to JSON, some to nothing. Newer models
of OpenAI accept ``max_completion_tokens`` and no temperature. The next request leaves out what a server refused; once a
request works, the client remembers its form.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import orjson

from alfrd_events.clients.calls import Calls, Lost, Reply
from alfrd_events.clients.http import ReplyTooLarge, read_at_most
from alfrd_events.clients.llm.address import SETTING, address_of
from alfrd_events.clients.llm.base import Question
from alfrd_events.clients.llm.client import (
    CONNECT_SECONDS,
    CONNECTIONS,
    READ_SECONDS,
    Client,
    asked,
    printable,
    quotable,
    with_schema,
)
from alfrd_events.clients.llm.completions import Told, message_of, reply_of
from alfrd_events.clients.llm.schemas import unbounded
from alfrd_events.errors import AlfrdError, Permanent, SettingsInvalid, Throttled, Transient
from alfrd_events.model import JsonObject
from alfrd_events.observe import Log
from alfrd_events.storable import storable

if TYPE_CHECKING:
    from aiohttp import ClientSession

log = Log("openai")

Format = Literal["json_schema", "plain_schema", "json_object", "none"]

_PLAINER: dict[str, Format] = {
    "json_schema": "plain_schema", "plain_schema": "json_object", "json_object": "none",
}  # fmt: skip
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
_WAIT_AT_MOST = 86_400.0
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

    format: Format = "json_schema"
    """``plain_schema``: one without limits of length and number, which OpenAI itself and small servers may refuse."""
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True

    def without(self, message: str) -> Dialect | None:
        """Return the dialect to try after a refusal with this message; ``None``: no other dialect would help."""
        said = message.lower()
        if any(words in said for words in _TOO_LONG):
            return None
        if "max_completion_tokens" in said and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if "temperature" in said and self.temperature:
            return replace(self, temperature=False)
        if any(word in said for word in _OF_THE_FORMAT) and self.format != "none":
            return replace(self, format=_PLAINER[self.format])
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
        address = address_of(base_url, api_key)
        if not model:
            raise SettingsInvalid(
                "ALFRD_LLM=openai needs ALFRD_LLM_MODEL: a model that the server has, such as qwen3:8b"
            )
        if find_spec("aiohttp") is None:
            raise SettingsInvalid("ALFRD_LLM=openai needs aiohttp; run: pip install 'alfrd-events[llm]'")
        super().__init__("openai", "chat.completions", model, calls, reasoning_tokens)
        self._address = address
        self._api_key = api_key
        self._read_seconds = read_seconds
        self._session: ClientSession | None = None
        self._dialect = Dialect()
        self._cut_told = False

    @property
    def dialect(self) -> Dialect:
        """What the server took so far."""
        return self._dialect

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _place(self) -> str:
        return self._address.completions

    async def _send(self, question: Question, limit: int) -> Reply:
        dialect = self._dialect
        while True:
            status, headers, body = await self._post(self._request(question, limit, dialect))
            if status == 200:
                break
            message = message_of(body)
            other = dialect.without(message) if status in (400, 404, 415, 422, 500, 501) else None
            if other is None:
                raise self._sorted(status, headers, message, question)
            dialect = other
        if dialect != self._dialect:
            log.info("the server takes another form of request", model=self.model, **vars(dialect))
            self._dialect = dialect
        try:
            reply = reply_of(body)
        except Told as error:
            raise self._sorted(error.status, headers, str(error), question, within=True) from error
        self._look_for_a_cut(question, reply)
        return reply

    def _look_for_a_cut(self, question: Question, reply: Reply) -> None:
        """Warn once if the server cut the question: some do so silently, and only the token count shows it."""
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
        held = dialect.format in ("json_schema", "plain_schema")
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
            schema = question.schema if dialect.format == "json_schema" else unbounded(question.schema)
            form = {"name": question.name, "strict": True, "schema": schema}
            request["response_format"] = {"type": "json_schema", "json_schema": form}
        elif dialect.format == "json_object":
            request["response_format"] = {"type": "json_object"}
        return request

    async def _post(self, request: JsonObject) -> tuple[int, Any, bytes]:
        import aiohttp

        url = self._address.completions
        try:
            # Follow no redirect: the document would go to a server that is not in the settings.
            async with self._opened().post(url, data=_encoded(request), allow_redirects=False) as response:
                return response.status, response.headers, await read_at_most(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Transient(
                f"{self.name}: no server at {url} ({type(error).__name__}); is it running, and is {SETTING} right?"
            ) from error
        except TimeoutError as error:
            raise Lost(
                f"{self.name}: no whole answer from {url} within {self._read_seconds:g} s (ALFRD_LLM_SECONDS)"
            ) from error
        except ReplyTooLarge as error:
            raise Transient(f"{self.name}: {error} ({SETTING})") from error
        except aiohttp.ClientError as error:
            raise Lost(f"{self.name}: no answer from {url} ({type(error).__name__})") from error

    def _opened(self) -> ClientSession:
        from aiohttp import ClientSession, ClientTimeout, TCPConnector

        if self._session is None:
            headers = {"Content-Type": "application/json"}
            if self._address.authorization:
                headers["Authorization"] = self._address.authorization
            self._session = ClientSession(
                connector=TCPConnector(limit=CONNECTIONS),
                timeout=ClientTimeout(
                    sock_connect=CONNECT_SECONDS, total=CONNECT_SECONDS + self._read_seconds
                ),
                headers=headers,
            )
        return self._session

    def _sorted(
        self, status: int, headers: Any, message: str, question: Question, *, within: bool = False
    ) -> AlfrdError:
        """
        :param within: the error came inside of an answer with status 200.
        """
        for secret in filter(None, (self._api_key, self._address.authorization.partition(" ")[2])):
            message = message.replace(secret, "***")
        shown = quotable(message, question)
        said = f"{self.name}: {'an answer with error' if within else 'HTTP'} {status}" + (
            shown and f": {shown}"
        )
        if 300 <= status < 400:
            return Permanent(f"{self.name}: {self._moved(status, headers)}")
        if status == 402 or "insufficient_quota" in message:
            return Permanent(f"{said}; the account has no credit left: add some, or choose another server")
        if status == 429:
            return Throttled(f"{said}; asked to slow down", retry_after=_retry_after(headers))
        if status == 503 and "Retry-After" in headers:
            return Throttled(f"{said}; asked to come back later", retry_after=_retry_after(headers))
        if status >= 500 or status in _OVERLOADED:
            return Transient(
                f"{said}; the server failed; if it goes on, check {SETTING} ({self._address.base})"
            )
        if status in (401, 403):
            return Permanent(f"{said}; set ALFRD_OPENAI_API_KEY to a key that may use this model")
        if status == 404:
            return Permanent(
                f"{said}; check {SETTING} ({self._address.base}, usually ending in /v1) and that the server "
                f"has the model {self.model} (ALFRD_LLM_MODEL)"
            )
        if any(words in message.lower() for words in _TOO_LONG):
            return Permanent(f"{said}; lower ALFRD_LLM_INPUT_TOKENS, or give the model a larger context")
        return Permanent(f"{said}; the server refuses the request")

    def _moved(self, status: int, headers: Any) -> str:
        """Where a redirect leads: its server only, since the rest may hold a token."""
        to = urlsplit(str(headers.get("Location", "")))
        where = printable(
            f"{to.scheme}://{to.hostname}" if to.hostname else "another path of the same server"
        )[:200]
        return (
            f"HTTP {status}: {self._address.completions} redirects to {where}, and no document is sent after it; set "
            f"{SETTING} to the address where the server really is"
        )


def _encoded(request: JsonObject) -> bytes:
    """The request in JSON; a file's name or text may hold half of a surrogate pair, which UTF-8 cannot say."""
    try:
        return orjson.dumps(request)
    except TypeError:
        return orjson.dumps(storable(request))


def _retry_after(headers: Any) -> float | None:
    """Seconds, of either form of the header; ``None`` if it names none."""
    said = headers.get("Retry-After", "")
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), _WAIT_AT_MOST) if isfinite(seconds) else None
