"""``health``: whether a worker of this machine lives, as an exit code, for containers."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from alfrd_events.cli.app import OPERATE, Json, app
from alfrd_events.cli.wiring import CommandContext, ask


@app.command(rich_help_panel=OPERATE)
def health(
    host: Annotated[
        str | None, typer.Option(metavar="NAME", help="The workers of this host; its own if not given.")
    ] = None,
    anywhere: Annotated[bool, typer.Option("--anywhere", help="The workers of all hosts.")] = False,
    as_json: Json = False,
) -> None:
    """Exit with 0 if a worker of this host has sent a heartbeat within its lease, else with 1."""
    asked = None if anywhere else host or socket.gethostname()
    raise typer.Exit(0 if ask(lambda context: _health(context, asked, as_json)) else 1)


async def _health(context: CommandContext, host: str | None, as_json: bool) -> bool:
    from alfrd_events.db.metrics import heartbeats
    from alfrd_events.terminal.output import Output

    found = await heartbeats(context.database, host)
    is_alive = any(one.is_alive for one in found)
    output = Output(as_json=as_json)
    if as_json:
        workers = [{**one._asdict(), "alive": one.is_alive} for one in found]
        output.json({"alive": is_alive, "host": host, "workers": workers})
    elif not found:
        output.line(f"no worker of {host} is registered" if host else "no worker is registered")
    else:
        newest = found[0]
        output.line(
            f"{newest.name}: last heartbeat {newest.age_seconds:.0f} s ago, its lease is {newest.lease_seconds:g} s"
        )
    return is_alive
