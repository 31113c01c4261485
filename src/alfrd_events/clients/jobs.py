"""Paid jobs whose results are not fetched yet: what is stored about them, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from alfrd_events.clients.calls import Caller


@dataclass(frozen=True, slots=True)
class PaidJob:
    """Pages of one part that a provider reads, or has read."""

    part: int
    request: str
    """Digest of the part's content and of the request: only an equal request may adopt the job."""
    pages: tuple[int, ...]
    """Their numbers in the part, in the order in which they were sent."""
    id: str
    """The provider's id of the job."""


class PaidJobs(Protocol):
    """Remembers jobs under the lease of the task that started them; in ``db/`` over ``alfrd.provider_jobs``.

    They are forgotten with :meth:`drop`, or when their document has been read.
    """

    async def known(self, who: Caller, provider: str, part: int, request: str) -> Sequence[PaidJob]:
        """Jobs for this part of the caller's document that asked for the same."""
        ...

    async def save(self, who: Caller, provider: str, job: PaidJob) -> None:
        """Remember a job.

        :raise StaleClaim: another worker owns the task now, and adopts the job by its token.
        """
        ...

    async def drop(self, who: Caller, provider: str, job: PaidJob) -> None:
        """Forget a job that gives no results."""
        ...


class NoPaidJobs:
    """Remembers nothing: for work outside of the database."""

    async def known(self, who: Caller, provider: str, part: int, request: str) -> Sequence[PaidJob]:  # noqa: ARG002
        """None."""
        return ()

    async def save(self, who: Caller, provider: str, job: PaidJob) -> None:
        """Nothing is written."""

    async def drop(self, who: Caller, provider: str, job: PaidJob) -> None:
        """Nothing is there."""
