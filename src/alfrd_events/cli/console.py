"""Commands for the web page: ``console``, its tokens, and ``up``, which starts all that a person at home needs."""

from __future__ import annotations

import asyncio
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alfrd_events.cli import wiring
from alfrd_events.cli.app import OPERATE, WORK, app
from alfrd_events.errors import SettingsInvalid

if TYPE_CHECKING:
    from alfrd_events.console.serve import ConsoleOptions, Server
    from alfrd_events.console.state import Diagnosis, SetUp
    from alfrd_events.settings import Settings
    from alfrd_events.worker.last_resort import LastResort

PORT = 8470
_NEEDED = {
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "jinja2": "jinja2",
    "python_multipart": "python-multipart",
}
_CONNECTIONS = 4
_HIDDEN = ("console_token",)

console_app = typer.Typer(
    invoke_without_command=True, no_args_is_help=False, help="Serve the web page, for this machine only."
)
app.add_typer(console_app, name="console", rich_help_panel=OPERATE)

Host = Annotated[str, typer.Option(help="Address; another than this machine's own needs a token.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any that is free.")]
Open = Annotated[bool, typer.Option("--open", help="Open it in a browser.")]


@console_app.callback()
def console(
    context: typer.Context, host: Host = "127.0.0.1", port: Port = PORT, open_it: Open = False
) -> None:
    """Serve the web page until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    _check_installed()

    async def serve(context: wiring.CommandContext) -> None:
        _log(context.settings)
        async with _console(context.settings, context.database.url, host, port) as server:
            _announce(server, open_it)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, server.stop)
            await server.run()

    wiring.ask(serve)


@console_app.command()
def token(
    role: Annotated[
        str, typer.Option(help="reader looks, operator also brings in and tries again, editor also corrects.")
    ],
) -> None:
    """Make a token for people at other addresses. It is shown once."""
    from alfrd_events.console.roles import ROLES, new_token

    if role not in ROLES:
        raise typer.BadParameter(f"choose among {', '.join(ROLES)}", param_hint="--role")
    made, line = new_token(role)
    print(f"token   {made}")
    print(f"setting ALFRD_CONSOLE_TOKEN={line}")
    print(
        "The token is for the person, the setting for the console; several are written with commas between.",
        file=sys.stderr,
    )


@app.command(rich_help_panel=WORK)
def up(
    host: Host = "127.0.0.1",
    port: Port = PORT,
    inbox: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The inbox; inbox/ beside the data if not given.")
    ] = None,
    open_it: Open = False,
) -> None:
    """Start all that one needs: database, worker, inbox and web page. Ctrl-C ends all of it in order."""
    from alfrd_events.worker.last_resort import MARGIN_SECONDS, last_resort

    _check_installed()

    async def run() -> None:
        from alfrd_events.db.database import Database
        from alfrd_events.db.migrate import migrate

        chosen = wiring.settings()
        _log(chosen)
        url = wiring.database_url(chosen)
        await migrate(url)
        place = inbox or chosen.data_dir / "inbox"
        place.mkdir(parents=True, exist_ok=True)
        async with (
            Database(url, status_feed=chosen.status_feed) as database,
            _console(chosen, url, host, port) as server,
        ):
            _announce(server, open_it)
            print(f"inbox   {place.resolve()}", flush=True)
            await _all(wiring.CommandContext(chosen, database), server, place, clock)
            clock.within(MARGIN_SECONDS)

    with last_resort() as clock:
        asyncio.run(run())


async def _all(context: wiring.CommandContext, server: Server, inbox: Path, clock: LastResort) -> None:
    """Work until a signal; then the worker drains, the inbox ends, and the page last, which shows it.

    What ends by an error ends the others.
    """
    from alfrd_events.ingest.inbox import Inbox
    from alfrd_events.worker.narrator import Narrator

    watch = Inbox(context.database, inbox, max_bytes=context.settings.max_file_bytes).watch(once=False)
    others = [asyncio.create_task(watch), asyncio.create_task(server.run())]
    working = asyncio.create_task(wiring.work(context, on_outcome=Narrator().tell, last_resort=clock))
    try:
        done, _ = await asyncio.wait({working, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in (working, *others):
            task.cancel()
            await asyncio.wait({task})


@asynccontextmanager
async def _console(chosen: Settings, url: str, host: str, port: int) -> AsyncIterator[Server]:
    """A console with a pool of its own, so that people and worker never wait for each other's connections."""
    from alfrd_events.console.serve import Server
    from alfrd_events.db.database import Database
    from alfrd_events.db.replica import ReadReplica

    async with (
        wiring.drawing(chosen, processes=2) as (sources, pictures),
        Database(url, status_feed=chosen.status_feed, max_size=_CONNECTIONS) as database,
        AsyncExitStack() as stack,
    ):
        reads = None
        if chosen.read_url:
            reads = await stack.enter_async_context(ReadReplica(database, chosen.read_url))
        yield Server(database, pictures, sources.fetch, _options(chosen, url, host, port), reads)


def _options(chosen: Settings, url: str, host: str, port: int) -> ConsoleOptions:
    from alfrd_events.console.roles import Tokens
    from alfrd_events.console.serve import ConsoleOptions

    return ConsoleOptions(
        host=host,
        port=port,
        tokens=Tokens.parse(chosen.console_token),
        hosts=chosen.console_hosts,
        listen_url=(chosen.listen_url or url) if chosen.listen else None,
        max_bytes=chosen.max_file_bytes,
        language="" if chosen.console_language == "browser" else chosen.console_language,
        set_up=_set_up(chosen, url),
    )


def _set_up(chosen: Settings, url: str) -> SetUp:
    from pydantic import SecretStr

    from alfrd_events.console.state import SetUp
    from alfrd_events.db.health import address

    def shown(name: str) -> str:
        value = getattr(chosen, name)
        if name.endswith("_url") and value:
            return address(value) if name in ("database_url", "listen_url", "read_url") else "set"
        if isinstance(value, SecretStr) or name in _HIDDEN:
            return "set" if (value.get_secret_value() if isinstance(value, SecretStr) else value) else ""
        if isinstance(value, tuple | list):
            return ", ".join(map(str, value))
        return "" if value is None else str(value)

    return SetUp(
        settings=[(f"ALFRD_{name.upper()}", shown(name)) for name in type(chosen).model_fields],
        database=address(url),
        examine=_examine,
    )


async def _examine() -> Sequence[Diagnosis]:
    from alfrd_events.cli import doctor
    from alfrd_events.console.state import Diagnosis

    found: list[Diagnosis] = []
    await doctor.examine(lambda one: found.append(Diagnosis(one.name, one.good, one.detail, one.hint)))
    return found


def _announce(server: Server, open_it: bool) -> None:
    print(f"console {server.url}", flush=True)
    if open_it:
        webbrowser.open(server.url)


def _log(chosen: Settings) -> None:
    from alfrd_events.observe import configure_logging

    configure_logging(chosen.log_level, chosen.log_format)


def _check_installed() -> None:
    missing = [package for module, package in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise SettingsInvalid(
            f"the console needs {', '.join(missing)}; run: pip install 'alfrd-events[console]'"
        )
