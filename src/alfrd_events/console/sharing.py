"""One rendering of a part for all pages that show it: fifty open pages ask for the same when something changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from alfrd_events.console.roles import Role
from alfrd_events.console.state import PART, console_of, session_of, texts_of

Endpoint = Callable[[Request], Awaitable[Response]]
Key = tuple[str, str, Role, str]

_SECONDS = 1.0
"""How long a rendering is given again where no change was told: not everything that a part shows is."""
_MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class _Rendering:
    version: int
    began: float
    csrf: str
    """The mark of the session that it was made for."""
    text: asyncio.Task[str]


def shared(page: Endpoint) -> Endpoint:
    """Make an endpoint that renders a part once for all who ask for it between two changes, by role and language."""
    kept: dict[Key, _Rendering] = {}

    async def render(request: Request) -> str:
        return bytes((await page(request)).body).decode()

    async def endpoint(request: Request) -> Response:
        session = session_of(request)
        if PART not in request.query_params or hasattr(request.state, "new_cookie"):
            return await page(request)
        key = (request.url.path, request.url.query, session.role, texts_of(request).language)
        version, now = console_of(request).live.version, time.monotonic()
        found = kept.get(key)
        if found is None or found.version != version or now - found.began > _SECONDS:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            found = _Rendering(version, now, session.csrf, asyncio.create_task(render(request)))
            kept[key] = found
        text = await asyncio.shield(found.text)
        return HTMLResponse(text.replace(found.csrf, session.csrf))

    return endpoint
