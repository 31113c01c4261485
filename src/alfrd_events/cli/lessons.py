"""Command ``lessons``: what corrections taught, to see, to undo and to take elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from alfrd_events.cli.app import CORRECT, DocumentId, Json, app
from alfrd_events.cli.wiring import CommandContext, ask

lessons = typer.Typer(invoke_without_command=True, help="What corrections taught, the newest first.")
app.add_typer(lessons, name="lessons", rich_help_panel=CORRECT)


@lessons.callback()
def show_lessons(context: typer.Context, as_json: Json = False) -> None:
    """What corrections taught, the newest first."""
    if context.invoked_subcommand is None:
        ask(lambda context: _show(context, as_json))


async def _show(context: CommandContext, as_json: bool) -> None:
    from alfrd_events.db.lessons import lessons as all_lessons
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    rows = await all_lessons(context.database)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
        return
    output.table(rows, tables.LESSONS, empty="no lessons yet: they come of corrections")
    if any(row["contradicted_by"] for row in rows):
        output.line(
            "a lesson that contradicts something is not used: undo the wrong one of the two", style="yellow"
        )


@lessons.command()
def undo(
    lesson: Annotated[int, typer.Argument(metavar="NUMBER", help="As lessons shows it.")],
    as_json: Json = False,
) -> None:
    """Undo a lesson; what was done by it is done again."""
    ask(lambda context: _undo(context, lesson, as_json))


async def _undo(context: CommandContext, lesson: int, as_json: bool) -> None:
    from alfrd_events.db.lessons import unlearn
    from alfrd_events.terminal.output import Output

    await unlearn(context.database, lesson)
    output = Output(as_json=as_json)
    if as_json:
        output.json({"id": lesson, "undone": True})
    else:
        output.line(f"lesson {lesson} is undone")


@lessons.command()
def apply(id: DocumentId, as_json: Json = False) -> None:
    """Do the open reviews of a sender again, with what corrections of this document taught."""
    ask(lambda context: _apply(context, id, as_json))


async def _apply(context: CommandContext, id: str, as_json: bool) -> None:
    from alfrd_events.db import queries
    from alfrd_events.db.lessons import apply_lessons
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    _, document = await queries.find(context.database, id)
    again = await apply_lessons(context.database, document)
    output = Output(as_json=as_json)
    if as_json:
        output.json({"id": document, "again": again})
    elif again:
        output.line(f"{many(len(again), 'document')} of this sender will be done again with what was taught")
    else:
        output.line("no other document of this sender needs review")


@lessons.command()
def export() -> None:
    """Print each lesson as a line of JSON, the oldest first."""
    ask(_export)


async def _export(context: CommandContext) -> None:
    import json

    from alfrd_events.db.lessons import lessons as all_lessons

    named = ("owner", "kind", "sender", "marks", "field", "found", "value", "place", "active", "taught_by")
    for row in reversed(await all_lessons(context.database)):
        taught = {name: row[name] for name in named} | {"taught_at": row["taught_at"].isoformat()}
        print(json.dumps(taught))
