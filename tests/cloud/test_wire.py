"""What a server may send instead of an answer: too much, too slowly, somewhere else, or what no database can hold."""

from __future__ import annotations

import asyncio
import json
import resource
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from alfrd_events.clients.aws import Aws
from alfrd_events.clients.calls import Calls, Lost
from alfrd_events.clients.llm.bedrock import Bedrock as BedrockClient
from alfrd_events.clients.llm.openai import OpenAi
from alfrd_events.clients.llm.structured import answered
from alfrd_events.errors import AlfrdError, Permanent, SettingsInvalid, Transient
from tests.cloud.bedrock import Bedrock, filled_in
from tests.cloud.chat import Chat, completion
from tests.cloud.colour_question import GOOD, QUESTION, RED, Colour, RecordingLedger, colours, no_pause
from tests.cloud.server import Answer, CloudServer

ASKED: dict[str, Any] = {"model": "small", "messages": [{"content": "x" * 400}]}
MB = 1024 * 1024


async def ask_chat(service: Chat, **options: Any) -> tuple[Any, RecordingLedger, CloudServer]:
    """Ask an OpenAI-compatible server for a colour; what came of it."""
    async with CloudServer(service) as cloud:
        client = OpenAi(
            f"{cloud.url}/v1", "small", Calls(ledger := RecordingLedger(), sleep=no_pause), **options
        )
        return await _asked(client), ledger, cloud


async def ask_bedrock(
    service: Bedrock, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[Any, RecordingLedger]:
    """The same of Bedrock."""
    async with CloudServer(service) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", cloud.url)
        client = BedrockClient(
            Aws("us-east-1"), "", Calls(ledger := RecordingLedger(), sleep=no_pause), **options
        )
        return await _asked(client), ledger


async def _asked(client: OpenAi | BedrockClient) -> Any:
    try:
        return await answered(client, QUESTION, Colour, lambda form: form)
    except AlfrdError as error:
        return error
    finally:
        await client.aclose()


async def endless() -> AsyncIterator[bytes]:
    """800 MB of blanks before the answer."""
    for _ in range(800):
        yield b" " * MB
    yield json.dumps(completion(ASKED, json.dumps(GOOD)).content).encode()


async def dripping() -> AsyncIterator[bytes]:
    """A byte now and then, for ever: never silent, and never done."""
    while True:
        yield b" "
        await asyncio.sleep(0.02)


def bomb() -> Answer:
    """400 MB of blanks in 400 kB."""
    packing = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join([*(packing.compress(b" " * MB) for _ in range(400)), packing.flush()])
    return Answer(200, packed, {"Content-Encoding": "gzip"})


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("made", [lambda: Answer(200, endless), bomb], ids=["endless", "gzip bomb"])
async def test_a_reply_that_does_not_end_is_left_after_some_megabytes(made: Any) -> None:
    service = Chat(colours)
    service.says(*[made()] * 3)
    before = peak()
    found, ledger, _ = await ask_chat(service)

    assert isinstance(found, Transient)
    assert "more than 32 MB" in str(found)
    assert "ALFRD_OPENAI_BASE_URL" in str(found)
    assert set(ledger.outcomes) == {"failed"}, "it was no answer, and nothing is charged for it"
    assert peak() - before < 200 * MB


async def test_an_endless_reply_of_bedrock_is_left_too(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Bedrock(colours)
    service.says(*[Answer(200, endless)] * 3)
    before = peak()
    found, _ = await ask_bedrock(service, monkeypatch)

    assert isinstance(found, Lost)
    assert "more than 32 MB" in str(found)
    assert peak() - before < 200 * MB


async def test_a_reply_that_drips_is_given_up_after_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    chat, bedrock = Chat(colours), Bedrock(colours)
    chat.says(*[Answer(200, dripping)] * 3)
    bedrock.says(*[Answer(200, dripping)] * 3)
    async with asyncio.timeout(60):
        # A connection of its own has 5 s to come about beside the time for the answer.
        monkeypatch.setattr("alfrd_events.clients.llm.openai.CONNECT_SECONDS", 0.2)
        found, ledger, _ = await ask_chat(chat, read_seconds=0.3)
        of_bedrock, _ = await ask_bedrock(bedrock, monkeypatch, read_seconds=0.3)

    assert isinstance(found, Lost)
    assert "ALFRD_LLM_SECONDS" in str(found)
    assert set(ledger.outcomes) == {"unknown"}, "it may have been worked on"
    assert isinstance(of_bedrock, Lost)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "where", ["http://127.0.0.1:9/v1/chat/completions?token=geheim", "/login", "//else/"]
)
async def test_no_redirect_is_followed(status: int, where: str) -> None:
    service = Chat(colours)
    service.says(Answer(status, b"", {"Location": where}))
    found, ledger, cloud = await ask_chat(service, api_key="sk-secret")

    assert isinstance(found, Permanent)
    assert f"HTTP {status}" in str(found)
    assert "set ALFRD_OPENAI_BASE_URL" in str(found)
    assert "geheim" not in str(found)
    assert len(cloud.log) == 1
    assert ledger.outcomes == ["failed"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"colour": "r\\u0000ed", "share": 0.5}', "red"),
        ('{"colour": "red \\ud800", "share": 0.5}', "red \ufffd"),
        ('{"colour": "\\ud83d\\ude00", "share": 0.5}', "\U0001f600"),
        ('{"colour": "red", "share": 0.5, "more\\u0000": NaN}', "red"),
    ],
    ids=["NUL", "half a pair", "a pair", "NaN"],
)
async def test_what_the_database_cannot_hold_is_cleaned_before_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, text: str, kept: str
) -> None:
    chat, bedrock = Chat(colours), Bedrock(colours)
    chat.says(text)
    found, ledger, _ = await ask_chat(chat)
    assert found == Colour(colour=kept, share=0.5)
    assert_storable(ledger)

    # Bedrock gives the object itself; NaN is no JSON, and botocore refuses the whole reply.
    if "NaN" not in text:
        bedrock.says({"output": filled_in("colour", json.loads(text)), "stopReason": "tool_use"})
        found, ledger = await ask_bedrock(bedrock, monkeypatch)
        assert found == Colour(colour=kept, share=0.5)
        assert_storable(ledger)


def assert_storable(ledger: RecordingLedger) -> None:
    for reply in ledger.replies.values():
        assert "\\u0000" not in json.dumps(reply.content["object"]) if "object" in reply.content else True
        json.dumps(reply.content, ensure_ascii=False).encode()


@pytest.mark.parametrize("body", [b'{"choices":' + b"[" * 100_000, b"\xff\xfe{}", b"", b"null", b"[]", b"7"])
async def test_a_body_that_is_nothing_is_the_servers_failure_and_costs_nothing(body: bytes) -> None:
    service = Chat(colours)
    service.says(*[Answer(200, body)] * 3)
    found, ledger, _ = await ask_chat(service)

    assert isinstance(found, Transient)
    assert not isinstance(found, Lost)
    assert ledger.outcomes == ["failed"] * 3


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": -5}, {"prompt_tokens": "many"}, [1], 7, {"prompt_tokens": 1e300}]
)
async def test_a_count_of_tokens_that_is_none_does_no_harm(usage: Any) -> None:
    service = Chat(colours)
    answer: Any = dict(completion(ASKED, json.dumps(GOOD)).content)  # type: ignore[arg-type]
    service.says(Answer(200, {**answer, "usage": usage}))
    found, ledger, _ = await ask_chat(service)

    assert found == RED
    reply = ledger.settled[0][1]
    assert reply is not None
    assert 0 <= reply.input_tokens <= 100_000_000


# --- the address -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "needs ALFRD_OPENAI_BASE_URL"),
        ("localhost:11434/v1", "begins with neither"),
        ("ftp://host/v1", "begins with neither"),
        ("http:///v1", "names no server"),
        ("http://host:99999/v1", "is no URL"),
        ("http://host:port/v1", "is no URL"),
        ("http://[::1/v1", "is no URL"),
        ("http://ho st/v1", "holds a blank"),
        ("http://host/v1\n", "holds a blank"),
        ("http://host/v1?api-version=1", "has a query"),
        ("http://host/v1#top", "has a query or a fragment"),
        (f"http://{'a' * 70}/v1", "is no URL"),
        ("http://user:geheim@host/v1", "keep one of them"),
        ("http://user:geheim@host:99999/v1", "is no URL"),
    ],
)
def test_an_address_that_is_none_is_named_with_its_setting_and_without_its_password(
    url: str, why: str
) -> None:
    with pytest.raises(SettingsInvalid, match=why) as refusal:
        OpenAi(url, "small", Calls(), api_key="sk-secret")
    assert "ALFRD_OPENAI_BASE_URL" in str(refusal.value)
    assert "geheim" not in str(refusal.value)
    assert "sk-secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("ending", ["", "/", "/chat/completions", "/chat/completions/"])
async def test_the_whole_path_may_be_given_too(ending: str) -> None:
    async with CloudServer(Chat(colours)) as cloud:
        assert await _asked(OpenAi(f"{cloud.url}/v1{ending}", "small", Calls())) == RED


async def test_a_user_and_a_password_in_the_address_are_sent_as_such_and_shown_nowhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = Chat(colours)
    service.says(Answer(500, {"error": {"message": "who is dXNlcjpnZWg6ZWlt?"}}))
    async with CloudServer(service) as cloud:
        url = cloud.url.replace("http://", "http://user:geh%3Aeim@")
        found = await _asked(OpenAi(f"{url}/v1", "small", Calls(ledger := RecordingLedger(), sleep=no_pause)))
    assert found == RED
    assert cloud.log[0].request.headers["Authorization"] == "Basic dXNlcjpnZWg6ZWlt"
    assert ledger.outcomes == ["failed", "ok"]
    assert "geh" not in caplog.text


async def test_a_key_that_no_header_takes_is_refused_at_once() -> None:
    with pytest.raises(SettingsInvalid, match="ALFRD_OPENAI_API_KEY"):
        OpenAi("http://host/v1", "small", Calls(), api_key="sk-\nsecret")
