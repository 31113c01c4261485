"""Many questions, one statement: while one is under way, the next ones gather."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from alfrd_events.errors import AlfrdError, DatabaseUnavailable

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Batch(Generic[Question, Answer]):
    """Puts together what is asked at the same time.

    A question that the database refuses would spoil the answers of those beside it; then each is asked alone.

    :param answer: answers questions, in order.
    :param withdrawn: a question is taken back if its asker is cancelled; where it was on its way already, this takes
        the answer. ``None``: a question is asked whatever becomes of its asker.
    :param at_most: questions in one statement; many small ones let the first begin before the last is looked at.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]],
        withdrawn: Callable[[Question, Answer], None] | None = None,
        at_most: int = 100,
    ) -> None:
        self._answer = answer
        self._withdrawn = withdrawn
        self._at_most = at_most
        self._waiting: deque[tuple[Question, asyncio.Future[Answer]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Answer:
        """The answer."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        if self._withdrawn is not None:
            return await future
        future.add_done_callback(_retrieve)
        return await asyncio.shield(future)

    async def done(self) -> None:
        """Wait until nothing is under way any more."""
        while self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        try:
            await asyncio.sleep(0)  # those who ask at the same moment go along
            while self._waiting:
                batch: list[tuple[Question, asyncio.Future[Answer]]] = []
                while self._waiting and len(batch) < self._at_most:
                    question, future = self._waiting.popleft()
                    if not future.cancelled():
                        batch.append((question, future))
                await self._ask(batch)
        finally:
            self._worker = None

    async def _ask(self, batch: Sequence[tuple[Question, asyncio.Future[Answer]]]) -> None:
        if not batch:
            return
        try:
            answers = await self._answer([question for question, _ in batch])
        except Exception as error:  # noqa: BLE001 - each waiter gets the error, whatever it is
            if (
                len(batch) > 1
                and isinstance(error, AlfrdError)
                and not isinstance(error, DatabaseUnavailable)
            ):
                for one in batch:
                    await self._ask([one])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (question, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)
            elif self._withdrawn is not None:
                self._withdrawn(question, answer)


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Retrieve its error, for which no waiter may be left."""
    if not future.cancelled():
        future.exception()
