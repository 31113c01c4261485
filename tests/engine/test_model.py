"""Random interleavings of everything that can happen to documents, on a real database.

After each step it must hold that nothing is stuck (each document that is not at its end has a task that waits, is
scheduled or runs), that no attempt has two results, that attempts never go down, and that a cancelled document stays
so until a person starts it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from alfrd_events.db.errors import WorkerUnknown
from alfrd_events.model import Outcome, Task
from testing.harness import RESULTS, Harness
from testing.routes import ROUTE

T = TypeVar("T")
WORKERS = st.sampled_from(["a", "b", "c"])
STEPS = list(RESULTS)
ENDS = ("completed", "failed", "cancelled")


class Engine(RuleBasedStateMachine):
    """Three workers, a few documents, and a person who interferes."""

    url: str
    documents = Bundle("documents")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.db = Harness(self.url)
        self.attempts: dict[int, int] = {}
        self.cancelled: set[UUID] = set()
        self._do(self.db.__aenter__())
        self._do(
            self.db.sql(
                "truncate alfrd.documents, alfrd.files, alfrd.series, alfrd.tasks, alfrd.events, alfrd.workers cascade"
            )
        )

    def teardown(self) -> None:
        self._do(self.db.__aexit__())
        self.loop.close()

    def _do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def _exchange(self, worker: str, done: list[Outcome], **capacity: int) -> tuple[Task, ...]:
        try:
            return self._do(self.db.exchange(worker, done, **capacity)).claimed  # type: ignore[arg-type]
        except WorkerUnknown:
            self.db.workers.pop(worker)  # it registers again, and hands the same in once more
            return self._do(self.db.exchange(worker, done, **capacity)).claimed  # type: ignore[arg-type]

    @rule(target=documents)
    def insert(self) -> UUID:
        return self._do(self.db.given_document())

    @rule(target=claims, worker=WORKERS, room=st.integers(1, 3))
    def claim(self, worker: str, room: int) -> Any:
        # What waits for later is due now: how long it waits is chance, and a run must be the same when it is repeated.
        self._do(self.db.sql("update alfrd.tasks set run_at = alfrd.now() where state = 'scheduled'"))
        return multiple(
            *((worker, task) for task in self._exchange(worker, [], **dict.fromkeys(STEPS, room)))
        )

    @rule(
        claim=consumes(claims), outcome=st.sampled_from(["done", "retry", "throttled", "released", "failed"])
    )
    def settle(self, claim: tuple[str, Task], outcome: Any) -> None:
        worker, task = claim
        self._exchange(worker, [Outcome(task, outcome, result=RESULTS[task.step], error="by chance")])

    @rule(claim=claims)
    def settle_although_it_may_be_settled_again(self, claim: tuple[str, Task]) -> None:
        worker, task = claim
        self._exchange(worker, [Outcome(task, "done", result=RESULTS[task.step])])

    @rule(claim=consumes(claims), thief=WORKERS)
    def settle_what_may_be_anothers(self, claim: tuple[str, Task], thief: str) -> None:
        self._exchange(thief, [Outcome(claim[1], "done", result=RESULTS[claim[1].step])])

    @rule(seconds=st.sampled_from([1, 20, 400, 700]))
    def time_passes_and_somebody_rescues(self, seconds: float) -> None:
        # Far longer or far shorter than a lease, so that it makes no difference how busy the machine is.
        self._do(self.db.sql("update alfrd.workers set lease_seconds = 300"))
        self._do(self.db.advance_clock(seconds))
        self._do(self.db.rescue())

    @rule(failed=st.booleans())
    def replay(self, failed: bool) -> None:
        self._do(self.db.sql("select * from alfrd.replay(p_failed => %s)", failed))

    @rule(document=documents)
    def cancel(self, document: UUID) -> None:
        if self._do(self.db.one("select alfrd.cancel(%s)", document)) == "cancelled":
            self.cancelled.add(document)

    @rule(document=documents)
    def submit_again(self, document: UUID) -> None:
        self._do(self.db.sql("update alfrd.documents set status = 'pending' where id = %s", document))
        self.cancelled.discard(document)

    @rule(
        document=documents,
        field=st.sampled_from(["document_type = 'tax'", "entity = 'Acme'", "tags = '{home}'"]),
    )
    def correct(self, document: UUID, field: str) -> None:
        self._do(self.db.sql(f"update alfrd.documents set {field} where id = %s", document))

    @rule(document=consumes(documents))
    def delete(self, document: UUID) -> None:
        self._do(self.db.sql("delete from alfrd.documents where id = %s", document))
        self.cancelled.discard(document)

    @invariant()
    def nothing_is_stuck(self) -> None:
        stuck = self._do(
            self.db.sql(
                "select s.id, s.status from (select 'document' as subject_type, id, status from alfrd.documents"
                "  union all select 'file', id, status from alfrd.files) s"
                "  join alfrd.routes r using (subject_type, status)"
                " where r.next_status <> '' and not exists (select from alfrd.tasks t"
                "  where t.subject_id = s.id and t.step = r.step and t.state in ('ready', 'scheduled', 'running'))"
            )
        )
        assert stuck == []

    @invariant()
    def what_failed_can_be_replayed(self) -> None:
        lost = self._do(
            self.db.sql(
                "select id from alfrd.documents d where status = 'failed' and not exists"
                " (select from alfrd.tasks t where t.subject_id = d.id and t.state = 'dead' and t.step = d.failed_step)"
            )
        )
        assert lost == []

    @invariant()
    def no_attempt_has_two_results(self) -> None:
        twice = self._do(
            self.db.sql(
                "select task_id, attempt from alfrd.events where kind = 'completed' group by 1, 2 having count(*) > 1"
            )
        )
        assert twice == []

    @invariant()
    def attempts_never_go_down(self) -> None:
        for row in self._do(self.db.sql("select id, attempt from alfrd.tasks")):
            assert row["attempt"] >= self.attempts.get(row["id"], 0)
            self.attempts[row["id"]] = row["attempt"]

    @invariant()
    def cancelled_is_cancelled(self) -> None:
        rows = self._do(self.db.sql("select id from alfrd.documents where status = 'cancelled'"))
        assert {row["id"] for row in rows} == self.cancelled


@pytest.mark.parametrize("examples", [15 if ROUTE else 80])
def test_the_engine_keeps_its_promises_whatever_happens(database_url: str, examples: int) -> None:
    Engine.url = database_url
    run_state_machine_as_test(
        Engine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=False,
            database=None,
        ),
    )
