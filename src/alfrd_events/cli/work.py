"""Commands that work: ``migrate`` and ``run``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from alfrd_events.cli import wiring
from alfrd_events.cli.app import WORK, app, examples, listed
from alfrd_events.cli.completion import completing

if TYPE_CHECKING:
    from alfrd_events.model import Outcome
    from alfrd_events.worker.last_resort import LastResort


@app.command(rich_help_panel=WORK)
def migrate() -> None:
    """Bring the schema up to date; safe to run many times at once."""
    from alfrd_events.db.migrate import migrate as apply
    from alfrd_events.terminal.output import remark

    settings = wiring.settings()
    done = asyncio.run(apply(wiring.database_url(settings), tell=remark))
    for name in done:
        print(f"applied {name}")
    if not done:
        print("the schema is up to date")


@app.command(
    rich_help_panel=WORK,
    epilog=examples("run", "run --once", "run --steps ocr,classify --metrics 127.0.0.1:9464"),
)
def run(
    once: Annotated[
        bool, typer.Option("--once", help="Return when nothing is left to do; 1 if something failed.")
    ] = False,
    document: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Serve only this document.", autocompletion=completing("id")),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Serve only these steps.", autocompletion=completing("step", lists=True)
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Answer /metrics, /healthz and /readyz there."),
    ] = None,
) -> None:
    """Run a worker. Ctrl-C ends it: what runs may finish, the rest is given back."""
    from alfrd_events.worker.last_resort import MARGIN_SECONDS, last_resort

    async def work(context: wiring.CommandContext) -> int:
        code = await _run(context, once, document, listed(steps), clock, metrics)
        clock.within(MARGIN_SECONDS, code)  # a step may have left a thread, or a task that goes on
        return code

    with last_resort() as clock:
        code = wiring.ask(work)
    raise typer.Exit(code)


async def _refuse_to_be_blind(context: wiring.CommandContext) -> None:
    """Say what is wrong with the set-up; end where documents would be passed over without a word.

    :raise Unhealthy: the worst of it.
    """
    from alfrd_events.db.findings import BLOCKING, findings
    from alfrd_events.errors import Unhealthy
    from alfrd_events.observe import Log

    for one in await findings(context.database, to_work=True):
        if one.kind in BLOCKING:
            raise Unhealthy(f"{one.what}: {one.cause}; {one.remedy}", one.remedy)
        Log("setup").warning(one.what, cause=one.cause, remedy=one.remedy)


async def _run(
    context: wiring.CommandContext,
    once: bool,
    document: str | None,
    steps: list[str] | None,
    clock: LastResort,
    metrics: str | None,
) -> int:
    from alfrd_events.db import queries
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    only: list[UUID] | None = None
    if document is not None:
        only = [(await queries.find(context.database, document))[1]]
    began, started = await queries.now(context.database), time.monotonic()
    async with narrated(context, only) as tell:
        await _refuse_to_be_blind(context)
        report = await wiring.work(
            context,
            steps=steps,
            only=only,
            until_quiet=once or only is not None,
            on_outcome=tell,
            last_resort=clock,
            metrics=metrics,
        )
    if report.interrupted:
        return 130 if once or only else 0
    given_up = await queries.deaths_since(context.database, began)
    done = report.tally.done
    output = Output()
    output.line(
        f"done: {done['ocr']} read, {done['extract']} completed, {done['summarize_file']} file summaries,"
        f" {len(given_up)} failed, in {time.monotonic() - started:.1f} s"
    )
    held = [
        step
        for step in (await queries.status(context.database))["steps"]
        if step["paused_at"]
        and step["ready"] + step["scheduled"]
        and (steps is None or step["step"] in steps)
    ]
    for step in held:
        verb = "waits" if (number := step["ready"] + step["scheduled"]) == 1 else "wait"
        output.line(f"{step['step']} is paused: {many(number, 'task')} {verb}")
    for_money = sum((await queries.money(context.database))["held"].values())
    if for_money:
        wait = "waits" if for_money == 1 else "wait"
        output.line(f"{many(for_money, 'task')} {wait} for money: alfrd-events status shows the caps")
    return 1 if given_up or held or for_money else 0


@asynccontextmanager
async def narrated(
    context: wiring.CommandContext,
    only: list[UUID] | None = None,
    plainly: Callable[[Outcome], None] | None = None,
) -> AsyncIterator[Callable[[Outcome], None]]:
    """Tell how the work goes: on a terminal in a line that stays, else in lines as it happens.

    :param plainly: print outcomes instead of log lines, which then are for warnings only.
    """
    from alfrd_events.db import queries
    from alfrd_events.observe import configure_logging
    from alfrd_events.terminal.output import on_terminal
    from alfrd_events.terminal.progress import shown
    from alfrd_events.worker.narrator import Narrator

    chosen = context.settings
    level = "warning" if plainly and chosen.log_level == "info" else chosen.log_level
    if on_terminal():
        async with shown(lambda: queries.progress(context.database, only)):
            # Inside: the live line has replaced standard error by a stream that writes above it.
            configure_logging(level, chosen.log_format)
            yield Narrator().tell if plainly is None else lambda _: None
        configure_logging(level, chosen.log_format)
    else:
        configure_logging(level, chosen.log_format)
        yield plainly or Narrator().tell
