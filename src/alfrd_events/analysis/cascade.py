"""The ``cascade`` analyst: rules first, a model where they are unsure, a larger one where that fails a check, too.

Rules cost nothing and know when they found nothing. What they are unsure of, or what fails one of the checks by which
every result is scored, is put to the next analyst; the result with the fewest faults is kept, the cheaper one among
equals. Each result says who made it.

Scores and summaries of files are worked out by rules alone: they are arithmetic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from alfrd_events.analysis.llm.scoring import with_summary
from alfrd_events.analysis.rules.checks import faults_of
from alfrd_events.analysis.text.naming import likeness, same_entity
from alfrd_events.clients.calls import BadReply
from alfrd_events.clients.llm.structured import Withheld
from alfrd_events.errors import Permanent
from alfrd_events.model import (
    AnalystResult,
    Classification,
    Extraction,
    Filing,
    Prompt,
    Provenance,
    Series,
    Summary,
)
from alfrd_events.model.jobs import AnalysisJob, Classify, DetectSeries, Extract, ResultT, Summarize
from alfrd_events.model.protocols import Analyst
from alfrd_events.observe import Log

log = Log("cascade")

SURE = 0.6
"""The confidence from which a type or a value counts as known."""
NEARLY_THE_SAME = 0.7
"""Likeness of two companies' names from which rules do not decide alone that they are two."""
_UNSURE = " is unsure"
_ASKED_FOR = ("entity", "document_date", "total_amount", "due_date", "currency")
"""The values for which a model is asked if they are unsure."""
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

    async def run(self, job: AnalysisJob[ResultT]) -> ResultT:
        """Ask the rules; and where they leave a doubt, the models.

        A model that answers with the same doubts as the one before it agrees that the document is like this: a larger
        one is not asked.

        :raise Permanent: no prompt for a model is active.
        """
        best = _signed(await self._rules.run(job), self._rules, job.prompt)
        left = await asyncio.to_thread(_doubts, job, best) | _unsure(best)
        notes: list[str] = []
        for model in self._models:
            if not left:
                break
            own = job.prompt.beside.get("")
            if own is None:
                kind = job.prompt.kind.removeprefix("rules_")
                raise Permanent(f"no active prompt of kind {kind} in alfrd.prompts: activate a version")
            try:
                found = await model.run(job.with_prompt(own))
            except (BadReply, Withheld) as error:
                log.warning("a model gave no usable answer", model=model.name, error=error)
                notes.append(f"{model.name} gave no usable answer: {error}")
                continue
            its = await asyncio.to_thread(_doubts, job, found) | _still_unsure(left, best, found)
            agrees = its == left
            if len(its) < len(left):
                best, left = found, its
            if agrees:
                break
        return _with_notes(best, notes)

    async def aclose(self) -> None:
        """Close all of them."""
        for analyst in (self._rules, *self._models):
            await analyst.aclose()


def _doubts(job: AnalysisJob[Any], found: AnalystResult) -> frozenset[str]:
    """What speaks against a result; scores and summaries of files are arithmetic, and in no doubt."""
    match job, found:
        case Classify(), Classification():
            unsure = found.confidence < SURE or found.document_type == "other"
            return frozenset({f"type {found.document_type}"} if unsure else ())
        case Summarize(), Summary():
            faults = faults_of(with_summary(job.document, found))
            return frozenset([*faults, *found.unsupported])
        case DetectSeries(), Filing():
            return _doubts_of_series(job.candidates, found)
        case Extract(), Extraction():
            fields = job.series.fields
            missing = {name for name in fields if found.fields.get(name) in (None, "")}
            return frozenset(missing) if len(missing) > _MOST_MISSING * len(fields) else frozenset()
    return frozenset()


def _unsure(found: AnalystResult) -> frozenset[str]:
    """Main values that the rules are not sure enough of.

    A model is asked for just these: what it finds for them is weighed by whether it is another value, and not by how
    sure rules are of it.
    """
    if not isinstance(found, Summary):
        return frozenset()
    places = ((name, found.evidence.get(name)) for name in _ASKED_FOR)
    return frozenset(
        f"{name}{_UNSURE}"
        for name, place in places
        if place is not None and place.confidence is not None and place.confidence < SURE
    )


def _still_unsure(doubts: frozenset[str], before: AnalystResult, found: AnalystResult) -> frozenset[str]:
    """Values that were unsure and that the next one finds just so: it is no surer of them."""
    return frozenset(
        doubt
        for doubt in doubts
        if (name := doubt.removesuffix(_UNSURE)) != doubt and getattr(before, name) == getattr(found, name)
    )


def _doubts_of_series(candidates: Sequence[Series], found: Filing) -> frozenset[str]:
    """A known one that is nearly, but not quite, the same needs a second look."""
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


def _signed(found: ResultT, analyst: Analyst, prompt: Prompt) -> ResultT:
    if found.provenance is not None:
        return found
    return found.model_copy(update={"provenance": Provenance(made_by=analyst.name, prompt_id=prompt.id)})


def _with_notes(found: ResultT, notes: Sequence[str]) -> ResultT:
    if not notes:
        return found
    assert found.provenance is not None, "every result is signed"
    told = found.provenance.model_copy(update={"notes": (*found.provenance.notes, *notes)})
    return found.model_copy(update={"provenance": told})
