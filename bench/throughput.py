"""Throughput: documents through the whole route, with one worker and more, and single steps."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence

from bench.contender import Shape
from bench.drain import Drained, drain
from bench.measure import Goal, Measure
from bench.plan import Measured, Plan

DOCUMENTS: dict[Shape, dict[str, tuple[int, int]]] = {
    "route": {
        "alfrd-events": (10_000, 2_000),
        "pgqueuer": (2_000, 500),
        "procrastinate": (500, 200),
        "chancy": (1_000, 300),
        "dbos": (300, 100),
        "absurd": (500, 200),
    },
    "single": {
        "alfrd-events": (30_000, 10_000),
        "pgqueuer": (60_000, 20_000),
        "procrastinate": (3_000, 1_000),
        "chancy": (10_000, 3_000),
        "dbos": (3_000, 1_000),
        "absurd": (3_000, 1_000),
    },
}
"""How many each is given, in a full and in a quick run: seconds of work for everyone."""

NAMES: dict[Shape, tuple[int, str, str]] = {
    "route": (1, "the full route, 7 steps", "documents/s"),
    "single": (3, "single independent steps", "steps/s"),
}
GOALS: dict[Shape, Sequence[Goal]] = {
    "route": (Goal("at least", 2_000), Goal("at least", 8, "ratio")),
    "single": (Goal("at least", 1.5, "ratio"),),
}

Runs = Mapping[str, Sequence[Drained]]
"""Contender -> one for each repetition."""


async def measure(plan: Plan) -> Measured:
    """Measures 1, 2 and 3."""
    async for one in _against_peers(plan, "route"):
        yield one
    async for one in _several_workers(plan):
        yield one
    async for one in _against_peers(plan, "single"):
        yield one


async def _against_peers(plan: Plan, shape: Shape) -> Measured:
    runs: dict[str, list[Drained]] = defaultdict(list)
    for _ in range(plan.repeats):
        for contender in plan.contenders:
            count = plan.pick(*DOCUMENTS[shape][contender.name])
            async with plan.cluster.database(contender) as url:
                done = await drain(plan.cluster, contender, url, shape, count)
            plan.say(f"{contender.name}: {shape}, {count:,} documents: {done.rate:,.0f}/s")
            runs[contender.name].append(done)

    number, name, unit = NAMES[shape]
    best = max((peer.name for peer in plan.peers), key=lambda one: _median(runs[one]), default="")
    ours = runs[plan.engine.name]
    yield Measure(number, name, unit, _rates(ours), GOALS[shape], best, _rates(runs[best]) if best else ())
    yield Measure(number, "worker's processor time", "ms each", [done.worker_ms for done in ours])
    yield Measure(number, "server's processor time", "ms each", [done.server_ms for done in ours])
    for peer in plan.peers:
        theirs = runs[peer.name]
        spent = {
            "worker's processor time, ms each": [done.worker_ms for done in theirs],
            "server's processor time, ms each": [done.server_ms for done in theirs],
        }
        yield Measure(number, f"the same by {peer.name}", unit, _rates(theirs), details=spent)


async def _several_workers(plan: Plan) -> Measured:
    runs: dict[int, list[Drained]] = defaultdict(list)
    count = plan.pick(*DOCUMENTS["route"][plan.engine.name])
    for _ in range(plan.repeats):
        for number in (1, 2, 4):
            async with plan.cluster.database(plan.engine) as url:
                done = await drain(plan.cluster, plan.engine, url, "route", count, number=number)
            plan.say(f"{number} worker processes: {done.rate:,.0f} documents/s")
            runs[number].append(done)
    for number in (2, 4):
        goal = Goal("at least", 1, "ratio")
        name = f"the full route, {number} workers"
        yield Measure(2, name, "documents/s", _rates(runs[number]), [goal], "one worker", _rates(runs[1]))


def _rates(runs: Sequence[Drained]) -> list[float]:
    return [done.rate for done in runs]


def _median(runs: Sequence[Drained]) -> float:
    return statistics.median(_rates(runs))
