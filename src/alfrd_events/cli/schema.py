"""``schema``: the JSON that goes in and out, as JSON Schema."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from alfrd_events.cli.app import OPERATE, app


@app.command(rich_help_panel=OPERATE)
def schema(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="meta, or a command such as documents or prompts-list."),
    ] = None,
) -> None:
    """Print the JSON Schema of meta.json or of a command's --json; without a name, the names."""
    from alfrd_events.cli.schemas import SCHEMAS, schema_of

    if name is None:
        print("\n".join(SCHEMAS))
        return
    if name not in SCHEMAS:
        raise typer.BadParameter(
            f"there is no schema {name}: choose among {', '.join(SCHEMAS)}", param_hint="NAME"
        )
    print(json.dumps(schema_of(name), indent=2))
