"""Release tasks that were held for money: at intervals, and as the worker starts, perhaps with a raised cap."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from alfrd_events.errors import AlfrdError
from alfrd_events.observe import Log

log = Log("budget")


ReleaseHeld = Callable[[], Awaitable[int]]
"""Lets tasks go on that were held for money; returns how many."""


async def release_once(release_held: ReleaseHeld) -> None:
    """Release once; the cycle reports a database that is away."""
    try:
        if freed := await release_held():
            log.info("tasks that were held for money go on", tasks=freed)
    except AlfrdError as error:
        log.debug("what is held for money was not looked after this time", error=error)


async def release_forever(release_held: ReleaseHeld, seconds: float) -> None:
    """Release until cancelled, at random intervals around ``seconds``: workers need not do it all at once."""
    while True:
        await asyncio.sleep(seconds * random.uniform(0.5, 1.5))
        await release_once(release_held)
