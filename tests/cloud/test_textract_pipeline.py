"""The whole program with ``ALFRD_READER=textract``, on a real database, over the wire."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from testing.harness import Harness
from tests.cli.program import Program
from tests.cloud.server import CloudServer, Faults
from tests.cloud.textract import Objects, Plan, Read, Textract
from tests.faults.processes import ALL_ENDED, until
from tests.readers.reader_inputs import encoded, pdf, picture, scan_page

BUCKET = "staging-area"


@asynccontextmanager
async def textract(
    objects: Objects, faults: Faults | None = None
) -> AsyncIterator[tuple[CloudServer, Textract]]:
    """The service, and its server."""
    service = Textract(Read(processes=1), objects)
    async with CloudServer(service, faults=faults) as cloud:
        try:
            yield cloud, service
        finally:
            await service.aclose()
    assert cloud.complaints == []


def program(db: Harness, cloud: CloudServer, **environment: str) -> Program:
    """The program as a user has set it up."""
    clouds = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    own = {
        "AWS_ENDPOINT_URL_TEXTRACT": cloud.url,
        "ALFRD_READER": "textract",
        "ALFRD_RESCUE_SECONDS": "0.2",
    }
    return Program(db.url, **{**clouds, **own, **environment})


def scans(*texts: str) -> bytes:
    return pdf([scan_page(picture((text,), size=(850, 1100))) for text in texts])


async def test_a_worker_killed_during_a_job_leaves_it_to_the_next_one(
    db: Harness, bucket: Callable[[str], Any], objects: Objects
) -> None:
    staging = bucket(BUCKET)
    content = scans("ACME POWER", "ELECTRICITY BILL", "AMOUNT DUE 12.50")
    await db.sql("insert into alfrd.documents (filename, content) values ('bill.pdf', %s)", content)
    async with textract(objects) as (cloud, service):
        service.next_job.append(Plan(looks=10_000))
        run = program(db, cloud, ALFRD_TEXTRACT_BUCKET=BUCKET)
        with run.started("run", "--once") as first:
            await until(db, "exists (select from alfrd.provider_jobs)")
            first.kill()
        (job,) = service.jobs.values()
        assert await db.one("select job_id from alfrd.provider_jobs") == job.id
        job.plan.looks = 1

        with run.started("run", "--once"):
            await until(db, ALL_ENDED)

        assert (len(service.jobs), job.starts, service.pages_sold) == (1, 1, 3)
        assert {exchange.request.headers["X-Amz-Target"] for exchange in cloud.log} == {
            "Textract.StartDocumentTextDetection",
            "Textract.GetDocumentTextDetection",
        }
    assert await db.one("select status from alfrd.documents") == "completed"
    assert [row["text"] for row in await db.sql("select text from alfrd.pages order by number")] == [
        "ACME POWER",
        "ELECTRICITY BILL",
        "AMOUNT DUE 12.50",
    ]
    assert await db.one("select count(*) from alfrd.provider_jobs") == 0
    assert list(staging.objects.all()) == []
    usage = await db.sql("select pages, usd::text, outcome from alfrd.usage where provider = 'textract'")
    assert usage == [{"pages": 3, "usd": "0.004500", "outcome": "ok"}]


@pytest.mark.parametrize("seed", [1, 2])
async def test_documents_come_through_a_bad_day_and_nothing_is_paid_twice(
    db: Harness, bucket: Callable[[str], Any], objects: Objects, seed: int
) -> None:
    bucket(BUCKET)
    count = 12
    faults = Faults(throttle=0.2, cut=0.05, fail=0.05, malformed=0.05, seed=seed)
    for number in range(count):
        content = (
            encoded(picture((f"RECEIPT {number}",)), "PNG")
            if number % 3
            else scans(f"FIRST {number}", f"SECOND {number}")
        )
        await db.sql(
            "insert into alfrd.documents (filename, content) values (%s, %s)", f"{number}.bin", content
        )
    async with textract(objects, faults) as (cloud, service):
        run = program(db, cloud, ALFRD_TEXTRACT_BUCKET=BUCKET)
        with run.started("run", "--once"):
            await until(db, ALL_ENDED, timeout=120)
        lost = sum(
            exchange.answer is not None and exchange.fault is not None
            for exchange in cloud.log
            if exchange.request.headers["X-Amz-Target"] == "Textract.DetectDocumentText"
        )
        pages = await db.one("select count(*)::integer from alfrd.pages")
        assert service.pages_sold == pages + lost
        assert all(job.starts >= 1 for job in service.jobs.values())
    assert await db.sql("select distinct status, error from alfrd.documents") == [
        {"status": "completed", "error": ""}
    ]
    spent = await db.one("select sum(usd) from alfrd.usage where provider = 'textract'")
    assert spent == service.pages_sold * Decimal("0.0015")


async def test_the_same_page_again_is_not_paid_again(
    db: Harness, moto: Callable[[str], Any], objects: Objects
) -> None:
    await db.sql(
        "insert into alfrd.documents (filename, content) values ('a.png', %s)", encoded(picture(), "PNG")
    )
    async with textract(objects) as (cloud, service):
        run = program(db, cloud)
        for _ in range(2):
            with run.started("run", "--once"):
                await until(db, ALL_ENDED)
            await db.sql("update alfrd.documents set status = 'pending'")
        assert service.pages_sold == 1
