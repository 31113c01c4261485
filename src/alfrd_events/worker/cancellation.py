"""Cancelling tasks so that they really end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

_ASK_AGAIN_SECONDS = 0.5


async def cancel_all(
    tasks: Iterable[asyncio.Task[Any]], *, within: float | None = None
) -> set[asyncio.Task[Any]]:
    """Cancel tasks and wait until all have ended.

    A task may have to be asked more than once: before Python 3.12 ``asyncio.wait_for``, which psycopg waits with, loses
    a cancellation that arrives in the same turn of the loop as its result (python/cpython#86296).

    :param within: seconds after which it is left at that; ``None``: wait for as long as it takes.
    :return: those that have not ended.
    """
    pending = set(tasks)
    ends_at = None if within is None else time.monotonic() + within
    while pending:
        patience = _ASK_AGAIN_SECONDS
        if ends_at is not None:
            if (left := ends_at - time.monotonic()) <= 0:
                break
            patience = min(patience, left)
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=patience)
    return pending
