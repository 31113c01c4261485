"""What calls to providers cost, may cost and brought: over ``alfrd.usage``, ``prices``, ``spending``, ``reply_cache``.

What many calls want at the same time goes in one statement (:class:`~alfrd_events.db.batch.Batch`). Source:
``sql/functions/usage.sql``.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from alfrd_events.clients.calls import Call, Caller, NoRoom, Reply, caller, purpose
from alfrd_events.db.batch import Batch
from alfrd_events.db.database import Database
from alfrd_events.db.json import jsonb
from alfrd_events.errors import AlfrdError, Refused
from alfrd_events.model import JsonObject
from alfrd_events.observe import Log

log = Log("ledger")

_WAIT_FOR_ROOM_SECONDS = 5.0
_SETTLE_WITHIN_SECONDS = 30.0
_SETTLE_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that may be spent, in USD; ``None``: as much as it takes."""

    document: Decimal | None = None
    day: Decimal | None = None


class DatabaseLedger:
    """Implements :class:`~alfrd_events.clients.calls.Ledger`.

    :param keep: how old a reply may be that is given again.
    """

    def __init__(
        self, database: Database, caps: Caps | None = None, keep: timedelta = timedelta(days=30)
    ) -> None:
        self._database = database
        self._caps = caps or Caps()
        self._keep = keep
        self._recalls: Batch[JsonObject, JsonObject | None] = Batch(self._recall)
        self._reservations: Batch[JsonObject, JsonObject] = Batch(self._reserve, self._give_back)
        self._settlements: Batch[JsonObject, None] = Batch(self._settle)
        self._given_back: set[asyncio.Task[None]] = set()
        self._queues: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Callers that found no room wait here, and only the first one asks again."""
        self._freed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def known(self, call: Call) -> Reply | None:
        """A validated reply to exactly this request; that it was asked for is written down at no cost."""
        content = await self._recalls.ask({**self._described(call, caller.get()), "key": call.key})
        return None if content is None else Reply(content, cached=True)

    async def reserve(self, call: Call, who: Caller | None) -> int:
        """Set aside the most that it may cost, as soon as the provider's limit has room.

        :raise NoRoom: a cap leaves no room; or the provider's limit has had none for some seconds.
        """
        wanted = {
            **self._described(call, who),
            "input_tokens": call.input_tokens,
            "output_tokens": call.output_tokens,
            "pages": call.pages,
            "scopes": list(scopes := self._scopes(who)),
            "caps": list(scopes.values()),
        }
        queue = self._queues[call.provider]
        answer: JsonObject = {"wait": 0.0} if queue.locked() else await self._reservations.ask(wanted)
        if "wait" in answer:
            ends = time.monotonic() + _WAIT_FOR_ROOM_SECONDS
            async with queue:
                answer = await self._when_there_is_room(call, wanted, answer["wait"], ends)
        if "held" in answer:
            raise NoRoom(answer["held"], retry_after=answer["retry_after"])
        return int(answer["number"])

    async def _when_there_is_room(
        self, call: Call, wanted: JsonObject, wait: float, ends: float
    ) -> JsonObject:
        freed = self._freed[call.provider]
        while time.monotonic() + wait < ends:
            freed.clear()
            try:
                async with asyncio.timeout(wait):
                    await freed.wait()
            except TimeoutError:
                pass
            answer = await self._reservations.ask(wanted)
            if "wait" not in answer:
                return answer
            wait = answer["wait"]
        raise NoRoom(
            f"{call.provider}: its limit in alfrd.limits left no room for {_WAIT_FOR_ROOM_SECONDS:g} s",
            retry_after=wait + random.uniform(0.5, 1.5) * _WAIT_FOR_ROOM_SECONDS,
        )

    async def settle(
        self, number: int, call: Call, reply: Reply | None, outcome: str, milliseconds: int
    ) -> None:
        """Write what it did cost. If the database cannot take it, what was reserved stays spent and work goes on."""
        settled = {
            "number": number,
            "outcome": outcome,
            "answered": reply is not None,
            "input_tokens": reply.input_tokens if reply else 0,
            "output_tokens": reply.output_tokens if reply else 0,
            "cache_read_tokens": reply.cache_read_tokens if reply else 0,
            "cache_write_tokens": reply.cache_write_tokens if reply else 0,
            "pages": reply.pages if reply else 0,
            "milliseconds": milliseconds,
            "key": call.key if reply and outcome == "ok" else "",
            "reply": reply.content if reply and outcome == "ok" and call.key else None,
        }
        gives_up = time.monotonic() + _SETTLE_WITHIN_SECONDS
        while True:
            try:
                await self._settlements.ask(settled)
                break
            except Refused as error:
                if not settled["key"]:
                    log.error("a call could not be settled: what was reserved stays spent", error=error)
                    break
                log.warning("a reply cannot be kept for the next one who asks the same", error=error)
                settled |= {"key": "", "reply": None}  # a character that the database does not take
            except AlfrdError as error:
                if time.monotonic() >= gives_up:
                    log.error("a call could not be settled: what was reserved stays spent", error=error)
                    break
                await asyncio.sleep(_SETTLE_PAUSE_SECONDS * random.uniform(0.5, 1.5))
        self._freed[call.provider].set()

    async def release_held(self) -> int:
        """Let held tasks go on where there is room, forget lost calls and old replies; how many tasks go on."""
        caps = {"document": _text(self._caps.document), "day": _text(self._caps.day)}
        return int(
            await self._database.value("select alfrd.release_held_calls(%s, %s)", [jsonb(caps), self._keep])
        )

    async def aclose(self) -> None:
        """Wait for what is under way."""
        await self._reservations.done()
        while self._given_back:
            await asyncio.wait(self._given_back)
        await self._settlements.done()

    def _described(self, call: Call, who: Caller | None) -> JsonObject:
        why = purpose.get()
        task = who.task if who else None
        return {
            "worker_id": who.worker if who else None,
            "task_id": task.id if task else None,
            "attempt": task.attempt if task else None,
            "document_id": str(task.subject_id) if task and task.subject_type == "document" else None,
            "step": task.step if task else "",
            "provider": call.provider,
            "operation": call.operation,
            "model": call.model,
            "purpose": why.name if why else "",
        }

    def _scopes(self, who: Caller | None) -> dict[str, str | None]:
        """What a call counts against, with the cap of each."""
        scopes = {"day:@today": _text(self._caps.day)}
        if (why := purpose.get()) is not None:
            scopes |= {cap.scope + (":@today" if cap.daily else ""): _text(cap.usd) for cap in why.caps}
        elif who is not None and who.task.subject_type == "document":
            scopes[f"document:{who.task.subject_id}"] = _text(self._caps.document)
        return scopes

    async def _recall(self, asked: Sequence[JsonObject]) -> list[JsonObject | None]:
        placed = [{**one, "place": place} for place, one in enumerate(asked)]
        found = await self._database.value("select alfrd.recall_replies(%s, %s)", [jsonb(placed), self._keep])
        return [found.get(str(place)) for place in range(len(asked))]

    async def _reserve(self, wanted: Sequence[JsonObject]) -> Sequence[Any]:
        return list(await self._database.value("select alfrd.reserve_calls(%s)", [jsonb(list(wanted))]))

    def _give_back(self, wanted: JsonObject, answer: JsonObject) -> None:
        """The caller was cancelled, and will not send it."""
        if "number" in answer:
            call = Call(wanted["provider"], wanted["operation"])
            giving = asyncio.create_task(self.settle(answer["number"], call, None, "failed", 0))
            self._given_back.add(giving)
            giving.add_done_callback(self._given_back.discard)

    async def _settle(self, settled: Sequence[JsonObject]) -> list[None]:
        await self._database.execute("select alfrd.settle_calls(%s)", [jsonb(list(settled))])
        return [None] * len(settled)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
