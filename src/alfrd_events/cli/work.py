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
from alfrd_events.cli.app import WORK, app, listed

if TYPE_CHECKING:
    from alfrd_events.model import Outcome


@app.command(rich_help_panel=WORK)
def migrate() -> None:
    """Bring the schema up to date; safe to run many times at once."""
    from alfrd_events.db.migrate import migrate as apply

    settings = wiring.settings()
    done = asyncio.run(apply(wiring.database_url(settings)))
    for name in done:
        print(f"applied {name}")
    if not done:
        print("the schema is up to date")


@app.command(rich_help_panel=WORK)
def run(
    once: Annotated[
        bool, typer.Option("--once", help="Return when nothing is left to do; 1 if something failed.")
    ] = False,
    document: Annotated[str | None, typer.Option(metavar="ID", help="Serve only this document.")] = None,
    steps: Annotated[str | None, typer.Option(metavar="A,B", help="Serve only these steps.")] = None,
) -> None:
    """Run a worker. Ctrl-C ends it: what runs may finish, the rest is given back."""
    raise typer.Exit(wiring.ask(lambda session: _run(session, once, document, listed(steps))))


async def _run(session: wiring.Session, once: bool, document: str | None, steps: list[str] | None) -> int:
    from alfrd_events.db import looks
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    only: list[UUID] | None = None
    if document is not None:
        only = [(await looks.find(session.database, document))[1]]
    began, started = await looks.now(session.database), time.monotonic()
    async with narrated(session, only) as tell:
        report = await wiring.work(
            session, steps=steps, only=only, until_quiet=once or only is not None, on_outcome=tell
        )
    if report.interrupted:
        return 130 if once or only else 0
    given_up = await looks.deaths_since(session.database, began)
    done = report.tally.done
    output = Output()
    output.line(
        f"done: {done['ocr']} read, {done['extract']} completed, {done['summarize_file']} file summaries,"
        f" {len(given_up)} failed, in {time.monotonic() - started:.1f} s"
    )
    held = [
        step
        for step in (await looks.status(session.database))["steps"]
        if step["paused_at"]
        and step["ready"] + step["scheduled"]
        and (steps is None or step["step"] in steps)
    ]
    for step in held:
        verb = "waits" if (number := step["ready"] + step["scheduled"]) == 1 else "wait"
        output.line(f"{step['step']} is paused: {many(number, 'task')} {verb}")
    for_money = sum((await looks.money(session.database))["held"].values())
    if for_money:
        wait = "waits" if for_money == 1 else "wait"
        output.line(f"{many(for_money, 'task')} {wait} for money: alfrd-events status tells of the caps")
    return 1 if given_up or held or for_money else 0


@asynccontextmanager
async def narrated(
    session: wiring.Session,
    only: list[UUID] | None = None,
    plainly: Callable[[Outcome], None] | None = None,
) -> AsyncIterator[Callable[[Outcome], None]]:
    """Tell how the work goes: on a terminal in a line that stays, else in lines as it happens.

    :param plainly: tells of an outcome instead of log lines; those are kept for warnings then.
    """
    from alfrd_events.db import looks
    from alfrd_events.observe import configure_logging
    from alfrd_events.terminal.output import on_terminal
    from alfrd_events.terminal.progress import shown

    chosen = session.settings
    level = "warning" if plainly and chosen.log_level == "info" else chosen.log_level
    if on_terminal():
        async with shown(lambda: looks.progress(session.database, only)):
            # Inside: the live line has replaced standard error by a stream that writes above it.
            configure_logging(level, chosen.log_format)
            yield _log_outcome if plainly is None else lambda _: None
        configure_logging(level, chosen.log_format)
    else:
        configure_logging(level, chosen.log_format)
        yield plainly or _log_outcome


def _log_outcome(outcome: Outcome) -> None:
    from alfrd_events.observe import Log

    log, task = Log("run"), outcome.task
    if outcome.kind == "failed":
        log.warning("failed", step=task.step, subject=task.subject_id, error=outcome.error)
    elif outcome.kind in ("retry", "throttled"):
        log.info(outcome.kind, step=task.step, subject=task.subject_id, error=outcome.error)
    elif outcome.kind == "done" and task.step in ("extract", "summarize_file"):
        log.info("completed" if task.step == "extract" else "file summarised", subject=task.subject_id)
