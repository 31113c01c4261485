"""Browsers that have been let in, kept in memory: a restart asks for the token again."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from uuid import UUID

from alfrd_events.console.roles import Role

COOKIE = "alfrd_session"
_MOST_SESSIONS = 1_000
_LIFETIME_SECONDS = 12 * 3600.0
_MOST_MESSAGES = 5
_FAILURES_EACH = 5
_FAILURES_TOGETHER = 50
_FAILURE_SECONDS = 60.0


@dataclass(slots=True)
class Session:
    """One browser."""

    role: Role
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """What each form of this browser carries."""
    name: str = field(default_factory=lambda: secrets.token_hex(4))
    """What others see of who looks at a document."""
    skipped: set[UUID] = field(default_factory=set)
    """Documents that this person does not want to review now."""
    taught: tuple[UUID, int] | None = None
    """The document of the last verdict, if its correction may settle other reviews of its sender; and how many."""
    verdict: tuple[UUID, bool] | None = None
    """The document that this person judged last in a review, and whether it was accepted as it is."""
    began: float = field(default_factory=time.monotonic)
    messages: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=_MOST_MESSAGES))
    """Kind (``good`` or ``bad``) and text of what the next page says."""

    def say(self, text: str, kind: str = "good") -> None:
        """Say something at the top of the next page."""
        self.messages.append((kind, text))

    def told(self) -> list[tuple[str, str]]:
        """What there was to say; it is said once."""
        told = list(self.messages)
        self.messages.clear()
        return told

    def is_ours(self, csrf: str) -> bool:
        """Whether a form comes from a page that was made for this log-in."""
        return hmac.compare_digest(csrf.encode(), self.csrf.encode())


class Sessions:
    """All browsers, the one that was seen last at the end."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Session] = OrderedDict()

    def find(self, id: str) -> Session | None:
        """The session of a cookie, unless it is too old."""
        session = self._by_id.get(id)
        if session is None:
            return None
        if time.monotonic() - session.began > _LIFETIME_SECONDS:
            del self._by_id[id]
            return None
        self._by_id.move_to_end(id)
        return session

    def begin(self, role: Role) -> tuple[str, Session]:
        """A new session and the value of its cookie. The longest unused one ends where there are too many."""
        id, session = secrets.token_urlsafe(32), Session(role)
        self._by_id[id] = session
        if len(self._by_id) > _MOST_SESSIONS:
            self._by_id.popitem(last=False)
        return id, session

    def end(self, id: str) -> None:
        """Let a session be no more."""
        self._by_id.pop(id, None)


class Attempts:
    """Failed log-ins of the last minute: five for an address, fifty for all."""

    def __init__(self) -> None:
        self._failed: deque[tuple[float, str]] = deque()

    def must_wait(self, address: str) -> bool:
        """Whether another attempt would be one too many."""
        oldest = time.monotonic() - _FAILURE_SECONDS
        while self._failed and self._failed[0][0] < oldest:
            self._failed.popleft()
        of_this = sum(who == address for _, who in self._failed)
        return of_this >= _FAILURES_EACH or len(self._failed) >= _FAILURES_TOGETHER

    def failed(self, address: str) -> None:
        """Count one."""
        self._failed.append((time.monotonic(), address))
