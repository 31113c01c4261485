"""Give back the tasks of workers that are gone, and make those that are missing.

Every worker does it; there is no leader. While somebody's task runs it looks every ``rescue_seconds``. In an
idle system, where nobody can die with a task in hand, it looks rarely; whatever comes rings the bell, and
the exchange that follows tells that others are running.
"""

from __future__ import annotations

import asyncio
import random
import time

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.errors import AlfrdError
from alfrd_events.observe import Log

log = Log("rescuer")

_IDLE_SECONDS = 15.0


async def rescue_forever(
    database: Database, stirring: asyncio.Event, rescue_seconds: float, reconcile_seconds: float
) -> None:
    """Look every so often, until cancelled. A database that is away is the cycle's to report.

    :param stirring: set while tasks run somewhere.
    :param reconcile_seconds: how often to look for documents and files whose task is missing.
    """
    reconcile_at = time.monotonic() + reconcile_seconds * random.uniform(0.5, 1.5)
    while True:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                await stirring.wait()
        except TimeoutError:
            pass
        await asyncio.sleep(rescue_seconds * random.uniform(0.9, 1.1))
        try:
            if rescued := await queue.rescue(database):
                log.warning(
                    "rescued tasks of workers that are gone; their events tell which",
                    tasks=len(rescued),
                    workers=sorted({task["worker_id"] for task in rescued}),
                )
            if time.monotonic() >= reconcile_at:
                reconcile_at = time.monotonic() + reconcile_seconds * random.uniform(0.5, 1.5)
                if missing := await queue.reconcile(database):
                    log.warning("made tasks that were missing; see alfrd.replay", count=missing)
        except AlfrdError as error:
            log.debug("no rescue this time", error=error)
