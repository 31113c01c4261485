"""Tell of outcomes in the log: each document once, each outage once.

While a provider is away, every attempt of every step fails. The first failure of an outage is a line, and so is its
end; the others are at level debug. Where attempts fail and succeed in turn, that is not told anew each time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from alfrd_events.model import Outcome
from alfrd_events.observe import Log
from alfrd_events.worker.about import facts_of

log = Log("run")

_QUIET_SECONDS = 300.0
"""So long after the line of a step's outage, no other outage of that step is told."""
_CAUSES_AT_MOST = 20


@dataclass(slots=True)
class _Outage:
    """Failures of a step since an attempt went well."""

    failures: int = 0
    is_told: bool = False
    causes: set[str] = field(default_factory=set)


class Narrator:
    """Logs outcomes.

    :param clock: seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._outages: dict[str, _Outage] = {}
        """By step."""
        self._last_told: dict[str, float] = {}

    def tell(self, outcome: Outcome) -> None:
        """Log an outcome."""
        facts = facts_of(outcome.task, outcome.name)
        if outcome.kind == "failed":
            log.warning("failed", **facts, error=outcome.error)
        elif outcome.kind in ("retry", "throttled"):
            tell = log.warning if self._begins(outcome) else log.debug
            tell(
                f"{outcome.kind}; further ones of this step are logged at level debug until one goes well",
                **facts,
                error=outcome.error,
            )
        elif outcome.kind == "done":
            step = outcome.task.step
            outage = self._outages.pop(step, None)
            if outage is not None and outage.is_told:
                log.info("goes well again", step=step, after_failures=outage.failures)
            if step in ("extract", "summarize_file"):
                log.info("completed" if step == "extract" else "file summarised", **facts)

    def _begins(self, outcome: Outcome) -> bool:
        """Take note of a failure; whether it is the one by which its outage is told."""
        step, cause = outcome.task.step, _cause(outcome)
        elsewhere = (other for name, other in self._outages.items() if name != step)
        is_known = any(other.is_told and cause in other.causes for other in elsewhere)
        outage = self._outages.setdefault(step, _Outage())
        outage.failures += 1
        if len(outage.causes) < _CAUSES_AT_MOST:
            outage.causes.add(cause)
        now = self._clock()
        if outage.is_told or is_known or now - self._last_told.get(step, -_QUIET_SECONDS) < _QUIET_SECONDS:
            return False
        outage.is_told = True
        self._last_told[step] = now
        return True


def _cause(outcome: Outcome) -> str:
    """The error without what differs from document to document: its name, its step and numbers."""
    text = outcome.error
    for own in (outcome.name, str(outcome.task.subject_id), outcome.task.step):
        if own:
            text = text.replace(own, "…")
    return re.sub(r"\d+", "#", text)
