"""What compiled series save: bills month after month through a model behind a wire, with and without."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from alfrd_events.cli.wiring import build_analyst
from alfrd_events.clients.calls import Calls
from alfrd_events.reading.local import LocalReader
from alfrd_events.reading.sources import Sources
from alfrd_events.settings import Settings
from alfrd_events.steps.registry import BUILT_IN
from alfrd_events.steps.step import Tools
from alfrd_events.worker.run import run_worker
from testing.harness import Harness
from testing.noop import options, refuse_pages
from tests.cloud.chat import Chat
from tests.cloud.many_documents import assert_complete, process
from tests.cloud.papers import papers
from tests.cloud.server import CloudServer

MONTHS = 7
E_INVOICE = Path(__file__).parent.parent / "readers" / "invoices" / "ubl.xml"
ASKED_OF_A_DOCUMENT = ("classification", "summary", "filing", "extraction", "score")


def settings(cloud: CloudServer, **others: Any) -> Settings:
    return Settings(
        analyst="llm", llm="openai", llm_model="small", openai_base_url=f"{cloud.url}/v1", **others
    )


def jobs(cloud: CloudServer) -> Counter[str]:
    """How often each form was asked for."""
    names = (exchange.request.json()["response_format"]["json_schema"]["name"] for exchange in cloud.log)
    return Counter(names)


async def asked_for(db: Harness, chosen: str) -> Counter[str]:
    """Process seven months of an electricity, a telephone and an insurance bill, one month after the other."""
    given = [paper for number, paper in enumerate(papers(4 * MONTHS)) if number % 4 != 2]
    async with CloudServer(Chat()) as cloud:
        for month in range(MONTHS):
            analyst = build_analyst(settings(cloud, compiled_series=chosen), Calls())
            await process(db, analyst, given[3 * month : 3 * month + 3])
        await assert_complete(db, given)
        assert cloud.complaints == []
        return jobs(cloud)


async def test_a_known_series_is_read_without_asking_and_as_well(db: Harness) -> None:
    asked = await asked_for(db, "on")

    compiled = await db.sql(
        "select made_by -> 'summarize' ->> 'by' as by, made_by -> 'file' ->> 'by' as filed,"
        "       made_by -> 'extract' ->> 'by' as extracted, s.slug"
        "  from alfrd.documents d join alfrd.series s on s.id = d.series_id order by d.created_at"
    )
    first, later = compiled[: 3 * 3], compiled[3 * 3 :]
    assert {row["by"] for row in first} == {"openai:small"}
    for row in later:
        assert row["by"] == row["filed"] == row["extracted"] == f"compiled:{row['slug']}"
    documents = 3 * MONTHS
    assert asked["classification"] == documents
    assert asked["summary"] == asked["filing"] == asked["extraction"] == 9


async def test_without_compiled_series_every_document_is_asked_about(db: Harness) -> None:
    asked = await asked_for(db, "off")

    documents = 3 * MONTHS
    assert asked["summary"] == asked["filing"] == asked["extraction"] == documents


async def test_a_correction_by_a_person_reaches_the_next_document(db: Harness) -> None:
    """The company prints another sum as its total from the fourth month on; one correction stops the guessing."""
    given = [paper for number, paper in enumerate(papers(4 * 5)) if number % 4 == 0]
    async with CloudServer(Chat()) as cloud:
        await process(db, build_analyst(settings(cloud), Calls()), given[:3])
        await process(db, build_analyst(settings(cloud), Calls()), given[3:4])
        (row,) = await db.sql(
            "select id, made_by -> 'summarize' ->> 'by' as by from alfrd.documents where filename = %s",
            given[3].filename,
        )
        assert row["by"].startswith("compiled:")
        await db.sql("update alfrd.documents set total_amount = %s where id = %s", Decimal("1.00"), row["id"])
        await process(db, build_analyst(settings(cloud), Calls()), given[4:5])

    after = await db.sql(
        "select total_amount, made_by -> 'summarize' ->> 'by' as by from alfrd.documents where filename = %s",
        given[4].filename,
    )
    assert after == [{"total_amount": given[4].total, "by": "openai:small"}]


@pytest.mark.parametrize("chosen", ["llm", "cascade"])
async def test_an_electronic_invoice_is_never_put_to_a_model(db: Harness, chosen: str) -> None:
    async with CloudServer(Chat()) as cloud:
        analyst = build_analyst(settings(cloud).model_copy(update={"analyst": chosen}), Calls())
        await db.sql(
            "insert into alfrd.documents (filename, content) values ('x.xml', %s)", E_INVOICE.read_bytes()
        )
        tools = Tools(LocalReader(processes=1), analyst, Sources(), refuse_pages)
        await run_worker(db.database, BUILT_IN, tools, options(db.url))
        await tools.reader.aclose()
        await analyst.aclose()
        assert set(jobs(cloud)) <= {"file_summary"}

    (row,) = await db.sql("select id, status, total_amount, currency, made_by from alfrd.documents")
    assert (row["status"], row["total_amount"], row["currency"]) == ("completed", Decimal("1194.30"), "EUR")
    assert {made["by"] for step, made in row["made_by"].items() if step != "ocr"} == {"rules"}
