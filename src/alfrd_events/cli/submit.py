"""Commands that bring documents in: ``add`` and ``watch``."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from alfrd_events.cli.app import BRING, Json, app, listed
from alfrd_events.cli.wiring import Session, ask, build_buckets

if TYPE_CHECKING:
    from alfrd_events.ingest.submit import Added

Tags = Annotated[str | None, typer.Option(help="Tags for every document, with commas between: home,2024")]


@app.command(rich_help_panel=BRING)
def add(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH…", help="Files, folders, patterns such as 'scans/*.pdf', s3:// URIs."),
    ],
    tags: Tags = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when all are done; 1 if one failed.")] = False,
    as_json: Json = False,
) -> None:
    """Submit files and folders; a folder with a meta.json is one document of several files."""
    raise typer.Exit(ask(lambda session: _add(session, paths, listed(tags) or [], wait, as_json)))


async def _add(session: Session, paths: list[str], tags: list[str], wait: bool, as_json: bool) -> int:
    from alfrd_events.ingest.submit import add as add_paths
    from alfrd_events.terminal.output import Output, complain

    output = Output(as_json=as_json)
    told: list[Added] = []
    buckets = build_buckets(session.settings)
    async for added in add_paths(
        session.database, paths, max_bytes=session.settings.max_file_bytes, tags=tags, buckets=buckets
    ):
        told.append(added)
        if added.document is None:
            if not added.left_out:
                complain(added.problem)
        elif not as_json:
            known = f"already known: {added.document.id}, {added.document.status}"
            word = f"added {added.document.id}" if added.document.is_new else known
            output.line(f"{word}  {_shown(added)}")
        if hint := _how_to_retry(added):
            complain(hint)
    _tell_left_out([added for added in told if added.left_out])
    if buckets is not None:
        await buckets.aclose()
    submitted = {added.document.id: added for added in told if added.document}
    ended = await _wait(session, submitted, output) if wait else {}
    if as_json:
        output.json([_as_json(added, ended) for added in told])
    failed = any(status != "completed" for status in ended.values()) or any(map(_how_to_retry, told))
    refused = any(added.document is None and not added.left_out for added in told)
    return 1 if failed or refused or not submitted else 0


def _shown(added: Added) -> str:
    """What was given, in one line that any terminal and any JSON takes; empty where it named nothing."""
    from alfrd_events.filenames import printable

    return printable(added.path) if added.path else ""


def _how_to_retry(added: Added) -> str:
    """What to say of a document that is known, and will not be done as it is."""
    from alfrd_events.ingest.submit import how_to_retry

    known = added.document
    if known is None or known.is_new or not (retry := how_to_retry(known.id, known.status)):
        return ""
    reason = f" ({known.error})" if known.error else ""
    return f"{_shown(added)}: known and {known.status}{reason}; to try it again: {retry}"


def _tell_left_out(left_out: list[Added]) -> None:
    from alfrd_events.terminal.output import remark
    from alfrd_events.terminal.values import many

    if left_out:
        named = ", ".join(str(added.path).rpartition("/")[2] for added in left_out[:3])
        more = ", …" if len(left_out) > 3 else ""
        what = f"{many(len(left_out), 'file')} of the system left out ({named}{more})"
        remark(f"{what}: one that is a document needs another name")


async def _wait(session: Session, submitted: dict[UUID, Added], output: Output) -> dict[UUID, str]:
    """Tell of each document as it ends; the status that each has then."""
    from alfrd_events.db import looks
    from alfrd_events.db.feed import StatusFeed
    from alfrd_events.ingest.waiting import wait_for
    from alfrd_events.terminal.output import complain, remark

    ended = {}
    async with StatusFeed(session.listen_url) as feed:
        if not (await looks.status(session.database))["workers"]:
            remark("no worker is running: start one with alfrd-events run")
        async for id, status, error in wait_for(session.database, feed, list(submitted)):
            ended[id] = status
            if status == "completed":
                if not output.as_json:
                    output.line(f"completed {id}  {_shown(submitted[id])}")
            else:
                complain(f"{_shown(submitted[id])}: {status}{': ' + error if error else ''}")
    return ended


def _as_json(added: Added, ended: dict[UUID, str]) -> dict[str, object]:
    if added.document is None:
        return {
            "path": _shown(added) or None,
            "status": "left out" if added.left_out else "rejected",
            "error": added.problem,
        }
    id = added.document.id
    return {
        "path": _shown(added),
        "id": id,
        "new": added.document.is_new,
        "status": ended.get(id, added.document.status),
    }


@app.command(rich_help_panel=BRING)
def watch(
    inbox: Annotated[str, typer.Argument(metavar="DIR|s3://BUCKET/PREFIX", help="The inbox.")],
    tags: Tags = None,
    once: Annotated[bool, typer.Option("--once", help="Take what is there, then end.")] = False,
    quiet: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="Take a file when it has not changed for so long."),
    ] = 3.0,
    queue: Annotated[
        str | None, typer.Option(metavar="URL", help="The SQS queue by which S3 tells of new objects.")
    ] = None,
    every: Annotated[
        float,
        typer.Option(min=1, metavar="SECONDS", help="Without a queue: the pause between two listings."),
    ] = 60.0,
) -> None:
    """Watch an inbox, a directory or a bucket: what comes in becomes a document.

    In a directory, what was taken moves to done/, what is wrong to rejected/, and what fails later to failed/.
    Objects stay where they are.
    """
    from alfrd_events.clients.s3 import is_s3
    from alfrd_events.ingest.files import looks_like_uri

    if not inbox.strip():
        # It would be the current directory: an unset variable of a shell would empty that.
        raise typer.BadParameter("an empty path names no inbox", param_hint="DIR")
    if is_s3(inbox):
        raise typer.Exit(
            ask(lambda session: _watch_bucket(session, inbox, listed(tags) or [], once, queue, every))
        )
    if queue is not None:
        raise typer.BadParameter("a directory has no queue", param_hint="--queue")
    if looks_like_uri(inbox):
        raise typer.BadParameter(
            f"{inbox}: give the path of a directory, or s3://BUCKET/PREFIX", param_hint="DIR"
        )
    if Path(inbox).is_file():
        raise typer.BadParameter(f"{inbox} is a file", param_hint="DIR")
    raise typer.Exit(ask(lambda session: _watch(session, Path(inbox), listed(tags) or [], once, quiet)))


async def _watch(session: Session, directory: Path, tags: list[str], once: bool, quiet: float) -> int:
    from alfrd_events.ingest.inbox import Inbox
    from alfrd_events.observe import configure_logging

    configure_logging(session.settings.log_level, session.settings.log_format)
    inbox = Inbox(
        session.database,
        directory,
        max_bytes=session.settings.max_file_bytes,
        tags=tuple(tags),
        quiet_seconds=quiet,
    )
    return await _until_stopped(inbox.watch(once=once))


async def _watch_bucket(
    session: Session, uri: str, tags: list[str], once: bool, queue_url: str | None, every: float
) -> int:
    from alfrd_events.clients.aws import Aws
    from alfrd_events.clients.queues import Queue
    from alfrd_events.errors import SettingsInvalid
    from alfrd_events.ingest.bucket import Watch
    from alfrd_events.observe import configure_logging

    configure_logging(session.settings.log_level, session.settings.log_format)
    buckets = build_buckets(session.settings)
    if buckets is None:
        raise SettingsInvalid("no bucket may be read: name those that may in ALFRD_S3_BUCKETS")
    queue = Queue(Aws(session.settings.aws_region), queue_url) if queue_url else None
    try:
        watching = Watch(
            session.database, buckets, buckets.place(uri), queue=queue, tags=tags, scan_seconds=every
        )
        return await _until_stopped(watching.watch(once=once))
    finally:
        await buckets.aclose()
        if queue is not None:
            await queue.aclose()


async def _until_stopped(watch: Coroutine[None, None, int]) -> int:
    watching = asyncio.create_task(watch)
    # A container is stopped by SIGTERM. What is half done is found again by the next scan.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, watching.cancel)
    try:
        return 1 if await watching else 0
    except asyncio.CancelledError:
        this = asyncio.current_task()
        if this is not None and this.cancelling():
            raise  # Ctrl-C
        return 0


if TYPE_CHECKING:
    from alfrd_events.terminal.output import Output
