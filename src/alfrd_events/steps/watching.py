"""Step ``watch_series``: what the dates and amounts of a series say now, and when to look again."""

from __future__ import annotations

from alfrd_events.analysis.calendar.watching import watch
from alfrd_events.model.calendar import Watch
from alfrd_events.model.inputs import WatchInput
from alfrd_events.steps.step import Tools


async def watch_series(given: WatchInput, tools: Tools) -> Watch:
    """Keep the view and the payments of a series, learn its rhythm, and compare what came with it."""
    if tools.keeper is not None:
        await tools.keeper.keep(given.history.series)
    return watch(given.history)
