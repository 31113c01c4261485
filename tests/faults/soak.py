"""The soak: documents come in for minutes while everything that can fail does, and then each must be accounted for.

    python -m tests.faults.soak --documents 20000 --minutes 10 --workers 4 --seed 1

Exit code 1 if a document is lost, an effect happened twice, or a worker fell over.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from alfrd_events.db.migrate import migrate
from testing.server import CONFIGURATION, Server
from tests.faults.processes import fleet
from tests.faults.soak_checks import COUNTS, DUPLICATED, LOST, explanations, offenders
from tests.faults.soak_faults import sequence, strike
from tests.faults.soak_report import Report, Watch, alarms
from tests.faults.soak_world import DATABASE, Crew, HonestProxy, Session, World

_SHOPS = 200
_ODDITIES = {"stumble": 0.01, "refuse": 0.004, "hang": 0.004}


@dataclass(frozen=True)
class Plan:
    """How long, how many, how often."""

    documents: int = 20_000
    seconds: float = 600
    workers: int = 4
    seed: int = 1
    pause: tuple[float, float] = (2, 5)
    """Seconds between the beginnings of two faults, at least and at most."""
    deadly: int = 2
    """How many documents kill their worker; each does so five times, and again when it is replayed."""
    end_within: float = 300
    """Seconds after the last fault in which all must have come to its end."""
    configuration: str = CONFIGURATION.replace("= off", "= on")
    """The server's: what it acknowledges has reached the disk."""


async def soak(plan: Plan, directory: Path) -> Report:
    """Run one; the logs of its workers are left in the directory."""
    server = await asyncio.to_thread(Server, plan.configuration)
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {DATABASE}")  # type: ignore[call-overload]
        await migrate(server.url(DATABASE))
        async with HonestProxy(server.port, delay=0.3) as proxy:
            through = server.tcp_url(DATABASE, proxy.port)
            # The first worker connects through the proxy, the second listens through it, the others pass it by.
            addresses: list[dict[str, Any]] = [{"url": through}, {"listen_url": through}]
            addresses = (addresses + [{} for _ in range(plan.workers)])[: plan.workers]
            with fleet(server.url(DATABASE), directory) as members:
                return await _run(plan, World(server, proxy, Crew(members, addresses)))
    finally:
        await asyncio.to_thread(server.remove)


async def _run(plan: Plan, world: World) -> Report:
    watch = Watch(world)
    background = [asyncio.create_task(watch.run()), asyncio.create_task(world.crew.keep())]
    feeding = asyncio.create_task(_feed(plan, world))
    history = await _let_happen(plan, world, watch)
    await feeding
    await _until_all_ended(world, plan.end_within)
    total = watch.seconds
    async with (
        world.person() as session
    ):  # while there are workers: else it says of each that no worker serves it
        unfinished = await offenders(session, {"not at an end": LOST["not at an end"]}, {})
        says = await explanations(session, unfinished.values())
    for task in background:
        task.cancel()
    await world.crew.dismiss()

    faults: dict[str, Counter[str]] = defaultdict(Counter)
    for _, kind, became in history:
        faults[kind][became] += 1
    crashes = sum(faults[kind]["done"] for kind in ("server process crashed", "server stopped at once"))
    facts = {"known": world.acknowledged, "cancelled": list(world.cancelled), "crashes": crashes}
    async with world.person() as session:
        cursor = await session.execute(COUNTS)
        (counts,) = await cursor.fetchall()
        lost = await offenders(session, LOST, facts)
        duplicated = await offenders(session, DUPLICATED, facts)
        return Report(
            seed=plan.seed,
            workers=plan.workers,
            fault_seconds=plan.seconds,
            total_seconds=total,
            acknowledged=len(world.acknowledged),
            counts=counts,
            lost=lost,
            duplicated=duplicated,
            explanations=says
            | await explanations(session, [*lost.values(), *duplicated.values()], beside=says),
            faults=faults,
            endings=world.crew.endings,
            alarms=alarms(world.crew.logs),
            overall=watch.overall,
            unexcused=watch.unexcused,
            away_seconds=watch.away_seconds,
            longest_held=watch.longest_held,
            history=history,
        )


async def _let_happen(plan: Plan, world: World, watch: Watch) -> list[tuple[float, str, str]]:
    """Begin each fault of the sequence at its time, whether or not earlier ones are over."""
    history: list[tuple[float, str, str]] = []

    async def happen(number: int, kind: str) -> None:
        began = watch.seconds
        became = await strike(kind, world, random.Random(f"{plan.seed} {number}"))
        history.append((round(began, 1), kind, became))

    async with asyncio.TaskGroup() as faults:
        for number, (at, kind) in enumerate(sequence(plan.seed, plan.seconds, plan.pause)):
            await asyncio.sleep(max(at - watch.seconds, 0))
            faults.create_task(happen(number, kind))
        await asyncio.sleep(max(plan.seconds - watch.seconds, 0))
    return sorted(history)


async def _feed(plan: Plan, world: World) -> None:
    """Insert all documents, spread over the time, one or hundreds in a statement."""
    chance = random.Random(f"{plan.seed} documents")
    names = _filenames(plan, chance)
    sizes = list(_statement_sizes(plan.documents, chance))
    times = sorted(chance.uniform(0, plan.seconds * 0.95) for _ in sizes)
    started = asyncio.get_running_loop().time()
    for at, size in zip(times, sizes, strict=True):
        await asyncio.sleep(max(started + at - asyncio.get_running_loop().time(), 0))
        batch = [(UUID(int=chance.getrandbits(128), version=4), next(names)) for _ in range(size)]

        async def insert(session: Session, batch: list[tuple[UUID, str]] = batch) -> None:
            # Who hears no answer sends the same again, under the same ids.
            await session.execute(
                "insert into alfrd.documents (id, filename, content)"
                " select id, name, convert_to('text of ' || name, 'utf8')"
                "   from unnest(%s::uuid[], %s::text[]) as new(id, name) on conflict (id) do nothing",
                [[id for id, _ in batch], [name for _, name in batch]],
            )

        await world.insist(insert)
        world.acknowledged.extend(id for id, _ in batch)


def _statement_sizes(documents: int, chance: random.Random) -> Iterator[int]:
    left = documents
    while left > 0:
        kind = chance.choices(["one", "a few", "many"], [60, 25, 15])[0]
        size = {
            "one": 1,
            "a few": chance.randint(2, 10),
            "many": chance.randint(documents // 100, documents // 40),
        }
        yield min(size[kind], left)
        left -= size[kind]


def _filenames(plan: Plan, chance: random.Random) -> Iterator[str]:
    """Most are of a shop; the others misbehave as ``tests.support.worker_process`` tells.

    What kills workers or takes long to fail comes early: in the end workers live, and nobody waits for a last attempt.
    """
    deadly = set(chance.sample(range(plan.documents // 2), plan.deadly))
    for number in range(plan.documents):
        name = chance.choices([*_ODDITIES, ""], [*_ODDITIES.values(), 1 - sum(_ODDITIES.values())])[0]
        if name == "hang" and number > plan.documents // 2:
            name = ""
        if number in deadly:
            name = "die"
        yield f"{name}shop{chance.randint(1, _SHOPS)}-{number}.txt"


async def _until_all_ended(world: World, seconds: float) -> None:
    """Wait until nothing is left to do, or until waiting longer is no use."""

    async def is_over(session: Session) -> bool:
        cursor = await session.execute(
            "select not exists (select from alfrd.tasks where state <> 'dead')"
            " and not exists (select from alfrd.documents where status not in ('completed', 'failed', 'cancelled'))"
            " as over"
        )
        row = await cursor.fetchone()
        return bool(row and row["over"])

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await world.insist(is_over):
                await asyncio.sleep(0.5)


def main() -> int:
    """Run one, as the command line tells."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--documents", type=int, default=Plan.documents)
    parser.add_argument("--minutes", type=float, default=Plan.seconds / 60)
    parser.add_argument("--workers", type=int, default=Plan.workers)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument(
        "--json", type=Path, help="write the whole report there, with every row that is wrong"
    )
    given = parser.parse_args()
    plan = Plan(given.documents, given.minutes * 60, given.workers, given.seed)
    directory = Path(tempfile.mkdtemp(prefix="alfrd-soak-"))
    report = asyncio.run(soak(plan, directory))
    print(report)
    if given.json:
        report.write(given.json)
    if not report.ok:
        print(f"\nThe logs of the workers are in {directory}", file=sys.stderr)
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
