"""The whole program with ``ALFRD_READER=textract`` and ``ALFRD_ANALYST=llm``: real pictures, on a bad day."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from testing.harness import Harness
from tests.cli.program import Program
from tests.cloud.bedrock import NOVA, Bedrock
from tests.cloud.server import CloudServer, Faults
from tests.cloud.textract import Objects, Read, Textract
from tests.faults.processes import ALL_ENDED, until

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PICTURES = ("2024-02-harborlight-electric.png", "2024-03-auto-insurance.png")


async def test_pictures_become_records_by_textract_and_bedrock_alone(db: Harness, objects: Objects) -> None:
    for name in PICTURES:
        content = (SAMPLES / name).read_bytes()
        await db.sql("insert into alfrd.documents (filename, content) values (%s, %s)", name, content)
    textract, bedrock = Textract(Read(processes=1), objects), Bedrock()
    faults = Faults(throttle=0.15, cut=0.04, malformed=0.04, seed=3)
    async with CloudServer(textract, bedrock, faults=faults) as cloud:
        run = Program(
            db.url,
            AWS_ENDPOINT_URL_TEXTRACT=cloud.url,
            AWS_ENDPOINT_URL_BEDROCK_RUNTIME=cloud.url,
            ALFRD_READER="textract",
            ALFRD_ANALYST="llm",
        )
        with run.started("run", "--once"):
            await until(db, ALL_ENDED, timeout=180)
        await textract.aclose()

    assert cloud.complaints == []
    truth = {row["file"]: row for row in map(json.loads, (SAMPLES / "truth.jsonl").read_text().splitlines())}
    rows = await db.sql("select * from alfrd.documents")
    assert [row["status"] for row in rows] == ["completed"] * len(PICTURES), [row["error"] for row in rows]
    for row in rows:
        known = truth[row["filename"]]
        assert (row["entity"], str(row["document_date"])) == (known["entity"], known["date"])
        assert row["total_amount"] == Decimal(str(known["total_amount"]))
        assert row["made_by"]["ocr"]["by"] == "textract"
        assert row["made_by"]["extract"]["by"] == f"bedrock:{NOVA}"
        assert row["evidence"]["total_amount"]["box"]
    spent = await db.sql(
        "select provider, count(*) > 0 as called, sum(usd) > 0 as paid from alfrd.usage group by 1 order by 1"
    )
    assert spent == [
        {"provider": "bedrock", "called": True, "paid": True},
        {"provider": "textract", "called": True, "paid": True},
    ]
