"""Commands that show: ``status``, ``documents``, ``show``, ``files``, ``series``, ``events``, ``search``, ``usage``."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from alfrd_events.cli.app import LOOK, DocumentId, Json, app
from alfrd_events.cli.prompts import evolution_in_words
from alfrd_events.cli.wiring import Session, ask
from alfrd_events.cli.words import known_status, known_type


@app.command(rich_help_panel=LOOK)
def status(as_json: Json = False) -> None:
    """The whole system at a glance: documents, files, steps, workers."""
    ask(lambda session: _status(session, as_json))


async def _status(session: Session, as_json: bool) -> None:
    from alfrd_events.db import looks
    from alfrd_events.db.findings import findings
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.overview import print_status

    seen = {**await looks.status(session.database), "evolution": evolution_in_words(session)}
    for one in await findings(session.database):
        seen["complaints"].append({"what": one.what, "cause": one.cause, "remedy": one.remedy})
    chosen = session.settings
    for name in ("cap_day_usd", "cap_document_usd"):
        cap = getattr(chosen, name)
        seen["money"][name] = None if cap is None else str(cap)
    output = Output(as_json=as_json)
    if as_json:
        output.json(seen)
    else:
        print_status(output, seen)


@app.command(rich_help_panel=LOOK)
def documents(
    status: Annotated[str | None, typer.Option(help="Only those with this status.")] = None,
    document_type: Annotated[str | None, typer.Option("--type", help="Only those of this type.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many; all if not given.")] = None,
    as_json: Json = False,
) -> None:
    """The documents, newest first."""
    ask(lambda session: _documents(session, status, document_type, tag, limit, as_json))


async def _documents(
    session: Session,
    status: str | None,
    document_type: str | None,
    tag: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    from alfrd_events.db import looks
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    await known_status(session.database, status, "document")
    await known_type(session.database, document_type)
    rows = await looks.documents(
        session.database, status=status, document_type=document_type, tag=tag, limit=limit
    )
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
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
    ask(lambda session: _show(session, id, text, as_json))


async def _show(session: Session, id: str, text: bool, as_json: bool) -> None:
    from alfrd_events.db import looks
    from alfrd_events.terminal.document import print_document, print_file
    from alfrd_events.terminal.output import Output

    kind, subject = await looks.find(session.database, id, ["document", "file"])
    output = Output(as_json=as_json)
    if kind == "document":
        found = await looks.document(session.database, subject, text=text or as_json)
    else:
        found = await looks.file(session.database, subject)
    if as_json:
        output.json(found)
    elif kind == "document":
        print_document(output, found)
    else:
        print_file(output, found)


@app.command(rich_help_panel=LOOK)
def files(as_json: Json = False) -> None:
    """The files: collections of documents, each with a summary."""
    ask(lambda session: _files(session, as_json))


async def _files(session: Session, as_json: bool) -> None:
    from alfrd_events.db import looks
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    rows = await looks.files(session.database)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, tables.FILES, empty="no files yet; they come with the first series")


@app.command(rich_help_panel=LOOK)
def series(as_json: Json = False) -> None:
    """The series: recurring documents of one company and one kind."""
    ask(lambda session: _series(session, as_json))


async def _series(session: Session, as_json: bool) -> None:
    from alfrd_events.db import looks
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    rows = await looks.series(session.database)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, tables.SERIES, empty="no series yet; they come with the first completed documents")


@app.command(rich_help_panel=LOOK)
def events(id: DocumentId, as_json: Json = False) -> None:
    """What happened to a document or file, in order."""
    ask(lambda session: _events(session, id, as_json))


async def _events(session: Session, id: str, as_json: bool) -> None:
    from alfrd_events.db import looks
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    _, subject = await looks.find(session.database, id, ["document", "file"])
    rows = await looks.events(session.database, subject)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, tables.EVENTS, empty="nothing happened to it yet")


@app.command(rich_help_panel=LOOK)
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS…", help='Words, "a phrase", -without, or.')],
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """Find documents by the words on their pages."""
    ask(lambda session: _search(session, " ".join(words), limit, as_json))


async def _search(session: Session, words: str, limit: int, as_json: bool) -> None:
    from alfrd_events.db import looks
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    rows = await looks.search(session.database, words, limit)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, tables.SEARCH, empty=f"no document holds {words}")


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
    ask(lambda session: _usage(session, by, as_json))


async def _usage(session: Session, by: Grouping, as_json: bool) -> None:
    from alfrd_events.db import looks
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    rows = await looks.usage(session.database, by.value)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        shown = [*rows, tables.total(rows)] if rows else []
        output.table(shown, tables.usage(by.value, rows), empty="no provider was called yet")
