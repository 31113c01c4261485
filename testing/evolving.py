"""Documents through the real steps and the real database, with nothing simulated but the model and the time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from alfrd_events import __version__
from alfrd_events.analysis.llm import LlmAnalyst
from alfrd_events.clients.calls import Calls
from alfrd_events.db import queue
from alfrd_events.db.database import Database
from alfrd_events.db.ledger import DatabaseLedger
from alfrd_events.db.trials import Trials
from alfrd_events.model import Outcome
from alfrd_events.reading.sources import Sources
from alfrd_events.steps.registry import BUILT_IN, EVOLUTION
from alfrd_events.steps.spending import Evolution
from alfrd_events.steps.step import Tools
from alfrd_events.worker.runner import Runner
from testing.noop import NoopReader, refuse_pages
from testing.simulated import Paper, SimulatedLlm, paper

STEPS = ("ocr", "classify", "summarize", "answer_key", "evolve_prompt")
SLOTS = 32
PRICES = (
    "insert into alfrd.prices (provider, model, input, output) values ('simulated', '*', 0.5, 1.5)"
    " on conflict do nothing"
)


class Loop:
    """One stream of documents in one database."""

    def __init__(
        self,
        url: str,
        seed: int,
        *,
        mode: Literal["suggest", "auto"] = "auto",
        day_usd: str = "1",
        trial_usd: str = "0.75",
        per_day: int = 10,
    ) -> None:
        self.database = Database(url, max_size=4)
        self.ledger = DatabaseLedger(self.database)
        self.llm = SimulatedLlm(seed, Calls(self.ledger))
        self._seed = seed
        self._given = 0
        self._hours = 0.0
        self._hours_between = 24 / per_day
        analyst = LlmAnalyst(self.llm, 8000)
        self.evolution = Evolution(mode, analyst, Trials(self.database), Decimal(day_usd), Decimal(trial_usd))
        self.tools = Tools(NoopReader(), analyst, Sources(), refuse_pages, self.evolution)
        self.evolves = True
        """Whether this worker serves ``evolve_prompt``; else others have to."""
        self._worker = 0
        self._done: list[Outcome] = []
        self._finished = asyncio.Event()

    async def __aenter__(self) -> Loop:
        await self.database.open()
        await self.database.execute(PRICES)
        await self.sign_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.ledger.aclose()
        await self.database.close()

    async def sign_on(self) -> None:
        self._worker = await queue.register(
            self.database,
            name="bench",
            host="",
            process=0,
            version=__version__,
            steps=STEPS,
            lease_seconds=604_800,
        )
        self._runner = Runner(self.database, {**BUILT_IN, **EVOLUTION}, self.tools, self._take, 600)

    def _take(self, outcome: Outcome) -> None:
        self._done.append(outcome)
        self._finished.set()

    async def documents(self, number: int) -> list[UUID]:
        """Let documents come in, and time pass."""
        ids = []
        for _ in range(number):
            self._given += 1
            given: Paper = paper(self._seed, self._given)
            self.llm.papers[given.code] = given
            ids.append(id := uuid5(NAMESPACE_OID, f"{self._seed} {given.code}"))
            await self.database.execute(
                "insert into alfrd.documents (id, filename, content) values (%s, %s, %s)",
                [id, f"{given.code}.txt", given.text.encode()],
            )
        self._hours += number * self._hours_between
        self.database.settings["alfrd.clock_offset"] = f"{self._hours} hours"
        return ids

    async def skip_days(self, days: float) -> None:
        """Let time pass without documents."""
        self._hours += days * 24
        self.database.settings["alfrd.clock_offset"] = f"{self._hours} hours"

    async def settle(self) -> None:
        """Work until nothing is left that could be done now."""
        running = 0
        while True:
            outcomes, self._done[:] = list(self._done), []
            room = {
                step: SLOTS - min(running, SLOTS - 1)
                for step in STEPS
                if self.evolves or step != "evolve_prompt"
            }
            answer = await queue.exchange(self.database, self._worker, outcomes, room, "poll")
            running += len(answer.claimed) - len(outcomes)
            if answer.claimed:
                self._runner.start(self._worker, answer.claimed)
            elif not running:
                return
            if running and not self._done:
                self._finished.clear()
                await self._finished.wait()

    async def crash(self) -> None:
        """Drop everything that this process knows, as a kill would; another worker takes over."""
        await self._runner.stop()
        self._done.clear()
        await self.database.execute(
            "update alfrd.workers set lease_seconds = 0.001, heartbeat_at = '-infinity' where id = %s",
            [self._worker],
        )
        await queue.rescue(self.database)
        await self.database.execute(
            "update alfrd.tasks set state = 'ready', run_at = alfrd.now() where state = 'scheduled'"
        )
        await self.sign_on()

    def tools_on(self, journal: Trials) -> Tools:
        """The same tools with another way to the database: another worker's."""
        return replace(self.tools, evolution=replace(self.evolution, journal=journal))

    async def waiting(self, step: str) -> int:
        """Tasks of a step that are ready or due later."""
        value = await self.database.value(
            "select count(*) from alfrd.tasks where step = %s and state in ('ready', 'scheduled')", [step]
        )
        return int(value)

    async def active(self, kind: str = "summarizer", document_type: str = "utility_bill") -> dict[str, Any]:
        """The active version of a family: of the one that the simulation is about, if no other is named."""
        row = await self.database.row(
            "select id, version, text, parent from alfrd.prompts"
            " where kind = %s and document_type = %s and is_active",
            [kind, document_type],
        )
        assert row is not None
        return row

    async def trials(self) -> Sequence[dict[str, Any]]:
        """All trials so far, with the texts of both sides."""
        return await self.database.rows(
            "select t.id, t.phase, t.ending, t.note, t.promoted_at, a.text as champion, b.text as challenger"
            "  from alfrd.trials t join alfrd.prompts a on a.id = t.champion_id"
            "  left join alfrd.prompts b on b.id = t.challenger_id order by t.id"
        )
