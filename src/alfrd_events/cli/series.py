"""Commands about what recurs: ``series``, ``calendar``, ``alerts``."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from alfrd_events.cli.app import LOOK, Json, Limit, app
from alfrd_events.cli.wiring import CommandContext, ask

series = typer.Typer(name="series", help="What recurs: documents of one company and one kind.")
app.add_typer(series, rich_help_panel=LOOK)

alerts = typer.Typer(name="alerts", help="What is missing, late or odd in a series.")
app.add_typer(alerts, rich_help_panel=LOOK)

SeriesName = Annotated[str, typer.Argument(metavar="SERIES", help="Its slug, or a part that is clear.")]
AlertId = Annotated[str, typer.Argument(metavar="ID", help="An id of alerts, or its first 4 characters.")]


@series.callback(invoke_without_command=True)
def list_(context: typer.Context, limit: Limit = None, as_json: Json = False) -> None:
    """The series: recurring documents of one company and one kind."""
    if context.invoked_subcommand is None:
        ask(lambda context: _list(context, limit, as_json))


async def _list(context: CommandContext, limit: int | None, as_json: bool) -> None:
    from alfrd_events.db import queries
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    rows = await queries.series(context.database, limit, documents=as_json)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, tables.SERIES, empty="no series yet; they come with the first completed documents")


@series.command()
def show(
    name: SeriesName,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write its documents as CSV.")] = None,
    xlsx: Annotated[Path | None, typer.Option(metavar="FILE", help="Write them as a spreadsheet.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw its totals as SVG.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    as_json: Json = False,
) -> None:
    """One series: what came when, what is missing, late or odd, and what is expected."""
    if csv or xlsx or plot:
        if as_json:
            raise typer.BadParameter("--json shows it; --csv, --xlsx and --plot write files instead")
        ask(lambda context: _write(context, name, csv, xlsx, plot, force))
    else:
        ask(lambda context: _show(context, name, as_json))


async def _seen(context: CommandContext, name: str) -> dict[str, Any]:
    from alfrd_events.db import calendar

    found = await calendar.find_series(context.database, name)
    return {
        **found,
        "rhythm": await calendar.rhythm(context.database, found["id"]),
        "alerts": await calendar.alerts_of(context.database, found["id"]),
        "documents": await calendar.documents_of(context.database, found["id"]),
    }


async def _show(context: CommandContext, name: str, as_json: bool) -> None:
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.series import print_series

    seen = await _seen(context, name)
    output = Output(as_json=as_json)
    if as_json:
        output.json(seen)
    else:
        print_series(output, seen)


async def _write(
    context: CommandContext, name: str, csv: Path | None, xlsx: Path | None, plot: Path | None, force: bool
) -> None:
    from alfrd_events.portable.whole import write_bytes
    from alfrd_events.portable.writing import write_series
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.series import picture

    seen = await _seen(context, name)
    if csv or xlsx:
        await write_series(context.database, seen["id"], csv=csv, xlsx=xlsx, replace=force)
    if plot:
        write_bytes(plot, picture(seen).encode(), force)
    for path in filter(None, [csv, xlsx, plot]):
        Output().line(str(path))


@series.command()
def merge(
    into: Annotated[str, typer.Argument(metavar="INTO", help="The series that stays.")],
    other: Annotated[str, typer.Argument(metavar="FROM", help="The one that goes into it.")],
) -> None:
    """Make one series of two; what comes under the other's name or account goes there, too."""
    ask(lambda context: _merge(context, into, other))


async def _merge(context: CommandContext, into: str, other: str) -> None:
    from alfrd_events.db import calendar, series_changes

    kept = await calendar.find_series(context.database, into)
    gone = await calendar.find_series(context.database, other)
    change = await series_changes.merge(context.database, kept["id"], gone["id"])
    _tell(f"{gone['slug']} goes into {kept['slug']}", change)


@series.command()
def rename(
    name: SeriesName, to: Annotated[str, typer.Argument(metavar="NAME", help="The company's name.")]
) -> None:
    """Give a series and its file another name; its slug stays."""
    ask(lambda context: _rename(context, name, to))


async def _rename(context: CommandContext, name: str, to: str) -> None:
    from alfrd_events.analysis.text.naming import entity_key
    from alfrd_events.db import calendar, series_changes

    found = await calendar.find_series(context.database, name)
    change = await series_changes.rename(context.database, found["id"], to, entity_key(to))
    _tell(f"{found['slug']} is {to} from now on", change)


@series.command()
def split(
    name: SeriesName,
    to: Annotated[str, typer.Option("--name", metavar="NAME", help="The company's name of the new series.")],
    documents: Annotated[list[str], typer.Argument(metavar="ID…", help="The documents that go into it.")],
) -> None:
    """Make a series of its own of some documents; with the same name, if they have an account of their own."""
    ask(lambda context: _split(context, name, to, documents))


async def _split(context: CommandContext, name: str, to: str, documents: list[str]) -> None:
    from alfrd_events.analysis.text.naming import account_key, entity_key
    from alfrd_events.db import calendar, queries, series_changes
    from alfrd_events.steps.filing import slug

    found = await calendar.find_series(context.database, name)
    ids = [(await queries.find(context.database, id))[1] for id in documents]
    accounts = {account_key(number) for number in await series_changes.accounts_of(context.database, ids)}
    account = accounts.pop() if len(accounts) == 1 else ""
    key = entity_key(to)
    change = await series_changes.split(
        context.database, found["id"], ids, to, key, slug(f"{to} {found['kind']}"), account
    )
    _tell(f"{len(ids)} of {found['slug']} are a series of their own", change)


@series.command()
def fields(
    name: SeriesName,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=NEW", help="Call a field something else.")
    ] = None,
    type: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=TYPE", help="It is numeric, date or text.")
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option(metavar="NAME=TYPE", help="Have its documents searched for it, too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The names and types of a series' values; after a change its documents are extracted again."""
    changes = [
        *(("rename", *_pair(each, "usage_kwh=consumption")) for each in rename or ()),
        *(("type", *_pair(each, "meter=text")) for each in type or ()),
        *(("add", *_pair(each, "solar_kwh=numeric")) for each in add or ()),
    ]
    ask(lambda context: _fields(context, name, changes, as_json))


def _pair(given: str, example: str) -> tuple[str, str]:
    """
    :raise BadParameter: it is not of the form of the example.
    """
    left, equals, right = (part.strip() for part in given.partition("="))
    if not (left and equals and right):
        raise typer.BadParameter(f"{given} is not of the form {example}")
    return left, right


async def _fields(
    context: CommandContext, name: str, changes: list[tuple[str, str, str]], as_json: bool
) -> None:
    from alfrd_events.db import calendar, series_fields
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.series import FIELDS

    found = await calendar.find_series(context.database, name)
    make = {
        "rename": series_fields.rename_field,
        "type": series_fields.retype_field,
        "add": series_fields.add_field,
    }
    for what, field, to in changes:
        await make[what](context.database, found["id"], field, to)
    rows = await series_fields.fields_of(context.database, found["id"])
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
        return
    output.table(
        rows, FIELDS, empty="no values of its own yet; they are named when a worker has looked at it"
    )
    if changes:
        output.line("its documents are extracted again under these names, by and by", style="dim")


@series.command()
def undo(
    change: Annotated[int, typer.Argument(metavar="CHANGE", help="The number that the change told.")],
) -> None:
    """Take back a merge, a renaming or a split."""
    ask(lambda context: _undo(context, change))


async def _undo(context: CommandContext, change: int) -> None:
    from alfrd_events.db import series_changes
    from alfrd_events.terminal.output import Output

    await series_changes.undo(context.database, change)
    Output().line(f"change {change} is undone")


def _tell(done: str, change: int) -> None:
    from alfrd_events.terminal.output import Output

    Output().line(f"{done}; undo it with: alfrd-events series undo {change}")


@app.command(rich_help_panel=LOOK)
def calendar(
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="A month ago if not given.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="In two months if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What came, what is due, and what is expected, day by day."""
    span = _day(first), _day(last)
    ask(lambda context: _calendar(context, *span, as_json))


async def _calendar(context: CommandContext, first: date | None, last: date | None, as_json: bool) -> None:
    from alfrd_events.db import calendar
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.series import CALENDAR

    rows = await calendar.days(context.database, first, last)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        output.table(rows, CALENDAR, empty="nothing came, and nothing is expected, between these days")


@alerts.callback(invoke_without_command=True)
def alerts_(context: typer.Context, as_json: Json = False) -> None:
    """What is missing, late or odd in a series."""
    if context.invoked_subcommand is None:
        ask(lambda context: _alerts(context, as_json))


async def _alerts(context: CommandContext, as_json: bool) -> None:
    from alfrd_events.db import calendar
    from alfrd_events.terminal.output import Output
    from alfrd_events.terminal.series import print_alerts

    rows = await calendar.alerts(context.database)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
    else:
        print_alerts(output, rows)


@alerts.command()
def dismiss(id: AlertId) -> None:
    """Do not show an alert again."""
    ask(lambda context: _dismiss(context, id))


async def _dismiss(context: CommandContext, id: str) -> None:
    from alfrd_events.db import calendar
    from alfrd_events.terminal.output import Output

    alert = await calendar.find_alert(context.database, id)
    await calendar.dismiss(context.database, alert)
    Output().line(f"dismissed {alert}")


@alerts.command()
def snooze(
    id: AlertId,
    until: Annotated[
        str, typer.Argument(metavar="WHEN", help="A date, or days from now such as 14d.")
    ] = "7d",
) -> None:
    """Do not show an alert for a while; if it still holds then, it is raised again."""
    moment = _moment(until)
    ask(lambda context: _snooze(context, id, moment))


async def _snooze(context: CommandContext, id: str, until: datetime) -> None:
    from alfrd_events.db import calendar
    from alfrd_events.terminal.output import Output

    alert = await calendar.find_alert(context.database, id)
    await calendar.snooze(context.database, alert, until)
    Output().line(f"snoozed {alert} until {until:%Y-%m-%d}")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no date such as 2024-04-30") from None


def _moment(text: str) -> datetime:
    """A date at its beginning, or so many days from now."""
    if text.endswith("d") and text[:-1].isdecimal() and int(text[:-1]) <= 3650:
        return datetime.now(UTC) + timedelta(days=int(text[:-1]))
    day = _day(text)
    assert day is not None
    return datetime.combine(day, time(), UTC)
