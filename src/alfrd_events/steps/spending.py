"""What the steps of evolution work with, and what they may spend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from alfrd_events.clients.calls import Cap, Purpose, purpose
from alfrd_events.model.protocols import Examiner
from alfrd_events.prompts.trial import Journal

Mode = Literal["suggest", "auto"]

_SCOPE = "evolution"
_FOR_SHADOW = Decimal("0.2")


@dataclass(frozen=True)
class Evolution:
    """How prompts evolve in this process."""

    mode: Mode
    """``suggest``: a version that has proved itself waits for a person."""
    examiner: Examiner
    journal: Journal
    day_usd: Decimal
    """The most that all keys and trials of a day (UTC) may cost."""
    trial_usd: Decimal
    """The most that one trial may cost."""

    @contextmanager
    def paying(self, trial: int | None = None, *, in_shadow: bool = False) -> Iterator[None]:
        """Around calls: what they cost counts against the day's budget, and the trial's.

        :param in_shadow: after a promotion; a fifth of the trial's budget is kept for that, so that no version is
            promoted without the money to watch it.
        """
        caps = [Cap(_SCOPE, self.day_usd, daily=True)]
        if trial is not None:
            share = 1 if in_shadow else 1 - _FOR_SHADOW
            caps.append(Cap(trial_scope(trial), self.trial_usd * share))
        token = purpose.set(Purpose(_SCOPE, tuple(caps)))
        try:
            yield
        finally:
            purpose.reset(token)


def trial_scope(trial: int) -> str:
    """What a trial's calls are counted under in ``alfrd.spending``."""
    return f"{_SCOPE} trial {trial}"
