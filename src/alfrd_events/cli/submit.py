"""The command that brings files in: ``add``."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from alfrd_events.cli.app import BRING, Json, app, examples, listed
from alfrd_events.cli.completion import completing
from alfrd_events.cli.wiring import CommandContext, ask, build_buckets, tell_if_nobody_works

if TYPE_CHECKING:
    from alfrd_events.ingest.submit import Added

Tags = Annotated[
    str | None,
    typer.Option(
        help="Tags for every document, with commas between: home,2024",
        autocompletion=completing("tag", lists=True),
    ),
]

_TELL_EVERY_SECONDS = 5.0


@app.command(
    rich_help_panel=BRING,
    epilog=examples(
        "add bill.pdf", "add ~/papers 'scans/*.jpg' --tags home,2024 --wait", "add s3://papers/2024/"
    ),
)
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
    raise typer.Exit(ask(lambda context: _add(context, paths, listed(tags) or [], wait, as_json)))


async def _add(context: CommandContext, paths: list[str], tags: list[str], wait: bool, as_json: bool) -> int:
    from alfrd_events.ingest.submit import add as add_paths
    from alfrd_events.terminal.output import Output, remark
    from alfrd_events.terminal.progress import sending

    output = Output(as_json=as_json)
    told: list[Added] = []
    buckets = build_buckets(context.settings)
    with sending(output.fancy and sys.stderr.isatty()) as bar:
        try:
            async for added in add_paths(
                context.database,
                paths,
                max_bytes=context.settings.max_file_bytes,
                tags=tags,
                buckets=buckets,
                expect=bar.expect,
            ):
                told.append(added)
                bar.done += 1
                _tell(added, output)
        except asyncio.CancelledError:
            of = f" of {bar.total:,}" if bar.total else ""
            remark(
                f"stopped: {sum(added.document is not None for added in told):,}{of} are in the database; the same "
                "command adds the rest, and nothing twice"
            )
            raise
    _tell_left_out([added for added in told if added.left_out])
    if buckets is not None:
        await buckets.aclose()
    submitted = {added.document.id: added for added in told if added.document}
    open_ones = {id: added for id, added in submitted.items() if not _how_to_retry(added)}
    ended = await _wait(context, open_ones, output) if wait and open_ones else {}
    if len(submitted) > 1:
        _tell_how_many(submitted, ended)
    if not wait and any(added.document.is_new for added in submitted.values() if added.document):
        await tell_if_nobody_works(context)
    if as_json:
        output.json([_as_json(added, ended) for added in told])
    failed = any(status != "completed" for status in ended.values()) or any(map(_how_to_retry, told))
    refused = any(added.document is None and not added.left_out for added in told)
    return 1 if failed or refused or not submitted else 0


def _tell(added: Added, output: Output) -> None:
    """Say what became of one file."""
    from alfrd_events.terminal.output import complain

    if added.document is None:
        if not added.left_out:
            complain(added.problem)
    elif not output.as_json:
        known = f"already known: {added.document.id}, {added.document.status}"
        word = f"added {added.document.id}" if added.document.is_new else known
        output.line(f"{word}  {_shown(added)}")
    if hint := _how_to_retry(added):
        complain(hint)


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
    reason = f" ({_reason(added, known.error)})" if known.error else ""
    return f"{_shown(added)}: known and {known.status}{reason}; to try it again: {retry}"


def _reason(added: Added, error: str) -> str:
    """Why it failed, without the file's name, which is said before."""
    return error.removeprefix(f"{_shown(added).rpartition('/')[2]}: ")


def _tell_left_out(left_out: list[Added]) -> None:
    from alfrd_events.terminal.output import remark
    from alfrd_events.terminal.values import many

    if left_out:
        named = ", ".join(str(added.path).rpartition("/")[2] for added in left_out[:3])
        more = ", …" if len(left_out) > 3 else ""
        what = f"{many(len(left_out), 'file')} of the system left out ({named}{more})"
        remark(f"{what}: one that is a document needs another name")


async def _wait(context: CommandContext, submitted: dict[UUID, Added], output: Output) -> dict[UUID, str]:
    """Tell of each document as it ends; the status that each has then."""
    from alfrd_events.db.feed import StatusFeed
    from alfrd_events.ingest.waiting import wait_for
    from alfrd_events.terminal.output import complain, remark
    from alfrd_events.terminal.values import many
    from alfrd_events.worker.cancellation import cancel_all

    ended = {}
    async with StatusFeed(context.listen_url) as feed:
        await tell_if_nobody_works(context)
        telling = asyncio.create_task(_tell_how_far(context, submitted))
        try:
            async for id, status, error in wait_for(context.database, feed, list(submitted)):
                ended[id] = status
                if status == "completed":
                    if not output.as_json:
                        output.line(f"completed {id}  {_shown(submitted[id])}")
                else:
                    why = _reason(submitted[id], error)
                    complain(f"{_shown(submitted[id])}: {status}{': ' + why if why else ''}")
        except asyncio.CancelledError:
            left = len(submitted) - len(ended)
            remark(
                f"not waiting for {many(left, 'document')} any more; the work goes on: alfrd-events status"
            )
            raise
        finally:
            await cancel_all([telling])
    return ended


def _tell_how_many(submitted: Mapping[UUID, Added], ended: Mapping[UUID, str]) -> None:
    """Close with a count: the lines of many documents are no answer."""
    from alfrd_events.terminal.output import remark
    from alfrd_events.terminal.values import many

    counts = Counter(
        ended.get(id, added.document.status) for id, added in submitted.items() if added.document
    )
    parts = ", ".join(f"{number:,} {status}" for status, number in sorted(counts.items()))
    remark(f"{many(len(submitted), 'document')}: {parts}; alfrd-events documents lists them")


async def _tell_how_far(context: CommandContext, submitted: Mapping[UUID, Added]) -> None:
    """Say now and then which page of a long document was read last."""
    from alfrd_events.db import queries
    from alfrd_events.errors import DatabaseUnavailable
    from alfrd_events.terminal.output import remark

    told: dict[UUID, str] = {}
    while True:
        await asyncio.sleep(_TELL_EVERY_SECONDS)
        try:
            readings = await queries.readings(context.database, list(submitted))
        except DatabaseUnavailable:
            continue  # the wait itself says so
        for reading in readings:
            id, words = reading["id"], reading["in_words"]
            if told.get(id) != words:
                remark(f"{_shown(submitted[id])}: {words}")
            told[id] = words


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


if TYPE_CHECKING:
    from alfrd_events.terminal.output import Output
