"""Commands that mend and hold: ``replay``, ``explain``, ``cancel``, ``pause``, ``resume``, ``prune``."""

from __future__ import annotations

from typing import Annotated

import typer

from alfrd_events.cli.app import OPERATE, DocumentId, Json, app, examples
from alfrd_events.cli.completion import completing
from alfrd_events.cli.wiring import CommandContext, ask, tell_if_nobody_works
from alfrd_events.cli.words import known_status


@app.command(rich_help_panel=OPERATE, epilog=examples("replay --dry-run", "replay --failed"))
def replay(
    failed: Annotated[bool, typer.Option("--failed", help="Also what failed, from where it failed.")] = False,
    status: Annotated[
        str | None, typer.Option(help="Only what has this status.", autocompletion=completing("status"))
    ] = None,
    document: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this document.", autocompletion=completing("id"))
    ] = None,
    file: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this file.", autocompletion=completing("id"))
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Instead: what this superseded version made, anew.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Re-emit everything that is stuck; safe at any time."""
    if document and file:
        raise typer.BadParameter("give --document or --file, not both")
    if prompt is not None:
        if failed or status or document or file:
            raise typer.BadParameter("--prompt goes with --dry-run only")
        ask(lambda context: _replay_prompt(context, prompt, dry_run, as_json))
        return
    ask(lambda context: _replay(context, failed, status, document, file, dry_run, as_json))


async def _replay(
    context: CommandContext,
    failed: bool,
    status: str | None,
    document: str | None,
    file: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    from alfrd_events.db import operate, queries
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    await known_status(context.database, status, "document", "file")
    subject = None
    if document:
        _, subject = await queries.find(context.database, document)
    elif file:
        _, subject = await queries.find(context.database, file, ["file"])
    rows = await operate.replay(
        context.database, failed=failed, status=status, document=subject, dry_run=dry_run
    )
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
        return
    output.table(rows, tables.REPLAYED)
    word = "would be re-emitted" if dry_run else "re-emitted"
    output.line(f"{many(len(rows), 'task')} {word}" if rows else "nothing is stuck")
    if rows and not dry_run:
        await tell_if_nobody_works(context)
    elif not (rows or failed or status):
        output.line("what failed is tried again with: alfrd-events replay --failed", style="dim")


async def _replay_prompt(context: CommandContext, version: str, dry_run: bool, as_json: bool) -> None:
    from alfrd_events.db import prompts
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    row = await prompts.find(context.database, version)
    rows = await prompts.replay(context.database, row, dry_run=dry_run)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    elif rows:
        word = "would be made again" if dry_run else "are made again"
        output.line(
            f"{many(len(rows), 'document')} of {prompts.name_of(row)} {word}, from {rows[0]['step']} on"
        )
    else:
        output.line(f"nothing that {prompts.name_of(row)} made is left")


@app.command(rich_help_panel=OPERATE)
def explain(id: DocumentId, as_json: Json = False) -> None:
    """Why a document or file is where it is, and what it is waiting for."""
    ask(lambda context: _explain(context, id, as_json))


async def _explain(context: CommandContext, id: str, as_json: bool) -> None:
    from alfrd_events.db import operate, queries
    from alfrd_events.terminal.output import Output

    kind, subject = await queries.find(context.database, id, ["document", "file"])
    text = await operate.explain(context.database, subject)
    output = Output(as_json=as_json)
    if as_json:
        output.json({"subject_type": kind, "id": subject, "explanation": text})
    else:
        output.line(text)


@app.command(rich_help_panel=OPERATE)
def cancel(id: DocumentId, as_json: Json = False) -> None:
    """Stop working on a document."""
    ask(lambda context: _cancel(context, id, as_json))


async def _cancel(context: CommandContext, id: str, as_json: bool) -> None:
    from alfrd_events.db import operate, queries
    from alfrd_events.terminal.output import Output

    _, document = await queries.find(context.database, id)
    status = await operate.cancel(context.database, document)
    output = Output(as_json=as_json)
    if as_json:
        output.json({"id": document, "status": status})
    elif status == "cancelled":
        output.line(f"cancelled {document}; it starts over when its status is set to pending")
    else:
        output.line(f"{document} is {status} already: nothing to cancel")


Step = Annotated[
    str, typer.Argument(metavar="STEP", help="A step, such as ocr.", autocompletion=completing("step"))
]


@app.command(rich_help_panel=OPERATE)
def pause(step: Step, reason: Annotated[str, typer.Option(help="Why; explain shows it.")] = "") -> None:
    """Let no worker claim a step; what runs comes to its end."""
    ask(lambda context: _pause(context, step, reason))


async def _pause(context: CommandContext, step: str, reason: str) -> None:
    from alfrd_events.db import operate
    from alfrd_events.terminal.output import Output

    await operate.pause(context.database, step, reason)
    Output().line(f"{step} is paused; go on with: alfrd-events resume {step}")


@app.command(rich_help_panel=OPERATE)
def resume(step: Step) -> None:
    """Let a paused step be claimed again."""
    ask(lambda context: _resume(context, step))


async def _resume(context: CommandContext, step: str) -> None:
    from alfrd_events.db import operate
    from alfrd_events.terminal.output import Output

    was_paused = await operate.resume(context.database, step)
    Output().line(f"{step} goes on" if was_paused else f"{step} was not paused")


@app.command(rich_help_panel=OPERATE)
def prune(
    days: Annotated[int, typer.Option("--older-than", metavar="DAYS", min=1, help="How many days to keep.")],
    as_json: Json = False,
) -> None:
    """Forget old events and usage; documents, their results and their tasks stay."""
    ask(lambda context: _prune(context, days, as_json))


async def _prune(context: CommandContext, days: int, as_json: bool) -> None:
    from alfrd_events.db import operate
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    pruned = await operate.prune(context.database, days)
    output = Output(as_json=as_json)
    if as_json:
        output.json(pruned)
    else:
        events, calls = many(pruned["events"], "event"), many(pruned["usage"], "usage row")
        output.line(f"forgot {events} and {calls} older than {many(days, 'day')}")
