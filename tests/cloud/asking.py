"""An ``llm`` analyst behind the wire, for tests of single jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from alfrd_events.analysis.llm import LlmAnalyst
from alfrd_events.clients.calls import Calls
from alfrd_events.clients.llm.openai import OpenAi
from alfrd_events.model import JsonObject, Prompt, Series
from tests.cloud import rule_model
from tests.cloud.chat import Chat
from tests.cloud.colour_question import no_pause
from tests.cloud.server import CloudServer

PROMPT = Prompt(7, "summarizer", "", 1, "Do the job.")
BILL = """Harbor Electric Company
Electricity bill
Account number: 4471-0001-22
Statement date: March 3, 2024
Due date: March 24, 2024
Service period: 02/01/2024 - 02/29/2024
Energy charges    $80.00
Taxes and fees    $5.12
Total amount due  $85.12
"""


@asynccontextmanager
async def analyst(
    reply: rule_model.Reply = rule_model.answer,
    *,
    input_tokens: int = 24_000,
    obeys: bool = True,
    cuts: bool = False,
) -> AsyncIterator[tuple[LlmAnalyst, CloudServer]]:
    """An analyst and the server that its model is behind; no request may be a wrong one.

    :param obeys: whether the server holds the model to the schema.
    :param cuts: whether answers end at their limit.
    """
    async with CloudServer(Chat(reply, obeys=obeys, cuts=cuts)) as cloud:
        asked = LlmAnalyst(OpenAi(f"{cloud.url}/v1", "small", Calls(sleep=no_pause)), input_tokens)
        yield asked, cloud
        await asked.aclose()
        assert cloud.complaints == []


def saying(**changes: object) -> rule_model.Reply:
    """A model that is right but for some fields."""

    def reply(form: str, system: str, material: str) -> JsonObject:
        return {**rule_model.answer(form, system, material), **changes}

    return reply


def material_of(cloud: CloudServer, number: int = 0) -> str:
    """What the model was shown."""
    messages: list[dict[str, str]] = cloud.log[number].request.json()["messages"]  # type: ignore[assignment]
    return messages[1]["content"]


def known(entity: str, kind: str = "electricity bill", *fields: str) -> Series:
    return Series(uuid4(), entity, kind, "monthly", "a-slug", f"{entity}: {kind}", fields)
