"""Who may do what, and the tokens that say who somebody is."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from enum import IntEnum

from alfrd_events.errors import SettingsInvalid


class Role(IntEnum):
    """What a person may do; each role may also do what those before it may."""

    READER = 1
    """Look."""
    OPERATOR = 2
    """Bring documents in, try again, cancel, pause, resume, replay."""
    EDITOR = 3
    """Correct values, take corrections back, tag."""


ROLES = tuple(role.name.lower() for role in Role)
_DIGEST = re.compile(r"(reader|operator|editor):([0-9a-f]{64})")


class Tokens:
    """The tokens that are let in, by their digests: the server never holds a token."""

    def __init__(self, roles: Mapping[str, Role]) -> None:
        """:param roles: SHA-256 of a token, in hexadecimal -> its role."""
        self._roles = dict(roles)

    @classmethod
    def parse(cls, setting: str) -> Tokens:
        """Read ``role:digest``, with commas between.

        :raise SettingsInvalid: it is of another form.
        """
        roles = {}
        for entry in filter(None, (part.strip() for part in setting.split(","))):
            found = _DIGEST.fullmatch(entry)
            if found is None:
                raise SettingsInvalid(
                    "ALFRD_CONSOLE_TOKEN is not of the form role:digest; make a token and the line for it with: "
                    "alfrd-events console token --role editor"
                )
            roles[found[2]] = Role[found[1].upper()]
        return cls(roles)

    def __bool__(self) -> bool:
        return bool(self._roles)

    def role_of(self, token: str) -> Role | None:
        """The role of a token; ``None``: it is not one of ours. Takes the same time for each wrong token."""
        given = _digest(token)
        found = None
        for digest, role in self._roles.items():
            if hmac.compare_digest(digest, given):
                found = role
        return found


def new_token(role: str) -> tuple[str, str]:
    """A new token, and what ``ALFRD_CONSOLE_TOKEN`` says for it."""
    token = f"alfrd_{secrets.token_urlsafe(32)}"
    return token, f"{role}:{_digest(token)}"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
