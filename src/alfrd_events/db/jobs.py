"""Jobs that a provider was paid for: ``alfrd.provider_jobs``. Implements :class:`.clients.jobs.PaidJobs`."""

from __future__ import annotations

from collections.abc import Sequence

from alfrd_events.clients.calls import Caller
from alfrd_events.clients.jobs import PaidJob
from alfrd_events.db.database import Database
from alfrd_events.errors import StaleClaim


class ProviderJobs:
    """Remembered in the database, under the lease of the task that started them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, who: Caller, provider: str, part: int, request: str) -> Sequence[PaidJob]:
        """Jobs for this part of the caller's document that asked for the same."""
        rows = await self._database.rows(
            "select pages, job_id from alfrd.provider_jobs"
            " where document_id = %s and part = %s and provider = %s and request = %s order by saved_at, job_id",
            [who.task.subject_id, part, provider, request],
        )
        return [PaidJob(part, request, tuple(row["pages"]), row["job_id"]) for row in rows]

    async def save(self, who: Caller, provider: str, job: PaidJob) -> None:
        """Remember a job.

        :raise StaleClaim: the task belongs to another worker by now.
        """
        saved = await self._database.value(
            "select alfrd.save_job(%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *(who.worker, who.task.id, who.task.attempt),
                *(job.part, provider, job.request, list(job.pages), job.id),
            ],
        )
        if not saved:
            raise StaleClaim(who.task)

    async def drop(self, who: Caller, provider: str, job: PaidJob) -> None:
        """Forget a job that gives no results.

        :raise StaleClaim: the task belongs to another worker by now.
        """
        dropped = await self._database.value(
            "select alfrd.drop_job(%s, %s, %s, %s, %s, %s)",
            [who.worker, who.task.id, who.task.attempt, job.part, provider, job.id],
        )
        if not dropped:
            raise StaleClaim(who.task)
