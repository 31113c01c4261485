"""This engine as a contender: documents are inserted, ``run_worker`` does the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import psycopg
from pydantic import BaseModel

from alfrd_events.clients.calls import Call, Calls, Reply
from alfrd_events.db.database import Database
from alfrd_events.db.ledger import Caps, DatabaseLedger
from alfrd_events.db.migrate import migrate
from alfrd_events.model.inputs import DocumentInput, StepInput
from alfrd_events.observe import configure_logging
from alfrd_events.steps.registry import BUILT_IN, CALENDAR
from alfrd_events.steps.step import Handler, Step, Tools
from alfrd_events.worker.run import WorkerOptions, run_worker
from bench.contender import CONCURRENCY, Shape
from bench.teller import Teller
from testing.noop import NoopAnalyst, noop_tools

ROUTE = tuple(step for step in BUILT_IN if step != "summarize_file")
"""The seven steps of a document. Summaries of whole files are work that documents share, and are not served."""

SINGLE = "single"
"""A step of a user's own: a row in ``alfrd.routes`` and a handler."""

TEXT = (
    "Harborlight Electric Cooperative, account 4471-0092-3, bill of March 14, 2024. Meter 88120: 41,302 to 41,877, "
    "575 kWh at 0.1320 USD, 75.90 USD; basic charge 11.00 USD; tax 4.35 USD. Amount due by April 4, 2024: "
    "91.25 USD. Thank you for paying on time. Questions: 555 0134, on workdays from 8 to 17 o'clock."
)
"""What every document holds: a short page of 300 characters."""

CALL = Call("bedrock", "Converse", "us.amazon.nova-lite-v1:0", input_tokens=2000, output_tokens=400)
"""What a paid handler asks for; the price of the model is in the seeds."""

ENTITIES = 100
"""The documents come from so many companies, each a series and a file of its own."""

INSERT = """
insert into alfrd.documents (filename, content, status)
select format('company%%s-%%s.txt', number %% %(entities)s, number), convert_to(%(text)s, 'UTF8'), %(status)s
  from generate_series(1, %(count)s) as number
"""


class Nothing(BaseModel):
    """The result of a step that does nothing."""


class EngineClient:
    """An application: it inserts rows and reads tables."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection

    async def submit(self, shape: Shape, count: int) -> None:
        status = await self._status(shape)
        await self._connection.execute(
            INSERT, {"entities": ENTITIES, "text": TEXT, "status": status, "count": count}
        )

    async def submit_one(self, shape: Shape) -> str:
        key = uuid4()
        await self._connection.execute(
            "insert into alfrd.documents (id, filename, content, status) values (%s, 'company1-1.txt', %s, %s)",
            [key, TEXT.encode(), "pending" if shape == "route" else "completed"],
        )
        return str(key)

    async def unfinished(self) -> int:
        cursor = await self._connection.execute(
            "select count(*) from alfrd.tasks where step = any (%s)", [[*ROUTE, SINGLE]]
        )
        tasks = await cursor.fetchone()
        if tasks and tasks[0]:
            return int(tasks[0])
        cursor = await self._connection.execute(
            "select count(*) from alfrd.documents where status <> 'completed'"
        )
        documents = await cursor.fetchone()
        return int(documents[0]) if documents else 0

    async def _status(self, shape: Shape) -> str:
        """Documents that are complete have no other step to wait for: the route is added where it is wanted."""
        if shape == "route":
            return "pending"
        await self._connection.execute(
            "insert into alfrd.routes (subject_type, status, step) values ('document', 'completed', %s)"
            " on conflict do nothing",
            [SINGLE],
        )
        return "completed"


class Engine:
    """alfrd-events with providers that cost nothing."""

    name = "alfrd-events"
    settings = (
        f"{CONCURRENCY} slots for each step, a pool of 6 connections and one that listens; all durability, events, "
        "both channels and all background duties on, with the defaults of WorkerOptions; asyncio's loop"
    )
    uvloop = False

    async def install(self, url: str) -> None:
        await migrate(url)

    @asynccontextmanager
    async def client(self, url: str) -> AsyncIterator[EngineClient]:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            yield EngineClient(connection)

    async def work(
        self,
        url: str,
        shape: Shape,
        teller: Teller,
        *,
        slots: int = CONCURRENCY,
        delay: float = 0,
        steps: Sequence[str] = (),
        ocr_processes: int = 0,
        paid: bool = False,
    ) -> None:
        """Be a worker.

        :param delay: how long ``classify`` and ``single`` wait, as for a provider.
        :param steps: serve these instead of those of the shape.
        :param paid: ``single`` waits in a call that is looked up, reserved under a cap, settled and kept.
        :param ocr_processes: read with the real reader, in so many processes and slots.
        """
        configure_logging("warning", "text")

        served = dict.fromkeys(steps or (ROUTE if shape == "route" else [SINGLE]), slots)
        tools = noop_tools(NoopAnalyst(delay))
        if ocr_processes:
            from alfrd_events.reading.local import LocalReader

            tools = replace(tools, reader=LocalReader(processes=ocr_processes))
            served["ocr"] = ocr_processes
        async with Database(url) as database:
            ledger = DatabaseLedger(database, Caps(document=Decimal(1), day=Decimal(1_000_000)))
            calls = Calls(ledger, at_once=slots) if paid else None
            known = {**BUILT_IN, SINGLE: Step(SINGLE, _single(delay, calls))}
            await teller.ready()
            await run_worker(
                database,
                {
                    **{
                        name: replace(step, handler=_told(step.handler, teller))
                        for name, step in known.items()
                    },
                    **CALENDAR,
                },
                tools,
                WorkerOptions(slots=served, listen_url=url),
            )
        await tools.reader.aclose()


def _single(delay: float, calls: Calls | None) -> Handler:
    async def single(given: DocumentInput, tools: Tools) -> Nothing:  # noqa: ARG001 - the signature of a handler
        if calls is None:
            await asyncio.sleep(delay)
            return Nothing()
        call = replace(CALL, key=str(given.document.id))
        return await calls.make(call, send, Nothing.model_validate)

    async def send() -> Reply:
        await asyncio.sleep(delay)
        return Reply({}, input_tokens=CALL.input_tokens, output_tokens=CALL.output_tokens)

    return single


def _told(handler: Handler, teller: Teller) -> Handler:
    async def tell(given: StepInput, tools: Tools) -> BaseModel:
        teller.started(str(given.document.id) if isinstance(given, DocumentInput) else "")
        result = await handler(given, tools)
        teller.finished()
        return result

    return tell
