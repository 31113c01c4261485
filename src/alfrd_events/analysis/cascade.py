"""The ``cascade`` analyst: rules first, a model where they are unsure, a larger one where that fails a check, too.

Rules cost nothing and know when they found nothing. What they are unsure of, or what fails one of the checks by which
every result is scored, is put to the next analyst; the result with the fewest faults is kept, the cheaper one among
equals. Each result says who made it.

Scores and summaries of files are worked out by rules alone: they are arithmetic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from alfrd_events.analysis.llm.scoring import with_summary
from alfrd_events.analysis.rules.checks import faults_of
from alfrd_events.analysis.text.naming import likeness, same_entity
from alfrd_events.clients.calls import BadReply
from alfrd_events.clients.llm.structured import Withheld
from alfrd_events.errors import Permanent
from alfrd_events.model import (
    AnalystResult,
    Classification,
    Document,
    DocumentType,
    Extraction,
    File,
    FileSummary,
    Filing,
    Prompt,
    Provenance,
    Score,
    Series,
    Summary,
)
from alfrd_events.model.protocols import Analyst
from alfrd_events.observe import Log

log = Log("cascade")

FindingT = TypeVar("FindingT", bound=AnalystResult)
Asked = Callable[[Analyst, Prompt], Awaitable[FindingT]]

SURE = 0.6
"""The confidence from which a type counts as known."""
NEARLY_THE_SAME = 0.7
"""Likeness of two companies' names from which rules do not decide alone that they are two."""
_MOST_MISSING = 0.5
"""The share of a series' fields that a document may lack."""


class CascadeAnalyst:
    """Asks one analyst after the other, the cheapest first.

    :param rules: asked always; it costs nothing.
    :param models: asked in this order, each only if the one before left a doubt.
    """

    name = "cascade"
    prompt_prefixes: tuple[str, ...] = ("rules_", "")
    learns_from = 0

    def __init__(self, rules: Analyst, models: Sequence[Analyst]) -> None:
        self._rules = rules
        self._models = tuple(models)

    async def classify(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Classification:
        """The type by its words; a model decides where two types are close or none has enough."""

        def doubts(found: Classification) -> frozenset[str]:
            unsure = found.confidence < SURE or found.document_type == "other"
            return frozenset({f"type {found.document_type}"} if unsure else ())

        return await self._ask(prompt, lambda analyst, own: analyst.classify(document, types, own), doubts)

    async def score_classification(
        self, document: Document, types: Sequence[DocumentType], prompt: Prompt
    ) -> Score:
        """By rules."""
        return _signed(await self._rules.score_classification(document, types, prompt), self._rules, prompt)

    async def summarize(self, document: Document, prompt: Prompt) -> Summary:
        """The values by labels and positions; a model where one is missing, or does not fit the others."""

        def doubts(found: Summary) -> frozenset[str]:
            return frozenset(faults_of(with_summary(document, found))) | frozenset(found.unsupported)

        return await self._ask(prompt, lambda analyst, own: analyst.summarize(document, own), doubts)

    async def score_summary(self, document: Document, prompt: Prompt) -> Score:
        """By rules."""
        return _signed(await self._rules.score_summary(document, prompt), self._rules, prompt)

    async def detect_series(self, document: Document, candidates: Sequence[Series], prompt: Prompt) -> Filing:
        """The series by company and kind; a model where a known one is nearly, but not quite, the same."""

        def doubts(found: Filing) -> frozenset[str]:
            if found.series_id is not None:
                return frozenset()
            if not found.entity:
                return frozenset({"nobody is named"})
            near = any(
                series.kind == found.kind and likeness(series.entity, found.entity) >= NEARLY_THE_SAME
                for series in candidates
                if not same_entity(series.entity, found.entity)
            )
            return frozenset({"nearly a known series"} if near else ())

        return await self._ask(
            prompt, lambda analyst, own: analyst.detect_series(document, candidates, own), doubts
        )

    async def extract(self, document: Document, series: Series, prompt: Prompt) -> Extraction:
        """The values as they were found; a model where most of what the series has is missing."""

        def doubts(found: Extraction) -> frozenset[str]:
            missing = {name for name in series.fields if found.fields.get(name) in (None, "")}
            return frozenset(missing) if len(missing) > _MOST_MISSING * len(series.fields) else frozenset()

        return await self._ask(prompt, lambda analyst, own: analyst.extract(document, series, own), doubts)

    async def summarize_file(self, file: File, prompt: Prompt) -> FileSummary:
        """By rules."""
        return _signed(await self._rules.summarize_file(file, prompt), self._rules, prompt)

    async def aclose(self) -> None:
        """Close all of them."""
        for analyst in (self._rules, *self._models):
            await analyst.aclose()

    async def _ask(
        self,
        prompt: Prompt,
        asked: Asked[FindingT],
        doubts: Callable[[FindingT], frozenset[str]],
    ) -> FindingT:
        """The result with the fewest doubts.

        A model that answers with the same doubts as the one before it agrees that the document is like this: a larger
        one is not asked.

        :raise Permanent: no prompt for a model is active.
        """
        best = _signed(await asked(self._rules, prompt), self._rules, prompt)
        left = await asyncio.to_thread(doubts, best)
        notes: list[str] = []
        for model in self._models:
            if not left:
                break
            own = prompt.beside.get("")
            if own is None:
                kind = prompt.kind.removeprefix("rules_")
                raise Permanent(f"no active prompt of kind {kind} in alfrd.prompts: activate a version")
            try:
                found = await asked(model, own)
            except (BadReply, Withheld) as error:
                log.warning("a model gave no usable answer", model=model.name, error=error)
                notes.append(f"{model.name} gave no usable answer: {error}")
                continue
            its = await asyncio.to_thread(doubts, found)
            agrees = its == left
            if len(its) < len(left):
                best, left = found, its
            if agrees:
                break
        return _with_notes(best, notes)


def _signed(found: FindingT, analyst: Analyst, prompt: Prompt) -> FindingT:
    if found.provenance is not None:
        return found
    return found.model_copy(update={"provenance": Provenance(made_by=analyst.name, prompt_id=prompt.id)})


def _with_notes(found: FindingT, notes: Sequence[str]) -> FindingT:
    if not notes:
        return found
    assert found.provenance is not None, "every result is signed"
    told = found.provenance.model_copy(update={"notes": (*found.provenance.notes, *notes)})
    return found.model_copy(update={"provenance": told})
