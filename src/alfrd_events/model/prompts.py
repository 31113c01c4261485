"""Prompts, the outputs of their versions, and the answer keys that grade them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alfrd_events.model.base import Comparison, JsonObject, Result


@dataclass(frozen=True, slots=True)
class Prompt:
    """The active version of an instruction, from ``alfrd.prompts``."""

    id: int
    kind: str
    document_type: str
    version: int
    text: str
    can_evolve: bool = False
    beside: Mapping[str, Prompt] = field(default_factory=dict)
    """Prefix -> the active version of the same kind for another analyst, where several work on one step."""


@dataclass(frozen=True, slots=True)
class MadeOutput:
    """The output of a prompt's version for a document, unchanged."""

    prompt: int
    kind: str
    output: JsonObject | None
    """``None``: the output did not have the requested shape."""


@dataclass(frozen=True, slots=True)
class GradingInput:
    """What is known of a document whose results are to be graded."""

    key: JsonObject | None
    """Its answer key, if it has one already."""
    outputs: tuple[MadeOutput, ...]
    corrected: tuple[str, ...]
    """Columns that a person has set: the document holds the truth there."""
    by_chance: bool
    """Its results were sampled; else a person drew attention to them."""


COMPARISONS: Mapping[str, Comparison] = {
    "entity": "fuzzy",
    "document_date": "date",
    "due_date": "date",
    "total_amount": "number",
    "currency": "exact",
    "account_number": "exact",
    "period_start": "date",
    "period_end": "date",
}
"""Values that every summary has a place for, and how each is compared with its answer key."""


class KeyFact(Result):
    """One thing that a document says, or does not say."""

    name: str
    kind: Comparison
    value: str
    """As it should be read: ISO dates, plain decimals. Empty: the document does not hold it."""


class AnswerKey(Result):
    """What a perfect reader would find on a document."""

    document_type: str
    facts: tuple[KeyFact, ...]
