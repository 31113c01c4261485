"""S3 and SQS by moto, over real HTTP; Textract by our own server; credentials that open nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from tests.cloud.textract import Objects, Read
from tests.cloud.textract_world import Play, World, world

REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own set-up reaches a test, nor a test the real AWS."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_TEXTRACT": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Gives a boto3 client of S3, SQS or STS; what a test makes there is gone after it."""
    for service in ("S3", "SQS", "STS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", moto_url)
    yield lambda service: boto3.client(service, region_name=REGION)
    requests.post(f"{moto_url}/moto-api/reset", timeout=10).raise_for_status()


@pytest.fixture
def bucket(moto: Callable[[str], Any]) -> Callable[[str], Any]:
    """Makes a bucket; its boto3 resource."""

    def make(name: str) -> Any:
        moto("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return boto3.resource("s3", region_name=REGION).Bucket(name)

    return make


@pytest.fixture
def objects(moto: Callable[[str], Any]) -> Objects:
    """What Textract sees of S3."""
    client = moto("s3")

    async def get(bucket: str, key: str) -> bytes | None:
        try:
            reply = await asyncio.to_thread(client.get_object, Bucket=bucket, Key=key)
        except (client.exceptions.NoSuchKey, client.exceptions.NoSuchBucket):
            return None
        return bytes(reply["Body"].read())

    return get


@pytest.fixture(scope="module")
def recogniser() -> Iterator[tuple[asyncio.Runner, Read]]:
    """One process with the models for all tests of a module, and the loop that it lives in."""
    with asyncio.Runner() as runner:
        read = Read(processes=1)
        yield runner, read
        runner.run(read.aclose())


@pytest.fixture
def play(recogniser: tuple[asyncio.Runner, Read], objects: Objects, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs a scenario with a ``textract`` reader and its services."""
    runner, read = recogniser

    def play(scenario: Callable[[World], Any], **wishes: Any) -> Any:
        async def run() -> Any:
            async with world(read, objects, monkeypatch, **wishes) as opened:
                return await scenario(opened)

        return runner.run(run())

    return play
