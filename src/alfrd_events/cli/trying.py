"""Ask the model what a version of a prompt makes of documents, without keeping it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from alfrd_events.cli import wiring
from alfrd_events.errors import SettingsInvalid

if TYPE_CHECKING:
    from alfrd_events.db.prompts import Run
    from alfrd_events.model import JsonObject


@asynccontextmanager
async def one_by_one(context: wiring.CommandContext, row: Mapping[str, Any]) -> AsyncIterator[Run]:
    """What runs a version on a document. It counts against the day's budget for evolution.

    :raise SettingsInvalid: no model is set.
    """
    from alfrd_events.clients.calls import BadReply
    from alfrd_events.db.cases import load_documents
    from alfrd_events.db.reference import load_types
    from alfrd_events.model import Prompt
    from alfrd_events.model.inputs import ClassifyInput, SummarizeInput
    from alfrd_events.steps import analysis

    chosen = context.settings.model_copy(update={"evolution": "suggest"})
    ledger = wiring.build_ledger(chosen, context.database)
    calls = wiring.build_calls(chosen, ledger)
    evolution = wiring.build_evolution(chosen, context.database, calls)
    if evolution is None:
        raise SettingsInvalid("prompts are tried with a language model: set ALFRD_ANALYST=llm")
    tools = replace(wiring.build_tools(chosen, calls), analyst=evolution.examiner)
    prompt = Prompt(**{name: row[name] for name in ("id", "kind", "document_type", "version", "text")})
    types = await load_types(context.database)

    async def run(id: UUID) -> JsonObject | None:
        document = (await load_documents(context.database, [id]))[id]
        try:
            with evolution.paying():
                if prompt.kind == "classifier":
                    given = ClassifyInput(document, prompt=prompt, types=tuple(types))
                    return (await analysis.classify(given, tools)).model_dump(mode="json")
                found = await analysis.summarize(SummarizeInput(document, prompt=prompt), tools)
        except BadReply:
            return None
        return found.model_dump(mode="json")

    try:
        yield run
    finally:
        await tools.reader.aclose()
        await evolution.examiner.aclose()
        await ledger.aclose()
