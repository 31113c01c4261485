"""Waiting for the database, but not for ever.

A network that swallows bytes raises nothing, and psycopg answers a cancellation by waiting for the server to confirm
it, which then never comes. So what takes too long is not cancelled and awaited, but left behind: it ends when its
connection does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from alfrd_events.errors import AlfrdError, DatabaseUnavailable

T = TypeVar("T")
_left_behind: set[asyncio.Task[Any]] = set()


async def within(seconds: float, coroutine: Coroutine[Any, Any, T], what: str) -> T:
    """The coroutine's result, if it comes in time.

    :raise DatabaseUnavailable: it did not; whether it had its effect is not known.
    """
    task = asyncio.create_task(coroutine)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _leave_behind(task)
        raise
    if done:
        return task.result()
    _leave_behind(task)
    raise DatabaseUnavailable(f"{what}: no answer within {seconds:g} s")


def _leave_behind(task: asyncio.Task[Any]) -> None:
    def forget(ended: asyncio.Task[Any]) -> None:
        _left_behind.discard(ended)
        if not ended.cancelled() and not isinstance(ended.exception(), AlfrdError | None):
            asyncio.get_running_loop().call_exception_handler(
                {"message": "what was left behind failed", "exception": ended.exception(), "task": ended}
            )

    _left_behind.add(task)
    task.add_done_callback(forget)
    task.cancel()
