"""Commands that show: ``status``, ``documents``, ``show``, ``events``, ``usage``."""

from __future__ import annotations

import asyncio
from enum import Enum
from functools import partial
from typing import Annotated, Any

import typer

from alfrd_events.cli.app import LOOK, DocumentId, Json, Limit, app
from alfrd_events.cli.completion import completing
from alfrd_events.cli.prompts import evolution_in_words
from alfrd_events.cli.wiring import CommandContext, ask
from alfrd_events.cli.words import known_status, known_type

_REDRAW_SECONDS = 0.5
_LOOK_SECONDS = 5.0
"""What is no status, such as a worker's heartbeat, is not in the feed."""


@app.command(rich_help_panel=LOOK)
def status(
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it anew whenever something changes, until Ctrl-C.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The whole system at a glance: documents, files, steps, workers."""
    if watch and as_json:
        raise typer.BadParameter("it never ends, and a JSON document does", param_hint="--watch with --json")
    ask(_watch_status if watch else lambda context: _status(context, as_json))


async def _status(context: CommandContext, as_json: bool) -> None:
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.overview import print_status

    seen = await _seen(context)
    output = Output(as_json=as_json)
    if as_json:
        output.json(seen)
    else:
        print_status(output, seen)


async def _watch_status(context: CommandContext) -> None:
    """Look after each change, but not more often than people can read, and now and then without one."""
    from contextlib import aclosing

    from alfrd_events.db.feed import StatusFeed
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.overview import print_status, renewed

    output = Output()
    async with StatusFeed(context.listen_url) as feed:
        with renewed(output) as show:
            while True:
                show(partial(print_status, output, await _seen(context)))
                await asyncio.sleep(_REDRAW_SECONDS)
                async with aclosing(feed.changes(_LOOK_SECONDS)) as changes:
                    await anext(changes, None)


async def _seen(context: CommandContext) -> dict[str, Any]:
    """What ``status`` shows."""
    from alfrd_events.db import queries
    from alfrd_events.db.findings import findings

    seen = {**await queries.status(context.database), "evolution": evolution_in_words(context)}
    for one in await findings(context.database):
        seen["complaints"].append({"what": one.what, "cause": one.cause, "remedy": one.remedy})
    chosen = context.settings
    for name in ("cap_day_usd", "cap_document_usd"):
        cap = getattr(chosen, name)
        seen["money"][name] = None if cap is None else str(cap)
    return seen


@app.command(rich_help_panel=LOOK)
def documents(
    status: Annotated[
        str | None, typer.Option(help="Only those with this status.", autocompletion=completing("status"))
    ] = None,
    document_type: Annotated[
        str | None, typer.Option("--type", help="Only those of this type.", autocompletion=completing("type"))
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="Only those with this tag.", autocompletion=completing("tag"))
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="Only those that a person should look at, the worst first.")
    ] = False,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """The documents, newest first."""
    ask(lambda context: _documents(context, status, document_type, tag, review, limit, as_json))


async def _documents(
    context: CommandContext,
    status: str | None,
    document_type: str | None,
    tag: str | None,
    review: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    from alfrd_events.db import queries
    from alfrd_events.db.review import documents_to_review
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    await known_status(context.database, status, "document")
    await known_type(context.database, document_type)
    rows = await (documents_to_review if review else queries.documents)(
        context.database, status=status, document_type=document_type, tag=tag, limit=limit
    )
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    elif review:
        output.table(rows, tables.TO_REVIEW, empty="no document needs a look")
    else:
        output.table(
            rows, tables.documents(rows), empty="no documents; add some with: alfrd-events add PATH…"
        )


@app.command(rich_help_panel=LOOK)
def show(
    id: DocumentId,
    text: Annotated[bool, typer.Option("--text", help="With the text of the pages.")] = False,
    as_json: Json = False,
) -> None:
    """Everything about one document, or one file."""
    ask(lambda context: _show(context, id, text, as_json))


async def _show(context: CommandContext, id: str, text: bool, as_json: bool) -> None:
    from alfrd_events.db import queries
    from alfrd_events.db.review import review_of
    from alfrd_events.terminal.document import print_document, print_file
    from alfrd_events.terminal.output import Output

    kind, subject = await queries.find(context.database, id, ["document", "file"])
    output = Output(as_json=as_json)
    if kind == "document":
        found = await queries.document(context.database, subject, text=text or as_json)
        found |= await review_of(context.database, subject)
    else:
        found = await queries.file(context.database, subject)
    if as_json:
        output.json(found)
    elif kind == "document":
        print_document(output, found)
    else:
        print_file(output, found)


@app.command(rich_help_panel=LOOK)
def events(id: DocumentId, as_json: Json = False) -> None:
    """What happened to a document or file, in order."""
    ask(lambda context: _events(context, id, as_json))


async def _events(context: CommandContext, id: str, as_json: bool) -> None:
    from alfrd_events.db import queries
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    _, subject = await queries.find(context.database, id, ["document", "file"])
    rows = await queries.events(context.database, subject)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, tables.EVENTS, empty="nothing happened to it yet")


class Grouping(Enum):
    """What usage can be added up by."""

    day = "day"
    model = "model"
    step = "step"
    series = "series"


@app.command(rich_help_panel=LOOK)
def usage(
    by: Annotated[Grouping, typer.Option(help="What to add up by.")] = Grouping.model,
    as_json: Json = False,
) -> None:
    """What the calls to providers cost: pages, tokens, time, money."""
    ask(lambda context: _usage(context, by, as_json))


async def _usage(context: CommandContext, by: Grouping, as_json: bool) -> None:
    from alfrd_events.db import queries
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    rows = await queries.usage(context.database, by.value)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        shown = [*rows, tables.total(rows)] if rows else []
        output.table(shown, tables.usage(by.value, rows), empty="no provider was called yet")
