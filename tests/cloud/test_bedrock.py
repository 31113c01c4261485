"""The Bedrock client, over the wire: its requests, its replies, and each way in which it fails."""

from __future__ import annotations

from typing import Any

import pytest

from alfrd_events.clients.aws import Aws
from alfrd_events.clients.calls import BadReply, Calls, Lost
from alfrd_events.clients.llm.bedrock import Bedrock as Client
from alfrd_events.clients.llm.structured import answered
from alfrd_events.errors import AlfrdError, Permanent, Throttled, Transient
from tests.cloud.bedrock import NOVA, Bedrock, filled_in, plain
from tests.cloud.colour_question import GOOD, QUESTION, RED, Colour, RecordingLedger, colours, no_pause
from tests.cloud.server import CloudServer

CLAUDE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
QWEN = "qwen.qwen3-32b-v1:0"


async def ask(
    service: Bedrock, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[Any, RecordingLedger]:
    """Ask for a colour; what came of it, and the ledger."""
    ledger = options.pop("ledger", None) or RecordingLedger()
    faults = options.pop("next", ())
    async with CloudServer(service) as cloud:
        cloud.next(*faults)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", cloud.url)
        client = Client(
            Aws("us-east-1"),
            options.pop("model", ""),
            Calls(ledger, sleep=no_pause),
            **options,
        )
        try:
            return await answered(client, QUESTION, Colour, lambda form: form), ledger
        except AlfrdError as error:
            return error, ledger
        finally:
            await client.aclose()
            assert cloud.complaints == []


async def test_nova_fills_in_a_tool_that_it_must_use(monkeypatch: pytest.MonkeyPatch) -> None:
    found, ledger = await ask(Bedrock(colours), monkeypatch, reasoning_tokens=50)

    assert found == RED
    (call,) = ledger.calls
    assert (call.provider, call.operation, call.model) == ("bedrock", "Converse", NOVA)
    assert call.output_tokens == 150
    assert call.input_tokens > 0
    assert len(call.key) == 64


@pytest.mark.parametrize(
    ("model", "ways"), [(QWEN, ("schema",)), (CLAUDE, ("schema",)), (QWEN, ("tool",)), (QWEN, ())]
)
async def test_what_a_model_refuses_is_said_in_another_way(
    monkeypatch: pytest.MonkeyPatch, model: str, ways: tuple[str, ...]
) -> None:
    found, ledger = await ask(Bedrock(colours, models={model: ways}), monkeypatch, model=model)

    assert found == RED
    assert ledger.outcomes == ["ok"]


async def test_the_way_that_worked_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with CloudServer(Bedrock(colours, models={CLAUDE: ("schema",)})) as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", cloud.url)
        client = Client(Aws("us-east-1"), CLAUDE, Calls())
        for _ in range(3):
            await answered(client, QUESTION, Colour, lambda form: form)
        await client.aclose()

    assert len(cloud.log) == 4


@pytest.mark.parametrize(
    "stop", ["max_tokens", "malformed_model_output", "malformed_tool_use", "model_context_window_exceeded"]
)
async def test_a_bad_stop_is_asked_again_once_and_then_fails_by_name(
    monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    service = Bedrock(colours)
    service.says({"stopReason": stop}, {"stopReason": stop})
    found, ledger = await ask(service, monkeypatch)

    assert isinstance(found, BadReply)
    assert found.outcome == stop
    assert ledger.outcomes == [stop, stop]
    assert [call.fresh for call in ledger.calls] == [False, True]
    assert all(reply and reply.input_tokens for _, reply in ledger.settled), "they are paid"


@pytest.mark.parametrize("stop", ["content_filtered", "guardrail_intervened"])
async def test_what_was_withheld_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch, stop: str) -> None:
    service = Bedrock(colours)
    service.says({"stopReason": stop, "output": plain("no")})
    found, ledger = await ask(service, monkeypatch)

    assert isinstance(found, Permanent)
    assert "withheld" in str(found)
    assert ledger.outcomes == [stop]


async def test_an_invalid_answer_is_asked_for_again_with_what_was_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Bedrock(colours)
    service.says(
        {"output": filled_in("colour", {"colour": "secret-value", "share": 7}), "stopReason": "tool_use"}
    )
    said: list[str] = []

    def reply(form: Any, system: str, material: str) -> Any:
        said.append(material)
        return GOOD

    service._reply = reply
    found, ledger = await ask(service, monkeypatch)

    assert found == RED
    assert ledger.outcomes == ["invalid", "ok"]
    assert "share: Input should be less than or equal to 1" in said[0]
    assert "secret-value" not in said[0]
    assert ledger.calls[0].key != ledger.calls[1].key


async def test_text_instead_of_a_tool_is_read_if_it_holds_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Bedrock(colours)
    service.says({"output": plain('Sure! {"colour": "blue", "share": 0.1}')})
    found, _ = await ask(service, monkeypatch)

    assert found == Colour(colour="blue", share=0.1)


async def test_tokens_of_the_providers_cache_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Bedrock(colours)
    usage = {"inputTokens": 10, "outputTokens": 3, "cacheReadInputTokens": 200, "cacheWriteInputTokens": 40}
    service.says({"output": filled_in("colour", GOOD), "stopReason": "tool_use", "usage": usage})
    _, ledger = await ask(service, monkeypatch)

    reply = ledger.settled[0][1]
    assert reply is not None
    assert (reply.input_tokens, reply.output_tokens) == (10, 3)
    assert (reply.cache_read_tokens, reply.cache_write_tokens) == (200, 40)


@pytest.mark.parametrize(
    ("code", "message", "kind", "hint"),
    [
        ("ThrottlingException", "slow down", Throttled, "slow down"),
        ("ModelNotReadyException", "loading", Throttled, "slow down"),
        ("ServiceUnavailableException", "later", Transient, "failed"),
        ("InternalServerException", "oh", Transient, "failed"),
        ("ModelTimeoutException", "slow", Transient, "may work the next time"),
        ("ModelErrorException", "broken", Transient, "may work the next time"),
        ("AccessDeniedException", "no", Permanent, "bedrock:InvokeModel"),
        ("ResourceNotFoundException", "none", Permanent, "ALFRD_LLM_MODEL and ALFRD_AWS_REGION"),
        (
            "ValidationException",
            "The provided model identifier is invalid.",
            Permanent,
            "check ALFRD_LLM_MODEL",
        ),
        (
            "ValidationException",
            "Input is too long for requested model.",
            Permanent,
            "ALFRD_LLM_INPUT_TOKENS",
        ),
        (
            "ValidationException",
            "Invocation of model ID m with on-demand throughput isn't supported.",
            Permanent,
            "inference profile",
        ),
    ],
)
async def test_errors_are_sorted_by_what_to_do(
    monkeypatch: pytest.MonkeyPatch, code: str, message: str, kind: type, hint: str
) -> None:
    service = Bedrock(colours)
    service.says(*[service.error(code, message)] * 5)
    found, ledger = await ask(service, monkeypatch)

    assert isinstance(found, kind)
    assert not (kind is Transient and isinstance(found, Throttled | Lost))
    assert hint in str(found)
    assert set(ledger.outcomes) == {"throttled" if kind is Throttled else "failed"}


async def test_an_error_that_quotes_the_document_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Bedrock(colours)
    service.says(service.error("ValidationException", f"malformed content: {QUESTION.material}"))
    found, _ = await ask(service, monkeypatch)

    assert isinstance(found, Permanent)
    assert "old house" not in str(found)
    assert "ValidationException" in str(found)


@pytest.mark.parametrize("fault", ["cut", "hang"])
async def test_a_call_whose_answer_is_lost_stays_reserved(
    monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    found, ledger = await ask(Bedrock(colours), monkeypatch, next=[fault], read_seconds=0.3)

    assert found == RED, "the next try is answered"
    assert ledger.outcomes == ["unknown", "ok"]
    assert ledger.settled[0][1] is None


async def test_a_known_reply_is_not_paid_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = RecordingLedger()
    await ask(Bedrock(colours), monkeypatch, ledger=ledger)
    found, _ = await ask(Bedrock(colours), monkeypatch, ledger=ledger)

    assert found == RED
    assert len(ledger.calls) == 1
