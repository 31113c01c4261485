"""Keeps trials of prompts: the :class:`~alfrd_events.prompts.trial.Journal` over ``alfrd.trials`` and its neighbours.

Writes are calls of the functions in ``sql/functions/prompts.sql`` and ``evaluations.sql``, each a transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from alfrd_events.db.cases import load_documents
from alfrd_events.db.database import Database, Row
from alfrd_events.db.json import jsonb
from alfrd_events.db.reference import load_types
from alfrd_events.errors import NotFound
from alfrd_events.model import AnswerKey, Document, DocumentType, KeyFact, Prompt
from alfrd_events.prompts.evidence import Rules
from alfrd_events.prompts.grading import Miss
from alfrd_events.prompts.trial import (
    SUSPECT_AMONG,
    VERIFIED_AT_MOST,
    Ending,
    Evaluation,
    Family,
    FamilyState,
    Key,
    Phase,
    Trial,
)

_PROMPT = "select id, kind, document_type, version, text from alfrd.prompts where id = any (%s)"


class Trials:
    """The journal in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def family_state(self, family: UUID) -> FamilyState:
        """What a family has reached: one look, in a few statements.

        :raise NotFound: there is no such family, or no version of it is active.
        """
        row = await self._database.row(
            "select f.id, f.kind, f.document_type, k.fewest_pairs, k.most_pairs, p.id as champion, p.max_words,"
            "       alfrd.evolution_due(f.id) as due,"
            "       coalesce((select usd from alfrd.spending where scope ="
            "         'evolution:' || to_char(alfrd.now() at time zone 'UTC', 'YYYY-MM-DD')), 0) as spent_today,"
            "       coalesce((select text from alfrd.prompts i where i.kind = 'prompt_improver' and i.is_active"
            "                  order by i.document_type limit 1), '') as improver"
            "  from alfrd.prompt_families f join alfrd.prompt_kinds k using (kind)"
            "  join alfrd.prompts p on (p.kind, p.document_type) = (f.kind, f.document_type) and p.is_active"
            " where f.id = %s",
            [family],
        )
        if row is None:
            raise NotFound(f"no family of prompts {family} that can evolve")
        trial = await self._trial(family)
        prompts = await self._prompts([row["champion"]])
        return FamilyState(
            family=Family(row["id"], row["kind"], row["document_type"]),
            champion=prompts[row["champion"]],
            trial=trial,
            due=row["due"],
            rules=Rules(row["fewest_pairs"], row["most_pairs"]),
            max_words=row["max_words"],
            spent_today=row["spent_today"],
            improver=row["improver"],
            verified=await self._verified(family) if trial and trial.phase == "testing" else (),
            corrected=await self._corrected(trial) if trial and trial.phase == "shadow" else 0,
        )

    async def _trial(self, family: UUID) -> Trial | None:
        row = await self._database.row(
            "select * from alfrd.trials where family_id = %s and ending = ''", [family]
        )
        if row is None:
            return None
        ids = [row["champion_id"], *row["candidates"]]
        prompts = await self._prompts(ids)
        testing, shadow = row["testing"], []
        if row["phase"] == "testing":
            later = await self._database.tuples(
                "select document_id from alfrd.keyed(%s) where split = 'held_back' and number > %s order by number",
                [family, row["newest_key"]],
            )
            testing = [*testing, *(id for (id,) in later)]
        elif row["phase"] == "shadow":
            made = await self._database.tuples(
                "select document_id from alfrd.evaluations e join alfrd.answer_keys k using (document_id)"
                " where e.prompt_id = %s and e.source = 'production' and e.key_revision is not null and e.at >= %s"
                " order by k.number",
                [row["challenger_id"], row["promoted_at"]],
            )
            shadow = [id for (id,) in made]
        return Trial(
            id=row["id"],
            phase=row["phase"],
            champion=prompts[row["champion_id"]],
            candidates=tuple(prompts[id] for id in row["candidates"]),
            challenger=prompts.get(row["challenger_id"] or 0),
            screening=tuple(row["screening"]),
            testing=tuple(testing),
            shadow=tuple(shadow),
        )

    async def _prompts(self, ids: Sequence[int]) -> dict[int, Prompt]:
        return {row["id"]: Prompt(**row) for row in await self._database.rows(_PROMPT, [list(ids)])}

    async def _verified(self, family: UUID) -> tuple[UUID, ...]:
        rows = await self._database.tuples(
            "select document_id from alfrd.keyed(%s) where verified <> '{}' order by number desc limit %s",
            [family, VERIFIED_AT_MOST],
        )
        return tuple(id for (id,) in rows)

    async def _corrected(self, trial: Trial) -> int:
        assert trial.challenger is not None, "a promoted trial has one"
        step = "classify" if trial.challenger.kind == "classifier" else "summarize"
        return int(
            await self._database.value(
                "select count(*) from (select d.id from alfrd.documents d, alfrd.trials t"
                "  where t.id = %(trial)s and (d.made_by -> %(step)s ->> 'prompt')::bigint = t.challenger_id"
                "  order by d.updated_at desc limit %(among)s) as last"
                " where exists (select from alfrd.corrections c, alfrd.trials t where c.document_id = last.id"
                "   and t.id = %(trial)s and c.corrected_at >= t.promoted_at and c.field <> 'series_id'"
                "   and (c.field = 'document_type') = (%(step)s = 'classify'))",
                {"trial": trial.id, "step": step, "among": SUSPECT_AMONG},
            )
        )

    async def scores(self, family: UUID) -> Mapping[int, Mapping[UUID, float]]:
        """Version -> train document -> score, of all versions of a family that were graded on any."""
        rows = await self._database.tuples(
            "select e.prompt_id, e.document_id, e.score from alfrd.evaluations e"
            "  join alfrd.prompts p on p.id = e.prompt_id"
            "  join alfrd.prompt_families f on (f.kind, f.document_type) = (p.kind, p.document_type)"
            "  join alfrd.answer_keys k using (document_id)"
            " where f.id = %s and k.split = 'train' and e.score is not null"
            " order by k.number desc",
            [family],
        )
        scores: dict[int, dict[UUID, float]] = defaultdict(dict)
        for prompt, document, score in rows:
            scores[prompt][document] = score
        return scores

    async def version(self, id: int) -> Prompt:
        """A version of a prompt.

        :raise NotFound: there is none.
        """
        if (found := (await self._prompts([id])).get(id)) is None:
            raise NotFound(f"no prompt {id}")
        return found

    async def begin(self, family: Family, champion: int) -> bool:
        """Claim the right to try."""
        return (
            await self._database.value("select alfrd.begin_trial(%s, %s)", [family.id, champion]) is not None
        )

    async def add_candidates(self, trial: int, texts: Sequence[tuple[str, int]]) -> None:
        """Write candidates down as versions, each with its parent."""
        rows = [
            {"text": text, "parent": parent, "note": f"proposed in trial {trial}"} for text, parent in texts
        ]
        await self._database.value("select alfrd.add_candidates(%s, %s)", [trial, jsonb(rows)])

    async def move(
        self, trial: int, old: Phase, new: Phase, challenger: int | None = None, note: str = ""
    ) -> bool:
        """From one phase to the next."""
        return bool(
            await self._database.value(
                "select alfrd.move_trial(%s, %s, %s, %s, %s)", [trial, old, new, challenger, note]
            )
        )

    async def end(self, trial: int, old: Phase, ending: Ending, note: str) -> bool:
        """Close it."""
        return bool(
            await self._database.value("select alfrd.end_trial(%s, %s, %s, %s)", [trial, old, ending, note])
        )

    async def promote(self, trial: int, old: Phase, note: str) -> bool:
        """Make the challenger active if the champion still is."""
        return bool(
            await self._database.value("select alfrd.promote_challenger(%s, %s, %s)", [trial, old, note])
        )

    async def roll_back(self, trial: int, note: str) -> bool:
        """Make the champion active again if the challenger still is."""
        return bool(await self._database.value("select alfrd.roll_back_challenger(%s, %s)", [trial, note]))

    async def keys(self, documents: Sequence[UUID]) -> Mapping[UUID, Key]:
        """The answer keys of documents."""
        rows = await self._database.rows(
            "select document_id, document_type, facts, verified from alfrd.answer_keys where document_id = any (%s)",
            [list(documents)],
        )
        return {row["document_id"]: Key(_answers(row), frozenset(row["verified"])) for row in rows}

    async def document(self, id: UUID) -> Document | None:
        """A document with its pages."""
        return (await load_documents(self._database, [id])).get(id)

    async def types(self) -> Sequence[DocumentType]:
        """The known document types."""
        return await load_types(self._database)

    async def evaluations(self, prompts: Sequence[int], documents: Sequence[UUID]) -> Sequence[Evaluation]:
        """What versions are known to have made of documents."""
        rows = await self._database.rows(
            "select prompt_id, document_id, output, made_by from alfrd.evaluations"
            " where prompt_id = any (%s) and document_id = any (%s)",
            [list(prompts), list(documents)],
        )
        return [
            Evaluation(row["prompt_id"], row["document_id"], row["output"], row["made_by"]) for row in rows
        ]

    async def save(
        self, evaluation: Evaluation, trial: int, score: float, misses: Sequence[Miss], text_hash: str
    ) -> None:
        """Keep an evaluation, at once."""
        await self._database.value(
            "select alfrd.save_evaluation(%s, %s, %s, %s, %s::real, %s, %s, %s)",
            [
                evaluation.prompt,
                evaluation.document,
                trial,
                None if evaluation.output is None else jsonb(evaluation.output),
                score,
                jsonb([miss.model_dump(mode="json") for miss in misses]),
                text_hash,
                evaluation.made_by,
            ],
        )


def _answers(row: Row) -> AnswerKey:
    return AnswerKey(
        document_type=row["document_type"], facts=tuple(KeyFact.model_validate(fact) for fact in row["facts"])
    )
