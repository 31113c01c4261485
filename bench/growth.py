"""What becomes of speed when much waits, when much was done, and when a transaction stays open for long."""

from __future__ import annotations

import time
from statistics import median

import psycopg

from bench.drain import drain
from bench.engine import ROUTE
from bench.measure import Goal, Measure
from bench.plan import Measured, Plan
from testing.harness import Harness

FEW = 1_000
AT_ONCE = 100_000
"""Documents inserted by one statement when a million are."""
CLAIMS, CLAIMED = 40, 5

CHURN = """
with made as (
  insert into alfrd.tasks (step, subject_type, subject_id, status)
  select steps.step, 'document', gen_random_uuid(), 'pending'
    from generate_series(1, %(count)s / %(kinds)s) cross join unnest(%(steps)s::text[]) as steps(step)
  returning id)
select min(id), max(id) from made
"""
RUN = "update alfrd.tasks set state = 'running', attempt = 1, worker_id = 0 where id between %s and %s"
FINISH = "delete from alfrd.tasks where id between %s and %s"
EVENTS = """
insert into alfrd.events
       (subject_type, subject_id, kind, step, task_id, attempt, worker_id, woken_by, waited_ms, ran_ms)
select 'document', d.id, 'completed', steps.step, 0, 1, 0, 'handoff', 5, 1
  from alfrd.documents d cross join unnest(%(steps)s::text[]) as steps(step)
"""
CHURNED_AT_ONCE = 21_000


async def measure(plan: Plan) -> Measured:
    """Measures 9 and 10."""
    async for one in _claims(plan):
        yield one
    async for one in _after_much(plan):
        yield one


async def _claims(plan: Plan) -> Measured:
    many = plan.pick(1_000_000, 100_000)
    few_times: list[float] = []
    fresh: list[float] = []
    analyzed: list[float] = []
    async with plan.cluster.database(plan.engine) as small, plan.cluster.database(plan.engine) as large:
        await _insert(plan, small, FEW)
        plan.say(f"inserting {many:,} documents")
        await _insert(plan, large, many)
        fresh = [await _claim_milliseconds(large) for _ in range(plan.repeats)]
        for url in (small, large):
            await _vacuum(url)
        for _ in range(plan.repeats):
            few_times.append(await _claim_milliseconds(small))
            analyzed.append(await _claim_milliseconds(large))
    goal = Goal("at most", 1.2, "ratio")
    against = f"{FEW:,} waiting"
    yield Measure(9, f"a claim, {many:,} waiting", "ms", analyzed, [goal], against, few_times)
    yield Measure(9, "the same before any ANALYZE", "ms", fresh, [goal], against, few_times)


async def _insert(plan: Plan, url: str, count: int) -> None:
    async with plan.engine.client(url) as client:
        for begin in range(0, count, AT_ONCE):
            await client.submit("route", min(AT_ONCE, count - begin))


async def _claim_milliseconds(url: str) -> float:
    """The median of some claims of some tasks each, nothing handed in."""
    times = []
    async with Harness(url) as harness:
        worker = f"claims at {time.monotonic_ns()}"
        await harness.exchange(worker, [], ocr=CLAIMED)
        for _ in range(CLAIMS - 1):
            began = time.monotonic_ns()
            answer = await harness.exchange(worker, [], ocr=CLAIMED)
            times.append((time.monotonic_ns() - began) / 1e6)
            assert len(answer.claimed) == CLAIMED
    return median(times)


async def _after_much(plan: Plan) -> Measured:
    documents = plan.pick(5_000, 1_000)
    finished = plan.pick(2_000_000, 210_000)
    meanwhile = plan.pick(1_000_000, 105_000)
    fresh: list[float] = []
    after: list[float] = []
    held: list[float] = []
    async with plan.cluster.database(plan.engine) as old:
        plan.say(f"making {finished:,} finished tasks")
        await _finish(old, finished)
        for _ in range(plan.repeats):
            async with plan.cluster.database(plan.engine) as url:
                fresh.append((await drain(plan.cluster, plan.engine, url, "route", documents)).rate)
            after.append((await drain(plan.cluster, plan.engine, old, "route", documents)).rate)
            plan.say(f"{fresh[-1]:,.0f} documents/s in a fresh database, {after[-1]:,.0f} in the old one")
            async with plan.cluster.database(plan.engine) as url:
                held.append(await _while_held(plan, url, documents, meanwhile))
    yield Measure(
        10,
        f"the full route after {finished:,} tasks",
        "documents/s",
        after,
        [Goal("at least", 1 / 1.2, "ratio")],
        "fresh",
        fresh,
    )
    yield Measure(
        10,
        f"the same, {meanwhile:,} since a transaction began",
        "documents/s",
        held,
        [Goal("at least", 1 / 2, "ratio")],
        "fresh",
        fresh,
    )


async def _while_held(plan: Plan, url: str, documents: int, meanwhile: int) -> float:
    """Documents per second while a transaction is open that began so many tasks ago."""
    async with await psycopg.AsyncConnection.connect(url) as holder:
        await holder.execute("set transaction isolation level repeatable read")
        await holder.execute("select count(*) from alfrd.tasks")
        await _churn(url, meanwhile)
        rate = (await drain(plan.cluster, plan.engine, url, "route", documents)).rate
        plan.say(
            f"{rate:,.0f} documents/s while a transaction is open that saw {meanwhile:,} tasks come and go"
        )
        await holder.rollback()
    return rate


async def _finish(url: str, tasks: int) -> None:
    """Leave behind what finished work leaves behind, with vacuum having kept up."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            "insert into alfrd.documents (filename, content, status)"
            " select format('old%%s.txt', number), 'old', 'completed' from generate_series(1, %s) as number",
            [tasks // len(ROUTE)],
        )
        await connection.execute(EVENTS, {"steps": list(ROUTE)})
    await _churn(url, tasks)
    await _vacuum(url)


async def _churn(url: str, tasks: int) -> None:
    """Let tasks come, be claimed and go, as the engine does it but many at a time."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for begin in range(0, tasks, CHURNED_AT_ONCE):
            count = min(CHURNED_AT_ONCE, tasks - begin)
            values = {"count": count, "kinds": len(ROUTE), "steps": list(ROUTE)}
            cursor = await connection.execute(CHURN, values)
            made = await cursor.fetchone()
            await connection.execute(RUN, made)
            await connection.execute(FINISH, made)


async def _vacuum(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("vacuum (analyze) alfrd.tasks, alfrd.events, alfrd.documents")
