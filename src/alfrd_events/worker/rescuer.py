"""Give back the tasks of workers that are gone. Every worker does it; there is no leader."""

from __future__ import annotations

import asyncio
import random

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.errors import AlfrdError
from alfrd_events.observe import Log

log = Log("rescuer")


async def rescue_forever(database: Database, every_seconds: float) -> None:
    """Look every so often, until cancelled. A database that is away is the cycle's to report."""
    while True:
        await asyncio.sleep(every_seconds * random.uniform(0.9, 1.1))
        try:
            for task in await queue.rescue(database):
                log.warning("rescued a task of a worker that is gone", **task)
        except AlfrdError as error:
            log.debug("no rescue this time", error=error)
