"""What ``doctor`` looks at of a language model: its server, the model, and what its calls count for."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alfrd_events.errors import Unhealthy

if TYPE_CHECKING:
    from alfrd_events.settings import Settings

Examine = Callable[[str, Callable[[], Awaitable[str]]], Awaitable[bool]]


def models_of(chosen: Settings) -> list[str]:
    """The models that the settings have asked; none where rules do all."""
    from alfrd_events.clients.llm.bedrock import DEFAULT_MODEL

    if chosen.analyst == "rules":
        return []
    first = chosen.llm_model or (DEFAULT_MODEL if chosen.llm == "bedrock" else "")
    large = chosen.llm_large_model if chosen.analyst == "cascade" else ""
    return list(dict.fromkeys(filter(None, (first, large))))


async def look_at_server(chosen: Settings, check: Examine) -> None:
    """Ask the model server that is set, if one is; Bedrock's models are looked at with the rest of AWS."""
    if chosen.analyst == "rules" or chosen.llm != "openai":
        return
    if find_spec("aiohttp") is None:
        await check("model server", _not_installed)
        return
    from alfrd_events.clients.llm.server_checks import ModelServer

    server: ModelServer | None = None

    async def answers() -> str:
        nonlocal server
        if not chosen.llm_model:
            raise Unhealthy(
                "no model is set", "set ALFRD_LLM_MODEL to one that the server has, such as qwen3:8b"
            )
        server = ModelServer(
            chosen.openai_base_url,
            chosen.openai_api_key.get_secret_value(),
            chosen.llm_reasoning_tokens,
            chosen.llm_input_tokens,
        )
        return await server.answers()

    if not await check("model server", answers) or server is None:
        return
    for name in models_of(chosen):
        if await check(f"model {name}", lambda name=name: server.model(name)):  # type: ignore[misc]
            await check(f"context of {name}", lambda name=name: server.context(name))  # type: ignore[misc]


async def look_at_prices(chosen: Settings, url: str, check: Examine) -> None:
    """What a call of each model counts for, since caps hold only what has a price."""
    for name in models_of(chosen):
        await check(f"price of {name}", lambda name=name: _price(chosen, url, name))  # type: ignore[misc]


async def _price(chosen: Settings, url: str, name: str) -> str:
    from alfrd_events.db.database import Database
    from alfrd_events.db.queries import price_of

    operation = "Converse" if chosen.llm == "bedrock" else "chat.completions"
    async with Database(url, max_size=1) as database:
        prices = await price_of(database, chosen.llm, operation, name)
    capped = chosen.cap_day_usd is not None or chosen.cap_document_usd is not None
    hint = f"add a row for ('{chosen.llm}', '{name}') to alfrd.prices: docs/money.md"
    if prices is None:
        if capped:
            raise Unhealthy("none is known, and caps are set: every call is held back", hint)
        return "none is known: its calls are counted without money (alfrd.prices)"
    read, written = prices
    if not read and not written:
        if capped and chosen.llm == "openai" and not _is_near(chosen.openai_base_url):
            raise Unhealthy("it counts as free, so that no cap holds it, and its server is not yours", hint)
        return "free, as a server of your own is (alfrd.prices)"
    return f"{read:g} USD for a million tokens read, {written:g} for a million written"


def _is_near(url: str) -> bool:
    """Whether a server is on this machine or in a private network, and so likely one's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan"))


async def _not_installed() -> str:
    raise Unhealthy("aiohttp is not installed", "run: pip install 'alfrd-events[llm]'")
