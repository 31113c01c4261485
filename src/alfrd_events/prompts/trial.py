"""What a trial of a prompt is, how far it has come, and who keeps it.

A trial belongs to a family (a kind of prompt, and a document type or none), and goes through phases; each step from one
to the next is one short transaction that compares and swaps the phase, so a trial that two workers or a crash get hold
of goes each way once:

    reflecting -> screening -> testing -> suggested -> shadow -> confirmed
                                      `-------------^      `--> rolled_back

and from each of them to an end: ``no_candidate``, ``screened_out``, ``futile``, ``exhausted``, ``refused`` (a gate),
``over_budget``, ``superseded`` (a person activated another version), ``declined``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol
from uuid import UUID

from alfrd_events.model import AnswerKey, Document, DocumentType, JsonObject, Prompt
from alfrd_events.prompts.evidence import Rules
from alfrd_events.prompts.grading import Miss

Phase = Literal["reflecting", "screening", "testing", "suggested", "shadow"]
Ending = Literal[
    "no_candidate",
    "screened_out",
    "futile",
    "exhausted",
    "refused",
    "over_budget",
    "superseded",
    "declined",
    "confirmed",
    "rolled_back",
]


SHADOWED = 15
"""Documents on which the version before runs along after a promotion."""
SUSPECT_CORRECTIONS = 3
SUSPECT_AMONG = 20
"""So many of so many of its last documents corrected by people, and a promoted version goes back."""
VERIFIED_AT_MOST = 20
"""The newest documents that people have corrected, on which a challenger may not be worse."""


@dataclass(frozen=True, slots=True)
class Family:
    """The versions of one kind of prompt for one document type."""

    id: UUID
    kind: str
    document_type: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as it is kept."""

    id: int
    phase: Phase
    champion: Prompt
    candidates: tuple[Prompt, ...]
    challenger: Prompt | None
    screening: tuple[UUID, ...]
    """Train documents, chosen when it began."""
    testing: tuple[UUID, ...]
    """Held-back documents in their fixed order; more may come at the end."""
    shadow: tuple[UUID, ...] = ()
    """Documents that the new version has made since its promotion, the oldest first."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a version made of a document."""

    prompt: int
    document: UUID
    output: JsonObject | None
    """``None``: the model's reply did not have the shape that was asked for; it counts as 0."""
    made_by: str


@dataclass(frozen=True, slots=True)
class Key:
    """The answer key of a document, and what of it people have set."""

    answers: AnswerKey
    verified: frozenset[str]


@dataclass(frozen=True)
class FamilyState:
    """The state of a family now."""

    family: Family
    champion: Prompt
    """The active version."""
    trial: Trial | None
    due: str
    """Why no new trial may begin; empty: one may."""
    rules: Rules
    max_words: int
    spent_today: Decimal
    """On keys and trials, in USD."""
    improver: str
    """The instruction by which new versions are thought of."""
    verified: tuple[UUID, ...] = ()
    """The newest documents that people have corrected; told while a trial is tested."""
    corrected: int = 0
    """Of the last documents that a promoted version made, so many were corrected; told while it is in shadow."""


class Journal(Protocol):
    """Keeps trials, and is the only way from the steps of evolution to the database. In ``db/``."""

    async def family_state(self, family: UUID) -> FamilyState:
        """Return the state of a family."""
        ...

    async def scores(self, family: UUID) -> Mapping[int, Mapping[UUID, float]]:
        """Version -> train document -> score, the newest document first."""
        ...

    async def version(self, id: int) -> Prompt:
        """A version of a prompt."""
        ...

    async def begin(self, family: Family, champion: int) -> bool:
        """Claim the right to try; ``False``: somebody else did, or another version is active by now."""
        ...

    async def add_candidates(self, trial: int, texts: Sequence[tuple[str, int]]) -> None:
        """Write candidates down as versions, each with its parent; from ``reflecting`` to ``screening``."""
        ...

    async def move(
        self, trial: int, old: Phase, new: Phase, challenger: int | None = None, note: str = ""
    ) -> bool:
        """From one phase to the next; ``False`` if it was not in the old one any more."""
        ...

    async def end(self, trial: int, old: Phase, ending: Ending, note: str) -> bool:
        """Close it; ``False`` if it was not in the old phase any more."""
        ...

    async def promote(self, trial: int, old: Phase, note: str) -> bool:
        """Make the challenger active if the champion still is: compare and swap. From then on in ``shadow``."""
        ...

    async def roll_back(self, trial: int, note: str) -> bool:
        """Make the champion active again if the challenger still is, and close the trial."""
        ...

    async def keys(self, documents: Sequence[UUID]) -> Mapping[UUID, Key]:
        """The answer keys of documents; those that are gone have none."""
        ...

    async def document(self, id: UUID) -> Document | None:
        """A document with its pages; ``None`` if it is gone."""
        ...

    async def types(self) -> Sequence[DocumentType]:
        """The known document types."""
        ...

    async def evaluations(self, prompts: Sequence[int], documents: Sequence[UUID]) -> Sequence[Evaluation]:
        """What is known already and costs nothing."""
        ...

    async def save(
        self, evaluation: Evaluation, trial: int, score: float, misses: Sequence[Miss], text_hash: str
    ) -> None:
        """Keep an evaluation, at once: a crash does not pay for it again."""
        ...
