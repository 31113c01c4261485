"""Look after what waits for money: every so often, and as the worker starts, perhaps with a raised cap."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from alfrd_events.errors import AlfrdError
from alfrd_events.observe import Log

log = Log("tender")


Tend = Callable[[], Awaitable[int]]
"""Lets tasks go on that were held for money; returns how many."""


async def tend_once(tend: Tend) -> None:
    """A database that is away is the cycle's to report."""
    try:
        if freed := await tend():
            log.info("tasks that were held for money go on", tasks=freed)
    except AlfrdError as error:
        log.debug("what is held for money was not looked after this time", error=error)


async def tend_forever(tend: Tend, seconds: float) -> None:
    """Until cancelled, give or take half of the seconds: workers need not do it all at once."""
    while True:
        await asyncio.sleep(seconds * random.uniform(0.5, 1.5))
        await tend_once(tend)
