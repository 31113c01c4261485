"""Many documents through a faulty service: a fifth of all calls throttled, some cut, some answered with nonsense.

    python -m tests.cloud.many_documents [DOCUMENTS] [chat|bedrock]

At the end every document is complete, no call was paid again after its reply was kept, and the ledger agrees with the
server's log to the last token and cent.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from alfrd_events.analysis.llm import LlmAnalyst
from alfrd_events.clients.aws import Aws
from alfrd_events.clients.calls import Calls
from alfrd_events.clients.llm.base import Llm
from alfrd_events.clients.llm.bedrock import Bedrock as BedrockClient
from alfrd_events.clients.llm.openai import OpenAi
from alfrd_events.db.ledger import DatabaseLedger
from alfrd_events.db.migrate import migrate
from alfrd_events.model.protocols import Analyst
from alfrd_events.reading.sources import Sources
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.steps.step import Tools
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import NoopReader, options, refuse_pages
from testing.server import Server
from tests.cloud.bedrock import Bedrock
from tests.cloud.chat import Chat
from tests.cloud.papers import Paper, papers
from tests.cloud.server import CloudServer, Exchange, Faults

MANY_FAULTS = Faults(throttle=0.2, cut=0.05, malformed=0.05, latency=0.02)
PRICES = {"input": Decimal("0.06"), "output": Decimal("0.24"), "cache_read": Decimal("0.015")}


@dataclass(frozen=True)
class Report:
    """What happened on the wire, and what it cost by the ledger."""

    documents: int
    requests: Counter[str]
    """By fault; ``ok``: none."""
    repeated: int
    """Calls that were answered well, and made again."""
    usd: Decimal
    lost_usd: Decimal
    """Set aside for calls whose answer was lost."""
    most_in_flight: int
    seconds: float


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


async def live_through(db: Harness, service: str, count: int, faults: Faults) -> Report:
    """Process documents behind a misbehaving server, and check all that must hold.

    :param service: ``chat`` or ``bedrock``.
    """
    given = papers(count)
    fake = Chat() if service == "chat" else Bedrock()
    await db.sql("insert into alfrd.prices (provider, model, input, output, cache_read)"
                 " values ('openai', 'small', %s, %s, %s)", *PRICES.values())  # fmt: skip
    started = time.monotonic()
    async with CloudServer(fake, faults=faults) as cloud:
        calls = Calls(DatabaseLedger(db.database))
        await process(db, LlmAnalyst(_client(service, cloud.url, calls), 24_000), given)
        assert cloud.complaints == []
    await assert_complete(db, given)
    repeated = Counter(exchange.request.body for exchange in cloud.log if _is_well(exchange))
    usd, lost = await _check_the_books(db, cloud.log)
    return Report(
        documents=count,
        requests=cloud.count(fake.name),
        repeated=sum(times - 1 for times in repeated.values()),
        usd=usd,
        lost_usd=lost,
        most_in_flight=cloud.most_in_flight,
        seconds=time.monotonic() - started,
    )


def _client(service: str, url: str, calls: Calls) -> Llm:
    if service == "chat":
        return OpenAi(f"{url}/v1", "small", calls)
    os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = url
    return BedrockClient(Aws("us-east-1"), "", calls)


def _is_well(exchange: Exchange) -> bool:
    return exchange.fault is None and exchange.delivered


async def _check_the_books(db: Harness, log: list[Exchange]) -> tuple[Decimal, Decimal]:
    """What was spent, and how much of it on answers that were lost."""
    (booked,) = await db.sql(
        "select coalesce(sum(input_tokens), 0) as input, coalesce(sum(output_tokens), 0) as output,"
        "       coalesce(sum(cache_read_tokens), 0) as cache_read, coalesce(sum(usd), 0) as usd"
        "  from alfrd.usage where outcome not in ('unknown', 'throttled', 'failed')"
    )
    paid = [_tokens(exchange.answer.content) for exchange in log if exchange.delivered and exchange.answer]
    told = {name: sum(tokens[name] for tokens in paid) for name in PRICES}
    assert told == {name: booked[name] for name in PRICES}
    worth = sum((told[name] * price for name, price in PRICES.items()), Decimal(0)) / 1_000_000
    # Each call is rounded to the sixth place, so the sum may differ by half of that for each.
    assert abs(booked["usd"] - worth) <= len(paid) * Decimal("0.0000005")
    (lost,) = await db.sql(
        "select count(*) as calls, coalesce(sum(usd), 0) as usd, bool_and(usd = reserved_usd) as reserved"
        "  from alfrd.usage where outcome = 'unknown'"
    )
    assert lost["calls"] == sum(exchange.fault == "cut" for exchange in log)
    assert lost["reserved"] is not False
    spent = await db.one("select sum(usd) from alfrd.spending where scope like 'day:%%'")
    assert spent == booked["usd"] + lost["usd"]
    return spent, lost["usd"]


def _tokens(content: Any) -> Mapping[str, int]:
    usage = content["usage"]
    if "inputTokens" in usage:
        return {
            "input": usage["inputTokens"],
            "output": usage["outputTokens"],
            "cache_read": usage["cacheReadInputTokens"],
        }
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    return {
        "input": usage["prompt_tokens"] - cached,
        "output": usage["completion_tokens"],
        "cache_read": cached,
    }


async def _run(count: int, service: str) -> None:
    server = Server()
    try:
        await migrate(server.url("postgres"))
        async with Harness(server.url("postgres")) as db:
            report = await live_through(db, service, count, MANY_FAULTS)
    finally:
        server.remove()
    print(f"{report.documents} documents complete in {report.seconds:.0f} s, {service}")
    print(f"requests: {dict(report.requests)}; at once at most {report.most_in_flight}")
    print(f"answered well and asked again: {report.repeated}")
    print(f"spent {report.usd} USD, of which {report.lost_usd} for answers that were lost")


if __name__ == "__main__":
    asyncio.run(
        _run(int(sys.argv[1]) if len(sys.argv) > 1 else 200, sys.argv[2] if len(sys.argv) > 2 else "chat")
    )
