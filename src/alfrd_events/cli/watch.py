"""The command that watches an inbox: ``watch``."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from alfrd_events.cli.app import BRING, app, listed
from alfrd_events.cli.submit import Tags
from alfrd_events.cli.wiring import CommandContext, ask, build_buckets, mail_password
from alfrd_events.errors import SettingsInvalid

MAIL = "Of a mailbox"


class _MailOptions(NamedTuple):
    """What the command line says of a mailbox."""

    sender: str
    subject: str
    attachments_only: bool
    whole: bool
    tags: list[str]
    flag: str
    move_to: str
    rate: float


@app.command(rich_help_panel=BRING)
def watch(
    inbox: Annotated[str, typer.Argument(metavar="DIR|s3://…|imaps://…", help="The inbox.")],
    tags: Tags = None,
    once: Annotated[bool, typer.Option("--once", help="Take what is there, then end.")] = False,
    quiet: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="Take a file when it has not changed for so long."),
    ] = 3.0,
    queue: Annotated[
        str | None, typer.Option(metavar="URL", help="The SQS queue by which S3 announces new objects.")
    ] = None,
    every: Annotated[
        float,
        typer.Option(
            min=1, metavar="SECONDS", help="Look at a bucket without a queue, or a mailbox, so often."
        ),
    ] = 60.0,
    sender: Annotated[
        str,
        typer.Option(
            "--from", metavar="TEXT", rich_help_panel=MAIL, help="Only from senders with this text."
        ),
    ] = "",
    subject: Annotated[
        str, typer.Option(metavar="TEXT", rich_help_panel=MAIL, help="Only with this text in the subject.")
    ] = "",
    attachments_only: Annotated[
        bool, typer.Option("--attachments-only", rich_help_panel=MAIL, help="Only messages with attachments.")
    ] = False,
    whole: Annotated[
        bool,
        typer.Option("--whole", rich_help_panel=MAIL, help="One document of a message and its attachments."),
    ] = False,
    flag: Annotated[
        str, typer.Option(metavar="WORD", rich_help_panel=MAIL, help="The flag of messages that were taken.")
    ] = "alfrd-done",
    move_to: Annotated[
        str, typer.Option(metavar="FOLDER", rich_help_panel=MAIL, help="Move them there instead.")
    ] = "",
    rate: Annotated[
        float,
        typer.Option(min=0, metavar="N", rich_help_panel=MAIL, help="At most N messages a minute; 0: all."),
    ] = 0.0,
) -> None:
    """Watch an inbox, a directory, a bucket or a mailbox: what comes in becomes a document.

    In a directory, what was taken moves to done/, what is wrong to rejected/, and what fails later to failed/.
    Objects stay where they are. Messages get a flag, or move to a folder; none is deleted. The password of the mailbox
    comes from ALFRD_MAIL_PASSWORD or ALFRD_MAIL_PASSWORD_FILE.
    """
    from alfrd_events.clients.s3 import is_s3
    from alfrd_events.ingest.files import looks_like_uri

    if not inbox.strip():
        # It would be the current directory: an unset variable of a shell would empty that.
        raise typer.BadParameter("an empty path names no inbox", param_hint="DIR")
    if is_s3(inbox):
        raise typer.Exit(
            ask(lambda context: _watch_bucket(context, inbox, listed(tags) or [], once, queue, every))
        )
    if queue is not None:
        raise typer.BadParameter("a directory or a mailbox has no queue", param_hint="--queue")
    if inbox.lower().startswith(("imap://", "imaps://")):
        options = _MailOptions(
            sender, subject, attachments_only, whole, listed(tags) or [], flag, move_to, rate
        )
        raise typer.Exit(ask(lambda context: _watch_mail(context, inbox, options, once, every)))
    if looks_like_uri(inbox):
        raise typer.BadParameter(
            f"{inbox}: give the path of a directory, s3://BUCKET/PREFIX or imaps://USER@HOST/FOLDER",
            param_hint="DIR",
        )
    if Path(inbox).is_file():
        raise typer.BadParameter(f"{inbox} is a file", param_hint="DIR")
    raise typer.Exit(ask(lambda context: _watch(context, Path(inbox), listed(tags) or [], once, quiet)))


async def _watch(context: CommandContext, directory: Path, tags: list[str], once: bool, quiet: float) -> int:
    from alfrd_events.ingest.inbox import Inbox
    from alfrd_events.observe import configure_logging

    configure_logging(context.settings.log_level, context.settings.log_format)
    inbox = Inbox(
        context.database,
        directory,
        max_bytes=context.settings.max_file_bytes,
        tags=tuple(tags),
        quiet_seconds=quiet,
    )
    return await _until_stopped(inbox.watch(once=once))


async def _watch_bucket(
    context: CommandContext, uri: str, tags: list[str], once: bool, queue_url: str | None, every: float
) -> int:
    from alfrd_events.clients.aws import Aws
    from alfrd_events.clients.queues import Queue
    from alfrd_events.ingest.bucket import Watch
    from alfrd_events.observe import configure_logging

    configure_logging(context.settings.log_level, context.settings.log_format)
    buckets = build_buckets(context.settings)
    if buckets is None:
        raise SettingsInvalid("no bucket may be read: name those that may in ALFRD_S3_BUCKETS")
    queue = Queue(Aws(context.settings.aws_region), queue_url) if queue_url else None
    try:
        watching = Watch(
            context.database, buckets, buckets.place(uri), queue=queue, tags=tags, scan_seconds=every
        )
        return await _until_stopped(watching.watch(once=once))
    finally:
        await buckets.aclose()
        if queue is not None:
            await queue.aclose()


async def _watch_mail(
    context: CommandContext, uri: str, options: _MailOptions, once: bool, every: float
) -> int:
    from alfrd_events.observe import configure_logging

    configure_logging(context.settings.log_level, context.settings.log_format)
    try:
        from alfrd_events.clients.imap import MailPlace, Wanted, check_flag
        from alfrd_events.ingest.mailbox import MailWatch, Treatment
    except ModuleNotFoundError as error:
        raise SettingsInvalid(
            f"a mailbox needs {error.name}, which is not installed: pip install 'alfrd-events[mail]'"
        ) from error
    check_flag(options.flag)
    place = MailPlace.parse(uri)
    mail_password(context.settings)  # one that is missing is told at once
    treatment = Treatment(
        Wanted(options.sender, options.subject),
        options.attachments_only,
        options.whole,
        tuple(options.tags),
        options.flag,
        options.move_to,
        options.rate,
    )
    watching = MailWatch(
        context.database,
        place,
        lambda: mail_password(context.settings),
        treatment,
        max_bytes=context.settings.max_file_bytes,
        look_seconds=every,
    )
    return await _until_stopped(watching.watch(once=once))


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
