"""The client of OpenAI-compatible servers, over the wire: what servers differ in, and each way in which it fails."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from alfrd_events.clients.calls import BadReply, Calls
from alfrd_events.clients.llm.openai import OpenAi
from alfrd_events.clients.llm.structured import Withheld, answered
from alfrd_events.errors import AlfrdError, Permanent, SettingsInvalid, Throttled, Transient
from tests.cloud.chat import Chat, completion
from tests.cloud.colour_question import QUESTION, RED, Colour, RecordingLedger, colours, no_pause
from tests.cloud.server import Answer, CloudServer

ASKED: dict[str, Any] = {"model": "small", "messages": [{"content": "x" * 400}]}


async def ask(
    service: Chat, *, times: int = 1, next: Any = (), **options: Any
) -> tuple[Any, RecordingLedger, CloudServer]:
    """Ask for a colour; what came of it, the ledger, and the server."""
    ledger = RecordingLedger()
    async with CloudServer(service) as cloud:
        cloud.next(*next)
        client = OpenAi(f"{cloud.url}/v1", "small", Calls(ledger, sleep=no_pause), **options)
        found: Any = None
        try:
            for _ in range(times):
                found = await answered(client, QUESTION, Colour, lambda form: form)
        except AlfrdError as error:
            found = error
        finally:
            await client.aclose()
        assert cloud.complaints == []
        return found, ledger, cloud


async def test_a_server_that_holds_to_a_schema_is_given_one() -> None:
    found, ledger, cloud = await ask(Chat(colours))

    assert found == RED
    sent = cloud.log[0].request.json()
    assert sent["response_format"]["json_schema"]["name"] == "colour"
    reply = ledger.settled[0][1]
    assert reply is not None
    read = len(QUESTION.system + QUESTION.material) // 4
    assert (reply.input_tokens, reply.cache_read_tokens) == (read - read // 2, read // 2)


@pytest.mark.parametrize(("formats", "requests"), [(("json_object",), 3), ((), 4)])
async def test_a_server_that_refuses_a_form_is_told_instead_and_not_asked_twice(
    formats: tuple[str, ...], requests: int
) -> None:
    found, ledger, cloud = await ask(Chat(colours, formats=formats), times=1)
    assert found == RED
    assert len(cloud.log) == requests
    assert "JSON schema" in cloud.log[-1].request.json()["messages"][0]["content"]
    assert ledger.outcomes == ["ok"], "a refusal of the form is not a call of its own"


async def test_what_worked_is_remembered() -> None:
    service = Chat(colours, formats=())
    async with CloudServer(service) as cloud:
        client = OpenAi(f"{cloud.url}/v1", "small", Calls())
        for _ in range(3):
            await answered(client, QUESTION, Colour, lambda form: form)
        await client.aclose()

    assert len(cloud.log) == 3 + 3


async def test_newer_models_name_the_limit_otherwise_and_take_no_temperature() -> None:
    found, _, cloud = await ask(Chat(colours, modern=True))

    assert found == RED
    sent = cloud.log[-1].request.json()
    assert "max_completion_tokens" in sent
    assert "temperature" not in sent


@pytest.mark.parametrize(
    "text",
    [
        '<think>Is it {"colour": "blue"}? No.</think>\n{"colour": "red", "share": 0.5}',
        'It could be {"colour": "blue", "share": 1}.\n</think>{"colour": "red", "share": 0.5}',
        'Here it is:\n```json\n{"colour": "red", "share": 0.5}\n```\nI hope this helps {you}.',
        'Let me see: {a: b} and so on. First try: {"colour": "blue"}. Now: {"colour": "red", "share": 0.5}',
        "{'colour': 'red', 'share': 0.5,}",
        '{"colour": "red", // as printed\n "share": 0.5}',
    ],
    ids=["reasoning", "unopened reasoning", "fence", "drafts", "single quotes", "comment"],
)
async def test_what_stands_around_the_answer_is_survived(text: str) -> None:
    service = Chat(colours)
    service.says(text)
    found, ledger, _ = await ask(service)

    assert found == RED
    assert ledger.outcomes == ["ok"]


async def test_reasoning_in_a_field_of_its_own_and_content_in_parts() -> None:
    service = Chat(colours)
    parts = [{"type": "text", "text": '{"colour": "red", '}, {"type": "text", "text": '"share": 0.5}'}]
    service.says(completion(ASKED, "", content=parts, reasoning_content='{"colour": "blue"}'))
    found, _, _ = await ask(service)

    assert found == RED


@pytest.mark.parametrize(
    ("bad", "outcome"),
    [
        ('{"colour": "red", "share": 0.5', "truncated"),
        ('{"colour": "red", "list": [{"a": 1}, {"b": 2}', "truncated"),
        ("I cannot do that.", "malformed"),
        ("", "malformed"),
        ('{"colour": "red"}', "invalid"),
        ('{"colour": "red", "share": "many"}', "invalid"),
        (completion(ASKED, '{"colour": "red", "share": 0.5', "length"), "max_tokens"),
    ],
    ids=[
        "half an object",
        "half a list",
        "prose",
        "nothing",
        "a field missing",
        "a wrong value",
        "cut at the limit",
    ],
)
async def test_half_an_answer_is_asked_for_again_and_never_taken(bad: Any, outcome: str) -> None:
    service = Chat(colours)
    service.says(bad)
    found, ledger, cloud = await ask(service)
    assert found == RED
    assert ledger.outcomes == [outcome, "ok"]
    assert "could not be used" in cloud.log[1].request.json()["messages"][1]["content"]

    service.says(bad, bad)
    found, ledger, _ = await ask(service)
    assert isinstance(found, BadReply)
    assert found.outcome == outcome
    assert ledger.outcomes == [outcome, outcome]
    assert [call.fresh for call in ledger.calls] == [False, True]


@pytest.mark.parametrize("withheld", [{"reason": "content_filter"}, {"refusal": "I must not."}])
async def test_what_was_withheld_is_not_asked_for_again(withheld: dict[str, str]) -> None:
    service = Chat(colours)
    service.says(completion(ASKED, "", **withheld))
    found, ledger, _ = await ask(service)

    assert isinstance(found, Withheld)
    assert ledger.outcomes == ["content_filtered"]


@pytest.mark.parametrize(
    ("status", "message", "kind", "hint"),
    [
        (429, "Rate limit reached", Throttled, "slow down"),
        (429, "You exceeded your current quota: insufficient_quota", Permanent, "no credit left"),
        (503, "overloaded", Transient, "the server failed"),
        (500, "oh", Transient, "the server failed"),
        (502, "<html>bad gateway</html>", Transient, "the server failed"),
        (401, "Incorrect API key provided: sk-secret", Permanent, "ALFRD_OPENAI_API_KEY"),
        (404, "model not found", Permanent, "ALFRD_LLM_MODEL"),
        (400, "This model's maximum context length is 4096 tokens", Permanent, "ALFRD_LLM_INPUT_TOKENS"),
        (400, "Invalid value", Permanent, "refuses the request"),
    ],
)
async def test_errors_are_sorted_by_what_to_do(status: int, message: str, kind: type, hint: str) -> None:
    service = Chat(colours)
    service.says(*[Answer(status, {"error": {"message": message}})] * 5)
    found, _, _ = await ask(service, api_key="sk-secret")

    assert isinstance(found, kind)
    assert isinstance(found, Throttled) == (kind is Throttled)
    assert hint in str(found)
    assert "sk-secret" not in str(found)


async def test_it_waits_as_long_as_it_is_told_to() -> None:
    service = Chat(colours)
    service.says(*[Answer(429, {}, {"Retry-After": "400"})] * 5)
    found, _, _ = await ask(service)

    assert isinstance(found, Throttled)
    assert found.retry_after == 400


@pytest.mark.parametrize("fault", ["cut", "hang"])
async def test_a_call_whose_answer_is_lost_stays_reserved(fault: Any) -> None:
    found, ledger, _ = await ask(Chat(colours), next=[fault], read_seconds=0.3)

    assert found == RED, "the next try is answered"
    assert ledger.outcomes == ["unknown", "ok"]
    assert ledger.settled[0][1] is None


async def test_a_whole_answer_counts_although_the_limit_was_reached() -> None:
    service = Chat(colours)
    service.says(completion(ASKED, '{"colour": "red", "share": 0.5} I hope that thi', "length"))
    found, ledger, _ = await ask(service)

    assert found == RED
    assert ledger.outcomes == ["ok"]


async def test_limits_of_length_are_left_out_where_a_server_refuses_them() -> None:
    schema = {**QUESTION.schema, "properties": {**QUESTION.schema["properties"]}}
    schema["properties"]["colour"] = {"type": "string", "maxLength": 9, "pattern": "^[a-z]*$"}
    service = Chat(colours)
    refusal = {"message": "Invalid schema for response_format 'colour': 'maxLength' is not permitted."}
    service.says(Answer(400, {"error": refusal}))
    async with CloudServer(service) as cloud:
        client = OpenAi(f"{cloud.url}/v1", "small", Calls())
        for _ in range(2):
            await answered(client, replace(QUESTION, schema=schema), Colour, lambda form: form)
        await client.aclose()

    sent = [exchange.request.json()["response_format"]["json_schema"]["schema"] for exchange in cloud.log]
    assert ["maxLength" in str(each) for each in sent] == [True, False, False]
    assert all(each["properties"]["colour"]["type"] == "string" for each in sent)


async def test_no_server_was_asked_and_nothing_is_paid() -> None:
    ledger = RecordingLedger()
    client = OpenAi("http://127.0.0.1:9/v1", "small", Calls(ledger, sleep=no_pause))
    with pytest.raises(Transient, match="is it running"):
        await answered(client, QUESTION, Colour, lambda form: form)
    await client.aclose()

    assert set(ledger.outcomes) == {"failed"}


async def test_a_server_that_cuts_questions_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    service = Chat(colours)
    short = json.loads(json.dumps(completion(ASKED, json.dumps(RED.model_dump())).content))
    short["usage"] = {"prompt_tokens": 500, "completion_tokens": 10}
    service.says(Answer(200, short))
    async with CloudServer(service) as cloud:
        client = OpenAi(f"{cloud.url}/v1", "small", Calls())
        with caplog.at_level(logging.WARNING):
            await answered(client, replace(QUESTION, material="word " * 4000), Colour, lambda form: form)
        await client.aclose()

    assert "cut the question" in caplog.text


async def test_the_key_is_in_no_log_and_no_representation(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        found, _, cloud = await ask(Chat(colours, key="sk-secret", formats=()), api_key="sk-secret")

    assert found == RED
    assert cloud.log[0].request.headers["Authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in caplog.text


@pytest.mark.parametrize(
    ("url", "model", "missing"), [("", "m", "BASE_URL"), ("http://a/v1", "", "LLM_MODEL")]
)
def test_what_is_not_set_is_named(url: str, model: str, missing: str) -> None:
    with pytest.raises(SettingsInvalid, match=missing):
        OpenAi(url, model, Calls())
