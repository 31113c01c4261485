"""The program's name, its options, and the kinds of arguments that commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from alfrd_events.cli.completion import completing

app = typer.Typer(
    name="alfrd-events",
    help="Turns piles of documents into order: an event-driven document pipeline on PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)

BRING = "Bring documents in"
WORK = "Work"
LOOK = "Look"
CORRECT = "Put right"
OPERATE = "Operate"

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many; all if not given.")]
DocumentId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="An id, or its first 4 or more characters.", autocompletion=completing("id")
    ),
]


def examples(*lines: str) -> str:
    """What a command's help ends with: each a command line without the program's name, as one would type it."""
    return "\n\n".join(["Examples:", *(f"alfrd-events {line}" for line in lines)])


def listed(value: str | None) -> list[str] | None:
    """``a,b`` as a list; nothing where nothing was given."""
    if value is None:
        return None
    return [entry.strip() for entry in value.split(",") if entry.strip()]


def _version(wanted: bool) -> None:
    if wanted:
        from alfrd_events import __version__

        print(f"alfrd-events {__version__}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Turns piles of documents into order: an event-driven document pipeline on PostgreSQL."""
