"""``s3://`` parts: read from allowed buckets, within the limit, and refused with what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alfrd_events.clients.aws import Aws
from alfrd_events.clients.s3 import Buckets, ObjectUri
from alfrd_events.errors import AlfrdError, Permanent, Throttled, Transient
from alfrd_events.model import PartSource
from alfrd_events.reading.sources import Sources
from tests.cloud.s3 import S3
from tests.cloud.server import CloudServer, Fault

Make = Callable[[str], Any]
MAX_BYTES = 3_000_000


@asynccontextmanager
async def sources(*allowed: str) -> AsyncIterator[Sources]:
    opened = Sources(max_bytes=MAX_BYTES, buckets=Buckets(Aws(), allowed, MAX_BYTES))
    yield opened
    await opened.aclose()


def part(uri: str, filename: str = "") -> PartSource:
    return PartSource(1, filename, None, uri)


@pytest.mark.parametrize(
    "key",
    [
        "bill.pdf",
        "2024/März/Rechnung 1 (Kopie).pdf",
        "100%25 + more & less=?#;.pdf",
        "a//b/../c.pdf",
        " leading and trailing ",
        "日本語/領収書.png",
        "it's [odd] {very} <odd> ~$@!*',.txt",
        "x" * 1024,
    ],
)
async def test_an_object_is_read_whatever_its_key(bucket: Make, key: str) -> None:
    bucket("allowed").put_object(Key=key, Body=b"inside")
    async with sources("allowed") as opened:
        read = await opened.fetch(part(f"s3://allowed/{key}"))
    assert (read.content, read.filename) == (b"inside", key.rpartition("/")[2])


async def test_the_filename_of_the_row_wins(bucket: Make) -> None:
    bucket("allowed").put_object(Key="4711", Body=b"inside")
    async with sources("allowed") as opened:
        assert (await opened.fetch(part("s3://allowed/4711", "bill.pdf"))).filename == "bill.pdf"


async def test_a_version_is_read_where_one_is_named(bucket: Make) -> None:
    made = bucket("allowed")
    made.Versioning().enable()
    old = made.put_object(Key="a.txt", Body=b"old").version_id
    made.put_object(Key="a.txt", Body=b"new")
    async with sources("allowed") as opened:
        assert (await opened.fetch(part("s3://allowed/a.txt"))).content == b"new"
        assert (await opened.fetch(part(f"s3://allowed/a.txt?versionId={old}"))).content == b"old"


async def test_only_allowed_buckets_are_asked_for(bucket: Make) -> None:
    bucket("secret").put_object(Key="a.txt", Body=b"outside")
    async with sources("allowed") as opened:
        with pytest.raises(
            Permanent, match="bucket secret may not be read here; allow it with ALFRD_S3_BUCKETS"
        ):
            await opened.fetch(part("s3://secret/a.txt"))
    with pytest.raises(Permanent, match="no s3:// URI may be read here; allow buckets with ALFRD_S3_BUCKETS"):
        await Sources().fetch(part("s3://secret/a.txt"))


@pytest.mark.parametrize(
    "uri", ["s3://", "s3:///a.txt", "s3://UPPER/a", "s3://a_b/c", "s3://allowed@x/a", "s3://.."]
)
async def test_what_names_no_bucket_is_refused(uri: str) -> None:
    async with sources("allowed") as opened:
        with pytest.raises(Permanent, match="not of the form s3://bucket/key"):
            await opened.fetch(part(uri))


async def test_a_large_object_is_refused_before_it_is_read(
    moto: Callable[[str], Any], moto_url: str, bucket: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket("allowed").put_object(Key="large.bin", Body=bytes(MAX_BYTES + 1))
    bucket("allowed2").put_object(Key="fits.bin", Body=bytes(MAX_BYTES))
    async with sources("allowed", "allowed2") as opened:
        with pytest.raises(Permanent, match=r"3,000,001 bytes is too large; the limit is 3,000,000"):
            await opened.fetch(part("s3://allowed/large.bin"))
        assert len((await opened.fetch(part("s3://allowed2/fits.bin"))).content) == MAX_BYTES


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("s3://allowed/missing.txt", "NoSuchKey"),
        ("s3://missing-bucket/a.txt", "NoSuchBucket"),
        ("s3://allowed/a.txt?versionId=3HL4kqtJlcpXroDTDmJrmSpXd3dIbrHY", "NoSuchVersion"),
    ],
)
async def test_what_is_not_there_is_said_with_what_to_do(bucket: Make, uri: str, code: str) -> None:
    made = bucket("allowed")
    made.Versioning().enable()
    made.put_object(Key="a.txt", Body=b"a")
    async with sources("allowed", "missing-bucket") as opened:
        with pytest.raises(Permanent, match=f"{code}: there is no such") as raised:
            await opened.fetch(part(uri))
    assert str(raised.value).startswith(uri)


@pytest.mark.parametrize(
    ("faults", "kind"),
    [
        (["throttle"] * 2, Throttled),
        (["fail"] * 2, Transient),
        (["cut"] * 6, Transient),
        (["throttle", None], None),
        (["cut", None], None),
    ],
)
async def test_what_goes_wrong_on_the_way_is_sorted(
    bucket: Make,
    moto_url: str,
    monkeypatch: pytest.MonkeyPatch,
    faults: list[Fault | None],
    kind: type[AlfrdError],
) -> None:
    bucket("allowed").put_object(Key="a.txt", Body=b"a")
    async with CloudServer(S3(moto_url)) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", cloud.url)
        cloud.next(*faults)
        async with sources("allowed") as opened:
            if kind is None:
                assert (await opened.fetch(part("s3://allowed/a.txt"))).content == b"a"
            else:
                with pytest.raises(kind) as raised:
                    await opened.fetch(part("s3://allowed/a.txt"))
                assert type(raised.value) is kind


async def test_credentials_that_are_missing_are_nobodys_fault_but_the_machines(
    bucket: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket("allowed")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with sources("allowed") as opened:
        with pytest.raises(Transient, match="no AWS credentials were found"):
            await opened.fetch(part("s3://allowed/a.txt"))


async def test_a_listing_goes_on_past_a_thousand_objects(bucket: Make) -> None:
    made = bucket("allowed")
    for number in range(1_003):
        made.put_object(Key=f"in/{number:04}.txt", Body=b"a")
    made.put_object(Key="in/folder/", Body=b"")
    made.put_object(Key="out/a.txt", Body=b"a")
    buckets = Buckets(Aws(), ["allowed"])
    pages = [page async for page in buckets.listed(ObjectUri("allowed", "in/"))]
    await buckets.aclose()
    assert [len(page) for page in pages] == [1000, 3]
    assert len({found.fingerprint for page in pages for found in page}) == 1_003
