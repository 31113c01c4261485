"""``doctor`` on a model server: what works, and for each thing that does not, what to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from alfrd_events.cli import doctor_models
from alfrd_events.errors import SettingsInvalid, Unhealthy
from alfrd_events.model import JsonObject
from alfrd_events.settings import Settings
from testing.harness import Harness
from tests.cloud.chat import Chat
from tests.cloud.server import Answer, CloudServer
from tests.cloud.test_doctor import findings

AnalystResult = dict[str, Any]


def obeying(form: str, system: str, material: str) -> JsonObject:
    """A model that is held to its schema."""
    return {"word": "held"}


def instructed(form: str, system: str, material: str) -> JsonObject:
    """A model that does what it is told, whatever the schema says."""
    return {"word": "free"}


async def looked_at(db: Harness, service: Chat, **settings: Any) -> dict[str, AnalystResult]:
    """What doctor finds of a server, without its other checks."""
    found: dict[str, AnalystResult] = {}

    async def check(name: str, look: Callable[[], Awaitable[str]]) -> bool:
        try:
            found[name] = {"good": True, "detail": await look(), "hint": ""}
        except Unhealthy as error:
            found[name] = {"good": False, "detail": str(error), "hint": error.hint}
        except SettingsInvalid as error:
            found[name] = {"good": False, "detail": str(error), "hint": ""}
        return bool(found[name]["good"])

    async with CloudServer(service) as cloud:
        usual = {
            "analyst": "llm",
            "llm": "openai",
            "llm_model": "small",
            "openai_base_url": f"{cloud.url}/v1",
        }
        chosen = Settings(**{**usual, **settings})  # type: ignore[arg-type]
        await doctor_models.look_at_server(chosen, check)
        await doctor_models.look_at_prices(chosen, db.url, check)
    return found


async def test_the_program_looks_at_the_server_that_is_set(db: Harness) -> None:
    async with CloudServer(Chat(obeying)) as cloud:
        found = await findings(
            db,
            ALFRD_ANALYST="llm",
            ALFRD_LLM="openai",
            ALFRD_LLM_MODEL="small",
            ALFRD_OPENAI_BASE_URL=cloud.url.replace("//", "//u:geheim@") + "/v1",
            ALFRD_OPENAI_API_KEY="sk-secret",
        )
    assert not found["model server"]["good"]
    assert "keep one of them" in found["model server"]["detail"]
    assert "geheim" not in str(found)
    assert found["price of small"]["good"]


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
    found = await looked_at(db, Chat(obeying, key="sk-right"), openai_api_key="sk-wrong")

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
        ({"openai_base_url": "http://127.0.0.1:9/v1"}, "start it, or correct ALFRD_OPENAI_BASE_URL"),
        (
            {"openai_base_url": "http://u:geheim@127.0.0.1:9/v1", "openai_api_key": "k"},
            "keep one of them",
        ),
        ({"openai_base_url": "localhost/v1"}, "begins with neither"),
        ({"openai_base_url": ""}, "needs ALFRD_OPENAI_BASE_URL"),
        ({"llm_model": ""}, "set ALFRD_LLM_MODEL"),
    ],
)
async def test_a_server_that_cannot_be_asked_is_one_clear_line(
    db: Harness, environment: dict[str, Any], told: str
) -> None:
    found = await looked_at(db, Chat(obeying), **environment)

    assert not found["model server"]["good"]
    assert told in found["model server"]["detail"] + found["model server"]["hint"]
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
    assert time.monotonic() - started < 20


async def test_a_price_that_is_missing_is_told_where_a_cap_hangs_on_it(db: Harness) -> None:
    await db.sql("delete from alfrd.prices where provider = 'openai'")
    found = await looked_at(db, Chat(obeying))
    assert found["price of small"]["good"]
    assert "none is known" in found["price of small"]["detail"]

    found = await looked_at(db, Chat(obeying), cap_day_usd=Decimal(1))
    assert not found["price of small"]["good"]
    assert "every call is held back" in found["price of small"]["detail"]
    assert "alfrd.prices" in found["price of small"]["hint"]

    await db.sql("insert into alfrd.prices (provider, model, input, output) values ('openai', 'small', 1, 4)")
    found = await looked_at(db, Chat(obeying), cap_day_usd=Decimal(1))
    assert found["price of small"]["detail"].startswith("1 USD for a million tokens read, 4 ")
