"""What is kept of a series beside its calendar: its SQL view, and which of its bills are paid.

Source: ``sql/functions/series_views.sql``, ``sql/functions/series_keeping.sql``.
"""

from __future__ import annotations

from uuid import UUID

from alfrd_events.db.database import Database


class DatabaseKeeper:
    """Keeps them in the database.

    A view that cannot be made is no failure of the look: an event of the series says why.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, series: UUID) -> None:
        """Bring the view and the payments of a series up to date.

        :raise DatabaseUnavailable: there is no connection; the step is tried again.
        """
        await self._database.execute("select alfrd.keep_series(%s)", [series])


async def refresh_views(database: Database) -> int:
    """Make all views as they should be; their number."""
    number: int = await database.value("select alfrd.refresh_views()")
    return number
