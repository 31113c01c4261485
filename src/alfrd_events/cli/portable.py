"""Commands that take documents out again, and in elsewhere: ``get``, ``export``, ``import``, ``import-alfrd``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alfrd_events.cli.app import DocumentId, Json, app
from alfrd_events.cli.wiring import CommandContext, ask, build_buckets
from alfrd_events.cli.words import known_type

if TYPE_CHECKING:
    from alfrd_events.portable.original import Fetch

OUT = "Out again"

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the export.")]


@app.command(rich_help_panel=OUT)
def get(
    id: DocumentId,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Where to; under its own name here if not given."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    as_json: Json = False,
) -> None:
    """The original of a document, as it came; one of several parts as a folder, or as a ZIP if FILE ends in .zip."""
    ask(lambda context: _get(context, id, output, force, as_json))


async def _get(context: CommandContext, id: str, target: Path | None, force: bool, as_json: bool) -> None:
    from alfrd_events.db import queries
    from alfrd_events.portable.original import get_original
    from alfrd_events.terminal.output import Output, remark
    from alfrd_events.terminal.values import many

    _, document = await queries.find(context.database, id)
    async with _fetching(context) as fetch:
        got = await get_original(context.database, document, target, fetch, replace=force)
    for name in got.changed:
        remark(f"{name} has changed behind its URI since it was read")
    output = Output(as_json=as_json)
    if as_json:
        output.json(
            {"id": document, "path": str(got.path), "kind": got.kind, "parts": got.parts, "bytes": got.bytes}
        )
    else:
        what = "" if got.kind == "file" else f"{many(got.parts, 'part')} in a {got.kind}, "
        output.line(f"{got.path}  ({what}{got.bytes:,} bytes)")


@app.command(rich_help_panel=OUT)
def export(
    folder: Folder,
    series: Annotated[str | None, typer.Option(help="Only the documents of this series.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    document_type: Annotated[str | None, typer.Option("--type", help="Only those of this type.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only those of this owner.")] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Only those dated so or later.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Only those dated so or earlier.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an export that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write originals, text, values, tables of the series and the calendar into a folder."""
    days = _day(first), _day(last)
    ask(lambda context: _export(context, folder, series, tag, document_type, owner, days, force, as_json))


async def _export(
    context: CommandContext,
    folder: Path,
    series: str | None,
    tag: str | None,
    document_type: str | None,
    owner: str | None,
    days: tuple[date | None, date | None],
    force: bool,
    as_json: bool,
) -> None:
    from dataclasses import asdict

    from alfrd_events.db import calendar
    from alfrd_events.db.exporting import Selection
    from alfrd_events.portable.writing import write_export
    from alfrd_events.terminal.output import Output, remark
    from alfrd_events.terminal.values import many

    await known_type(context.database, document_type)
    found = None if series is None else (await calendar.find_series(context.database, series))["id"]
    selection = Selection(found, tag, document_type, owner, *days)
    async with _fetching(context) as fetch:
        told = await write_export(
            context.database, folder, selection, fetch, replace=force, on_document=_progress("exported")
        )
    if told.began_anew:
        remark(f"{folder}.partial was left by an export that was interrupted: it was begun anew")
    for each in told.missing:
        remark(f"no original of document {each}")
    if told.missing_count > len(told.missing):
        remark(f"and {told.missing_count - len(told.missing):,} more")
    output = Output(as_json=as_json)
    if as_json:
        output.json({"path": str(folder), **asdict(told)})
    else:
        output.line(
            f"{folder}  {many(told.documents, 'document')}, {many(told.pages, 'page')}, {told.series} series,"
            f" {many(told.files, 'file')}; {told.bytes:,} bytes"
        )


@app.command("import", rich_help_panel=OUT)
def import_(folder: Folder, as_json: Json = False) -> None:
    """Bring an export into this database; what is here already stays as it is."""
    ask(lambda context: _import(context, folder, as_json))


async def _import(context: CommandContext, folder: Path, as_json: bool) -> None:
    from dataclasses import asdict

    from alfrd_events.portable.bringing_in import bring_in
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.values import many

    told = await bring_in(context.database, folder, on_document=_progress("imported"))
    output = Output(as_json=as_json)
    if as_json:
        output.json(asdict(told))
    else:
        here = f"; {told.known:,} were here already" if told.known else ""
        output.line(f"{many(told.documents, 'document')} and {many(told.files, 'file')} came in{here}")


@app.command("import-alfrd", rich_help_panel=OUT)
def import_alfrd(
    url: Annotated[str, typer.Argument(metavar="URL", help="Of the database of an ALFRD; it is only read.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would come in, and write nothing.")
    ] = False,
    files: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where its files are now; where its rows say, if not given.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Take over documents with their originals, series, files, tags and prompts of an ALFRD."""
    ask(lambda context: _import_alfrd(context, url, dry_run, files, as_json))


async def _import_alfrd(
    context: CommandContext, url: str, dry_run: bool, files: Path | None, as_json: bool
) -> None:
    from dataclasses import asdict

    from alfrd_events.portable.from_former import take_over
    from alfrd_events.terminal.output import Output, remark
    from alfrd_events.terminal.values import many

    told = await take_over(context.database, url, files, dry_run=dry_run, on_document=_progress("taken over"))
    output = Output(as_json=as_json)
    if as_json:
        counted = asdict(told)
        del counted["places"]
        output.json({"dry_run": dry_run, **counted})
        return
    for each in told.left:
        remark(f"not taken over: {each}")
    if told.left_count > len(told.left):
        remark(f"and {told.left_count - len(told.left):,} more")
    here = f"; {told.known:,} were here already" if told.known else ""
    if dry_run:
        output.line(f"{many(told.documents, 'document')} of {told.series} series would come in{here}")
    else:
        output.line(
            f"{many(told.documents, 'document')} of {told.series} series, {many(told.files, 'file')} and"
            f" {many(told.prompts, 'prompt')} came in{here}"
        )


@asynccontextmanager
async def _fetching(context: CommandContext) -> AsyncIterator[Fetch]:
    """What gives parts their bytes, from wherever the settings allow."""
    from alfrd_events.reading.sources import Sources

    chosen = context.settings
    sources = Sources(chosen.file_roots, chosen.max_file_bytes, build_buckets(chosen))
    try:
        yield sources.fetch
    finally:
        await sources.aclose()


def _progress(verb: str) -> Callable[[int, int], None]:
    """Tell every thousandth document, on a terminal."""
    from alfrd_events.terminal.output import on_terminal, remark

    def told(done: int, expected: int) -> None:
        if done % 1000 == 0 and on_terminal():
            remark(f"{done:,} of {expected:,} {verb}")

    return told


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no date such as 2024-04-30") from None
