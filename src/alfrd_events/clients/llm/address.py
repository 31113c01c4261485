"""The address of a model server, as ``ALFRD_OPENAI_BASE_URL`` gives it.

What is wrong with it is said once, when a client is made, and never with a password in it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from alfrd_events.errors import SettingsInvalid

SETTING = "ALFRD_OPENAI_BASE_URL"
_EXAMPLE = "http://localhost:11434/v1"
_PATH = "/chat/completions"


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go, and what they carry to be let in."""

    base: str
    """Up to the version, without user, password and trailing slash."""
    authorization: str
    """The header's value; empty: none is sent. Never shown."""

    @property
    def completions(self) -> str:
        return self.base + _PATH

    def __repr__(self) -> str:
        return f"Address({self.base})"


def address_of(url: str, api_key: str = "") -> Address:
    """Read a base URL.

    A user and a password in it are sent as HTTP's Basic authorization; a key as a bearer token.

    :raise SettingsInvalid: it is no URL of a server, or holds a password beside a key; the message shows neither.
    """
    parts = _split(url)
    if parts.query or parts.fragment:
        _refuse("has a query or a fragment, which no server takes there", parts)
    path = parts.path.rstrip("/").removesuffix(_PATH).rstrip("/")
    base = f"{parts.scheme}://{_host(parts)}{path}"
    if parts.username is None and parts.password is None:
        return Address(base, f"Bearer {_header(api_key)}" if api_key else "")
    if api_key:
        _refuse("holds a user or a password, and ALFRD_OPENAI_API_KEY is set, too: keep one of them", parts)
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return Address(base, f"Basic {base64.b64encode(pair.encode()).decode()}")


def _split(url: str) -> SplitResult:
    if not url:
        raise SettingsInvalid(f"ALFRD_LLM=openai needs {SETTING}, such as {_EXAMPLE} (Ollama)")
    if any(character.isspace() or not character.isprintable() for character in url):
        _refuse("holds a blank or a control character")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
        (host or "").encode("idna")
    except ValueError:  # UnicodeError is one
        _refuse("is no URL: its host or port cannot be read")
    if parts.scheme not in ("http", "https"):
        _refuse("begins with neither http:// nor https://")
    if not host or port == 0:
        _refuse("names no server")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{parts.port}" if parts.port else shown


def _header(api_key: str) -> str:
    api_key = api_key.strip()
    if not (api_key.isascii() and api_key.isprintable()):
        raise SettingsInvalid(
            "ALFRD_OPENAI_API_KEY holds a character that no HTTP header takes; copy it again"
        )
    return api_key


def _refuse(why: str, parts: SplitResult | None = None) -> NoReturn:
    which = f" ({parts.scheme}://{_host(parts)} …)" if parts else ""
    raise SettingsInvalid(f"{SETTING}{which} {why}; it is written like {_EXAMPLE}")
