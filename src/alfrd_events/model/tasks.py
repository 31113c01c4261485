"""Claimed work: the input of a step, its outcome and its cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from alfrd_events.model.base import JsonObject, Result


class Task(NamedTuple):
    """A claimed piece of work. ``(id, attempt)`` is the fencing token."""

    id: int
    step: str
    subject_type: str
    subject_id: UUID
    attempt: int
    max_attempts: int
    woken_by: str = ""

    def __hash__(self) -> int:
        return self.id


Kind = Literal["done", "retry", "throttled", "released", "failed", "abandoned"]
"""How a task ended. ``abandoned``: dead without a word to the document, for when even its failure cannot be written."""


class Outcome(NamedTuple):
    """How a task ended, as handed in with the next exchange."""

    task: Task
    kind: Kind
    result: JsonObject | bytes | None = None
    """An object, or the JSON of one."""
    error: str = ""
    retry_after: float | None = None
    """Seconds, for ``throttled``: what the provider asked for."""
    made_by: str = ""
    prompt_id: int | None = None
    usage: tuple[Usage, ...] = ()
    generation: int = 0
    """Of the document that it was made from."""
    name: str = ""
    """Of its subject, for people who read the log; empty where it is not known."""


class Usage(Result):
    """What one call to a provider cost."""

    provider: str
    model: str = ""
    pages: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: Decimal = Decimal(0)
    milliseconds: int = 0
    cached: bool = False
