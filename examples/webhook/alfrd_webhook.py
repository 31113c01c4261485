"""Step ``webhook``: tell a server of each completed document, signed as https://www.standardwebhooks.com has it.

A message is sent until the server takes it, so it may arrive twice. Its id is the same each time: a server
that remembers ids does the work once. A correction of the document makes a new message with a new id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time

import aiohttp
from pydantic import BaseModel

from alfrd_events.errors import Permanent, Throttled, Transient, WorkerUnfit
from alfrd_events.model.inputs import DocumentInput
from alfrd_events.steps.step import Tools

SECONDS = aiohttp.ClientTimeout(total=20)


class Delivered(BaseModel):
    """What ``alfrd.step_results`` keeps of a run."""

    message: str
    answer: int


async def webhook(given: DocumentInput, tools: Tools) -> Delivered:
    """Send one message; the engine tries again after an error that may pass."""
    url, secret = os.environ.get("WEBHOOK_URL"), os.environ.get("WEBHOOK_SECRET")
    if not url or not secret:
        raise WorkerUnfit("set WEBHOOK_URL and WEBHOOK_SECRET for the step webhook")
    document = given.document
    values = {"id": str(document.id), "type": document.document_type, "entity": document.entity}
    body = json.dumps({"type": "document.completed", "data": values}).encode()
    message = f"{document.id}-{given.generation}"
    try:
        async with (
            aiohttp.ClientSession(timeout=SECONDS) as session,
            session.post(
                url, data=body, headers=signed(secret, message, body), allow_redirects=False
            ) as answer,
        ):
            status, wait = answer.status, answer.headers.get("Retry-After", "")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Transient(f"webhook: {type(error).__name__}") from error
    if status == 429:
        raise Throttled("webhook: 429", retry_after=float(wait) if wait.isdecimal() else None)
    if status >= 500:
        raise Transient(f"webhook: {status}")
    if status >= 300:
        raise Permanent(
            f"webhook: the server refused the message with {status}: mend WEBHOOK_URL, then replay"
        )
    return Delivered(message=message, answer=status)


def signed(secret: str, message: str, body: bytes) -> dict[str, str]:
    """Return the headers of a message: its id, the time, and an HMAC over both and the body."""
    at = str(int(time.time()))
    digest = hmac.digest(secret.encode(), f"{message}.{at}.".encode() + body, hashlib.sha256)
    return {
        "content-type": "application/json",
        "idempotency-key": message,
        "webhook-id": message,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
