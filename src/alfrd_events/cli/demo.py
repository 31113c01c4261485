"""``demo``: a household's documents through the whole pipeline, and what came out. What ``make demo`` calls."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from alfrd_events.cli import wiring
from alfrd_events.cli.app import BRING, app
from alfrd_events.cli.work import narrated
from alfrd_events.errors import AlfrdError, SettingsInvalid

if TYPE_CHECKING:
    from alfrd_events.model import Outcome

_NOT_DOCUMENTS = {".py", ".md", ".jsonl"}
_DRAIN_SECONDS = 3.0


@dataclass(frozen=True)
class Samples:
    """The documents that ship with the program."""

    paths: tuple[Path, ...]
    meant_to_fail: frozenset[str]
    """Names of the broken ones."""


@app.command(rich_help_panel=BRING)
def demo() -> None:
    """Process the sample documents and show what came out."""
    raise typer.Exit(asyncio.run(_demo()))


async def _demo() -> int:
    from alfrd_events.db import bills, calendar, queries
    from alfrd_events.ingest.submit import add
    from alfrd_events.terminal.demo import Run, print_report
    from alfrd_events.terminal.output import Output, remark

    samples = find_samples()
    chosen = wiring.settings()
    if not chosen.database_url:
        remark(f"database: embedded PostgreSQL in {chosen.data_dir}/postgres")
    async with wiring.context() as context:
        known = new = 0
        names: dict[UUID, str] = {}
        paths = [str(path) for path in samples.paths]
        async for added in add(context.database, paths, max_bytes=chosen.max_file_bytes):
            if added.document is None:
                raise AlfrdError(added.problem)
            names[added.document.id] = Path(added.path).name if added.path else ""
            new += added.document.is_new
            known += not added.document.is_new
        remark(f"submitted {new} samples" + (f"; {known} were known already" if known else ""))
        ids = list(names)
        open_before = await _open_documents(context, ids)
        started = time.monotonic()
        async with narrated(context, ids, _plain_lines(names, open_before)) as tell:
            report = await wiring.work(
                context, until_quiet=True, drain_seconds=_DRAIN_SECONDS, on_outcome=tell
            )
        seconds = time.monotonic() - started
        if report.interrupted:
            remark("stopped; run it again, and it goes on where it was")
            return 130
        rows = await queries.documents(context.database, ids=ids)
        ours = {row["series"] for row in rows}
        print_report(
            Output(),
            sorted(rows, key=lambda row: (row["series"] or "~", str(row["document_date"]), row["filename"])),
            [series for series in await queries.series(context.database) if series["slug"] in ours],
            [file for file in await queries.files(context.database) if file["series"] in ours],
            [alert for alert in await calendar.alerts(context.database) if alert["series"] in ours],
            await bills.bills(context.database, series=[slug for slug in ours if slug]),
            Run(new=new, processed=open_before, seconds=seconds),
        )
    return 0 if _as_expected(rows, samples.meant_to_fail) else 1


async def _open_documents(context: wiring.CommandContext, ids: Sequence[UUID]) -> int:
    from alfrd_events.db import queries

    seen = await queries.progress(context.database, ids)
    return sum(
        number for status, number in seen["documents"].items() if status not in ("completed", "failed")
    )


def _plain_lines(names: Mapping[UUID, str], total: int) -> Callable[[Outcome], None]:
    """Tells of each sample as it ends, where no terminal shows it."""
    from alfrd_events.terminal.output import remark

    ended = 0

    def tell(outcome: Outcome) -> None:
        nonlocal ended
        task = outcome.task
        completed = outcome.kind == "done" and task.step == "extract"
        if task.subject_id in names and (completed or outcome.kind == "failed"):
            ended += 1
            remark(
                f"{ended:>3} of {total}  {'completed' if completed else 'failed   '}  {names[task.subject_id]}"
            )

    return tell


def _as_expected(rows: Collection[dict[str, object]], meant_to_fail: Collection[str]) -> bool:
    return all(
        row["status"] == ("failed" if row["filename"] in meant_to_fail else "completed") for row in rows
    )


def find_samples() -> Samples:
    """The samples: inside an installed package, or beside ``src/`` in a checkout.

    :raise SettingsInvalid: they are in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    for directory in (package / "_samples", package.parents[1] / "samples"):
        if directory.is_dir():
            return _read_samples(directory)
    raise SettingsInvalid("this installation carries no samples: run the demo from a checkout")


def _read_samples(directory: Path) -> Samples:
    paths = tuple(
        path
        for path in sorted(directory.iterdir())
        if path.is_file() and not path.name.startswith(".") and path.suffix not in _NOT_DOCUMENTS
    )
    truth = directory / "truth.jsonl"
    lines = truth.read_text(encoding="utf-8").splitlines() if truth.is_file() else []
    expected = [json.loads(line) for line in lines if line.strip()]
    return Samples(paths, frozenset(line["file"] for line in expected if line.get("expect") == "error"))
