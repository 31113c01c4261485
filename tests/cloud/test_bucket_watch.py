"""A bucket as an inbox: by listing and by queue, each object once, whatever comes twice or makes no sense."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote_plus

import pytest

from alfrd_events.clients.aws import Aws
from alfrd_events.clients.queues import NoEvent, Queue, objects_made
from alfrd_events.clients.s3 import Buckets, ObjectUri
from alfrd_events.errors import Permanent
from alfrd_events.ingest.bucket import Watch
from testing.harness import Harness
from tests.cli.program import BILL, Program
from tests.cloud.s3 import S3
from tests.cloud.server import CloudServer
from tests.faults.processes import until

Make = Callable[[str], Any]
Client = Callable[[str], Any]
BUCKET = "inbox-bucket"


@asynccontextmanager
async def watch(db: Harness, url: str = "", prefix: str = "", **options: Any) -> Any:
    buckets = Buckets(Aws(), [BUCKET])
    queue = Queue(Aws(), url) if url else None
    yield Watch(db.database, buckets, ObjectUri(BUCKET, prefix), queue=queue, **options)
    await buckets.aclose()
    if queue:
        await queue.aclose()


async def uris(db: Harness) -> list[str]:
    return sorted(row["uri"] for row in await db.sql("select uri from alfrd.documents"))


def event(*objects: tuple[str, str], name: str = "ObjectCreated:Put", version: str = "") -> dict[str, Any]:
    """As S3 sends it."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": name,
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "bucket": {"name": BUCKET, "arn": f"arn:aws:s3:::{BUCKET}"},
                    "object": {
                        "key": quote_plus(key, safe="/"),
                        "size": 4,
                        "eTag": etag,
                        **({"versionId": version} if version else {}),
                        "sequencer": "0055AED6DCD90281E5",
                    },
                },
            }
            for key, etag in objects
        ]
    }


# --- by listing ----------------------------------------------------------------------------------


async def test_each_object_becomes_a_document_once_however_often_it_is_listed(
    db: Harness, bucket: Make
) -> None:
    made = bucket(BUCKET)
    for key in ("in/a.txt", "in/März 1+1.txt", "in/folder/", "out/b.txt"):
        made.put_object(Key=key, Body=b"text")
    for _ in range(2):
        async with watch(db, prefix="in/", tags=("s3",)) as watching:
            assert await watching.watch(once=True) == 0
            assert await watching.watch(once=True) == 0

    assert await uris(db) == [f"s3://{BUCKET}/in/März 1+1.txt", f"s3://{BUCKET}/in/a.txt"]
    rows = await db.sql("select filename, tags from alfrd.documents")
    assert {(row["filename"], *row["tags"]) for row in rows} == {("März 1+1.txt", "s3"), ("a.txt", "s3")}


async def test_what_systems_leave_behind_is_no_document(
    db: Harness, bucket: Make, moto: Client, queue_url: str
) -> None:
    made = bucket(BUCKET)
    left = ("in/Thumbs.db", "in/@eaDir/bill.jpg", "in/bill.pdf.part", "in/~$bill.docx")
    for key in (*left, "in/bill.txt"):
        made.put_object(Key=key, Body=b"text")
    async with watch(db, prefix="in/") as watching:
        assert await watching.watch(once=True) == 0
    body = json.dumps(event(*((key, "1") for key in left)))
    moto("sqs").send_message(QueueUrl=queue_url, MessageBody=body)
    async with watch(db, queue_url, prefix="in/") as watching:
        assert await watching.watch(once=True) == 0

    assert await uris(db) == [f"s3://{BUCKET}/in/bill.txt"]
    assert waiting(moto, queue_url) == 0, "it was dealt with"


async def test_an_object_whose_document_failed_is_told_with_the_command_that_retries(
    db: Harness, bucket: Make, moto: Client, queue_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    bucket(BUCKET)
    for _ in range(2):
        moto("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(event(("a.txt", "1"))))
        async with watch(db, queue_url) as watching:
            await watching.watch(once=True)
        await db.sql("update alfrd.documents set status = 'failed', error = 'why'")

    id = await db.one("select id from alfrd.documents")
    (told,) = [record for record in caplog.records if record.getMessage() == "known and failed"]
    assert told.facts["retry"] == f"alfrd-events replay --failed --document {id}"  # type: ignore[attr-defined]


async def test_new_content_under_the_same_key_is_another_document(db: Harness, bucket: Make) -> None:
    made = bucket(BUCKET)
    async with watch(db) as watching:
        for body in (b"one", b"two", b"two"):
            made.put_object(Key="a.txt", Body=body)
            await watching.watch(once=True)
    assert len(await uris(db)) == 2


async def test_a_listing_survives_throttling_and_cut_connections(
    db: Harness, bucket: Make, moto_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket(BUCKET).put_object(Key="a.txt", Body=b"text")
    async with CloudServer(S3(moto_url)) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", cloud.url)
        cloud.next("throttle", "fail")
        async with watch(db) as watching:
            await watching.watch(once=True)
    assert len(await uris(db)) == 1


async def test_a_bucket_that_is_not_there_ends_the_watch(db: Harness, moto: Client) -> None:
    async with watch(db) as watching:
        with pytest.raises(Permanent, match="NoSuchBucket"):
            await watching.watch(once=True)


# --- by a queue ----------------------------------------------------------------------------------


@pytest.fixture
def queue_url(moto: Client) -> str:
    url = moto("sqs").create_queue(QueueName="news", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
    return str(url)


def waiting(moto: Client, url: str) -> int:
    """Messages on the queue, also those that somebody has received."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = moto("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


async def test_messages_become_documents_and_leave_the_queue(
    db: Harness, bucket: Make, moto: Client, queue_url: str
) -> None:
    bucket(BUCKET)
    for body in (
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET},
        event(("in/a.txt", "1"), ("in/März 1+1 (%).txt", "2")),
        event(("in/a.txt", "1")),
        event(("in/a.txt", "1"), name="ObjectRemoved:Delete"),
        {"Type": "Notification", "Message": json.dumps(event(("in/by-sns.txt", "3"), version="v7"))},
        {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {
                "bucket": {"name": BUCKET},
                "object": {"key": "in/by bridge.txt", "etag": "4", "size": 1},
            },
        },
    ):
        moto("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(body))
    async with watch(db, queue_url) as watching:
        assert await watching.watch(once=True) == 0

    assert await uris(db) == [
        f"s3://{BUCKET}/in/März 1+1 (%).txt",
        f"s3://{BUCKET}/in/a.txt",
        f"s3://{BUCKET}/in/by bridge.txt",
        f"s3://{BUCKET}/in/by-sns.txt?versionId=v7",
    ]
    assert waiting(moto, queue_url) == 0


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        '"text"',
        "null",
        "{}",
        '{"Records": 3}',
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {}}]}',
        '{"Type": "Notification", "Message": "nothing"}',
    ],
)
async def test_a_message_that_is_no_event_stays_for_the_dead_letter_queue(
    db: Harness, bucket: Make, moto: Client, queue_url: str, body: str
) -> None:
    bucket(BUCKET)
    with pytest.raises(NoEvent):
        objects_made(body)
    moto("sqs").send_message(QueueUrl=queue_url, MessageBody=body)
    moto("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(event(("a.txt", "1"))))
    async with watch(db, queue_url) as watching:
        assert await watching.watch(once=True) >= 1

    assert await uris(db) == [f"s3://{BUCKET}/a.txt"]
    assert waiting(moto, queue_url) == 1


async def test_what_is_not_watched_is_left_to_others(
    db: Harness, bucket: Make, moto: Client, queue_url: str
) -> None:
    bucket(BUCKET)
    moto("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(event(("other/a.txt", "1"))))
    async with watch(db, queue_url, prefix="in/") as watching:
        assert await watching.watch(once=True) >= 1
    assert (await uris(db), waiting(moto, queue_url)) == ([], 1)


async def test_a_message_whose_rows_were_not_committed_comes_again(
    db: Harness, bucket: Make, moto: Client, queue_url: str
) -> None:
    bucket(BUCKET)
    moto("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(event(("a.txt", "1"))))
    holder = await db.session()
    await holder.execute("begin")
    await holder.execute("lock table alfrd.documents in exclusive mode")
    async with watch(db, queue_url) as watching:
        watcher = asyncio.create_task(watching.watch(once=True))
        await until_blocked(holder)
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
    await holder.execute("rollback")
    await holder.close()
    assert (await uris(db), waiting(moto, queue_url)) == ([], 1)

    async with watch(db, queue_url) as watching:
        while not await uris(db):
            await watching.watch(once=True)
    assert waiting(moto, queue_url) == 0


async def until_blocked(session: Any) -> None:
    """Wait until somebody waits for a lock."""
    async with asyncio.timeout(20):
        while True:
            cursor = await session.execute("select count(*) as blocked from pg_locks where not granted")
            if (await cursor.fetchone())["blocked"]:
                return
            await asyncio.sleep(0.05)


async def test_a_queue_that_is_not_there_ends_the_watch(db: Harness, bucket: Make, queue_url: str) -> None:
    bucket(BUCKET)
    async with watch(db, queue_url + "-of-nobody") as watching:
        with pytest.raises(Permanent, match="there is no such queue; correct --queue"):
            await watching.watch(once=True)


# --- the program ---------------------------------------------------------------------------------


def program(db: Harness) -> Program:
    clouds = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return Program(db.url, **{**clouds, "ALFRD_S3_BUCKETS": f"other,{BUCKET}"})


async def test_objects_are_added_watched_read_and_completed_by_the_program(
    db: Harness, bucket: Make, moto: Client, queue_url: str
) -> None:
    made = bucket(BUCKET)
    made.put_object(Key="in/bill one.txt", Body=BILL.format(day=10).encode())
    made.put_object(Key="in/bill two.txt", Body=BILL.format(day=11).encode())
    run = program(db)

    added = await asyncio.to_thread(run, "add", f"s3://{BUCKET}/in/bill one.txt", "--tags", "power")
    assert added.stdout.startswith("added ")
    again = await asyncio.to_thread(run, "add", f"s3://{BUCKET}/in/")
    assert [line.partition(" ")[0] for line in again.stdout.splitlines()] == ["already", "added"]
    missing = await asyncio.to_thread(
        run, "add", f"s3://{BUCKET}/missing.txt", "s3://forbidden/a", exit_code=1
    )
    assert "there is no such object" in missing.stderr
    assert "allow it with ALFRD_S3_BUCKETS" in missing.stderr.replace("\n", " ")

    made.put_object(Key="in/bill three.txt", Body=BILL.format(day=12).encode())
    await asyncio.to_thread(run, "watch", f"s3://{BUCKET}/in/", "--once")
    made.put_object(Key="in/bill four.txt", Body=BILL.format(day=13).encode())
    with run.started("watch", f"s3://{BUCKET}/in/", "--queue", queue_url) as watcher:
        moto("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(event(("in/bill four.txt", "4"))))
        await until(db, "count(*) = 4 from alfrd.documents")
        watcher.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(watcher.wait, 20) == 0
    await asyncio.to_thread(run, "run", "--once")

    assert await db.sql("select distinct status, entity from alfrd.documents") == [
        {"status": "completed", "entity": "Acme Power Company"}
    ]


async def test_the_program_says_what_is_missing(db: Harness, moto: Client) -> None:
    run = program(db)
    del run.environment["ALFRD_S3_BUCKETS"]
    refused = await asyncio.to_thread(run, "watch", "s3://inbox-bucket/in/", exit_code=1)
    assert "name those that may in ALFRD_S3_BUCKETS" in refused.stderr.replace("\n", " ")
