"""``eval``: measure accuracy against a file of known answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from alfrd_events.cli import wiring
from alfrd_events.cli.app import OPERATE, Json, app
from alfrd_events.errors import Refused

Truth = Mapping[str, Any]
Prediction = dict[str, Any]


@app.command("eval", rich_help_panel=OPERATE)
def evaluate(
    truth: Annotated[
        Path,
        typer.Argument(
            metavar="TRUTH.jsonl", help="Known answers; files are named beside it.", dir_okay=False
        ),
    ],
    predictions: Annotated[
        Path | None, typer.Option(metavar="OUT.jsonl", help="Write what was found, a line for each file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Submit the files that TRUTH.jsonl names, process them, and score what was found."""
    wiring.ask(lambda context: _evaluate(context, truth, predictions, as_json))


async def _evaluate(context: wiring.CommandContext, path: Path, out: Path | None, as_json: bool) -> None:
    from alfrd_events.cli.accuracy import score
    from alfrd_events.terminal.accuracy import print_scores
    from alfrd_events.terminal.output import Output

    truths = read_truth(path)
    found = await predict(context, path.parent, truths)
    if out is not None:
        _write(out, found)
    scores = score(truths, found)
    output = Output(as_json=as_json)
    if as_json:
        output.json(scores)
    else:
        print_scores(output, scores)


def _write(path: Path, predictions: Sequence[Prediction]) -> None:
    lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in predictions)
    try:
        path.write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path}: cannot be written ({error.strerror})") from error


def read_truth(path: Path) -> list[Truth]:
    """The lines of a truth file.

    :raise Refused: it cannot be read, or a line is no object with ``file``.
    """
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise Refused(f"{path}: a line is not valid JSON: {error}") from error
    if not all(isinstance(line, dict) and "file" in line for line in lines):
        raise Refused(f'{path}: each line must be an object with "file"')
    return lines


async def predict(context: wiring.CommandContext, folder: Path, truths: Sequence[Truth]) -> list[Prediction]:
    """Submit what is missing, work until these documents are done, and say what was found in each file.

    :raise KeyboardInterrupt: a signal ended the work.
    """
    from alfrd_events.cli.work import narrated
    from alfrd_events.db import queries
    from alfrd_events.db.review import review_of
    from alfrd_events.ingest.submit import add
    from alfrd_events.model import JsonObject

    ids: dict[str, UUID] = {}
    problems: dict[str, str] = {}
    for truth in truths:
        async for added in add(
            context.database, [str(folder / truth["file"])], max_bytes=context.settings.max_file_bytes
        ):
            if added.document is None:
                problems[truth["file"]] = added.problem
            else:
                ids[truth["file"]] = added.document.id
    only = list(dict.fromkeys(ids.values()))
    async with narrated(context, only):
        report = await wiring.work(context, only=only, until_quiet=True)
    if report.interrupted:
        raise KeyboardInterrupt
    rows: dict[UUID, JsonObject] = {
        row["id"]: row for row in await queries.documents(context.database, ids=only)
    }
    texts = await queries.text_of(context.database, only)
    whole = {id: await queries.document(context.database, id) for id in only}
    flagged = {id: (await review_of(context.database, id))["needs_review"] for id in only}
    return [
        _prediction(
            truth["file"],
            rows[ids[truth["file"]]],
            texts.get(ids[truth["file"]], ""),
            whole[ids[truth["file"]]],
            flagged=flagged[ids[truth["file"]]],
        )
        if truth["file"] in ids
        else {"file": truth["file"], "status": "error", "error": problems.get(truth["file"], "not submitted")}
        for truth in truths
    ]


def _prediction(
    file: str,
    row: Mapping[str, Any],
    text: str,
    whole: Mapping[str, Any],
    *,
    flagged: bool,
) -> Prediction:
    evidence: Mapping[str, Mapping[str, Any]] = whole["evidence"]
    sure = {
        "date" if field == "document_date" else field: where["confidence"]
        for field, where in evidence.items()
        if where.get("confidence") is not None
    }
    if whole["classification_confidence"] is not None:
        sure["type"] = whole["classification_confidence"]
    return {
        "file": file,
        "document_type": row["document_type"] or None,
        "entity": row["entity"] or None,
        "date": row["document_date"].isoformat() if row["document_date"] else None,
        "due_date": row["due_date"].isoformat() if row["due_date"] else None,
        "total_amount": None if row["total_amount"] is None else float(row["total_amount"]),
        "currency": whole["currency"] or None,
        "invoice_number": whole["structured_data"].get("invoice_number"),
        "confidence": sure,
        "flagged": flagged,
        "series_key": row["series"],
        "text": text.replace("\f", "\n"),
        "pages": row["page_count"],
        "status": "ok" if row["status"] == "completed" else "error",
        "error": row["error"] or (None if row["status"] == "completed" else f"it is {row['status']}"),
    }
