"""The interface between an analyst and a language model, for every server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from alfrd_events.model import JsonObject

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Question:
    """One request: an instruction, the material it is about, and the shape of the answer."""

    name: str
    """What the answer is: ``classification``, ``summary`` … ; the name of the forced tool or of the schema."""
    system: str
    """The instruction: a prompt of the database, rendered. Trusted."""
    material: str
    """Document text and what is known of it, fenced as data. Not trusted."""
    schema: JsonObject
    """JSON schema of the answer, an object without references and without additional properties."""
    max_tokens: int
    """The longest answer."""
    cut_at: str = ""
    """The list at which an answer may end too early: what comes before it in the schema is whole then, and the answer
    is taken for what it holds. Empty: it is asked for again."""
    correction: str = ""
    """What was wrong with the answer to the same question before, when it is asked again."""


class Llm(Protocol):
    """A model behind a server."""

    name: str
    """Stored with a result: ``bedrock:us.amazon.nova-lite-v1:0``."""

    async def ask(
        self, question: Question, check: Callable[[JsonObject], Made], *, fresh: bool = False
    ) -> Made:
        """Return the checked answer, through :class:`~alfrd_events.clients.calls.Calls`.

        :param fresh: not from the cache of replies.
        :raise BadReply: it answered, and the answer cannot be used.
        :raise Throttled, Transient, Permanent: as the server's error is sorted.
        """
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...
