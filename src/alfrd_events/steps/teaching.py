"""Step ``try_lessons``: which of the lessons about a sender are believed."""

from __future__ import annotations

import asyncio

from alfrd_events.analysis.rules.trying import tried
from alfrd_events.model.inputs import TrialInput
from alfrd_events.model.trials import Verdicts
from alfrd_events.steps.step import Tools


async def try_lessons(given: TrialInput, _: Tools) -> Verdicts:
    """Replay what corrections taught over the papers of the sender, beside the worker's loop."""
    return await asyncio.to_thread(tried, given.trial)
