"""Commands that work: ``migrate`` and ``run``."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from alfrd_events.cli import wiring
from alfrd_events.cli.app import WORK, app, listed
from alfrd_events.observe import Log

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


@app.command(rich_help_panel=WORK)
def run(
    once: Annotated[
        bool, typer.Option("--once", help="Return when nothing is left to do; 1 if something failed.")
    ] = False,
    document: Annotated[str | None, typer.Option(metavar="ID", help="Serve only this document.")] = None,
    steps: Annotated[str | None, typer.Option(metavar="A,B", help="Serve only these steps.")] = None,
) -> None:
    """Run a worker. Ctrl-C ends it: what runs may finish, the rest is given back."""
    from alfrd_events.worker.last_resort import MARGIN_SECONDS, last_resort

    async def work(session: wiring.Session) -> int:
        code = await _run(session, once, document, listed(steps), clock)
        clock.within(MARGIN_SECONDS, code)  # a step may have left a thread, or a task that goes on
        return code

    with last_resort() as clock:
        code = wiring.ask(work)
    raise typer.Exit(code)


async def _refuse_to_be_blind(session: wiring.Session) -> None:
    """Say what is wrong with the set-up; end where documents would be passed over without a word.

    :raise Unhealthy: the worst of it.
    """
    from alfrd_events.db.findings import BLOCKING, findings
    from alfrd_events.errors import Unhealthy
    from alfrd_events.observe import Log

    for one in await findings(session.database, to_work=True):
        if one.kind in BLOCKING:
            raise Unhealthy(f"{one.what}: {one.cause}; {one.remedy}", one.remedy)
        Log("setup").warning(one.what, cause=one.cause, remedy=one.remedy)


async def _run(
    session: wiring.Session, once: bool, document: str | None, steps: list[str] | None, clock: LastResort
) -> int:
    from alfrd_events.db import looks
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    only: list[UUID] | None = None
    if document is not None:
        only = [(await looks.find(session.database, document))[1]]
    began, started = await looks.now(session.database), time.monotonic()
    async with narrated(session, only) as tell:
        await _refuse_to_be_blind(session)
        report = await wiring.work(
            session,
            steps=steps,
            only=only,
            until_quiet=once or only is not None,
            on_outcome=tell,
            last_resort=clock,
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
            yield Narrator().tell if plainly is None else lambda _: None
        configure_logging(level, chosen.log_format)
    else:
        configure_logging(level, chosen.log_format)
        yield plainly or Narrator().tell


class Narrator:
    """Logs outcomes: an outage of a step in one line when it begins and one when it ends, not in one per document."""

    def __init__(self) -> None:
        self._log = Log("run")
        self._failing: Counter[str] = Counter()
        """Step -> attempts that failed since one went well."""

    def tell(self, outcome: Outcome) -> None:
        """Log an outcome."""
        task = outcome.task
        if outcome.kind == "failed":
            self._log.warning("failed", step=task.step, subject=task.subject_id, error=outcome.error)
        elif outcome.kind in ("retry", "throttled"):
            tell = self._log.debug if self._failing[task.step] else self._log.warning
            self._failing[task.step] += 1
            tell(
                f"{outcome.kind}; further ones of this step are told at level debug until one goes well",
                step=task.step,
                subject=task.subject_id,
                error=outcome.error,
            )
        elif outcome.kind == "done":
            if failed := self._failing.pop(task.step, 0):
                self._log.info("goes well again", step=task.step, after_failures=failed)
            if task.step in ("extract", "summarize_file"):
                text = "completed" if task.step == "extract" else "file summarised"
                self._log.info(text, subject=task.subject_id)
