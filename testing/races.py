"""Sixteen workers who all believe that the same trial is theirs, and are killed at random."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from random import Random
from uuid import UUID

import psycopg

from alfrd_events.clients.llm.base import Question
from alfrd_events.db.database import Database
from alfrd_events.db.trials import Trials
from alfrd_events.errors import AlfrdError
from alfrd_events.model.inputs import FamilyInput
from alfrd_events.steps.evolving import evolve_prompt
from testing.evolving import Loop
from testing.pgbouncer import past

_OPEN = "select count(*) from pg_stat_activity where application_name = %s and xact_start is not null"

_racer: ContextVar[str] = ContextVar("racer", default="nobody")
"""Who calls: the name that its transactions carry."""


@dataclass
class Seen:
    """What a race has shown."""

    kills: int = 0
    calls: int = 0
    snapshots: int = 0
    wrong_snapshots: int = 0
    """Without exactly one active version in each family."""
    locks_during_calls: int = 0
    duplicates: int = 0
    promotions: int = 0


async def race(url: str, *, workers: int, rounds: int) -> Seen:
    """Let workers race in one family, with a person who activates versions at random."""
    seen, chance = Seen(), Random("race")
    async with Loop(url, 3) as loop:
        await loop.documents(29)
        await loop.settle()
        await loop.documents(1)
        loop.evolves = False
        await loop.settle()
        family = await loop.database.value(
            "select id from alfrd.prompt_families where kind = 'summarizer' and document_type = 'utility_bill'"
        )
        looker = await psycopg.AsyncConnection.connect(past(url), autocommit=True)
        looking = asyncio.create_task(_look(past(url), seen))

        async def at_a_call(_: Question) -> None:
            seen.calls += 1
            await asyncio.sleep(0.002)
            # A transaction-level lock lives no longer than its transaction: whoever calls may have none open.
            cursor = await looker.execute(_OPEN, [_racer.get()])
            seen.locks_during_calls += (await cursor.fetchone() or (0,))[0]

        loop.llm.before = at_a_call
        for _ in range(rounds):
            await _round(loop, url, family, workers, chance, seen)
            await loop.documents(3)
            await loop.settle()
            await loop.skip_days(40)
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await looker.close()
        seen.duplicates = await loop.database.value(
            "select count(*) - count(distinct (kind, document_type, version)) from alfrd.prompts"
        )
        seen.promotions = await loop.database.value(
            "select count(*) from alfrd.trials where promoted_at is not null"
        )
    return seen


async def _round(loop: Loop, url: str, family: UUID, workers: int, chance: Random, seen: Seen) -> None:
    """All take turns at once; some are cancelled, some lose their connections."""
    databases = [
        Database(url, max_size=2, settings={**loop.database.settings, "application_name": f"racer {number}"})
        for number in range(workers)
    ]
    for database in databases:
        await database.open()
    turns = [asyncio.create_task(_turns(loop, database, family)) for database in databases]
    for turn, database in zip(turns, databases, strict=True):
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() * 0.02)
            seen.kills += 1
            if chance.random() < 0.5:
                turn.cancel()
            else:
                await database.close()
    await asyncio.gather(*turns, return_exceptions=True)
    for database in databases:
        await database.close()
    if chance.random() < 0.2:
        await loop.database.value(
            "select alfrd.activate_prompt((select id from alfrd.prompts where kind = a.kind and document_type ="
            " a.document_type and not is_active order by random() limit 1), a.id, 'a person') from alfrd.prompts a"
            " where kind = 'summarizer' and document_type = 'utility_bill' and is_active",
        )


async def _turns(loop: Loop, database: Database, family: UUID) -> None:
    _racer.set(database.settings["application_name"])
    tools = loop.tools_on(Trials(database))
    with suppress(AlfrdError):
        while (await evolve_prompt(FamilyInput(family), tools)).again:
            pass


async def _look(url: str, seen: Seen) -> None:
    """Count, in one snapshot after the other, the families that have not exactly one active version."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            cursor = await connection.execute(
                "select count(*) from (select from alfrd.prompts group by kind, document_type"
                " having count(*) filter (where is_active) <> 1) as wrong"
            )
            seen.snapshots += 1
            seen.wrong_snapshots += (await cursor.fetchone() or (0,))[0] > 0
            await asyncio.sleep(0.001)
