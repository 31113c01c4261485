"""Messages that S3 sends to SQS when objects are made: fetched, understood, and taken off the queue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from alfrd_events.clients.aws import Aws, sorted_errors
from alfrd_events.clients.s3 import ObjectUri, StoredObject
from alfrd_events.errors import AlfrdError

_REMEDIES = {
    "AWS.SimpleQueueService.NonExistentQueue": "there is no such queue; correct --queue",
    "QueueDoesNotExist": "there is no such queue; correct --queue",
    "InvalidAddress": "not the URL of a queue; correct --queue",
    "InvalidSecurity": "SQS wants https; correct --queue",
}
_DENIED = "allow sqs:ReceiveMessage and sqs:DeleteMessage for the queue"


class NoEvent(AlfrdError):
    """A message that does not come from S3; its text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was received; it is gone from the queue only once it is deleted."""

    id: str
    receipt: str
    body: str
    received: int
    """How often it was, this time included."""


class Queue:
    """One queue.

    :param url: as SQS gives it.
    """

    def __init__(self, aws: Aws, url: str) -> None:
        self._aws = aws
        self.url = url

    async def receive(self, wait_seconds: int) -> list[Message]:
        """The next messages, at most ten; none if there were none for so long.

        :raise Permanent: there is no such queue, or it may not be read.
        :raise Throttled, Transient: SQS wants us to slow down; or it failed, or the connection did.
        """
        client = await self._aws.client("sqs")
        with sorted_errors(self.url, _REMEDIES, _DENIED):
            reply = await client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=wait_seconds,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        return [
            Message(
                message["MessageId"],
                message["ReceiptHandle"],
                message["Body"],
                int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            )
            for message in reply.get("Messages") or ()
        ]

    async def delete(self, message: Message) -> None:
        """Take a message off the queue.

        :raise Permanent, Throttled, Transient: as :meth:`receive`.
        """
        client = await self._aws.client("sqs")
        with sorted_errors(self.url, _REMEDIES, _DENIED):
            await client.delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)

    async def aclose(self) -> None:
        """Release connections."""
        await self._aws.aclose()


def objects_made(body: str) -> Sequence[StoredObject]:
    """Return the objects that a message names, from S3 directly, SNS or EventBridge. Empty for S3's test message.

    :raise NoEvent: it is none of these.
    """
    try:
        event = json.loads(body)
        if isinstance(event, dict) and event.get("Type") == "Notification":
            event = json.loads(event["Message"])
        if event.get("Event") == "s3:TestEvent":
            return ()
        if event.get("source") == "aws.s3":
            return _of_eventbridge(event)
        return [
            _found(record["s3"]["bucket"], record["s3"]["object"], "eTag", "versionId", decode=True)
            for record in event["Records"]
            if record["eventName"].startswith("ObjectCreated:")
        ]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise NoEvent(f"no event of S3 ({type(error).__name__})") from error


def _of_eventbridge(event: dict[str, Any]) -> Sequence[StoredObject]:
    if event["detail-type"] != "Object Created":
        return ()
    detail = event["detail"]
    return [_found(detail["bucket"], detail["object"], "etag", "version-id", decode=False)]


def _found(bucket: Any, made: Any, etag: str, version: str, *, decode: bool) -> StoredObject:
    key = str(made["key"])
    place = ObjectUri(str(bucket["name"]), unquote_plus(key) if decode else key, str(made.get(version) or ""))
    return StoredObject(place, str(made[etag]).strip('"'), int(made.get("size") or 0))
