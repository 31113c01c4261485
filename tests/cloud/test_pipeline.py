"""The whole pipeline with a language model, over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from alfrd_events.providers.analysts.cascade import CascadeAnalyst
from alfrd_events.providers.analysts.llm import LlmAnalyst
from alfrd_events.providers.analysts.rules import RulesAnalyst
from alfrd_events.providers.base import Analyst
from alfrd_events.providers.calls import Calls
from alfrd_events.providers.llm.openai import OpenAi
from alfrd_events.providers.sources import Sources
from alfrd_events.steps.registry import BUILT_IN, Tools
from alfrd_events.worker.run import run_worker
from tests.cloud.chat import Chat
from tests.cloud.papers import Paper, papers
from tests.cloud.server import CloudServer
from tests.support.harness import Harness
from tests.support.noop import NoopReader, options, refuse_pages


async def process(db: Harness, analyst: Analyst, given: Sequence[Paper]) -> None:
    """Submit documents and work until all is quiet."""
    for paper in given:
        await db.sql(
            "insert into alfrd.documents (filename, content) values (%s, %s)",
            paper.filename,
            paper.text.encode(),
        )
    tools = Tools(NoopReader(), analyst, Sources(), refuse_pages)
    await run_worker(db.database, BUILT_IN, tools, options(db.url))
    await analyst.aclose()


async def assert_complete(db: Harness, given: Sequence[Paper]) -> None:
    """Every document is through, and says what it says."""
    failed = await db.sql("select filename, status, error from alfrd.documents where status <> 'completed'")
    assert failed == []
    rows = {row["filename"]: row for row in await db.sql("select * from alfrd.documents")}
    for paper in given:
        row = rows[paper.filename]
        assert (row["document_type"], row["entity"]) == (paper.document_type, paper.entity)
        assert (row["total_amount"], row["document_date"]) == (paper.total, paper.day)


async def test_documents_pass_through_an_openai_compatible_server(db: Harness) -> None:
    given = papers(8)
    async with CloudServer(Chat()) as cloud:
        analyst = LlmAnalyst(OpenAi(f"{cloud.url}/v1", "small", Calls()), 24_000)
        await process(db, analyst, given)
        assert cloud.complaints == []

    await assert_complete(db, given)
    made = await db.sql("select distinct made_by -> 'summarize' ->> 'by' as by from alfrd.documents")
    assert [row["by"] for row in made] == ["openai:small"]
    assert await db.one("select count(*) from alfrd.series") == 4
    assert await db.one("select count(*) from alfrd.files where status <> 'generated'") == 0
    assert await db.one("select count(*) from alfrd.scores where made_by = 'openai:small'") == 16


async def test_a_cascade_asks_the_model_only_where_rules_are_unsure(db: Harness) -> None:
    clear = papers(8)
    unclear = Paper(
        "letter.txt",
        "To whom it may concern\n85.12 will be on your next bill.\n",
        "other",
        "",
        Decimal(0),
        date.min,
    )
    async with CloudServer(Chat()) as cloud:
        model = LlmAnalyst(OpenAi(f"{cloud.url}/v1", "small", Calls()), 24_000)
        await process(db, CascadeAnalyst(RulesAnalyst(), [model]), [*clear, unclear])
        assert cloud.complaints == []

    await assert_complete(db, clear)
    asked = [str(exchange.request.json()["messages"]) for exchange in cloud.log]
    assert 0 < len(asked) <= 3
    assert [question for question in asked if "letter.txt" not in question] == []
    (prompt,) = await db.sql(
        "select distinct p.kind from alfrd.documents d join alfrd.prompts p"
        "  on p.id = (d.made_by -> 'summarize' ->> 'prompt')::bigint where d.made_by -> 'summarize' ->> 'by' = 'rules'"
    )
    assert prompt["kind"] == "rules_summarizer"
