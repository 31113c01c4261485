"""What all clients share: a question becomes a call that is counted, and its reply becomes an object."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from alfrd_events.clients.calls import Call, Calls, Reply
from alfrd_events.clients.llm.answers import object_of
from alfrd_events.clients.llm.base import Question
from alfrd_events.model import JsonObject

Made = TypeVar("Made")

READ_SECONDS = 120.0
CONNECT_SECONDS = 5.0
CONNECTIONS = 512
"""Calls at once from one process."""
_CHARACTERS_PER_TOKEN = 3.3
_OVERHEAD = 64
_QUOTED = 24
_LONGEST_QUOTE = 200


class Client(ABC):
    """A model behind a server, asked by way of :class:`Calls`.

    :param provider: the key of limits and prices.
    :param reasoning_tokens: what a model may spend on thinking, beside its answer.
    """

    def __init__(
        self, provider: str, operation: str, model: str, calls: Calls, reasoning_tokens: int
    ) -> None:
        self.name = f"{provider}:{model}"
        self.model = model
        self._provider = provider
        self._operation = operation
        self._calls = calls
        self._reasoning_tokens = reasoning_tokens

    async def ask(
        self, question: Question, check: Callable[[JsonObject], Made], *, fresh: bool = False
    ) -> Made:
        """Return the checked answer: see :class:`~alfrd_events.clients.llm.base.Llm`."""
        limit = question.max_tokens + self._reasoning_tokens
        call = Call(
            provider=self._provider,
            operation=self._operation,
            model=self.model,
            key=self._digest(question, limit),
            input_tokens=tokens_of(question),
            output_tokens=limit,
            fresh=fresh,
        )
        return await self._calls.make(
            call,
            lambda: self._send(question, limit),
            lambda content: check(object_of(content, question, limit)),
        )

    @abstractmethod
    async def _send(self, question: Question, limit: int) -> Reply:
        """Send one request. :func:`object_of` reads the reply's content."""

    @abstractmethod
    def _place(self) -> str:
        """Name the server, where the provider's name does not identify it."""

    @abstractmethod
    async def aclose(self) -> None:
        """Release connections."""

    def _digest(self, question: Question, limit: int) -> str:
        exact = [
            *(self._provider, self._place(), self.model, limit),
            *(question.name, question.system, question.material, question.correction, question.schema),
        ]
        return hashlib.sha256(json.dumps(exact, sort_keys=True).encode()).hexdigest()


def tokens(text: str) -> int:
    """Estimate the most tokens of a text: one for every 3.3 ASCII characters, and one for each other character.

    English prose has 4 to 5 characters to a token, tables of numbers about 3.5; scripts without blanks about one.
    """
    if text.isascii():
        return int(len(text) / _CHARACTERS_PER_TOKEN) + 1
    plain = len(text.encode("ascii", "ignore"))
    return int(plain / _CHARACTERS_PER_TOKEN) + len(text) - plain + 1


def tokens_of(question: Question) -> int:
    """Estimate the most input tokens that a question needs."""
    said = (question.system, question.material, question.correction, json.dumps(question.schema))
    return sum(map(tokens, said)) + _OVERHEAD


def printable(text: str) -> str:
    """A text for logs and messages, on one line: control characters are blanks."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def quotable(message: str, question: Question) -> str:
    """A server's error message, shortened; nothing of it if it repeats what the document says."""
    said = printable(message)[:_LONGEST_QUOTE]
    material = " ".join(question.material.split())
    if any(said[at : at + _QUOTED] in material for at in range(max(len(said) - _QUOTED, 0) + 1) if said):
        return ""
    return said


def with_schema(question: Question) -> str:
    """Return the instruction with the schema in it, for a model that no server holds to the schema."""
    return (
        f"{question.system}\n\nAnswer with one JSON object and nothing else, valid under this JSON schema:\n"
        f"{json.dumps(question.schema, ensure_ascii=False)}"
    )


def asked(question: Question) -> str:
    """The user's half of a request."""
    return f"{question.material}\n\n{question.correction}" if question.correction else question.material
