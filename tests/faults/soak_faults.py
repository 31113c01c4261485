"""The faults of the soak: each one really happens, and is over when its function returns.

A fault is a coroutine function of the world and of chance, which draws its details from a generator of its own: the
same seed gives the same sequence. It returns whether it took place; with all workers in the hands of other faults, or
no document to act upon, it did not.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal, LiteralString

import psycopg

from alfrd_events.db.migrate import functions, migrate
from alfrd_events.errors import AlfrdError
from alfrd_events.steps.registry import BUILT_IN
from tests.faults.proxy import Mood
from tests.faults.soak_world import LEASE_SECONDS, Session, World

Fault = Callable[[World, random.Random], Awaitable[bool]]


async def _kill(world: World, chance: random.Random) -> bool:
    with world.crew.take(chance) as place:
        if place is None:
            return False
        world.crew[place].kill()
        world.crew.replace(place)
        return True


async def _freeze(world: World, chance: random.Random) -> bool:
    """For longer than its lease, so that others take its tasks before it wakes up."""
    with world.crew.take(chance) as place:
        if place is None:
            return False
        world.crew[place].signal(signal.SIGSTOP)
        world.crew.frozen.add(place)
        await asyncio.sleep(LEASE_SECONDS + chance.uniform(1, 4))
        world.crew.frozen.discard(place)
        world.crew[place].signal(signal.SIGCONT)
        return True


async def _restart(world: World, chance: random.Random) -> bool:
    with world.crew.take(chance) as place:
        if place is None:
            return False
        world.crew[place].signal(signal.SIGTERM)
        if chance.random() < 0.3:
            await asyncio.sleep(0.1)
            world.crew[place].signal(signal.SIGTERM)
        await world.crew.farewell(world.crew[place])
        world.crew.replace(place)
        return True


async def _cut(application: str, world: World, chance: random.Random) -> bool:
    """Terminate the server's side of connections, now and again for a moment."""
    async with world.person() as session:
        for _ in range(chance.randint(1, 5)):
            await session.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name like %s",
                [application],
            )
            await asyncio.sleep(chance.uniform(0.01, 0.2))
    return True


async def _crash(world: World, chance: random.Random) -> bool:
    """Kill a process of the server, which makes it throw out everybody and recover."""
    async with world.server_lock:
        async with world.person() as session:
            cursor = await session.execute(
                "select pid from pg_stat_activity where application_name = 'alfrd-events'"
                " and pid <> pg_backend_pid() order by pid limit 1"
            )
            found = await cursor.fetchone()
        if found is None:
            return False
        os.kill(found["pid"], signal.SIGKILL)
        await asyncio.sleep(chance.uniform(0.2, 1))
        return True


async def _stop_server(mode: Literal["fast", "immediate"], world: World, chance: random.Random) -> bool:
    async with world.server_lock:
        await asyncio.to_thread(world.server.stop, mode)
        await asyncio.sleep(chance.uniform(0, 2))
        await asyncio.to_thread(world.server.start)
    return True


async def _deaf(world: World, chance: random.Random) -> bool:
    return await _mood("deaf", world, chance.uniform(2, 7), resets=0)


async def _slow(world: World, chance: random.Random) -> bool:
    """With resets, so that replies are lost whose transactions have been committed."""
    return await _mood("slow", world, chance.uniform(2, 7), resets=chance.randint(1, 4))


async def _mood(mood: Mood, world: World, seconds: float, resets: int) -> bool:
    if world.proxy.mood != "fine":
        return False
    world.proxy.mood = mood
    for _ in range(resets + 1):
        await asyncio.sleep(seconds / (resets + 1))
        if resets:
            world.proxy.reset()
    world.proxy.mood = "fine"
    return True


async def _reset(world: World, chance: random.Random) -> bool:
    for _ in range(chance.randint(1, 4)):
        world.proxy.reset()
        await asyncio.sleep(chance.uniform(0.05, 0.5))
    return True


async def _hold_rows(world: World, chance: random.Random) -> bool:
    """A person's long transaction, which ends one way or the other; now and then it outlasts every lease."""
    async with world.person() as session, session.transaction(force_rollback=chance.random() < 0.3):
        documents = await world.some(session, chance, 20)
        await session.execute("select from alfrd.documents where id = any (%s) for update", [documents])
        await asyncio.sleep(chance.choice([chance.uniform(2, 3), chance.uniform(1, 2) * LEASE_SECONDS]))
        await session.execute(
            "update alfrd.documents set tags = tags || '{held}' where id = any (%s)", [documents]
        )
        return bool(documents)


async def _lock_table(world: World, chance: random.Random) -> bool:
    """As long as the building of an index takes."""
    async with world.person() as session, session.transaction():
        await session.execute("lock table alfrd.documents in share mode")
        await asyncio.sleep(chance.uniform(1, LEASE_SECONDS))
    return True


async def _drop_notifications(world: World, chance: random.Random) -> bool:
    await world.insist(
        lambda session: session.execute(
            "create or replace function alfrd.notify(p_steps text[]) returns boolean language sql as 'select true'"
        )
    )
    await asyncio.sleep(chance.uniform(3, 6))
    await world.insist(_put_functions_back)
    return True


async def _put_functions_back(session: Session) -> None:
    (text,) = [script.statements for script in functions() if script.name == "notify.sql"]
    await session.execute(text)


async def _reload_functions(world: World, chance: random.Random) -> bool:
    """What an upgrade does while everybody works."""

    async def forget(session: Session) -> None:
        await session.execute("update alfrd.migrations set checksum = '' where name = 'functions'")

    await world.insist(forget)
    while True:
        try:
            return bool(await migrate(world.url))
        except AlfrdError:
            await asyncio.sleep(0.2)


async def _replay(world: World, chance: random.Random) -> bool:
    async with world.person() as session:
        await session.execute("select alfrd.replay(p_failed => %s)", [chance.random() < 0.5])
    return True


async def _cancel(world: World, chance: random.Random, session: Session) -> None:
    for document in await world.some(session, chance, 2):
        world.cancelled.add(document)
        await session.execute("select alfrd.cancel(%s)", [document])


async def _correct(world: World, chance: random.Random, session: Session) -> None:
    change: LiteralString = chance.choice(
        [
            "document_type = 'tax'",
            "summary = 'in a person''s words'",
            "total_amount = coalesce(total_amount, 0) + 1",
            "entity = 'Corrected ' || length(filename)",
        ]
    )
    documents = await world.some(session, chance, 10)
    await session.execute(f"update alfrd.documents set {change} where id = any (%s)", [documents])


async def _resubmit(world: World, chance: random.Random, session: Session) -> None:
    documents = await world.some(session, chance, 10)
    await session.execute("update alfrd.documents set status = 'pending' where id = any (%s)", [documents])


async def _busily(
    act: Callable[[World, random.Random, Session], Awaitable[None]], world: World, chance: random.Random
) -> bool:
    """A person at work: the same act several times within a second or two."""
    async with world.person() as session:
        for _ in range(chance.randint(3, 10)):
            await act(world, chance, session)
            await asyncio.sleep(chance.uniform(0.05, 0.3))
    return bool(world.acknowledged)


async def _pause(world: World, chance: random.Random) -> bool:
    step = chance.choice(sorted(BUILT_IN))
    async with world.person() as session:
        await session.execute("select alfrd.pause(%s, 'soak')", [step])
    await asyncio.sleep(chance.uniform(2, 4))
    await world.insist(lambda session: session.execute("select alfrd.resume(%s)", [step]))
    return True


async def _limit(world: World, chance: random.Random) -> bool:
    step = chance.choice(sorted(BUILT_IN))
    async with world.person() as session:
        await session.execute(
            "insert into alfrd.limits values (%s, %s) on conflict do nothing", [step, chance.randint(1, 3)]
        )
    await asyncio.sleep(chance.uniform(2, 4))
    await world.insist(lambda session: session.execute("delete from alfrd.limits where step = %s", [step]))
    return True


FAULTS: dict[str, Fault] = {
    "worker killed": _kill,
    "worker frozen": _freeze,
    "worker told to stop": _restart,
    "listeners cut off": partial(_cut, "alfrd-events listener"),
    "pools cut off": partial(_cut, "alfrd-events"),
    "everyone cut off": partial(_cut, "alfrd-events%"),
    "server process crashed": _crash,
    "server stopped": partial(_stop_server, "fast"),
    "server stopped at once": partial(_stop_server, "immediate"),
    "network deaf": _deaf,
    "network slow": _slow,
    "network reset": _reset,
    "rows held": _hold_rows,
    "table locked": _lock_table,
    "bells dropped": _drop_notifications,
    "functions reloaded": _reload_functions,
    "everything replayed": _replay,
    "documents cancelled": partial(_busily, _cancel),
    "documents corrected": partial(_busily, _correct),
    "documents resubmitted": partial(_busily, _resubmit),
    "step paused": _pause,
    "step limited": _limit,
}


# What a live worker forgets is found when it dies, so in the end they must live. A replay of
# what failed brings the deadly documents back.
_HARD = {"worker killed", "worker frozen", "worker told to stop", "everything replayed"}
_HARD_UNTIL = 0.8


async def strike(kind: str, world: World, chance: random.Random) -> str:
    """Let a fault happen; what became of it: ``done``, ``no occasion``, or ``in vain`` if the server was away."""
    try:
        return "done" if await FAULTS[kind](world, chance) else "no occasion"
    except (psycopg.OperationalError, psycopg.InterfaceError):
        return "in vain"


def sequence(seed: int, seconds: float, pause: tuple[float, float]) -> list[tuple[float, str]]:
    """When which fault begins. Every kind comes once before any comes again, the hard ones not at the end."""
    chance = random.Random(seed)
    plan: list[tuple[float, str]] = []
    bag: list[str] = []
    at = chance.uniform(*pause)
    while at < seconds:
        kinds = set(FAULTS) if at < _HARD_UNTIL * seconds else set(FAULTS) - _HARD
        if not kinds & set(bag):
            bag = chance.sample(sorted(kinds), len(kinds))
        kind = next(kind for kind in bag if kind in kinds)
        bag.remove(kind)
        plan.append((at, kind))
        at += chance.uniform(*pause)
    return plan
