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
class Exchange:
    """What the database answers to an exchange."""

    claimed: tuple[Task, ...]
    inputs: str | None
    """What the claimed tasks are given, as ``alfrd.inputs_of`` tells it, in JSON. Not decoded: what people have put
    into a document may be more than a program takes, and must not fail the exchange."""
    reached: Mapping[str, int] = field(default_factory=dict)
    """Step -> the last place in its queue that was claimed."""
    seen: int | None = None
    """The last task that was made, if nothing waited here; ``None``: something does, perhaps."""
    stale: frozenset[int] = frozenset()
    """Ids of the tasks whose results were refused."""
    next_due: float | None = None
    """Seconds until the next scheduled task falls due; ``None``: nothing is scheduled."""
    others_running: bool = False
    """Other workers own tasks; told only when nothing was claimed."""
    alone: bool = False
    """No other worker lives."""
    asleep: bool = False
    """The worker may sleep until it is rung for; else it has to look again in a moment."""
    superseded_by: str = ""
    """The newer release that has migrated the database, from when on nothing is claimed; else empty."""


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
        """Nothing waits, nothing is scheduled, nobody works."""
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
    only: Sequence[UUID] | None = None,
    owned: Sequence[Task] | None = None,
    waiting: Sequence[str] | None = None,
    from_: Mapping[str, int] | None = None,
    seen: int | None = None,
) -> Exchange:
    """Hand in finished work and claim new work, in one transaction.

    :param done: outcomes since the last call; each is fenced by (task id, attempt).
    :param capacity: how many tasks of each step this worker could start now; a step that is missing is not served.
    :param woken_by: why the worker looks, ``notify`` for instance; recorded with each claim.
    :param only: claim nothing but the tasks of these documents and files.
    :param owned: after an exchange whose reply was not heard: all tasks that this worker knows to own.
        What the lost reply claimed is among the ``claimed`` of this one.
    :param waiting: the steps that this worker would sleep for now, if nothing is to be claimed.
    :param from_: step -> the place in its queue behind which to look; the others from their front.
    :param seen: what the last exchange has told; nothing is counted if no task was made since.
    :raise WorkerUnknown: others have taken this worker for dead; register again.
    :raise Interrupted: a conflict rolled it back; hand the same in again.

    Source: ``sql/functions/exchange.sql``.
    """
    row = await database.row(
        "select answer, inputs::text"
        "  from alfrd.exchange(%s, %s, %s, %s, %s, %s::bigint[], %s::integer[], %s::text[], %s, %s::bigint)",
        [
            worker,
            jsonb([_outcome(outcome) for outcome in done]),
            jsonb(dict(capacity)),
            woken_by,
            _ids(only),
            None if owned is None else [task.id for task in owned],
            None if owned is None else [task.attempt for task in owned],
            None if waiting is None else list(waiting),
            jsonb(dict(from_ or {})),
            seen,
        ],
    )
    assert row is not None
    answer = row["answer"]
    return Exchange(
        claimed=_tasks(answer["claimed"]) + _tasks(answer["handed_over"]),
        inputs=row["inputs"],
        reached=answer["reached"],
        seen=answer["seen"],
        stale=frozenset(answer["stale"]),
        next_due=answer["next_due"],
        others_running=answer["others_running"],
        alone=answer["alone"],
        asleep=answer["asleep"],
        superseded_by=answer["superseded_by"],
    )


async def take(database: Database, worker: int, step: str, size: int) -> Exchange:
    """Claim for a bell, and nothing else; an exchange has to follow, whatever comes of it.

    :param step: for which the bell rang.
    :param size: how many tasks of it this worker could start now.
    :return: what was claimed, and as ``seen`` the last task that was made; of the rest nothing is known.

    Source: ``sql/functions/claim.sql``.
    """
    row = await database.row(
        "select claimed, inputs::text, last from alfrd.take(%s, %s, %s)", [worker, step, size]
    )
    assert row is not None
    return Exchange(_tasks(row["claimed"]), row["inputs"], seen=row["last"])


def _ids(ids: Sequence[UUID] | None) -> list[UUID] | None:
    return None if ids is None else list(ids)


def _tasks(columns: Mapping[str, Any] | None) -> tuple[Task, ...]:
    """Claimed tasks, from a list for each of their columns."""
    if columns is None:
        return ()
    ids = map(uuid_of, columns["subject_id"])
    rest = (columns["attempt"], columns["max_attempts"], columns["woken_by"])
    return tuple(map(Task, columns["id"], columns["step"], columns["entity"], ids, *rest))


def _outcome(outcome: Outcome) -> dict[str, Any]:
    """As ``alfrd.exchange`` takes it, without what is empty: there are seven of these for each document."""
    task, result = outcome.task, outcome.result
    row = {
        "task_id": task.id,
        "attempt": task.attempt,
        "step": task.step,
        "entity": task.entity,
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


async def save_progress(database: Database, worker: int, task: Task, pages: Sequence[dict[str, Any]]) -> bool:
    """Save pages while their document is still being read.

    :return: ``False`` if the claim is stale: stop reading.
    """
    return bool(
        await database.value(
            "select alfrd.save_progress(%s, %s, %s, %s)", [worker, task.id, task.attempt, jsonb(list(pages))]
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


async def outlived(database: Database, outcomes: Sequence[Outcome]) -> frozenset[int]:
    """Ids of the tasks whose document a person has changed, cancelled or deleted since, or whose file is gone.

    :param outcomes: that were refused as stale; for those without a generation (0) only what is gone or cancelled
        counts.
    """
    rows = await database.rows(
        "select o.task_id"
        "  from unnest(%s::bigint[], %s::text[], %s::uuid[], %s::integer[])"
        "       as o(task_id, entity, subject_id, generation)"
        "  left join alfrd.documents d on o.entity = 'document' and d.id = o.subject_id"
        "  left join alfrd.files f on o.entity = 'file' and f.id = o.subject_id"
        " where (o.entity = 'document' and (d.id is null or d.status = 'cancelled'"
        "                                   or o.generation <> 0 and d.generation <> o.generation))"
        "    or (o.entity = 'file' and f.id is null)",
        [
            [outcome.task.id for outcome in outcomes],
            [outcome.task.entity for outcome in outcomes],
            [outcome.task.subject_id for outcome in outcomes],
            [outcome.generation for outcome in outcomes],
        ],
    )
    return frozenset(row["task_id"] for row in rows)


async def leave(database: Database, worker: int) -> None:
    """Sign off."""
    await database.execute("select alfrd.leave(%s)", [worker])


async def backlog(database: Database, steps: Sequence[str], only: Sequence[UUID] | None = None) -> Backlog:
    """What is left to do for these steps, whoever does it.

    What waits for a paused step, or is held for money, is left out: it needs a person.
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
        " and (%s::uuid[] is null or subject_id = any (%s))",
        [list(steps), _ids(only), _ids(only)],
    )
    assert row is not None
    return Backlog(**row)
