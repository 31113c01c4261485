"""Commands about collections: ``files``, and the ``tags`` that make them."""

from __future__ import annotations

from typing import Annotated

import typer

from alfrd_events.cli.app import CORRECT, LOOK, Json, Limit, app, listed
from alfrd_events.cli.wiring import CommandContext, ask

files = typer.Typer(name="files", help="The files: collections of documents, each with a summary.")
app.add_typer(files, rich_help_panel=LOOK)

tags = typer.Typer(name="tags", help="The tags of documents; taxes/2025 is below taxes.")
app.add_typer(tags, rich_help_panel=CORRECT)

Owner = Annotated[str | None, typer.Option(help="Only documents and files of this owner.")]
Tag = Annotated[str, typer.Argument(metavar="TAG")]


@files.callback(invoke_without_command=True)
def list_(context: typer.Context, limit: Limit = None, as_json: Json = False) -> None:
    """The files: collections of documents, each with a summary."""
    if context.invoked_subcommand is None:
        ask(lambda context: _list(context, limit, as_json))


async def _list(context: CommandContext, limit: int | None, as_json: bool) -> None:
    from alfrd_events.db import queries
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    rows = await queries.files(context.database, limit)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, tables.FILES, empty="no files yet; they come with the first series")


@files.command()
def create(
    title: Annotated[str, typer.Argument(metavar="TITLE")],
    given: Annotated[str, typer.Option("--tags", metavar="A,B", help="It holds what carries all of these.")],
    owner: Annotated[str, typer.Option(help="Of the documents that it holds.")] = "",
    as_json: Json = False,
) -> None:
    """Make a file of the documents that carry all of some tags; it is summarised by a worker."""
    ask(lambda context: _create(context, title, listed(given) or [], owner, as_json))


async def _create(context: CommandContext, title: str, given: list[str], owner: str, as_json: bool) -> None:
    from alfrd_events.db import files as collections
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    id = await collections.create(context.database, title, given, owner)
    count = len(await collections.members(context.database, id))
    output = Output(as_json=as_json)
    if as_json:
        output.json({"id": id, "title": title, "documents": count})
    else:
        output.line(f"{title} holds {many(count, 'document')}: alfrd-events files show {str(id)[:8]}")


@files.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="FILE", help="Its title, a part that is clear, a tag or its id.")
    ],
    as_json: Json = False,
) -> None:
    """One file: who, what, which document; totals; what changed since its summary."""
    ask(lambda context: _show(context, name, as_json))


async def _show(context: CommandContext, name: str, as_json: bool) -> None:
    from alfrd_events.db import files as collections
    from alfrd_events.db import queries
    from alfrd_events.terminal.file import changes, print_collection, totals
    from alfrd_events.terminal.output import Output

    id = await collections.find(context.database, name)
    found = await queries.file(context.database, id)
    members = await collections.members(context.database, id)
    seen = {
        **found,
        "documents": members,
        "totals": totals(members),
        "changes": changes(found["rows"], members) if found["generated_at"] is not None else [],
    }
    output = Output(as_json=as_json)
    if as_json:
        output.json(seen)
    else:
        print_collection(output, seen)


@tags.callback(invoke_without_command=True)
def tags_(context: typer.Context, as_json: Json = False) -> None:
    """The tags of documents and files."""
    if context.invoked_subcommand is None:
        ask(lambda context: _tags(context, as_json))


async def _tags(context: CommandContext, as_json: bool) -> None:
    from alfrd_events.db import files as collections
    from alfrd_events.terminal.file import TAGS
    from alfrd_events.terminal.output import Output

    rows = await collections.tags(context.database)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, TAGS, empty="no document has a tag yet; give one with: alfrd-events tag ID +TAG")


@tags.command()
def rename(tag: Tag, name: Annotated[str, typer.Argument(metavar="NAME")], owner: Owner = None) -> None:
    """Give a tag, and those below it, another name."""
    ask(lambda context: _rename(context, tag, name, owner))


async def _rename(context: CommandContext, tag: str, name: str, owner: str | None) -> None:
    from alfrd_events.db import files as collections
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    count = await collections.rename_tag(context.database, tag, name, owner)
    Output().line(f"{tag} is {name} in {many(count, 'document')}")


@tags.command()
def merge(
    into: Annotated[str, typer.Argument(metavar="INTO", help="The tag that stays.")],
    other: Annotated[str, typer.Argument(metavar="FROM", help="The one that goes into it.")],
    owner: Owner = None,
) -> None:
    """Make one tag of two."""
    ask(lambda context: _merge(context, into, other, owner))


async def _merge(context: CommandContext, into: str, other: str, owner: str | None) -> None:
    from alfrd_events.db import files as collections
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    count = await collections.merge_tags(context.database, into, other, owner)
    Output().line(f"{other} goes into {into} in {many(count, 'document')}")
