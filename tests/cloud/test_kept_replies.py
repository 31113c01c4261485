"""Replies that were paid are kept, and none that its document died of is given again."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from alfrd_events.analysis.llm import LlmAnalyst
from alfrd_events.clients.aws import Aws
from alfrd_events.clients.calls import Calls
from alfrd_events.clients.llm.bedrock import Bedrock as BedrockClient
from alfrd_events.clients.llm.openai import OpenAi
from alfrd_events.db.ledger import DatabaseLedger
from alfrd_events.model import JsonObject
from alfrd_events.reading.sources import Sources
from alfrd_events.reading.textract.blocks import block_of
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.steps.step import Tools
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import NoopReader, options, refuse_pages
from tests.cloud import rule_model
from tests.cloud.asking import BILL
from tests.cloud.bedrock import Bedrock
from tests.cloud.chat import Chat
from tests.cloud.colour_question import no_pause
from tests.cloud.many_documents import process
from tests.cloud.papers import Paper
from tests.cloud.server import CloudServer

GIVEN = Paper("bill.txt", BILL, "utility_bill", "Harbor Electric Company", Decimal("85.12"), date(2024, 3, 3))


def poisoned(form: str, system: str, material: str) -> JsonObject:
    """A model that puts what no database holds into every text of its answers."""

    def poison(value: Any) -> Any:
        if isinstance(value, str):
            return f"{value}\0\ud800" if value and not value[0].isdigit() else value
        if isinstance(value, list):
            return [poison(one) for one in value]
        return {name: poison(one) for name, one in value.items()} if isinstance(value, dict) else value

    answer = rule_model.answer(form, system, material)
    bound = {
        name: answer[name] for name in ("document_type", "frequency", "kind", "candidate") if name in answer
    }
    return {**poison(answer), **bound}


@pytest.mark.parametrize("service", ["openai", "bedrock"])
async def test_a_document_completes_although_its_model_writes_what_no_database_holds(
    db: Harness, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    async with CloudServer(Chat(poisoned, obeys=False), Bedrock(poisoned)) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", cloud.url)
        calls = Calls(DatabaseLedger(db.database), sleep=no_pause)
        client = (
            OpenAi(f"{cloud.url}/v1", "small", calls)
            if service == "openai"
            else BedrockClient(Aws("us-east-1"), "", calls)
        )
        await process(db, LlmAnalyst(client, 24_000), [GIVEN])

    (row,) = await db.sql("select status, error, total_amount, summary from alfrd.documents")
    assert (row["status"], row["error"]) == ("completed", "")
    assert row["total_amount"] == GIVEN.total
    assert await db.one("select count(*) from alfrd.reply_cache") == len(cloud.log)


def test_a_word_that_textract_read_can_be_kept() -> None:
    raw = {"Id": "1", "BlockType": "WORD", "Text": "to\0tal \ud800"}
    assert block_of(raw).text == "total \ufffd"


async def test_who_replays_a_document_that_a_reply_killed_gets_another_answer(db: Harness) -> None:
    await db.sql(
        "create function public.no_visitors() returns trigger language plpgsql as"
        " $$ begin raise exception 'no'; end $$"
    )
    await db.sql(
        "create trigger no_visitors before update on alfrd.documents for each row"
        " when (new.account_number <> '') execute function public.no_visitors()"
    )
    async with CloudServer(Chat()) as cloud:

        async def work() -> int:
            before = len(cloud.log)
            calls = Calls(DatabaseLedger(db.database), sleep=no_pause)
            llm = LlmAnalyst(OpenAi(f"{cloud.url}/v1", "small", calls), 24_000)
            tools = Tools(NoopReader(), llm, Sources(), refuse_pages)
            await run_worker(db.database, BUILT_IN, tools, options(db.url))
            await llm.aclose()
            return len(cloud.log) - before

        await db.sql("insert into alfrd.documents (filename, content) values ('bill.txt', %s)", BILL.encode())
        await work()
        (row,) = await db.sql("select status, failed_step, error from alfrd.documents")
        assert (row["status"], row["failed_step"]) == ("failed", "summarize")
        assert "refused" in row["error"]

        await db.sql("drop trigger no_visitors on alfrd.documents")
        await db.sql("select * from alfrd.replay(p_failed => true)")
        await work()

    asked = [json.dumps(exchange.request.json()) for exchange in cloud.log]
    summaries = [each for each in asked if '"name": "summary"' in each]
    assert len(summaries) == 2
    assert summaries[0] == summaries[1]
    assert sum('"name": "classification"' in each for each in asked) == 1, "what it did not die of is kept"
    assert await db.one("select status from alfrd.documents") == "completed"
    assert await db.one("select count(*) from alfrd.reply_cache") == len(cloud.log) - 1
