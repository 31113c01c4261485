"""Check for ``doctor`` that a model server does what the settings need, one check after the other, with hints.

The model gets one question of a few tokens, through the same client as documents. The schema allows only one word, and
the instruction asks for another: the answer shows whether the server holds the model to a schema.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Any

from alfrd_events.clients.calls import BadReply, Calls, Lost
from alfrd_events.clients.http import read_at_most
from alfrd_events.clients.llm.address import SETTING, Address, address_of
from alfrd_events.clients.llm.base import Question
from alfrd_events.clients.llm.client import printable
from alfrd_events.clients.llm.openai import OpenAi
from alfrd_events.errors import AlfrdError, Permanent, SettingsInvalid, Throttled, Unhealthy
from alfrd_events.model import JsonObject
from alfrd_events.storable import parsed

LOOK_SECONDS = 5.0
ASK_SECONDS = 20.0
"""A server of one's own may have to load the model first."""
FRAME_TOKENS = 4_000
"""What a question has beside the document, and its answer."""
_MOST_LISTED = 5
_HELD, _TOLD = "held", "free"
_QUESTION = Question(
    name="checkup",
    system=f'Answer with this JSON object: {{"word": "{_TOLD}"}}',
    material="Nothing is to be read.",
    schema={
        "type": "object",
        "properties": {"word": {"type": "string", "enum": [_HELD]}},
        "required": ["word"],
        "additionalProperties": False,
    },
    max_tokens=50,
)
_CONTEXT_NAMES = (
    "loaded_context_length", "max_model_len", "n_ctx", "context_length", "context_window", "max_context_length",
)  # fmt: skip
_FORMATS = {
    "json_schema": "is held to a schema with its limits",
    "plain_schema": "is held to a schema; the server takes no limits of length",
    "json_object": "is held to JSON only: the server takes no schema",
    "none": "is only told the form: the server takes no schema",
}


class ModelServer:
    """An OpenAI-compatible server, looked at.

    :raise SettingsInvalid: its address is none.
    """

    def __init__(self, base_url: str, api_key: str, reasoning_tokens: int, input_tokens: int) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._address: Address = address_of(base_url, api_key)
        self._reasoning_tokens = reasoning_tokens
        self._needed = input_tokens + FRAME_TOKENS + reasoning_tokens
        self._listed: list[JsonObject] = []

    async def answers(self) -> str:
        """Check that a server speaks the protocol; report how many models it lists."""
        started = time.monotonic()
        status, location, body = await self._get(f"{self._address.base}/models")
        milliseconds = (time.monotonic() - started) * 1000
        if 300 <= status < 400:
            raise Unhealthy(
                f"{self._address.base} redirects to {printable(location)[:100] or 'nowhere'}",
                f"set {SETTING} to the address where the server really is: no document is sent after a redirect",
            )
        if status in (401, 403):
            raise Unhealthy(f"{self._address.base}: HTTP {status}", "set ALFRD_OPENAI_API_KEY to a valid key")
        self._listed = list(_models(body)) if status == 200 else []
        if not self._listed:
            return f"{self._address.base} answers, and lists no models (HTTP {status})"
        return f"{self._address.base} answers in {milliseconds:.0f} ms, and lists {len(self._listed)} models"

    async def model(self, name: str) -> str:
        """Check that the server has the model, and how far it holds the model to a schema."""
        client = OpenAi(
            self._base_url,
            name,
            Calls(),
            api_key=self._api_key,
            reasoning_tokens=self._reasoning_tokens,
            read_seconds=ASK_SECONDS,
        )
        started = time.monotonic()
        try:
            async with asyncio.timeout(ASK_SECONDS):
                word = await client.ask(_QUESTION, lambda answer: str(answer.get("word", "")))
        except (TimeoutError, Lost) as error:
            raise Unhealthy(
                f"no answer within {ASK_SECONDS:g} s",
                "a server of your own may be loading the model: try again; then a smaller model, or ALFRD_LLM_SECONDS",
            ) from error
        except BadReply as error:
            raise Unhealthy(
                f"its answer cannot be used: {error}", "choose another model: ALFRD_LLM_MODEL"
            ) from error
        except Throttled as error:
            raise Unhealthy(str(error), "wait, or ask for a higher limit: documents wait, too") from error
        except SettingsInvalid:
            raise
        except AlfrdError as error:
            raise Unhealthy(printable(str(error)), self._hint(error, name)) from error
        finally:
            await client.aclose()
        seconds = time.monotonic() - started
        held = _FORMATS[client.dialect.format]
        if client.dialect.format in ("json_schema", "plain_schema") and word != _HELD:
            held = "is not held to the schema that the server took: slips are mended, or asked for again"
        return f"answers in {seconds:.1f} s, and {held}"

    async def context(self, name: str) -> str:
        """Check that question and answer fit into the model's context, where the server reports its size."""
        told = _context_in(next((one for one in self._listed if _is(one, name)), {}))
        origin = self._address.base.removesuffix("/v1")
        if told is None:
            told = await self._of_ollama(f"{origin}/api/ps", name) or await self._of_llama_cpp(
                f"{origin}/props"
            )
        if told is None:
            return f"the server does not tell it; {self._needed:,} tokens are needed at most"
        if told < self._needed:
            raise Unhealthy(
                f"{told:,} tokens, and a question with its answer may have {self._needed:,}",
                f"give the model a longer context, or set ALFRD_LLM_INPUT_TOKENS={max(told - FRAME_TOKENS, 1000)}",
            )
        return f"{told:,} tokens; {self._needed:,} are needed at most"

    def _hint(self, error: AlfrdError, name: str) -> str:
        if self._listed and not any(_is(one, name) for one in self._listed):
            shown = ", ".join(printable(str(one.get("id"))) for one in self._listed[:_MOST_LISTED])
            return f"correct ALFRD_LLM_MODEL: the server has {shown}"
        if isinstance(error, Permanent):
            return "do what the message says, then run doctor again"
        return f"look at the server, and at {SETTING} ({self._address.base})"

    async def _of_ollama(self, url: str, name: str) -> int | None:
        found = await self._object_at(url)
        running = found.get("models")
        entries = running if isinstance(running, list) else []
        mine = [
            one for one in entries if isinstance(one, dict) and name in (one.get("name"), one.get("model"))
        ]
        return _context_in(mine[0]) if mine else None

    async def _of_llama_cpp(self, url: str) -> int | None:
        found = await self._object_at(url)
        return _context_in(found.get("default_generation_settings") or {}) or _context_in(found)

    async def _object_at(self, url: str) -> JsonObject:
        """What a server of a certain make tells at an address of its own; empty: it is of another make."""
        try:
            status, _, body = await self._get(url)
            found = parsed(body) if status == 200 else {}
        except (Unhealthy, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    async def _get(self, url: str) -> tuple[int, str, bytes]:
        from aiohttp import ClientError, ClientSession, ClientTimeout

        authorization = self._address.authorization
        headers = {"Authorization": authorization} if authorization else {}
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=LOOK_SECONDS), headers=headers) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                return response.status, response.headers.get("Location", ""), await read_at_most(response)
        except TimeoutError as error:
            raise Unhealthy(
                f"{url}: no answer within {LOOK_SECONDS:g} s", f"is it up, and is {SETTING} right?"
            ) from error
        except (ClientError, AlfrdError) as error:
            raise Unhealthy(
                f"no server at {url} ({type(error).__name__})", f"start it, or correct {SETTING}"
            ) from error


def _models(body: bytes) -> Iterator[JsonObject]:
    try:
        found = parsed(body)
    except ValueError:
        return
    listed = found.get("data") if isinstance(found, dict) else found
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("id"):
            yield one


def _is(listed: Mapping[str, Any], name: str) -> bool:
    return str(listed.get("id")) in (name, f"{name}:latest")


def _context_in(told: Any) -> int | None:
    if not isinstance(told, dict):
        return None
    for where in (told, told.get("meta") or {}):
        lengths = (where.get(name) for name in _CONTEXT_NAMES) if isinstance(where, dict) else ()
        for length in lengths:
            if isinstance(length, int) and length > 0:
                return int(length)
    return None
