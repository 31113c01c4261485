"""The whole pipeline with a language model, over the wire."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

import pytest

from alfrd_events.analysis.cascade import CascadeAnalyst
from alfrd_events.analysis.llm import LlmAnalyst
from alfrd_events.analysis.rules import RulesAnalyst
from alfrd_events.cli.wiring import build_analyst
from alfrd_events.clients.calls import Calls
from alfrd_events.clients.llm.openai import OpenAi
from alfrd_events.settings import Settings
from testing.harness import Harness
from tests.cloud.bedrock import NOVA, Bedrock
from tests.cloud.chat import Chat
from tests.cloud.many_documents import MANY_FAULTS, assert_complete, live_through, process
from tests.cloud.papers import Paper, papers
from tests.cloud.server import CloudServer


@pytest.mark.parametrize("service", ["openai", "bedrock"])
async def test_documents_pass_through_a_model(
    db: Harness, monkeypatch: pytest.MonkeyPatch, service: Literal["openai", "bedrock"]
) -> None:
    given = papers(8)
    async with CloudServer(Chat(), Bedrock()) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", cloud.url)
        chosen = Settings(
            analyst="llm",
            llm=service,
            llm_model="small" if service == "openai" else "",
            openai_base_url=f"{cloud.url}/v1",
        )
        await process(db, build_analyst(chosen, Calls()), given)
        assert cloud.complaints == []

    await assert_complete(db, given)
    model = "openai:small" if service == "openai" else f"bedrock:{NOVA}"
    made = await db.sql("select distinct made_by -> 'summarize' ->> 'by' as by from alfrd.documents")
    assert [row["by"] for row in made] == [model]
    assert await db.one("select count(*) from alfrd.series") == 4
    assert await db.one("select count(*) from alfrd.files where status <> 'generated'") == 0
    assert await db.one("select count(*) from alfrd.scores where made_by = %s", model) == 16


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


async def test_a_bad_day_loses_nothing_and_pays_nothing_twice(db: Harness) -> None:
    report = await live_through(db, "bedrock", 12, MANY_FAULTS)

    assert {"throttle", "cut", "malformed", "ok"} <= report.requests.keys()
    assert report.repeated == 0
