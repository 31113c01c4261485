"""Budgets under random calls, prices, workers and crashes, over the real ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from alfrd_events.analysis.llm import LlmAnalyst
from alfrd_events.clients.calls import Call, Calls, Lost, NoRoom, Reply
from alfrd_events.db.database import Database
from alfrd_events.db.ledger import DatabaseLedger
from alfrd_events.db.trials import Trials
from alfrd_events.steps.spending import Evolution, trial_scope
from alfrd_events.worker.cancellation import cancel_all
from bench.evolving.stage import Stage
from testing.simulated import SimulatedLlm


@dataclass(frozen=True)
class Budgets:
    """What became of many runs."""

    runs: int
    calls: int
    crashes: int
    refused: int
    exceeded: int
    """Runs in which the day or the trial cost more than its cap, by our book or by what was really used."""


def budgets(stage: Stage, runs: int) -> Budgets:
    """Run them all in one database, each on a day of its own and with a trial of its own."""
    with stage.database() as url:
        return asyncio.run(_budgets(url, runs))


async def _budgets(url: str, runs: int) -> Budgets:
    chance = Random("budgets")
    calls = crashes = refused = exceeded = 0
    hanging: list[asyncio.Task[None]] = []
    async with Database(url, max_size=8) as database:
        await database.execute(
            "insert into alfrd.prices (provider, model, input, output) values ('priced', '*', 3, 15)"
        )
        for number in range(1, runs + 1):
            database.settings["alfrd.clock_offset"] = f"{number} days"
            run = _Run(database, chance, number)
            await asyncio.gather(*(run.worker() for _ in range(chance.randrange(1, 6))))
            calls += run.calls
            crashes += run.crashes
            refused += run.refused
            exceeded += await run.exceeds()
            hanging += run.hanging
        await cancel_all(hanging)
    return Budgets(runs, calls, crashes, refused, exceeded)


class _Run:
    """A few workers who spend on one trial until there is no room, and die now and then."""

    def __init__(self, database: Database, chance: Random, number: int) -> None:
        self._database = database
        self._chance = chance
        self._number = number
        self._used = Decimal(0)
        self.calls = self.crashes = self.refused = 0
        self.hanging: list[asyncio.Task[None]] = []
        self.day = Decimal(chance.randrange(1, 200)) / 1000
        self.trial = self.day * Decimal(chance.randrange(30, 150)) / 100

    async def worker(self) -> None:
        ledger = self._ledger()
        for _ in range(self._chance.randrange(2, 8)):
            died = asyncio.Event()
            calling = asyncio.create_task(self._call(ledger, died))
            dying = asyncio.create_task(died.wait())
            await asyncio.wait([calling, dying], return_when=asyncio.FIRST_COMPLETED)
            dying.cancel()
            if died.is_set():
                # A killed process settles nothing: its call is left hanging, and another one goes on without knowing.
                self.crashes += 1
                self.hanging.append(calling)
                ledger = self._ledger()
            elif isinstance(error := calling.exception(), NoRoom):
                self.refused += 1
                break
            elif error is not None and not isinstance(error, Lost):
                raise error

    def _ledger(self) -> DatabaseLedger:
        return DatabaseLedger(self._database)

    async def _call(self, ledger: DatabaseLedger, died: asyncio.Event) -> None:
        way = Calls(ledger, sleep=_at_once)
        examiner = LlmAnalyst(SimulatedLlm(0, way), 8000)
        evolution = Evolution("auto", examiner, Trials(self._database), self.day, self.trial)
        most = self._chance.randrange(100, 6000), self._chance.randrange(50, 2000)

        async def send() -> Reply:
            self.calls += 1
            # What the provider will charge, whether or not anybody hears the answer.
            used = [round(each * self._chance.uniform(0.2, 1)) for each in most]
            self._used += Decimal(3 * used[0] + 15 * used[1]) / 1_000_000
            fate = self._chance.random()
            if fate < 0.15:
                died.set()
                await asyncio.Event().wait()
            if fate < 0.25:
                raise Lost("the answer never came")
            return Reply({}, used[0], used[1])

        with evolution.paying(self._number):
            call = Call("priced", "Ask", "one", input_tokens=most[0], output_tokens=most[1])
            await way.make(call, send, lambda content: content)

    async def exceeds(self) -> bool:
        rows = await self._database.rows("select scope, usd from alfrd.spending where usd > 0")
        spent = {row["scope"]: row["usd"] for row in rows}
        day = await self._database.value("select to_char(alfrd.now() at time zone 'UTC', 'YYYY-MM-DD')")
        return (
            spent.get(f"evolution:{day}", 0) > self.day
            or spent.get(trial_scope(self._number), 0) > self.trial
            or self._used > min(self.day, self.trial)
        )


async def _at_once(_: float) -> None:
    """Stands for the pause before another try."""
