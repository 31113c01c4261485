"""Calls that cost money: who makes one, what it may cost, and where that is written down.

Every request to a paid provider goes through :meth:`Calls.make`. It answers from the replies that were paid before,
waits where a limit says so, reserves the most that the call may cost, sends, and settles what it did cost, together
with the reply, before anyone works with it: a worker that is killed afterwards does not pay twice.

Providers know no database: the :class:`Ledger` is given to them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from alfrd_events.errors import AlfrdError, Throttled, Transient
from alfrd_events.model import JsonObject, Task

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a provider is called: the task, and the worker that owns it."""

    worker: int
    task: Task


caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
"""Set by the runner around each handler; ``None`` outside of tasks (``eval``, ``doctor``)."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request before it is sent."""

    provider: str
    """``bedrock``, ``openai``, ``textract``: the key of limits, breakers and prices."""
    operation: str
    """As the provider names it: ``Converse``, ``DetectDocumentText`` …"""
    model: str = ""
    key: str = ""
    """Digest of the exact request, for ``alfrd.reply_cache``; empty: never answered from there."""
    input_tokens: int = 0
    """At most, as estimated from the text."""
    output_tokens: int = 0
    """At most: the request's limit."""
    pages: int = 0
    fresh: bool = False
    """Ask again although a reply is known: the known one was bad."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and what the provider will charge for it. Prices are the ledger's business."""

    content: JsonObject
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    pages: int = 0
    cached: bool = False
    """From ``alfrd.reply_cache``: it costs nothing."""


class BadReply(AlfrdError):
    """A reply that was paid and cannot be used. The message says why, without the document's text."""

    def __init__(self, message: str, outcome: str = "malformed") -> None:
        super().__init__(message)
        self.outcome = outcome
        """For ``alfrd.usage``: ``malformed``, ``max_tokens``, ``content_filtered``, ``guardrail_intervened`` …"""


class Lost(Transient):
    """The request was sent, and no answer came: it may have been worked on, and then it is paid."""


class Ledger(Protocol):
    """Remembers replies and money; in ``db/`` over ``alfrd.usage``, ``alfrd.prices`` and ``alfrd.reply_cache``."""

    async def known(self, call: Call) -> Reply | None:
        """A validated reply to exactly this request."""
        ...

    async def reserve(self, call: Call, who: Caller | None) -> int:
        """Set aside the most that it may cost; returns the number of its row in ``alfrd.usage``.

        :raise Throttled: a cap of the document, the day or the purpose leaves no room now; the message names it.
        """
        ...

    async def settle(
        self, number: int, call: Call, reply: Reply | None, outcome: str, milliseconds: int
    ) -> None:
        """Write what it did cost, and keep the reply if it is ``ok`` and the call has a key.

        :param outcome: ``ok``, or what went wrong. Without a reply nothing is charged, except where the request may
            have been worked on and its answer was lost (``unknown``): then what was reserved stays spent.
        """
        ...


class NoLedger:
    """Keeps nothing and forbids nothing: for work outside of the database."""

    async def known(self, call: Call) -> Reply | None:
        """Nothing is known."""

    async def reserve(self, call: Call, who: Caller | None) -> int:  # noqa: ARG002
        """Everything is allowed."""
        return 0

    async def settle(
        self, number: int, call: Call, reply: Reply | None, outcome: str, milliseconds: int
    ) -> None:
        """Nothing is written."""


class Calls:
    """The way to paid providers: cache, limits, money."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self._ledger: Ledger = ledger or NoLedger()

    async def make(
        self, call: Call, send: Callable[[], Awaitable[Reply]], check: Callable[[JsonObject], Made]
    ) -> Made:
        """Send a request unless its reply is known, and check what came back.

        :param send: raises :class:`~alfrd_events.errors.Throttled`, ``Transient`` or ``Permanent``; :class:`Lost` if it
            may have been worked on; :class:`BadReply` if the provider says that its own reply is no good.
        :param check: makes something of the reply's content; raises :class:`BadReply`. Only what passed is kept.
        """
        if call.key and not call.fresh and (known := await self._ledger.known(call)) is not None:
            return check(known.content)
        number = await self._ledger.reserve(call, caller.get())
        started = time.monotonic()
        reply: Reply | None = None
        outcome = "unknown"
        try:
            reply = await send()
            made = check(reply.content)
            outcome = "ok"
        except BadReply as error:
            outcome = error.outcome
            raise
        except Throttled:
            outcome = "throttled"
            raise
        except Lost:
            raise
        except AlfrdError:
            outcome = "failed"
            raise
        finally:
            spent = int((time.monotonic() - started) * 1000)
            await self._ledger.settle(
                number, replace(call, key=call.key if outcome == "ok" else ""), reply, outcome, spent
            )
        return made
