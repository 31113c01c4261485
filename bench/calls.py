"""Many slow provider calls in flight in one worker."""

from __future__ import annotations

from bench.drain import drain
from bench.measure import Goal, Measure
from bench.plan import Measured, Plan

CALLS = 500
SECONDS = 1.5


async def measure(plan: Plan) -> Measured:
    """Measure 11."""
    count = CALLS * plan.pick(10, 4)
    rates = []
    for _ in range(plan.repeats):
        async with plan.cluster.database(plan.engine) as url:
            done = await drain(plan.cluster, plan.engine, url, "single", count, slots=CALLS, delay=SECONDS)
            rates.append(done.rate)
        plan.say(f"{rates[-1]:.0f} calls/s")
    yield Measure(
        11,
        f"{CALLS} calls of {SECONDS:g} s in flight",
        "calls/s",
        rates,
        [Goal("at least", 0.95, "ratio")],
        "no cost at all",
        [CALLS / SECONDS] * plan.repeats,
        details={"calls": count},
    )
