"""The stand-in server itself: what other tests rely on."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.cloud.models import WireModel
from tests.cloud.server import Answer, CloudServer, Fault, Faults, Request


class Echo:
    """Says what it was told."""

    name = "echo"

    def takes(self, request: Request) -> bool:
        return request.path == "/echo"

    async def answer(self, request: Request) -> Answer:
        content = request.json()
        assert "forbidden" not in content, "nobody sends this"
        return Answer(200, content)

    def throttled(self, request: Request) -> Answer:
        return Answer(429, {}, {"Retry-After": "3"})

    def failed(self, request: Request) -> Answer:
        return Answer(500, {})

    def spoil(self, request: Request, answer: Answer, fault: Fault) -> Answer:
        return Answer(200, b'{"half')


async def test_a_reply_is_logged_and_a_wrong_request_is_kept_as_a_complaint() -> None:
    async with CloudServer(Echo()) as cloud, aiohttp.ClientSession(cloud.url) as client:
        async with client.post("/echo", json={"a": 1}) as good:
            assert await good.json() == {"a": 1}
        async with client.post("/echo", json={"forbidden": 1}) as bad:
            assert bad.status == 400
        async with client.post("/nobody", json={}) as unknown:
            assert unknown.status == 404

    assert [(exchange.fault, exchange.delivered) for exchange in cloud.requests("echo")] == [(None, True)] * 2
    assert [complaint.partition(":")[0] for complaint in cloud.complaints] == [
        "echo POST /echo",
        "nobody serves POST /nobody",
    ]


async def test_a_cut_request_was_worked_on_and_a_throttled_one_was_not() -> None:
    async with CloudServer(Echo()) as cloud, aiohttp.ClientSession(cloud.url) as client:
        cloud.next("cut", "throttle", "truncated")
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.post("/echo", json={})
        async with client.post("/echo", json={}) as throttled:
            assert throttled.headers["Retry-After"] == "3"
        async with client.post("/echo", json={}) as truncated:
            assert await truncated.read() == b'{"half'

    cut, refused, _ = cloud.log
    assert cut.answer is not None
    assert not cut.delivered
    assert refused.answer is None


async def test_a_request_that_hangs_ends_with_its_client() -> None:
    async with (
        CloudServer(Echo(), faults=Faults(hang=1)) as cloud,
        aiohttp.ClientSession(cloud.url) as client,
    ):
        with pytest.raises(TimeoutError):
            await client.post("/echo", json={}, timeout=aiohttp.ClientTimeout(total=0.1))
        while cloud.in_flight:
            await asyncio.sleep(0.01)


async def test_faults_come_at_their_rates_and_the_same_ones_each_time() -> None:
    async def befallen() -> dict[str, int]:
        faults = Faults(throttle=0.2, malformed=0.1, seed=7)
        async with CloudServer(Echo(), faults=faults) as cloud, aiohttp.ClientSession(cloud.url) as client:
            for _ in range(200):
                async with client.post("/echo", json={}):
                    pass
        return dict(cloud.count("echo"))

    first = await befallen()
    assert first == await befallen()
    assert 20 < first["throttle"] < 60
    assert 8 < first["malformed"] < 35


def test_a_request_is_measured_against_the_services_model() -> None:
    textract = WireModel("textract")
    textract.check_input("AnalyzeDocument", {"Document": {"Bytes": "aGk="}, "FeatureTypes": ["TABLES"]})

    with pytest.raises(AssertionError, match=r"FeatureTypes\[0\]: 'TABLE' is none of") as caught:
        textract.check_input("AnalyzeDocument", {"Documents": {}, "FeatureTypes": ["TABLE"]})
    assert "Document is missing" in str(caught.value)
    assert "there is no Documents" in str(caught.value)

    with pytest.raises(AssertionError, match="ClientRequestToken: 65 is more than 64"):
        textract.check_input(
            "StartDocumentTextDetection",
            {
                "DocumentLocation": {"S3Object": {"Bucket": "abc", "Name": "a"}},
                "ClientRequestToken": "a" * 65,
            },
        )


def test_an_unsigned_request_is_refused() -> None:
    with pytest.raises(AssertionError, match="not signed"):
        WireModel("textract").check_signature(Request("POST", "/", {}, b""))
