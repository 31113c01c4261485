"""Log why outcomes were refused: changed by a person while the step ran, or a lease that was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alfrd_events.errors import StaleClaim
from alfrd_events.model import Outcome
from alfrd_events.observe import Log
from alfrd_events.worker.about import facts_of

log = Log("worker")


def log_refused(batch: Sequence[Outcome], refused: Mapping[int, str]) -> None:
    """Log it: as information where a person's change is the reason, with advice where the lease was too short.

    :param refused: task id -> ``lost`` or ``superseded``; what was only repeated is no news.
    """
    superseded = [outcome for outcome in batch if refused.get(outcome.task.id) == "superseded"]
    lost = [outcome.task for outcome in batch if refused.get(outcome.task.id) == "lost"]
    if superseded:
        log.info(
            "a person cancelled, corrected, re-submitted or deleted it while a step ran; that result was not written",
            **facts_of(superseded[0].task, superseded[0].name),
            and_others=len(superseded) - 1,
        )
    if lost:
        log.warning(str(StaleClaim(lost[0])), and_others=len(lost) - 1)
