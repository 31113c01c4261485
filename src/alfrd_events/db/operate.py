"""What an operator does and sees: replay, explain, cancel, pause, prune, complaints.

Thin calls of the functions under ``sql/functions``.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from alfrd_events.db.database import Database, Row


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that is wrong with the server."""

    kind: str
    what: str
    cause: str
    remedy: str


async def complaints(database: Database) -> list[Complaint]:
    """What is wrong with the server and slows the work down; empty when all is well.

    Source: ``sql/functions/complaints.sql``.
    """
    return [Complaint(**row) for row in await database.rows("select * from alfrd.complaints()")]


async def replay(
    database: Database,
    *,
    failed: bool = False,
    status: str | None = None,
    document: UUID | None = None,
    dry_run: bool = False,
) -> list[Row]:
    """Re-emit what is stuck; a row for each thing, with why.

    Source: ``sql/functions/replay.sql``.
    """
    return await database.rows(
        "select r.subject_type, r.id, coalesce(d.filename, f.title, s.title) as name, r.status, r.step, r.reason"
        " from alfrd.replay(%s, %s, %s, %s) r left join alfrd.documents d on d.id = r.id"
        " left join alfrd.files f on f.id = r.id left join alfrd.series s on s.id = r.id",
        [failed, status, document, dry_run],
    )


async def explain(database: Database, id: UUID) -> str:
    """Why a document or file is where it is, and what it waits for; one paragraph.

    Source: ``sql/functions/explain.sql``.
    """
    return str(await database.value("select alfrd.explain(%s)", [id]))


async def cancel(database: Database, document: UUID) -> str:
    """Stop working on a document; the status that it has now.

    Source: ``sql/functions/replay.sql``.
    """
    return str(await database.value("select alfrd.cancel(%s)", [document]))


async def pause(database: Database, step: str, reason: str) -> None:
    """Let no worker claim a step.

    :raise NotFound: there is no such step.

    Source: ``sql/functions/operate.sql``.
    """
    await database.execute("select alfrd.pause(%s, %s)", [step, reason])


async def resume(database: Database, step: str) -> bool:
    """Let it be claimed again; whether it was paused.

    Source: ``sql/functions/operate.sql``.
    """
    return bool(await database.value("select alfrd.resume(%s)", [step]))


async def prune(database: Database, days: int) -> dict[str, int]:
    """Forget events and usage that are older; how many rows of each.

    Source: ``sql/functions/operate.sql``.
    """
    rows = await database.rows("select * from alfrd.prune(make_interval(days => %s))", [days])
    return {row["what"]: row["rows"] for row in rows}


async def may_write(database: Database) -> bool:
    """Whether this login may change any value of a document; ``True`` where there is no table of them yet."""
    found: bool = await database.value(
        "select coalesce(has_any_column_privilege(to_regclass('alfrd.documents'), 'update'), true)"
    )
    return found
