"""Calls that cost money: the caller, the limits and the record of the cost.

Every request to a paid provider goes through :meth:`Calls.make`. It returns a stored reply if there is one. Otherwise
it waits for the limits, reserves the most that the call may cost, sends the request and records the real cost together
with the reply. Only then does the caller get the reply: a worker that is killed afterwards does not pay twice.

Short failures are retried here, for seconds; each try is a row of ``alfrd.usage``. A longer failure is raised, and the
task waits.

Providers know no database: they get a :class:`Ledger`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

from alfrd_events import tracing
from alfrd_events.clients.breaker import Breaker
from alfrd_events.clients.limiter import Limiter
from alfrd_events.errors import AlfrdError, DatabaseUnavailable, Throttled, Transient
from alfrd_events.model import JsonObject, Task
from alfrd_events.storable import storable

Made = TypeVar("Made")

_TRIES = 3
_PATIENCE_SECONDS = 5.0
"""If a provider asks for a longer wait, the task waits instead of the call."""


class Caller(NamedTuple):
    """The task that calls a provider, and the worker that owns the task."""

    worker: int
    task: Task


caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
"""Set by the runner around each handler; ``None`` outside of tasks (``eval``, ``doctor``)."""


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that may be spent on something."""

    scope: str
    """What it is, without digits of a date: ``evolution``, ``evolution trial 17``."""
    usd: Decimal | None
    """``None``: counted, and not limited."""
    daily: bool = False
    """It begins anew with each day (UTC)."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """The purpose of calls that are not part of a document's own pipeline."""

    name: str
    caps: tuple[Cap, ...] = ()
    """Beside that of the day, which holds for everything. The cap of a document does not hold for them."""


purpose: ContextVar[Purpose | None] = ContextVar("purpose", default=None)
"""Set around calls of another purpose (``evolution``); ``None``: the pipeline's own."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request before it is sent."""

    provider: str
    """``bedrock``, ``openai``, ``textract``: the key of limits, breakers and prices."""
    operation: str
    """As the provider names it: ``Converse``, ``DetectDocumentText`` …"""
    model: str = ""
    """For Textract's ``AnalyzeDocument`` its features, sorted: ``FORMS+TABLES``; prices go by it."""
    key: str = ""
    """Digest of the exact request, for ``alfrd.reply_cache``; empty: never answered from there."""
    input_tokens: int = 0
    """At most, as estimated from the text. A cap is kept as well as this is true: rather too many than too few."""
    output_tokens: int = 0
    """At most: the request's limit."""
    pages: int = 0
    about: str = ""
    """The file's name, for this call's own errors: the errors of other waiting calls do not show it."""
    fresh: bool = False
    """Ask again although a reply is known: the known one was bad."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, and what the provider will charge for it. Prices are the ledger's business."""

    content: JsonObject
    input_tokens: int = 0
    """Without those that were read from the provider's cache or written to it."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    pages: int = 0
    cached: bool = False
    """From ``alfrd.reply_cache``: it costs nothing."""


class BadReply(AlfrdError):
    """A reply that was paid and cannot be used. The message says why, without the document's text."""

    def __init__(
        self,
        message: str,
        outcome: str = "malformed",
        reply: Reply | None = None,
        partial: JsonObject | None = None,
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        """For ``alfrd.usage``: ``malformed``, ``max_tokens``, ``content_filtered``, ``guardrail_intervened`` …"""
        self.reply = reply
        """What came, where ``send`` itself found it bad: for its tokens. Without it, what was reserved stays spent."""
        self.partial = partial
        """What of it is whole, where a part is."""


class Lost(Transient):
    """The request was sent, and no answer came: it may have been worked on, and then it is paid."""


class NoRoom(Throttled):
    """A limit of our own leaves no room now; nothing was sent."""


class Ledger(Protocol):
    """Remembers replies and money; in ``db/`` over ``alfrd.usage``, ``alfrd.prices`` and ``alfrd.reply_cache``."""

    async def known(self, call: Call) -> Reply | None:
        """A validated reply to exactly this request."""
        ...

    async def reserve(self, call: Call, who: Caller | None) -> int:
        """Set aside the most that it may cost; returns the number of its row in ``alfrd.usage``.

        :raise NoRoom: a cap of the document, the day or the purpose leaves no room now; the message names it.
        """
        ...

    async def settle(
        self, number: int, call: Call, reply: Reply | None, outcome: str, milliseconds: int
    ) -> None:
        """Write what it did cost, and keep the reply if it is ``ok`` and the call has a key.

        :param outcome: ``ok``, or what went wrong. Without a reply nothing is charged if it is ``throttled`` or
            ``failed``; else it may have been worked on, and what was reserved stays spent.
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


@dataclass(frozen=True, slots=True)
class _Way:
    """The limiter and the breaker of one provider in this worker."""

    limiter: Limiter
    breaker: Breaker


class ProviderState(NamedTuple):
    """A provider, as one worker sees it."""

    provider: str
    is_away: bool
    """The breaker is open: nothing is sent but a probe."""
    limit: int
    """Calls that may be under way at once."""


class Calls:
    """The way to paid providers: cache, limits, money.

    :param at_once: calls to one provider under way at once in this worker, at most; fewer while it throttles.
    :param sleep: and ``clock``: for tests, which do not wait.
    """

    def __init__(
        self,
        ledger: Ledger | None = None,
        *,
        at_once: int = 64,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger: Ledger = ledger or NoLedger()
        self._at_once = at_once
        self._sleep = sleep
        self._clock = clock
        self._ways: dict[str, _Way] = {}
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """(provider, as in ``alfrd.usage``) -> calls that were sent."""

    @property
    def providers(self) -> list[ProviderState]:
        """How each provider that was called is doing, as this worker sees it."""
        return [
            ProviderState(name, way.breaker.is_open, way.limiter.limit) for name, way in self._ways.items()
        ]

    async def make(
        self, call: Call, send: Callable[[], Awaitable[Reply]], check: Callable[[JsonObject], Made]
    ) -> Made:
        """Send a request unless its reply is known, and check what came back.

        :param send: may be called again. It raises :class:`~alfrd_events.errors.Throttled`, ``Transient`` (refused, or
            never sent), :class:`Lost` or ``Permanent``; :class:`BadReply` if the provider says that its own
            reply is no good.
        :param check: makes something of the reply's content; raises :class:`BadReply`. Only what passed is kept.
        :raise NoRoom: a limit, a cap or the breaker holds it back; nothing was sent.
        """
        if call.key and not call.fresh and (known := await self._ledger.known(call)) is not None:
            return check(known.content)
        way = self._way(call.provider)
        # Not by tenacity: nearly all go well at once, and its machinery costs three times as much as the rest of this.
        for again in range(1, _TRIES):
            try:
                return await self._once(way, call, send, check)
            except Transient as error:
                if not _is_worth_another_try(error) or way.breaker.blames_all:
                    raise
                pause = _pause(error, again)
            await self._sleep(pause)
        return await self._once(way, call, send, check)

    def _way(self, provider: str) -> _Way:
        if provider not in self._ways:
            self._ways[provider] = _Way(
                Limiter(provider, self._at_once), Breaker(provider, clock=self._clock)
            )
        return self._ways[provider]

    async def _once(
        self,
        way: _Way,
        call: Call,
        send: Callable[[], Awaitable[Reply]],
        check: Callable[[JsonObject], Made],
    ) -> Made:
        try:
            turn = await way.limiter.acquire()
        except TimeoutError:
            raise NoRoom(
                f"{call.provider} answers slowly: no turn among {way.limiter.limit} calls at once came in time"
            ) from None
        try:
            if (wait := way.breaker.held_back) is not None:
                raise _held_back(call, way.breaker, wait)
            is_pardoned = way.breaker.pardons
            entered = way.breaker.enter()
            well: bool | None = None
            why = ""
            try:
                made = await self._reserved(call, send, check)
                well = True
            except AlfrdError as error:
                well, why = _is_well(error), str(error)
                if call.about:
                    why = why.replace(call.about, "a document")
                if _is_throttled(error):
                    way.limiter.throttled(turn)
                if not is_pardoned or well is not False:
                    raise
                probed = error
            finally:
                way.breaker.leave(entered, well, why)
            if not well:
                # The task whose call happened to be the probe learned what the others know already.
                raise _held_back(call, way.breaker, way.breaker.held_back or 0) from probed
            way.limiter.succeeded()
            return made
        finally:
            way.limiter.release()

    async def _reserved(
        self, call: Call, send: Callable[[], Awaitable[Reply]], check: Callable[[JsonObject], Made]
    ) -> Made:
        number = await self._ledger.reserve(call, caller.get())
        started = self._clock()
        reply: Reply | None = None
        outcome = "unknown"
        try:
            reply = await _traced(call, send)
            reply = replace(reply, content=storable(reply.content))
            made = check(reply.content)
            outcome = "ok"
        except BadReply as error:
            outcome, reply = error.outcome, reply or error.reply
            raise
        except Lost:
            raise
        except Throttled:
            outcome = "throttled"
            raise
        except AlfrdError:
            outcome = "failed"
            raise
        finally:
            self.outcomes[call.provider, outcome] += 1
            spent = int((self._clock() - started) * 1000)
            await self._ledger.settle(
                number, replace(call, key=call.key if outcome == "ok" else ""), reply, outcome, spent
            )
        return made


async def _traced(call: Call, send: Callable[[], Awaitable[Reply]]) -> Reply:
    with tracing.call(call.provider, call.operation, call.model) as span:
        try:
            reply = await send()
        except AlfrdError as error:
            span.note(is_error=True, error=type(error).__name__)
            raise
        span.note(input_tokens=reply.input_tokens, output_tokens=reply.output_tokens, pages=reply.pages)
        return reply


def _held_back(call: Call, breaker: Breaker, wait: float) -> NoRoom:
    why = f" ({breaker.why})" if breaker.why else ""
    return NoRoom(
        f"{call.provider} was not there the last times{why}; it is asked again in {wait:.0f} s",
        retry_after=wait,
    )


def _is_throttled(error: BaseException) -> bool:
    return isinstance(error, Throttled) and not isinstance(error, NoRoom)


def _is_well(error: AlfrdError) -> bool | None:
    """Return whether an error shows that the provider answers; ``None``: it was not asked."""
    if isinstance(error, NoRoom | DatabaseUnavailable):
        return None
    return isinstance(error, Throttled) or not isinstance(error, Transient)


def _is_worth_another_try(error: Transient) -> bool:
    if isinstance(error, NoRoom):
        return False
    return not isinstance(error, Throttled) or (error.retry_after or 0) <= _PATIENCE_SECONDS


def _pause(error: Transient, again: int) -> float:
    """What the provider asked for, and a moment of our own so that not all come back at once."""
    asked = error.retry_after if isinstance(error, Throttled) else None
    return (asked or 0) + random.uniform(0, 0.5 * 2 ** (again - 1))
