"""People who correct and review while steps run and workers are killed."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import psycopg

from testing.harness import Harness
from tests.faults.processes import ALL_ENDED, Fleet, WorkerProcess, fleet, insert, until

SEED = "corrections"
ACTS, PEOPLE, WORKERS, KILLS = 500, 10, 3, 6
WISHES = {"slots": 20, "answer_seconds": 0.1, "delay": 0.05}
SUPERSEDED = "a person cancelled, corrected, re-submitted or deleted it while a step ran"
TYPES = ("receipt", "insurance", "tax", "invoice")
Row = dict[str, Any]


@dataclass
class Ledger:
    """What people did and the database confirmed."""

    values: Counter[tuple[UUID, str, str]] = field(default_factory=Counter)
    """(document, field, corrected value) that has not been undone."""
    accepted: Counter[UUID] = field(default_factory=Counter)
    held: dict[UUID, str] = field(default_factory=dict)
    """Document -> who looks at it now."""
    acts: Counter[str] = field(default_factory=Counter)

    def note(self, document: UUID, changed: list[Row], times: int = 1) -> None:
        """Take note of what a correction set, or of what an undo took back (-1)."""
        for row in changed:
            value = row["new_value"] if times > 0 else row["old_value"]
            self.values[document, row["field"], json.dumps(value)] += times


class Person:
    """Somebody with a session of their own, who does one thing after the other."""

    def __init__(self, name: str, db: Harness, ledger: Ledger) -> None:
        self._name = name
        self._db = db
        self._ledger = ledger
        self._chance = Random(f"{SEED}-{name}")

    async def act(self, numbers: range) -> None:
        """Do as many things as there are numbers."""
        async with await self._db.session() as session:
            self._session = session
            for number in numbers:
                act = self._chance.choice((self._correct, self._review, self._undo, self._redo, self._die))
                await act(number)
                self._ledger.acts["all"] += 1

    async def _rows(self, statement: str, *parameters: Any) -> list[Row]:
        cursor = await self._session.execute(statement, parameters)  # type: ignore[arg-type]
        return await cursor.fetchall() if cursor.description else []

    async def _some(self, name: str) -> UUID:
        rows = await self._rows(
            "select id from alfrd.documents where starts_with(filename, %s) order by id", name
        )
        found: UUID = self._chance.choice(rows)["id"]
        return found

    def _values(self, number: int) -> str:
        kind = self._chance.choice(("total", "total", "entity", "type", "date"))
        value: Any = {
            "total": f"{number}.25",
            "entity": f"Company {number % 5}",
            "type": self._chance.choice(TYPES),
            "date": f"2024-05-{number % 28 + 1:02}",
        }[kind]
        return json.dumps({kind: value})

    async def _correct(self, number: int) -> None:
        document = await self._some(self._chance.choice(("shop", "doubt")))
        self._ledger.note(
            document,
            await self._rows("select * from alfrd.correct(%s, %s)", document, self._values(number)),
        )

    async def _die(self, number: int) -> None:
        """Be gone before the correction is committed."""
        document = await self._some("shop")
        session = await self._db.session()
        await session.execute("begin")
        await session.execute(
            "select * from alfrd.correct(%s, %s)", [document, json.dumps({"total": f"{number}.99"})]
        )
        await session.close()

    async def _undo(self, number: int) -> None:
        """Take back the last change of a document, whoever made it."""
        document = await self._some("shop")
        try:
            undone = await self._rows("select * from alfrd.undo(%s)", document)
        except psycopg.Error as error:
            if error.sqlstate != "AL005" or "there is nothing to undo" not in str(error):
                raise
        else:
            self._ledger.note(document, undone, -1)

    async def _redo(self, number: int) -> None:
        document = await self._some("shop")
        await self._rows(
            "update alfrd.documents set status = 'ocr_completed' where id = %s and status <> 'pending'",
            document,
        )

    async def _review(self, number: int) -> None:
        """Claim the worst document, look at it, and judge it, or do not."""
        rows = await self._rows("select * from alfrd.next_review(%s)", self._name)
        if not rows:
            return
        document, held = rows[0]["document_id"], self._ledger.held
        assert document not in held, f"{self._name} got what {held[document]} looks at"
        held[document] = self._name
        await asyncio.sleep(0.01)
        verdict = self._chance.choice(("accept", "correct", "release"))
        # Before the verdict: once it is committed, another person may get the document.
        del held[document]
        if verdict == "correct":
            values = self._values(number)
            self._ledger.note(
                document, await self._rows("select * from alfrd.correct(%s, %s)", document, values)
            )
        elif verdict == "accept":
            await self._rows("select alfrd.accept(%s)", document)
            self._ledger.accepted[document] += 1
        else:
            await self._rows("select alfrd.release_review(%s)", document)
        self._ledger.acts[verdict] += 1


async def disturb(
    db: Harness, workers: Fleet, alive: list[WorkerProcess], ledger: Ledger, chance: Random
) -> None:
    """Each time that people have done so many things: correct what one worker does now, and kill another at work."""
    moments = sorted(chance.sample(range(20, ACTS - 20), KILLS))
    for moment in moments:
        while ledger.acts["all"] < moment:
            await asyncio.sleep(0.01)
        await insert(db, 4)
        await insert(db, 2, name="doubt")
        await correct_what_runs(db, alive, ledger, chance)
        victim, _ = await _frozen_with_a_task(db, alive, chance)
        victim.kill()
        alive.remove(victim)
        alive.append(workers.start(**WISHES))


async def correct_what_runs(db: Harness, alive: list[WorkerProcess], ledger: Ledger, chance: Random) -> None:
    """Correct a document while a step of it runs; its result is dropped, and logged as what it is."""
    worker, document = await _frozen_with_a_task(db, alive, chance)
    told = len(worker.lines(SUPERSEDED))
    ledger.note(document, await db.sql('select * from alfrd.correct(%s, \'{"type": "legal"}\')', document))
    worker.signal(signal.SIGCONT)
    await worker.has_logged(SUPERSEDED, times=told + 1)


async def _frozen_with_a_task(
    db: Harness, alive: list[WorkerProcess], chance: Random
) -> tuple[WorkerProcess, UUID]:
    """A worker that cannot finish its tasks, and a document that it works on.

    It holds its lock, so that its death is seen at once. Another type would have the step done again.
    """
    while True:
        worker = chance.choice(alive)
        worker.signal(signal.SIGSTOP)
        rows = await db.sql(
            "select d.id from alfrd.tasks t join alfrd.workers w on w.id = t.worker_id"
            "  join alfrd.documents d on d.id = t.subject_id"
            " where w.process = %s and w.locked and t.state = 'running' and d.generation = t.generation"
            "   and d.status in ('classified', 'summarized', 'filed') and d.document_type <> 'legal' limit 1",
            worker.pid,
        )
        if rows:
            return worker, rows[0]["id"]
        worker.signal(signal.SIGCONT)
        await asyncio.sleep(0.05)


async def test_corrections_and_reviews_outlive_workers_that_are_killed(db: Harness, tmp_path: Path) -> None:
    ledger = Ledger()
    await until(db, "now() - pg_postmaster_start_time() > interval '10 seconds'")  # see alfrd.rescue
    await insert(db, 40)
    await insert(db, 100, name="doubt")
    with fleet(db.url, tmp_path) as workers:
        alive = [workers.start(**WISHES) for _ in range(WORKERS)]
        await until(db, "count(*) > 5 from alfrd.documents where needs_review")
        people = [Person(f"person {place}", db, ledger) for place in range(PEOPLE)]
        share = ACTS // PEOPLE
        await asyncio.gather(
            *(
                person.act(range(place * share, (place + 1) * share))
                for place, person in enumerate(people, 1)
            ),
            disturb(db, workers, alive, ledger, Random(SEED)),
        )
        await until(db, ALL_ENDED)
        logged = workers.lines("lease")

    assert ledger.acts["all"] == ACTS
    assert all(ledger.acts[verdict] for verdict in ("accept", "correct", "release"))
    assert logged == []
    await _nothing_is_lost(db, ledger)
    await _nothing_is_twice(db)
    await _what_depends_on_a_value_is_of_its_last_change(db)


async def _nothing_is_lost(db: Harness, ledger: Ledger) -> None:
    assert await db.sql("select status, error from alfrd.documents where status <> 'completed'") == []
    kept = await db.sql("select document_id, field, new_value from alfrd.corrections")
    assert Counter((row["document_id"], row["field"], json.dumps(row["new_value"])) for row in kept) == (
        +ledger.values
    )
    overwritten = await db.sql(
        "select d.id, last.field, last.new_value, alfrd.correctable(d) -> last.field as is from alfrd.documents d"
        " cross join lateral (select distinct on (field) field, new_value from alfrd.corrections"
        "                      where document_id = d.id order by field, id desc) as last"
        " where alfrd.correctable(d) -> last.field <> last.new_value or last.field <> all (d.corrected)"
    )
    assert overwritten == []
    accepted = await db.sql("select document_id from alfrd.reviews where verdict = 'accepted'")
    assert Counter(row["document_id"] for row in accepted) == ledger.accepted


async def _nothing_is_twice(db: Harness) -> None:
    """An attempt is completed once; a change is one correction and one verdict; a company is one series."""
    for twice in (
        "select task_id from alfrd.events where kind = 'completed' group by 1 having count(*) > 1",
        "select change_id from alfrd.reviews where verdict = 'corrected' group by 1 having count(*) > 1",
        "select entity, kind from alfrd.series group by 1, 2 having count(*) > 1",
    ):
        assert await db.sql(twice) == []
    unmatched = await db.sql(
        "select change_id from (select distinct change_id from alfrd.corrections) c"
        " full join (select change_id from alfrd.reviews where verdict = 'corrected') r using (change_id)"
        " where c is null or r is null"
    )
    assert unmatched == []


async def _what_depends_on_a_value_is_of_its_last_change(db: Harness) -> None:
    old = await db.sql(
        "select d.id, d.entity, s.entity as series, d.total_amount, d.series_data from alfrd.documents d"
        " left join alfrd.series s on s.id = d.series_id"
        " where s.entity is distinct from d.entity or d.series_data ->> 'total_amount' <> d.total_amount::text"
    )
    assert old == []
    assert await db.one("select count(*) from alfrd.events where kind = 'lost'") > 0
