"""What no page has to think of: which host was meant, where a request comes from, how large it is, and the policy.

A page of another site can send requests to 127.0.0.1, and can give its own name that address (DNS rebinding). The name
in ``Host`` has to be one of ours, and what writes has to come from our own pages.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alfrd_events.console.texts import catalogues, preferred

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), microphone=(), payment=(), usb=()",
}
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_READING = ("GET", "HEAD")
_FORM_OVERHEAD = 1024 * 1024


class Guard:
    """Middleware around the whole application.

    :param hosts: names under which the console may be asked for, without a port.
    :param max_bytes: of the files of one request, together.
    :param language: of what is refused; empty: the one that the browser asks for.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], max_bytes: int, language: str = "") -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}
        self._max_bytes = max_bytes + _FORM_OVERHEAD
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        named = _HOST.fullmatch(headers.get("host", ""))
        if named is None or named[1].strip("[]").lower() not in self._hosts:
            return self._refused(headers, 421, "unknown_host")
        if method in _READING:
            return None
        if not _is_from_here(headers):
            return self._refused(headers, 403, "other_site")
        # Without either, a request has no body.
        length = headers.get("content-length", "" if "transfer-encoding" in headers else "0")
        if not length.isdecimal():
            return self._refused(headers, 411, "no_length")
        if int(length) > self._max_bytes:
            return self._refused(headers, 413, "too_large", size=int(length), limit=self._max_bytes)
        return None

    def _refused(self, headers: Headers, status: int, why: str, **values: int) -> PlainTextResponse:
        texts = catalogues()[self._language or preferred(headers.get("accept-language", ""))]
        return PlainTextResponse(texts.plain(f"error.{why}", **values) + "\n", status)


def _is_from_here(headers: Headers) -> bool:
    """Whether one of our own pages sends it, or no page at all."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers["host"]
