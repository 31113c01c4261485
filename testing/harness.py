"""Drive the engine by hand, on a real database: insert, claim, complete, let time pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.model import JsonObject, Outcome, Task
from alfrd_events.steps.registry import BUILT_IN
from testing.pgbouncer import past

RESULTS: dict[str, JsonObject] = {
    "ocr": {
        "page_count": 1,
        "parts": [
            {
                "number": 1,
                "filename": "a.txt",
                "uri": "",
                "media_type": "text/plain",
                "page_count": 1,
                "byte_count": 1,
                "sha256": "00",
            }
        ],
        "pages": [
            {"number": 1, "part": 1, "text": "hello world", "confidence": 1, "source": "plain", "layout": {}}
        ],
    },
    "classify": {
        "document_type": "utility_bill",
        "confidence": 0.9,
        "reasoning": "says so",
        "tags": ["electricity"],
        "suggested_type": "",
    },
    "summarize": {
        "summary": "Acme Power: 12.50 USD",
        "entity": "Acme Power",
        "document_date": "2024-03-01",
        "due_date": None,
        "total_amount": "12.50",
        "currency": "USD",
        "account_number": "",
        "period_start": None,
        "period_end": None,
        "structured_data": {"usage_kwh": "100"},
        "evidence": {},
        "unsupported": [],
    },
    "score_classification": {"score": 0.8, "feedback": "fine", "checks": [], "improvements": []},
    "score_summary": {"score": 0.7, "feedback": "fine", "checks": [], "improvements": []},
    "file": {
        "entity": "Acme Power",
        "kind": "electricity bill",
        "frequency": "monthly",
        "title": "Acme Power, electricity",
        "description": "",
        "series_id": None,
        "entity_key": "acmepower",
        "slug": "acme-power-electricity-bill",
    },
    "extract": {"fields": {"date": "2024-03-01", "total_amount": "12.50"}},
    "summarize_file": {
        "summary": "one bill",
        "columns": ["date"],
        "rows": [],
        "statistics": {},
        "insights": [],
        "revision": 1,
    },
}


class Harness:
    """One database with a clock of its own, and any number of named workers.

    :param workers: ids of workers that an earlier harness has registered, by name.
    """

    def __init__(self, url: str, workers: Mapping[str, int] | None = None) -> None:
        self.url = url
        self.database = Database(url, max_size=1)
        self.workers = dict(workers or {})
        self._ahead = 0.0

    async def __aenter__(self) -> Self:
        await self.database.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.database.close()

    async def sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """Run a statement as a person would; its rows."""
        async with self.database.connection() as connection, self.database.configured(connection):
            cursor = await connection.execute(statement, parameters)  # type: ignore[arg-type]
            return await cursor.fetchall() if cursor.description else []

    async def one(self, statement: str, *parameters: Any) -> Any:
        """The only value of a statement."""
        (row,) = await self.sql(statement, *parameters)
        (value,) = row.values()
        return value

    async def session(self) -> psycopg.AsyncConnection[dict[str, Any]]:
        """Another session, in autocommit mode."""
        return await psycopg.AsyncConnection.connect(past(self.url), autocommit=True, row_factory=dict_row)

    async def given_document(self, status: str = "pending", **columns: Any) -> UUID:
        """A document that has been brought to a status by a worker's ordinary work."""
        document = columns.pop("id", uuid4())
        names = ["id", "filename", "content", *columns]
        values = [document, "a.txt", b"hello world", *columns.values()]
        await self.sql(
            f"insert into alfrd.documents ({', '.join(names)}) values ({', '.join(['%s'] * len(values))})",
            *values,
        )
        path = [("pending", "ocr"), ("ocr_completed", "classify"), ("classified", "summarize")]
        path += [("summarized", "file"), ("filed", "extract"), ("completed", "")]
        for reached, step in path:
            if reached == status:
                return document
            task = await self.claim(step, worker="given", subject=document)
            assert task is not None
            await self.complete(task)
        raise ValueError(status)

    async def worker(self, name: str, lease_seconds: float = 30) -> int:
        """The id of a worker, registered when first named."""
        if name not in self.workers:
            self.workers[name] = await queue.register(
                self.database,
                name=name,
                host="test",
                process=0,
                version="test",
                steps=list(BUILT_IN),
                lease_seconds=lease_seconds,
            )
        return self.workers[name]

    async def sleeps_for(self, worker: str, *steps: str) -> None:
        """Let a worker sleep, to be notified when there is work for one of the steps."""
        id = await self.worker(worker)
        await self.sql("update alfrd.workers set waiting_for = %s where id = %s", list(steps), id)

    async def exchange(
        self,
        worker: str,
        done: list[Outcome],
        woken_by: str = "notify",
        only: UUID | None = None,
        **capacity: int,
    ) -> queue.ExchangeReply:
        """One exchange of a named worker."""
        return await queue.exchange(
            self.database, await self.worker(worker), done, capacity, woken_by, only=[only] if only else None
        )

    async def claim(self, step: str, worker: str = "a", subject: UUID | None = None) -> Task | None:
        """Claim one task of a step, if there is one."""
        answer = await self.exchange(worker, [], only=subject, **{step: 1})  # type: ignore[arg-type]
        return answer.claimed[0] if answer.claimed else None

    async def complete(self, task: Task, worker: str | None = None, **changes: Any) -> bool:
        """Hand in a good result; ``False`` if it was refused as stale."""
        result = {**RESULTS.get(task.step, {}), **changes}
        return await self.hand_in(Outcome(task, "done", result=result, made_by="test"), worker)

    async def hand_in(self, outcome: Outcome, worker: str | None = None) -> bool:
        """Hand in an outcome; ``False`` if it was refused as stale."""
        name = worker or await self._owner(outcome.task)
        answer = await self.exchange(name, [outcome])
        return outcome.task.id not in answer.stale

    async def _owner(self, task: Task) -> str:
        rows = await self.sql("select worker_id from alfrd.tasks where id = %s", task.id)
        names = {worker: name for name, worker in self.workers.items()}
        return names.get(rows[0]["worker_id"], "a") if rows else "a"

    async def status_of(self, document: UUID) -> str:
        """Where a document or a file is."""
        return str(
            await self.one(
                "select status from alfrd.documents where id = %s"
                " union all select status from alfrd.files where id = %s",
                document,
                document,
            )
        )

    async def tasks_of(self, subject: UUID) -> dict[str, str]:
        """Step -> state, of the tasks of a subject."""
        rows = await self.sql(
            "select step, state from alfrd.tasks where subject_id = %s order by id", subject
        )
        return {row["step"]: row["state"] for row in rows}

    async def events_of(self, subject: UUID) -> list[tuple[str, str]]:
        """(kind, step) of what happened to a subject, in order."""
        rows = await self.sql(
            "select kind, step from alfrd.events where subject_id = %s order by id", subject
        )
        return [(row["kind"], row["step"]) for row in rows]

    async def advance_clock(self, seconds: float) -> None:
        """Let the engine's clock run ahead, for what this harness does from now on."""
        self._ahead += seconds
        self.database.settings["alfrd.clock_offset"] = f"{self._ahead} seconds"

    async def rescue(self) -> list[dict[str, Any]]:
        """Rescue what belongs to workers that are gone."""
        return await queue.rescue(self.database)
