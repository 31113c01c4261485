"""Tell why outcomes were refused: changed by a person while the step ran, or a lease that was lost."""

from __future__ import annotations

from collections.abc import Sequence

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.errors import AlfrdError, StaleClaim
from alfrd_events.model import Outcome
from alfrd_events.observe import Log

log = Log("worker")


async def tell_of_refused(database: Database, refused: Sequence[Outcome]) -> None:
    """Log it: as information where a person's change is the reason, with advice where the lease was too short."""
    try:
        outlived = await queue.outlived(database, refused)
    except AlfrdError as error:
        log.debug("cannot tell why results were refused", error=error, tasks=len(refused))
        outlived = frozenset()
    changed = [outcome.task for outcome in refused if outcome.task.id in outlived]
    lost = [outcome.task for outcome in refused if outcome.task.id not in outlived]
    if changed:
        log.info(
            "a person cancelled, corrected, re-submitted or deleted it while a step ran; that result was not written",
            step=changed[0].step,
            subject=changed[0].subject_id,
            and_others=len(changed) - 1,
        )
    if lost:
        log.warning(str(StaleClaim(lost[0])), and_others=len(lost) - 1)
