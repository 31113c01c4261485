"""``doctor`` on a model server: what works, and for each thing that does not, what to do."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from alfrd_events.model import JsonObject
from tests.cloud.chat import Chat
from tests.cloud.server import Answer, CloudServer
from tests.cloud.test_doctor import findings
from tests.support.harness import Harness

Finding = dict[str, Any]


def obeying(form: str, system: str, material: str) -> JsonObject:
    """A model that is held to its schema."""
    return {"word": "held"}


def instructed(form: str, system: str, material: str) -> JsonObject:
    """A model that does what it is told, whatever the schema says."""
    return {"word": "free"}


async def looked_at(db: Harness, service: Chat, **environment: str) -> dict[str, Finding]:
    """What doctor finds of a server."""
    async with CloudServer(service) as cloud:
        settings = {
            "ALFRD_ANALYST": "llm",
            "ALFRD_LLM": "openai",
            "ALFRD_LLM_MODEL": "small",
            "ALFRD_OPENAI_BASE_URL": f"{cloud.url}/v1",
        }
        return await findings(db, **{**settings, **environment})


async def test_a_server_that_does_it_all_is_told_of(db: Harness) -> None:
    found = await looked_at(db, Chat(obeying, told={"max_model_len": 32_768}))

    assert "lists 1 models" in found["model server"]["detail"]
    assert "is held to a schema with its limits" in found["model small"]["detail"]
    assert found["context of small"]["detail"].startswith("32,768 tokens")
    assert found["price of small"]["detail"].startswith("free")
    assert all(
        found[name]["good"] for name in ("model server", "model small", "context of small", "price of small")
    )


@pytest.mark.parametrize(
    ("service", "detail"),
    [
        (Chat(instructed, obeys=False), "is not held to the schema that the server took"),
        (Chat(obeying, formats=("json_object",)), "held to JSON only"),
        (Chat(obeying, formats=()), "only told the form"),
    ],
    ids=["takes a schema and ignores it", "JSON only", "nothing"],
)
async def test_how_far_a_model_is_held_to_a_form_is_told(db: Harness, service: Chat, detail: str) -> None:
    found = await looked_at(db, service)

    assert found["model small"]["good"]
    assert detail in found["model small"]["detail"]


async def test_a_model_that_is_not_there_has_the_others_named(db: Harness) -> None:
    found = await looked_at(db, Chat(obeying, model="qwen3:8b"))

    assert not found["model small"]["good"]
    assert found["model small"]["hint"] == "correct ALFRD_LLM_MODEL: the server has qwen3:8b"


async def test_a_context_that_is_too_short_names_what_to_set(db: Harness) -> None:
    found = await looked_at(db, Chat(obeying, told={"meta": {"n_ctx": 8192}}))

    assert not found["context of small"]["good"]
    assert found["context of small"]["hint"].endswith("set ALFRD_LLM_INPUT_TOKENS=4192")


async def test_a_key_that_is_wrong_is_named(db: Harness) -> None:
    found = await looked_at(db, Chat(obeying, key="sk-right"), ALFRD_OPENAI_API_KEY="sk-wrong")

    assert "ALFRD_OPENAI_API_KEY" in found["model server"]["hint"]
    assert "sk-wrong" not in str(found)


async def test_a_servers_own_words_are_shown(db: Harness) -> None:
    service = Chat(obeying)
    service.says(*[Answer(200, {"error": {"code": 402, "message": "Insufficient\x1b[2J credits"}})] * 3)
    found = await looked_at(db, service)

    assert "Insufficient [2J credits" in found["model small"]["detail"]
    assert not found["model small"]["good"]


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"ALFRD_OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "start it, or correct ALFRD_OPENAI_BASE_URL"),
        (
            {"ALFRD_OPENAI_BASE_URL": "http://u:geheim@127.0.0.1:9/v1", "ALFRD_OPENAI_API_KEY": "k"},
            "keep one of them",
        ),
        ({"ALFRD_OPENAI_BASE_URL": "localhost/v1"}, "begins with neither"),
        ({"ALFRD_OPENAI_BASE_URL": ""}, "needs ALFRD_OPENAI_BASE_URL"),
        ({"ALFRD_LLM_MODEL": ""}, "set ALFRD_LLM_MODEL"),
    ],
)
async def test_a_server_that_cannot_be_asked_is_one_clear_line(
    db: Harness, environment: dict[str, str], told: str
) -> None:
    found = await looked_at(db, Chat(obeying), **environment)

    assert not found["model server"]["good"]
    assert told in found["model server"]["detail"] + found["model server"]["hint"]
    assert "unexpected" not in str(found)
    assert "geheim" not in str(found)
    assert "model small" not in found


async def test_a_redirect_is_named_with_where_it_leads(db: Harness) -> None:
    class Moved(Chat):
        async def answer(self, request: Any) -> Answer:
            return Answer(307, b"", {"Location": "https://elsewhere.example/v1/models"})

    found = await looked_at(db, Moved(obeying))
    assert "redirects to https://elsewhere.example" in found["model server"]["detail"]


async def test_a_server_that_hangs_is_not_waited_for_long(db: Harness) -> None:
    class Hanging(Chat):
        async def answer(self, request: Any) -> Answer:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    started = time.monotonic()
    found = await looked_at(db, Hanging(obeying))
    assert "no answer within 5 s" in found["model server"]["detail"]
    assert time.monotonic() - started < 60


async def test_a_price_that_is_missing_is_told_where_a_cap_hangs_on_it(db: Harness) -> None:
    await db.sql("delete from alfrd.prices where provider = 'openai'")
    found = await looked_at(db, Chat(obeying))
    assert found["price of small"]["good"]
    assert "none is known" in found["price of small"]["detail"]

    found = await looked_at(db, Chat(obeying), ALFRD_CAP_DAY_USD="1")
    assert not found["price of small"]["good"]
    assert "every call is held back" in found["price of small"]["detail"]
    assert "alfrd.prices" in found["price of small"]["hint"]

    await db.sql("insert into alfrd.prices (provider, model, input, output) values ('openai', 'small', 1, 4)")
    found = await looked_at(db, Chat(obeying), ALFRD_CAP_DAY_USD="1")
    assert found["price of small"]["detail"].startswith("1 USD for a million tokens read, 4 ")
