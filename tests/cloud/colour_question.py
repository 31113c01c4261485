"""A small question for tests of clients, and a ledger that records its calls."""

from __future__ import annotations

from pydantic import Field

from alfrd_events.clients.calls import Call, Caller, Reply
from alfrd_events.clients.llm.base import Question
from alfrd_events.clients.llm.structured import Form, schema_of
from alfrd_events.model import JsonObject


class Colour(Form):
    colour: str = Field(description="in lower case")
    share: float = Field(ge=0, le=1)


GOOD: JsonObject = {"colour": "red", "share": 0.5}
RED = Colour(colour="red", share=0.5)
QUESTION = Question(
    "colour",
    "Which colour?",
    "The wall of the old house was painted long ago, and nobody knows by whom.",
    schema_of(Colour),
    100,
)


class RecordingLedger:
    """A ledger that records its calls in memory."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.settled: list[tuple[str, Reply | None]] = []
        self.replies: dict[str, Reply] = {}

    async def known(self, call: Call) -> Reply | None:
        return self.replies.get(call.key)

    async def reserve(self, call: Call, who: Caller | None) -> int:
        self.calls.append(call)
        return len(self.calls)

    async def settle(
        self, number: int, call: Call, reply: Reply | None, outcome: str, milliseconds: int
    ) -> None:
        self.settled.append((outcome, reply))
        if outcome == "ok" and call.key and reply:
            self.replies[call.key] = reply

    @property
    def outcomes(self) -> list[str]:
        return [outcome for outcome, _ in self.settled]


async def no_pause(seconds: float) -> None:
    """Retries come at once."""


def colours(form: str, system: str, material: str) -> JsonObject:
    return GOOD
