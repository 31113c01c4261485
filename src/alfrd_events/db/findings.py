"""What is wrong with the set-up of a database, as the login that asks sees it.

``doctor`` and ``status`` tell all of it, ``run`` refuses to begin where documents would be passed over without a word.
What changes from hour to hour (old transactions, the notification queue) is :func:`.operate.complaints`.
"""

from __future__ import annotations

from alfrd_events.db.database import Database
from alfrd_events.db.migrate import is_changed
from alfrd_events.db.operate import Complaint

BLOCKING = frozenset({"hidden from the engine", "replica role", "no right to work"})
"""Kinds with which a worker would find nothing, or start nothing: it refuses to run."""


async def findings(database: Database, *, to_work: bool = False) -> list[Complaint]:
    """What is wrong, the worst first; empty when all is well.

    :param to_work: ask also whether this login may be a worker's.

    Source: ``sql/functions/findings.sql``.
    """
    found = [Complaint(**row) for row in await database.rows("select * from alfrd.findings(%s)", [to_work])]
    async with database.connection() as connection:
        changed = await is_changed(connection)
    if changed and not any(one.kind in ("roles", "triggers") for one in found):
        found.append(
            Complaint(
                kind="changed",
                what="functions, triggers or rights are not what the last migration left",
                cause="a restore without privileges, or a change by hand",
                remedy="run alfrd-events migrate as the owner of the schema",
            )
        )
    return found
