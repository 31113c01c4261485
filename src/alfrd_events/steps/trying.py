"""What versions make of documents, paid for once and graded by the keys as they are now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from alfrd_events.clients.calls import BadReply
from alfrd_events.errors import Permanent
from alfrd_events.model import AnswerKey, Document, JsonObject, Prompt, text_hash
from alfrd_events.model.inputs import ClassifyInput, SummarizeInput
from alfrd_events.prompts.trial import Evaluation, Key
from alfrd_events.steps import analysis
from alfrd_events.steps.answer_keys import VersionGrade, graded
from alfrd_events.steps.step import Tools

if TYPE_CHECKING:
    from alfrd_events.steps.spending import Evolution

CALLS_PER_TURN = 12
"""Few, so that a worker can stop soon, and other families have their turn."""


class TurnOver(Exception):
    """So many calls were made; the next turn goes on."""


class Bench:
    """Runs versions on documents for one trial; what is known is not run again."""

    def __init__(self, trial: int, tools: Tools, evolution: Evolution) -> None:
        self._trial = trial
        # Without the analysts before it in the pipeline: the model's own answers are compared.
        self._tools = replace(tools, analyst=evolution.examiner)
        self._journal = evolution.journal
        self._calls = 0

    async def differences(
        self, champion: Prompt, challenger: Prompt, documents: Sequence[UUID]
    ) -> AsyncIterator[float]:
        """Challenger's score minus champion's, document by document; those that are gone are left out.

        :raise TurnOver: enough calls for now.
        """
        async for _, ours, theirs in self._pairs(champion, challenger, documents):
            yield theirs.score - ours.score

    async def loses_verified(self, champion: Prompt, challenger: Prompt, documents: Sequence[UUID]) -> bool:
        """Whether the challenger has anything wrong that people have set and the champion has right."""
        async for key, ours, theirs in self._pairs(champion, challenger, documents):
            lost = {miss.name for miss in theirs.misses} - {miss.name for miss in ours.misses}
            if lost & (key.verified | {"reply"}):
                return True
        return False

    async def failures(self, champion: Prompt, challenger: Prompt, documents: Sequence[UUID]) -> int:
        """How many more replies of the challenger than of the champion had the wrong shape."""
        known = await self._journal.evaluations([champion.id, challenger.id], documents)
        failed = [evaluation.prompt for evaluation in known if evaluation.output is None]
        return failed.count(challenger.id) - failed.count(champion.id)

    async def _pairs(
        self, champion: Prompt, challenger: Prompt, documents: Sequence[UUID]
    ) -> AsyncIterator[tuple[Key, VersionGrade, VersionGrade]]:
        known = {
            (each.prompt, each.document): each
            for each in await self._journal.evaluations([champion.id, challenger.id], documents)
            # What another model made of it is no fair comparison.
            if each.made_by == self._tools.analyst.name
        }
        keys = await self._journal.keys(documents)
        for id in documents:
            if id not in keys:
                continue
            grades = []
            for prompt in (champion, challenger):
                made = known.get((prompt.id, id))
                if made is not None:
                    grades.append(graded(prompt.id, prompt.kind, keys[id].answers, made.output))
                elif (document := await self._journal.document(id)) is not None:
                    grades.append(await self._run(prompt, document, keys[id].answers))
            if len(grades) == 2:
                yield keys[id], grades[0], grades[1]

    async def _run(self, prompt: Prompt, document: Document, key: AnswerKey) -> VersionGrade:
        if self._calls >= CALLS_PER_TURN:
            raise TurnOver
        self._calls += 1
        try:
            output: JsonObject | None = await self._output(prompt, document)
        except (BadReply, Permanent):
            output = None
        found = graded(prompt.id, prompt.kind, key, output)
        made = Evaluation(prompt.id, document.id, output, self._tools.analyst.name)
        await self._journal.save(made, self._trial, found.score, found.misses, text_hash(document))
        return found

    async def _output(self, prompt: Prompt, document: Document) -> JsonObject:
        """What the step makes of the document, as it would in production."""
        if prompt.kind == "classifier":
            types = tuple(await self._journal.types())
            given = ClassifyInput(document, prompt=prompt, types=types)
            return (await analysis.classify(given, self._tools)).model_dump(mode="json")
        found = await analysis.summarize(SummarizeInput(document, prompt=prompt), self._tools)
        return found.model_dump(mode="json")
