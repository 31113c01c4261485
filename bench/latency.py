"""Latency on an idle system: from a committed insert to the handler's start, and to the completed document."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field

import psycopg

from bench.contender import STEPS, Contender, Shape
from bench.measure import Goal, Measure, percentile
from bench.plan import Measured, Plan
from bench.process import worker

SETTLE_SECONDS = 2.0
"""Until a worker that has just begun is idle."""
WARM_UP = 10
GAP_SECONDS = (0.02, 0.08)
"""Between one document's end and the next one's insert; random, so that nobody's polling falls into step with it."""
PATIENCE_SECONDS = 60.0


@dataclass
class Starts:
    """Milliseconds until a handler began, of one repetition."""

    after_commit: list[float] = field(default_factory=list)
    """Since the client had the server's answer to its insert."""
    after_sending: list[float] = field(default_factory=list)
    """Since the client sent the insert: the commit itself included."""


async def measure(plan: Plan) -> Measured:
    """Measures 4 and 5."""
    number = plan.pick(300, 60)
    runs: dict[str, list[Starts]] = defaultdict(list)
    for _ in range(plan.repeats):
        for contender in plan.contenders:
            starts = await _starts(plan, contender, number)
            runs[contender.name].append(starts)
            plan.say(
                f"{contender.name}: a handler starts {percentile(starts.after_commit, 50):.2f} ms after the commit"
            )
    for percent in (50, 99):
        samples = {
            name: [percentile(starts.after_commit, percent) for starts in taken]
            for name, taken in runs.items()
        }
        medians = {peer.name: statistics.median(samples[peer.name]) for peer in plan.peers}
        best = min(medians, key=medians.__getitem__, default="")
        yield Measure(
            4,
            f"insert committed → handler started, p{percent}",
            "ms",
            samples[plan.engine.name],
            [Goal("below", 1, "ratio")],
            best,
            samples[best] if best else (),
            details={
                "inserts in each repetition": number,
                "since the insert was sent, ms": {
                    name: [percentile(starts.after_sending, percent) for starts in taken]
                    for name, taken in runs.items()
                },
            },
        )
        for peer in plan.peers:
            yield Measure(4, f"the same by {peer.name}, p{percent}", "ms", samples[peer.name])

    number = plan.pick(200, 30)
    completed = [await _completions(plan, number) for _ in range(plan.repeats)]
    yield Measure(
        5,
        "insert committed → document completed, p50",
        "ms",
        [percentile(times, 50) for times in completed],
        [Goal("at most", 12)],
        details={
            "p99, ms": [percentile(times, 99) for times in completed],
            "inserts in each repetition": number,
        },
    )


async def _starts(plan: Plan, contender: Contender, number: int) -> Starts:
    # A document of ours takes its real way, of which the start of `ocr` counts; a job of a peer is the whole of it.
    shape: Shape = "route" if contender is plan.engine else "single"
    starts = Starts()
    async with (
        plan.cluster.database(contender) as url,
        contender.client(url) as client,
        worker(contender, url, shape, starts=True) as process,
    ):
        await plan.cluster.settle()
        process.go()
        await asyncio.sleep(SETTLE_SECONDS)
        for round_ in range(WARM_UP + number):
            sent = time.monotonic_ns()
            key = await client.submit_one(shape)
            committed = time.monotonic_ns()
            async with asyncio.timeout(PATIENCE_SECONDS):
                told, began = await process.next_start()
                assert told == key, "the system was not idle"
                for _ in range(STEPS[shape] - 1):
                    await process.next_start()
            if round_ >= WARM_UP:
                starts.after_commit.append((began - committed) / 1e6)
                starts.after_sending.append((began - sent) / 1e6)
            await asyncio.sleep(random.uniform(*GAP_SECONDS))
    return starts


async def _completions(plan: Plan, number: int) -> list[float]:
    """Milliseconds from the commit until the feed tells that the document is completed."""
    times = []
    async with (
        plan.cluster.database(plan.engine) as url,
        plan.engine.client(url) as client,
        worker(plan.engine, url, "route") as process,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as feed,
    ):
        await feed.execute("listen alfrd_status")
        await plan.cluster.settle()
        process.go()
        await asyncio.sleep(SETTLE_SECONDS)
        for round_ in range(WARM_UP + number):
            key = await client.submit_one("route")
            committed = time.monotonic_ns()
            completed = await _heard(feed, key)
            if round_ >= WARM_UP:
                times.append((completed - committed) / 1e6)
            await asyncio.sleep(random.uniform(*GAP_SECONDS))
    return times


async def _heard(feed: psycopg.AsyncConnection, key: str) -> int:
    """When the feed told of a document's completion."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for notify in feed.notifies():
            told = json.loads(notify.payload)
            if told["status"] == "completed" and key in [told.get("id"), *told.get("ids", ())]:
                return time.monotonic_ns()
    raise AssertionError("unreachable")
