"""Many slow provider calls in flight in one worker."""

from __future__ import annotations

from bench.drain import drain
from bench.measure import Goal, Measure
from bench.plan import Measured, Plan

CALLS = 500
SECONDS = 1.5


async def measure(plan: Plan) -> Measured:
    """Measure 11: handlers that wait; and handlers whose calls are paid, looked up, reserved, settled and kept."""
    count = CALLS * plan.pick(10, 4)
    rates: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(plan.repeats):
        for paid, taken in rates.items():
            async with plan.cluster.database(plan.engine) as url:
                done = await drain(
                    plan.cluster, plan.engine, url, "single", count, slots=CALLS, delay=SECONDS, paid=paid
                )
                taken.append(done.rate)
            plan.say(f"{taken[-1]:.0f} calls/s" + (", written down" if paid else ""))
    for paid, taken in rates.items():
        yield Measure(
            11,
            f"{CALLS} calls of {SECONDS:g} s in flight" + (", with their ledger" if paid else ""),
            "calls/s",
            taken,
            [Goal("at least", 0.95, "ratio")],
            "no cost at all",
            [CALLS / SECONDS] * plan.repeats,
            details={"calls": count},
        )
