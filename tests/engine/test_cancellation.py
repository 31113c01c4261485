"""A task that must end, ends."""

from __future__ import annotations

import asyncio

from alfrd_events.worker.cancellation import cancel_all


async def test_a_task_that_lost_its_cancellation_is_asked_again() -> None:
    asked = 0

    async def forgetful() -> None:
        nonlocal asked
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                asked += 1
                if asked == 2:
                    raise

    task = asyncio.create_task(forgetful())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await cancel_all([task])

    assert task.cancelled()
    assert asked == 2
