"""What prompts made of documents, as it came: for grading, and so that nothing is paid for twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from alfrd_events.db.database import Database
from alfrd_events.model import Document, GradingInput, JsonObject, MadeOutput, text_hash


async def gradings(database: Database, ids: Sequence[UUID]) -> dict[UUID, GradingInput]:
    """What is known of documents whose results are to be graded."""
    if not ids:
        return {}
    outputs: dict[UUID, list[MadeOutput]] = defaultdict(list)
    for row in await database.rows(
        "select e.document_id, e.prompt_id, p.kind, e.output from alfrd.evaluations e"
        "  join alfrd.prompts p on p.id = e.prompt_id where e.document_id = any (%s) order by e.prompt_id",
        [list(ids)],
    ):
        outputs[row["document_id"]].append(MadeOutput(row["prompt_id"], row["kind"], row["output"]))
    rows = await database.rows(
        "select d.id, d.corrected, k.document_type, k.facts, exists (select from alfrd.evaluations e"
        "         where e.document_id = d.id and e.source = 'production' and e.text_hash <> '') as by_chance"
        "  from alfrd.documents d"
        "  left join alfrd.answer_keys k on k.document_id = d.id and k.text_hash = alfrd.text_hash(d.id)"
        " where d.id = any (%s)",
        [list(ids)],
    )
    return {
        row["id"]: GradingInput(
            key=None
            if row["facts"] is None
            else {"document_type": row["document_type"], "facts": row["facts"]},
            outputs=tuple(outputs[row["id"]]),
            corrected=tuple(row["corrected"]),
            by_chance=row["by_chance"],
        )
        for row in rows
    }


async def known(database: Database, wanted: Mapping[int, tuple[int, Document]]) -> dict[int, JsonObject]:
    """``{made_by, output}`` of each pair of a prompt and a document whose text is the same still.

    :param wanted: any number -> (prompt, document).
    """
    if not wanted:
        return {}
    rows = await database.rows(
        "select w.task_id, e.output, e.text_hash, e.made_by"
        "  from unnest(%s::bigint[], %s::bigint[], %s::uuid[]) as w(task_id, prompt_id, document_id)"
        "  join alfrd.evaluations e using (prompt_id, document_id) where e.output is not null",
        [
            list(wanted),
            [prompt for prompt, _ in wanted.values()],
            [document.id for _, document in wanted.values()],
        ],
    )
    return {
        row["task_id"]: {"made_by": row["made_by"], "output": row["output"]}
        for row in rows
        if row["text_hash"] == text_hash(wanted[row["task_id"]][1])
    }
