"""Commands that put a document right: ``correct``, ``tag``, ``delete``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from alfrd_events.cli.app import CORRECT, DocumentId, Json, app, examples
from alfrd_events.cli.completion import completing
from alfrd_events.cli.wiring import CommandContext, ask, tell_if_nobody_works


@app.command(
    rich_help_panel=CORRECT,
    epilog=examples("correct 3f2a total=12.30", "correct bill.pdf type=insurance due=2024-05-01"),
)
def correct(
    id: DocumentId,
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=VALUE…",
            help="Such as total=12.30 date=2025-05-31 entity='PG&E' type=insurance; NAME= empties a value.",
        ),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last change back.")] = False,
    change: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="With --undo: this one, by its change_id in alfrd.corrections."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Set values of a document; what depends on them follows."""
    if undo == bool(values):
        raise typer.BadParameter("give NAME=VALUE, or --undo" if not undo else "give NAME=VALUE or --undo")
    if change is not None and not undo:
        raise typer.BadParameter("--change goes with --undo")
    given = dict(_pair(value) for value in values or ())
    ask(lambda context: _correct(context, id, given, undo, change, as_json))


def _pair(given: str) -> tuple[str, str]:
    name, sign, value = given.partition("=")
    if not sign or not name.strip():
        raise typer.BadParameter(f"{given!r} is not NAME=VALUE, such as total=12.30")
    return name.strip(), value.strip()


async def _correct(
    context: CommandContext, id: str, values: dict[str, str], undo: bool, change: int | None, as_json: bool
) -> None:
    from alfrd_events.db import corrections, queries
    from alfrd_events.db.lessons import reviews_taught
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    database = context.database
    _, document = await queries.find(database, id)
    if undo:
        changed = await corrections.undo(database, document, change)
    else:
        changed = await corrections.correct(database, document, values)
    rows = [{"field": each.field, "old": each.old_value, "new": each.new_value} for each in changed]
    output = Output(as_json=as_json)
    if as_json:
        status = await database.value("select status from alfrd.documents where id = %s", [document])
        output.json({"id": document, "status": status, "changed": rows})
    elif rows:
        output.table(rows, tables.CHANGED)
        if not undo:
            output.line(f"take it back with: alfrd-events correct {id} --undo", style="dim")
            if more := len(await reviews_taught(database, document)):
                output.line(
                    f"{more} more of this sender may be settled by it: alfrd-events lessons apply {id}"
                )
        await tell_if_nobody_works(context)
    else:
        output.line("it says so already: nothing to correct")


# Without -h for help: -home removes a tag.
@app.command(
    rich_help_panel=CORRECT,
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
def tag(
    id: DocumentId,
    tags: Annotated[
        list[str],
        typer.Argument(
            metavar="+TAG -TAG…", help="Such as +home -work.", autocompletion=completing("tag", signs="+")
        ),
    ],
    as_json: Json = False,
) -> None:
    """Add and remove tags."""
    for each in tags:
        if each[:1] not in "+-" or not each[1:].strip():
            raise typer.BadParameter(f"{each!r} is neither +TAG nor -TAG, such as +home -work")
    add = [each[1:] for each in tags if each.startswith("+")]
    remove = [each[1:] for each in tags if each.startswith("-")]
    ask(lambda context: _tag(context, id, add, remove, as_json))


async def _tag(context: CommandContext, id: str, add: list[str], remove: list[str], as_json: bool) -> None:
    from alfrd_events.db import corrections, queries
    from alfrd_events.terminal.output import Output

    _, document = await queries.find(context.database, id)
    tags = await corrections.tag(context.database, document, add, remove)
    output = Output(as_json=as_json)
    if as_json:
        output.json({"id": document, "tags": tags})
    else:
        output.line(f"tags: {', '.join(tags) or 'none'}")


@app.command(rich_help_panel=CORRECT)
def delete(
    id: DocumentId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a document with its pages, values and corrections; there is no way back."""
    ask(lambda context: _delete(context, id, yes, as_json))


async def _delete(context: CommandContext, id: str, yes: bool, as_json: bool) -> None:
    import sys

    from alfrd_events.db import corrections, queries
    from alfrd_events.terminal.output import Output

    _, document = await queries.find(context.database, id)
    found: dict[str, Any] = await queries.document(context.database, document)
    if not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("delete asks first, and there is no terminal to ask on: give --yes")
        typer.confirm(f"delete {found['filename']} ({document}) for good?", abort=True)
    await corrections.delete(context.database, document)
    output = Output(as_json=as_json)
    if as_json:
        output.json({"id": document, "filename": found["filename"], "deleted": True})
    else:
        output.line(f"deleted {found['filename']} ({document})")
