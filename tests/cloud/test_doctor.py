"""``doctor`` on AWS: what works, and for each thing that does not, what to do."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from testing.harness import Harness
from tests.cli.program import Program
from tests.cloud.server import CloudServer
from tests.cloud.textract import Textract

Finding = dict[str, Any]
Make = Callable[[str], Any]


async def findings(db: Harness, without: tuple[str, ...] = (), **environment: str) -> dict[str, Finding]:
    """What doctor finds, by the name of the check."""
    clouds = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    program = Program(db.url, **{**clouds, **environment})
    for name in without:
        program.environment.pop(name, None)
    done = await asyncio.to_thread(program, "doctor", "--json", exit_code=None)
    found = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == (0 if all(finding["good"] for finding in found.values()) else 1)
    return found


async def test_whoever_uses_nothing_of_aws_is_asked_for_nothing(db: Harness) -> None:
    found = await findings(db, without=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    assert not [name for name in found if "AWS" in name or "bucket" in name or "model" in name]


@pytest.mark.parametrize("features", ["", "tables,forms"])
async def test_everything_that_is_used_is_looked_at_and_costs_nothing(
    db: Harness, bucket: Make, monkeypatch: pytest.MonkeyPatch, features: str
) -> None:
    bucket("in-bucket").put_object(Key="a.txt", Body=b"a")
    staging = bucket("staging-area")
    service = Textract()
    async with CloudServer(service) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_TEXTRACT", cloud.url)
        found = await findings(
            db,
            ALFRD_READER="textract",
            ALFRD_TEXTRACT_BUCKET="staging-area/jobs",
            ALFRD_TEXTRACT_FEATURES=features,
            ALFRD_S3_BUCKETS="in-bucket",
        )
        assert cloud.complaints == []
    await service.aclose()
    looked = {name: finding["detail"] for name, finding in found.items() if finding["good"]}
    assert looked["AWS region"] == "eu-central-1"
    assert looked["AWS credentials"].startswith("arn:aws:")
    assert looked["Textract"] == f"may be asked for {'AnalyzeDocument' if features else 'DetectDocumentText'}"
    assert looked["bucket for jobs"] == "s3://staging-area/jobs takes, gives and loses an object"
    assert looked["bucket in-bucket"] == "can be listed, and its objects read"
    assert service.pages_sold == 0
    assert list(staging.objects.all()) == []


@pytest.mark.parametrize(
    ("missing", "check", "hint"),
    [
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "AWS credentials", "set AWS_ACCESS_KEY_ID"),
        (("AWS_REGION", "AWS_DEFAULT_REGION"), "AWS region", "set ALFRD_AWS_REGION"),
    ],
)
async def test_without_credentials_or_region_nothing_else_is_asked(
    db: Harness, moto: Callable[[str], Any], missing: tuple[str, ...], check: str, hint: str
) -> None:
    found = await findings(db, without=missing, ALFRD_S3_BUCKETS="in-bucket")
    assert not found[check]["good"]
    assert found[check]["hint"].startswith(hint)
    assert "bucket in-bucket" not in found


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("AccessDeniedException", "allow textract:DetectDocumentText"),
        ("UnrecognizedClientException", "renew the credentials"),
    ],
)
async def test_what_textract_refuses_has_a_hint(
    db: Harness, moto: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, code: str, hint: str
) -> None:
    service = Textract()
    async with CloudServer(service) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_TEXTRACT", cloud.url)
        service.next_refusal.append(code)
        found = await findings(db, ALFRD_READER="textract", ALFRD_TEXTRACT_BUCKET="nobodys-bucket")
    await service.aclose()
    assert code in found["Textract"]["detail"]
    assert found["Textract"]["hint"].startswith(hint)
    assert found["bucket for jobs"]["hint"] == "make it, or correct ALFRD_TEXTRACT_BUCKET"


async def test_what_is_not_there_has_a_hint(db: Harness, moto: Callable[[str], Any]) -> None:
    found = await findings(
        db,
        ALFRD_READER="textract",
        ALFRD_S3_BUCKETS="nobodys-bucket",
        ALFRD_ANALYST="llm",
        ALFRD_LLM="bedrock",
    )
    assert found["bucket nobodys-bucket"]["hint"] == "make it, or take it out of ALFRD_S3_BUCKETS"
    for name in ("Textract", "model us.amazon.nova-lite-v1:0"):
        assert "Could not connect" in found[name]["detail"]
        assert found[name]["hint"].startswith("check the network")
