"""Command ``search``: documents by what their pages say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from alfrd_events.cli.app import LOOK, Json, app, examples
from alfrd_events.cli.wiring import CommandContext, ask, reading
from alfrd_events.cli.words import amount_of, day_of, known_type

if TYPE_CHECKING:
    from alfrd_events.db.queries import SearchFilter


@app.command(
    rich_help_panel=LOOK,
    epilog=examples(
        "search rent 2150",
        "search electrcity --from 2024-01-01 --type utility_bill",
        "search '\"final notice\"' --json",
    ),
)
def search(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="WORDS…",
            help="Words, '\"a phrase\"', 'rent or lease'; after --, also -without.",
        ),
    ],
    document_type: Annotated[str | None, typer.Option("--type", help="Only of this type.")] = None,
    entity: Annotated[
        str | None, typer.Option(help="Only of this company, or of those whose name has it.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Dated on this day or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Dated on this day or earlier.")
    ] = None,
    least: Annotated[
        str | None, typer.Option("--min", metavar="AMOUNT", help="With at least this total.")
    ] = None,
    most: Annotated[
        str | None, typer.Option("--max", metavar="AMOUNT", help="With at most this total.")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Only with this tag, or one below it.")] = None,
    series: Annotated[str | None, typer.Option(help="Only of this series: its slug.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only of this owner.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """Find documents by the words on their pages: in any form, with or without accents, also mistyped."""
    from alfrd_events.db.queries import SearchFilter

    wanted = SearchFilter(
        document_type=document_type,
        entity=entity,
        since=day_of("--from", since),
        until=day_of("--to", until),
        least=amount_of("--min", least),
        most=amount_of("--max", most),
        tag=tag,
        series=series,
        owner=owner,
    )
    ask(lambda context: _search(context, " ".join(words), wanted, limit, as_json))


async def _search(
    context: CommandContext, words: str, wanted: SearchFilter, limit: int, as_json: bool
) -> None:
    from alfrd_events.db import queries
    from alfrd_events.terminal import tables
    from alfrd_events.terminal.output import Output

    await known_type(context.database, wanted.document_type)
    async with reading(context) as database:
        rows = await queries.search(database, words, limit, wanted)
    output = Output(as_json=as_json)
    if as_json:
        output.json(rows)
        return
    if rows and rows[0]["meant"]:
        output.line(f"no document holds {words}; these hold {rows[0]['meant']}:")
    output.table(rows, tables.SEARCH, empty=f"no document holds {words}")
