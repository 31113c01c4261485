"""``mcp``: a server for assistants."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated

import typer

from alfrd_events.cli.app import LOOK, app
from alfrd_events.cli.wiring import context
from alfrd_events.errors import SettingsInvalid


@app.command(rich_help_panel=LOOK)
def mcp(
    write: Annotated[
        bool, typer.Option("--write", help="Let the assistant correct, accept and tag, too.")
    ] = False,
) -> None:
    """Answer an assistant over standard input and output (Model Context Protocol); it looks, and changes nothing."""
    asyncio.run(_serve(write))


async def _serve(write: bool) -> None:
    from alfrd_events.db.database import Database
    from alfrd_events.observe import configure_logging

    try:
        from alfrd_events.mcp.server import CHANGING, LOOKING, build_server
    except ModuleNotFoundError as error:
        raise SettingsInvalid(
            f"mcp needs {error.name}, which is not installed: pip install 'alfrd-events[mcp]'"
        ) from error
    async with context() as opened, AsyncExitStack() as stack:
        # Standard output is the protocol's; the log goes to standard error.
        configure_logging(opened.settings.log_level, opened.settings.log_format)
        url, feed = opened.database.url, opened.settings.status_feed

        async def connected(settings: dict[str, str]) -> Database:
            return await stack.enter_async_context(
                Database(url, status_feed=feed, max_size=2, settings=settings)
            )

        looking = await connected(dict(LOOKING))
        changing = await connected(dict(CHANGING)) if write else None
        await build_server(looking, changing).run_stdio_async()
