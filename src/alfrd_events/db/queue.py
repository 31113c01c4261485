"""Tasks: exchange, progress, rescue. Thin calls of the functions under ``sql/functions``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from orjson import Fragment

from alfrd_events.db.database import Database
from alfrd_events.db.json import jsonb, uuid_of
from alfrd_events.model import Outcome, Page, Task


@dataclass(frozen=True, slots=True)
class ExchangeReply:
    """What the database answers to an exchange."""

    claimed: tuple[Task, ...]
    """Tasks that are the worker's from now on: claimed, next steps of what it handed in, and what a lost reply held."""
    inputs: str | None
    """What the claimed tasks receive, as ``alfrd.inputs_of`` makes it, in JSON. Not decoded: what people have put
    into a document may be more than a program takes, and must not fail the exchange."""
    cursors: Mapping[str, int] = field(default_factory=dict)
    """Step -> the position in its queue after which to claim next."""
    refused: Mapping[int, str] = field(default_factory=dict)
    """Task id -> why its result was not written: ``lost``, ``superseded``, or ``repeated``, if it had been already."""
    next_due: float | None = None
    """Seconds until the next scheduled task falls due; ``None``: nothing is scheduled."""
    alone: bool = False
    """No other worker is registered."""
    others_running: bool = False
    """Other workers own tasks; looked up only when nothing was claimed."""
    parked: bool = False
    """The worker may sleep until it is notified; else it has to look again in a moment."""
    superseded_by: str = ""
    """The newer release that has migrated the database, from when on nothing is claimed; else empty."""

    @property
    def stale(self) -> frozenset[int]:
        """Ids of the tasks whose results came too late."""
        return frozenset(task for task, why in self.refused.items() if why != "repeated")


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much is left to do for some steps."""

    waiting: int
    scheduled: int
    running: int
    next_due: float | None = None
    """Seconds until the next scheduled task falls due."""
    steps: Sequence[str] = ()
    """Whose tasks these are."""

    @property
    def empty(self) -> bool:
        """Nothing waits, is scheduled or runs."""
        return not (self.waiting or self.scheduled or self.running)


async def register(
    database: Database,
    *,
    name: str,
    host: str,
    process: int,
    version: str,
    steps: Sequence[str],
    lease_seconds: float,
) -> int:
    """Make a worker known; its id."""
    worker = await database.value(
        "select alfrd.register_worker(%s, %s, %s, %s, %s, %s)",
        [name, host, process, version, list(steps), lease_seconds],
    )
    return int(worker)


async def set_locked(database: Database, worker: int, locked: bool) -> None:
    """Tell whether the worker's listener holds its session lock, so that others may judge by it."""
    await database.execute("select alfrd.heartbeat(%s, %s)", [worker, locked])


async def exchange(
    database: Database,
    worker: int,
    done: Sequence[Outcome],
    capacity: Mapping[str, int],
    woken_by: str,
    *,
    only: Sequence[UUID] | None = None,
    owned: Sequence[Task] | None = None,
    waiting_for: Sequence[str] | None = None,
    cursors: Mapping[str, int] | None = None,
) -> ExchangeReply:
    """Hand in finished work and claim new work, in one transaction.

    :param done: outcomes since the last call; each is fenced by (task id, attempt).
    :param capacity: how many tasks of each step this worker could start now; a step that is missing is not served.
    :param woken_by: why the worker looks, ``notify`` for instance; recorded with each claim.
    :param only: claim nothing but the tasks of these documents and files.
    :param owned: after an exchange whose reply was lost: all tasks that this worker knows to own.
        What the lost reply claimed is among the ``claimed`` of this one.
    :param waiting_for: the steps that this worker would sleep for now, if nothing is to be claimed.
    :param cursors: step -> the position in its queue after which to claim; the others from their front.
    :raise WorkerUnknown: others have taken this worker for dead; register again.
    :raise Interrupted: a conflict rolled it back; hand the same in again.

    Source: ``sql/functions/exchange.sql``.
    """
    request = {
        "outcomes": [_outcome(outcome) for outcome in done],
        "capacity": dict(capacity),
        "woken_by": woken_by,
        "subjects": _ids(only),
        "owned": None if owned is None else [[task.id, task.attempt] for task in owned],
        "waiting_for": None if waiting_for is None else list(waiting_for),
        "cursors": dict(cursors or {}),
    }
    row = await database.row(
        "select reply, inputs::text from alfrd.exchange(%s, %s)", [worker, jsonb(request)]
    )
    assert row is not None
    reply = row["reply"]
    return ExchangeReply(
        claimed=_tasks(reply.pop("claimed")),
        inputs=row["inputs"],
        refused={int(task): why for task, why in reply.pop("refused").items()},
        **reply,
    )


def _ids(ids: Sequence[UUID] | None) -> list[UUID] | None:
    return None if ids is None else list(ids)


def _tasks(rows: Sequence[Sequence[Any]] | None) -> tuple[Task, ...]:
    return tuple(
        Task(id, step, subject_type, uuid_of(subject), attempt, max_attempts, woken_by)
        for id, step, subject_type, subject, attempt, max_attempts, woken_by in rows or ()
    )


def _outcome(outcome: Outcome) -> dict[str, Any]:
    """As ``alfrd.exchange`` takes it, without what is empty: there are seven of these for each document."""
    task, result = outcome.task, outcome.result
    row = {
        "task_id": task.id,
        "attempt": task.attempt,
        "step": task.step,
        "subject_type": task.subject_type,
        "subject_id": task.subject_id,
        "outcome": outcome.kind,
        "result": Fragment(result) if isinstance(result, bytes) else result,
        "made_by": outcome.made_by,
        "prompt_id": outcome.prompt_id,
    }
    if outcome.error:
        row["error"] = outcome.error
    if outcome.retry_after is not None:
        row["retry_after"] = outcome.retry_after
    if outcome.usage:
        row["usage"] = [usage.model_dump(mode="json") for usage in outcome.usage]
    return row


def page_row(page: Page, *, number: int, part: int) -> dict[str, Any]:
    """A page as ``alfrd.save_pages`` takes it."""
    return {
        "number": number,
        "part": part,
        "text": page.text,
        "confidence": round(page.confidence, 4),
        "source": page.source,
        "layout": {
            "width": page.width,
            "height": page.height,
            "rotation": page.rotation,
            "lines": [
                {
                    "text": line.text,
                    "box": [round(edge, 5) for edge in line.box],
                    "confidence": round(line.confidence, 4),
                }
                for line in page.lines
            ],
        }
        | ({"invoice": page.invoice.model_dump(mode="json")} if page.invoice else {}),
    }


async def save_progress(
    database: Database,
    worker: int,
    task: Task,
    pages: Sequence[dict[str, Any]],
    total: int | None = None,
) -> bool:
    """Save pages while their document is still being read, and tell how far it is.

    :param total: how many pages the document has; ``None``: that is not known, and nothing is told.
    :return: ``False`` if the claim is stale: stop reading.
    """
    return bool(
        await database.value(
            "select alfrd.save_progress(%s, %s, %s, %s, %s)",
            [worker, task.id, task.attempt, jsonb(list(pages)), total],
        )
    )


async def rescue(database: Database, *, thoroughly: bool = True) -> list[dict[str, Any]]:
    """Give back the tasks of workers that are gone; what was rescued, for the log.

    Of a task that could not be, the outcome is ``refused``, with the error; it has not kept the others from it.

    :param thoroughly: those of workers too of which there is no trace at all.
    """
    return await database.rows("select * from alfrd.rescue(%s)", [thoroughly])


async def reconcile(database: Database) -> int:
    """Make the tasks that are missing, for every document and file; how many there were."""
    return int(await database.value("select count(*) from alfrd.replay()"))


async def hasten_looks(database: Database) -> None:
    """Make due what waits only for the end of a burst: looks at series."""
    await database.execute("select alfrd.hasten_looks()")


async def index_pages(database: Database, most: int) -> int:
    """Put pages and documents that are not in the search index into it; as many as were done.

    Source: ``sql/functions/search_index.sql``.
    """
    return int(await database.value("select alfrd.index_pages(%s)", [most]))


async def deregister(database: Database, worker: int) -> None:
    """Take the worker's row away, if it owns no task."""
    await database.execute("select alfrd.deregister_worker(%s)", [worker])


async def backlog(database: Database, steps: Sequence[str], only: Sequence[UUID] | None = None) -> Backlog:
    """What is left to do for these steps, by any worker.

    What waits for a paused step, or is held for money, is left out: it needs a person. So is the next look at a series
    on a day to come: it is no work yet.
    """
    row = await database.row(
        "select count(*) filter (where state = 'ready') as waiting,"
        " count(*) filter (where state = 'scheduled') as scheduled,"
        " count(*) filter (where state = 'running') as running,"
        " extract(epoch from min(run_at) filter (where state = 'scheduled') - alfrd.now())::float as next_due,"
        " coalesce(array_agg(distinct step order by step), '{}') as steps"
        " from alfrd.tasks where step = any (%s) and state <> 'dead'"
        " and (state = 'running' or step not in (select step from alfrd.pauses))"
        " and (state <> 'scheduled' or (id, attempt) not in (select task_id, attempt from alfrd.held))"
        " and not alfrd.is_for_another_day(step, state, run_at)"
        " and (%s::uuid[] is null or subject_id = any (%s))",
        [list(steps), _ids(only), _ids(only)],
    )
    assert row is not None
    return Backlog(**row)


async def count_workers(database: Database) -> int:
    """How many workers are registered."""
    return int(await database.value("select count(*) from alfrd.workers"))
