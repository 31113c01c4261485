"""Errors with status 200: each is sorted by what it says, costs nothing, and is told in the server's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alfrd_events.clients.calls import BadReply, Lost
from alfrd_events.errors import Permanent, Throttled, Transient
from tests.cloud.chat import Chat, completion
from tests.cloud.colour_question import GOOD, RED, colours
from tests.cloud.server import Answer
from tests.cloud.test_wire import ASKED, ask_chat


@pytest.mark.parametrize(
    ("error", "kind", "hint"),
    [
        ({"code": 429, "message": "Rate limit exceeded"}, Throttled, "slow down"),
        ({"code": "429", "message": "Rate limit exceeded"}, Throttled, "slow down"),
        ({"code": "rate_limit_exceeded", "message": "too fast"}, Throttled, "slow down"),
        ({"message": "Too many requests"}, Throttled, "slow down"),
        ({"code": 402, "message": "Insufficient credits"}, Permanent, "no credit left"),
        ({"code": "insufficient_quota", "message": "pay"}, Permanent, "no credit left"),
        ({"code": 401, "message": "who are you"}, Permanent, "ALFRD_OPENAI_API_KEY"),
        ({"code": "model_not_found", "message": "none"}, Permanent, "ALFRD_LLM_MODEL"),
        ({"code": 400, "message": "context length exceeded"}, Permanent, "ALFRD_LLM_INPUT_TOKENS"),
        ({"code": 502, "message": "Bad gateway"}, Transient, "the server failed"),
        ({"code": "server_error", "message": "oh"}, Transient, "the server failed"),
        ({"message": "model overloaded", "code": 503}, Transient, "model overloaded"),
        ("something broke", Transient, "something broke"),
        ({"status_code": 429}, Throttled, "slow down"),
        ({"code": True}, Transient, "the server failed"),
    ],
)
async def test_an_error_object_is_sorted_by_what_it_says(error: Any, kind: type, hint: str) -> None:
    service = Chat(colours)
    service.says(*[Answer(200, {"error": error})] * 3)
    found, ledger, _ = await ask_chat(service)

    assert isinstance(found, kind)
    assert isinstance(found, Throttled) == (kind is Throttled)
    assert hint in str(found)
    assert set(ledger.outcomes) == {"throttled" if kind is Throttled else "failed"}, "nothing stays reserved"


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ({"choices": [], "usage": {}}, "no choice"),
        ({"choices": None}, "no choice"),
        ({"choices": [{"finish_reason": "stop"}]}, "no message"),
        ({"choices": [{"finish_reason": "error", "message": {"content": ""}}]}, "broke off"),
        ({"choices": [{"error": {"code": 502, "message": "upstream"}, "message": {}}]}, "upstream"),
        ({"detail": "starting up"}, "starting up"),
        (
            b"<html><body>please log in</body></html>",
            "HTML instead of a chat completion: <html><body>please log in",
        ),
        (b"upstream connect error", "upstream connect error"),
    ],
)
async def test_what_is_no_answer_is_the_servers_failure(body: Any, hint: str) -> None:
    service = Chat(colours)
    service.says(*[Answer(200, body)] * 3)
    found, ledger, _ = await ask_chat(service)

    assert isinstance(found, Transient)
    assert not isinstance(found, Lost | Throttled)
    assert hint in str(found)
    assert "ALFRD_OPENAI_BASE_URL" in str(found)
    assert ledger.outcomes == ["failed"] * 3


def stream(text: str, *more: dict[str, Any], usage: bool = True) -> Answer:
    """An answer in pieces, as events."""
    events: list[dict[str, Any]] = [
        {"choices": [{"delta": {"content": text[at : at + 5]}}]} for at in range(0, len(text), 5)
    ]
    events += [{"choices": [{"delta": {}, "finish_reason": "stop"}]}, *more]
    if usage:
        events.append({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}})
    lines = [": keep-alive", *(f"data: {json.dumps(event)}" for event in events), "data: [DONE]", ""]
    return Answer(200, "\n\n".join(lines).encode(), {"Content-Type": "text/event-stream"})


async def test_a_stream_that_nobody_asked_for_is_put_together() -> None:
    service = Chat(colours)
    service.says(stream(json.dumps(GOOD)))
    found, ledger, _ = await ask_chat(service)

    assert found == RED
    reply = ledger.settled[0][1]
    assert reply is not None
    assert (reply.input_tokens, reply.output_tokens) == (11, 7)


async def test_an_error_in_a_stream_is_one() -> None:
    service = Chat(colours)
    service.says(*[stream('{"colour"', {"error": {"code": 429, "message": "slow"}})] * 3)
    found, _, _ = await ask_chat(service)

    assert isinstance(found, Throttled)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("content", ["", None])
async def test_an_answer_among_the_thoughts_is_taken_where_it_is_whole(field: str, content: Any) -> None:
    service = Chat(colours)
    thought = 'Is it {"colour": "blue"}? No: {"colour": "red", "share": 0.5}'
    service.says(completion(ASKED, "", content=content, **{field: thought}))
    found, ledger, _ = await ask_chat(service)

    assert found == RED
    assert ledger.outcomes == ["ok"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (completion(ASKED, "", reasoning="Let me think about the wall."), "malformed"),
        (completion(ASKED, "", "length", reasoning_content='{"colour": "red"'), "max_tokens"),
        (completion(ASKED, "<think>Let me think about", "length"), "max_tokens"),
    ],
)
async def test_a_model_that_only_thinks_has_the_setting_named(answer: Answer, outcome: str) -> None:
    service = Chat(colours)
    service.says(answer, answer)
    found, ledger, _ = await ask_chat(service)

    assert isinstance(found, BadReply)
    assert "ALFRD_LLM_REASONING_TOKENS" in str(found)
    assert "100 tokens" in str(found)
    assert ledger.outcomes == [outcome] * 2
    assert all(reply for _, reply in ledger.settled), "what it thought is paid by its tokens"


async def test_a_servers_words_are_shown_on_one_line_and_without_control_characters() -> None:
    service = Chat(colours)
    words = "bad\x1b[2J\x1b]0;pwn\x07 thing\nINFO forged line" + "x" * 1000
    service.says(Answer(400, {"error": {"message": words}}))
    found, _, _ = await ask_chat(service)

    assert str(found).isprintable()
    assert "INFO forged line" in str(found)
    assert len(str(found)) < 400
