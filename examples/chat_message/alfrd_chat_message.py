"""Step ``chat_message``: say in a chat what each completed document is, by an incoming webhook as Slack, Mattermost and
Rocket.Chat have it.

A message may come twice, after a crash. The URL is the secret, so no error tells it.
"""

from __future__ import annotations

import os

import aiohttp
from pydantic import BaseModel

from alfrd_events.errors import Permanent, Throttled, Transient, WorkerUnfit
from alfrd_events.model.inputs import DocumentInput
from alfrd_events.steps.step import Tools


class Said(BaseModel):
    """What ``alfrd.step_results`` keeps of a run."""

    text: str


async def say(given: DocumentInput, tools: Tools) -> Said:
    """Send one line: the document's name and its summary."""
    url = os.environ.get("CHAT_URL")
    if not url:
        raise WorkerUnfit("set CHAT_URL to the address of the chat's incoming webhook")
    text = f"{given.document.filename}: {given.document.summary}"
    # A stranger wrote the document: <!channel> in it calls nobody.
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    try:
        async with aiohttp.request(
            "POST", url, json={"text": text}, timeout=aiohttp.ClientTimeout(total=20)
        ) as answer:
            status, wait = answer.status, answer.headers.get("Retry-After", "")
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Transient(f"chat_message: {type(error).__name__}") from None
    if status == 429:
        raise Throttled("chat_message: 429", retry_after=float(wait) if wait.isdecimal() else None)
    if status >= 500:
        raise Transient(f"chat_message: {status}")
    if status >= 300:
        raise Permanent(
            f"chat_message: the chat refused the message with {status}: mend CHAT_URL, then replay"
        )
    return Said(text=text)
