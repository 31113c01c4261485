"""Numbers for dashboards, and whether the workers of a machine live.

Source: ``sql/functions/views_metrics.sql``.
"""

from __future__ import annotations

from typing import NamedTuple

from alfrd_events.db.database import Database


class Sample(NamedTuple):
    """A metric's value at this moment."""

    name: str
    labels: dict[str, str]
    value: float


async def samples(database: Database) -> list[Sample]:
    """All rows of ``alfrd.metrics``."""
    rows = await database.tuples("select name, labels, value from alfrd.metrics")
    return [Sample(*row) for row in rows]


async def is_there(database: Database) -> None:
    """Ask the database for nothing.

    :raise DatabaseUnavailable: it does not answer.
    """
    await database.execute("select 1")


class Heartbeat(NamedTuple):
    """The sign of life of a worker."""

    name: str
    age_seconds: float
    lease_seconds: float

    @property
    def is_alive(self) -> bool:
        """Whether its lease has not ended."""
        return self.age_seconds < self.lease_seconds


async def heartbeats(database: Database, host: str | None) -> list[Heartbeat]:
    """The workers of a host, the one that was heard last first.

    :param host: as ``hostname`` says it; ``None``: of all.
    """
    rows = await database.tuples(
        "select name, greatest(extract(epoch from alfrd.now() - heartbeat_at), 0)::float8, lease_seconds"
        "  from alfrd.workers where %(host)s::text is null or host = %(host)s order by heartbeat_at desc",
        {"host": host},
    )
    return [Heartbeat(*row) for row in rows]
