"""Bring an export into a database: documents with their results, which are not read again.

Every file is compared with its sum before anything is written. Then each document is a transaction of its own, and what
is here already is passed by: an import that was interrupted is simply done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from alfrd_events.db import importing, prompts
from alfrd_events.db.database import Database
from alfrd_events.errors import NotFound, Refused
from alfrd_events.portable.manifest import check_sums, inside, read_manifest

_AT_ONCE = 4
"""Documents on their way at the same time, which bounds what is held of them."""


@dataclass
class Imported:
    """What came in."""

    documents: int = 0
    known: int = 0
    """Documents that were here already, by their id or content."""
    series: int = 0
    files: int = 0
    lessons: int = 0
    payments: int = 0
    prompts: int = 0
    """Versions that were not here; they wait to be activated."""
    document_types: int = 0


async def bring_in(
    database: Database,
    folder: Path,
    *,
    on_checked: Callable[[], None] = lambda: None,
    on_document: Callable[[int, int], None] = lambda *_: None,
) -> Imported:
    """Insert what an export holds and this database does not.

    :param on_checked: is called when a file was found as it was written.
    :param on_document: is told how many documents were looked at, of how many.
    :raise Refused: it is no export, damaged, of a newer release, or a row of it cannot be taken.
    """
    manifest = read_manifest(folder)
    await asyncio.to_thread(check_sums, folder, manifest, on_checked)
    told = Imported()
    for _, row in _rows(folder, "document_types.jsonl"):
        told.document_types += await importing.document_type(
            database, str(row.get("name")), str(row.get("description", ""))
        )
    series = {str(row.get("id")): line for line, row in _rows(folder, "series.jsonl")}
    await _documents(database, folder, series, told, on_document, int(manifest.get("documents") or 0))
    for line in series.values():
        told.series += await importing.series(database, line)
    for line, row in _rows(folder, "files.jsonl"):
        told.files += await importing.file(database, line, _series_of(row, series))
    for line, _ in _rows(folder, "lessons.jsonl"):
        told.lessons += await importing.lesson(database, line)
    for line, _ in _rows(folder, "payments.jsonl"):
        told.payments += await importing.payment(database, line)
    for number, (_, row) in enumerate(_rows(folder, "prompts.jsonl"), 1):
        told.prompts += await _prompt(database, row, number)
    return told


async def _prompt(database: Database, row: dict[str, Any], number: int) -> bool:
    try:
        made = await prompts.import_version(
            database,
            str(row.get("kind")),
            str(row.get("document_type")),
            str(row.get("text")),
            origin="import",
            can_evolve=row.get("can_evolve") is True,
            score_ceiling=float(row.get("score_ceiling") or 0.95),
            max_words=int(row.get("max_words") or 400),
            note=str(row.get("note") or ""),
        )
    except (Refused, NotFound) as error:
        raise Refused(f"prompts.jsonl, line {number}: {error}") from error
    return not made.existed


async def _documents(
    database: Database,
    folder: Path,
    series: dict[str, str],
    told: Imported,
    on_document: Callable[[int, int], None],
    expected: int,
) -> None:
    async def bring(number: int, line: str, row: dict[str, Any]) -> None:
        try:
            is_new = await _document(database, folder, line, row, series)
        except Refused as error:
            raise Refused(f"documents.jsonl, line {number}: {error}") from error
        told.documents += is_new
        told.known += not is_new
        on_document(told.documents + told.known, expected)

    under_way: set[asyncio.Task[None]] = set()
    try:
        for number, (line, row) in enumerate(_rows(folder, "documents.jsonl"), 1):
            under_way.add(asyncio.create_task(bring(number, line, row)))
            if len(under_way) == _AT_ONCE:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        while under_way:
            done, under_way = await asyncio.wait(under_way)
            for task in done:
                task.result()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _document(
    database: Database, folder: Path, line: str, row: dict[str, Any], series: dict[str, str]
) -> bool:
    parts = row.get("parts")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise Refused("it has no list of parts: export again")
    contents = [
        inside(folder, part["path"]).read_bytes() if isinstance(part.get("path"), str) else None
        for part in parts
    ]
    pages = b"[" + b",".join(_pages(folder, row)) + b"]"
    return await importing.document(database, line, _series_of(row, series), contents, pages.decode())


def _pages(folder: Path, row: dict[str, Any]) -> Iterator[bytes]:
    for line, page in _rows(folder, f"{row.get('folder')}/pages.jsonl"):
        text = inside(folder, str(page.get("path"))).read_bytes().decode()
        yield orjson.dumps({"text": text})[:-1] + b", " + line.encode().removeprefix(b"{")


def _series_of(row: dict[str, Any], series: dict[str, str]) -> str | None:
    """The row of the series of a document or file.

    :raise Refused: the export does not hold it.
    """
    id = row.get("series_id")
    if id is None:
        return None
    if id not in series:
        raise Refused(f"series.jsonl lacks series {id}: export again")
    return series[id]


def _rows(folder: Path, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The lines of a file, as text and decoded.

    :raise Refused: one is no JSON object.
    """
    with inside(folder, name).open(encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file, 1):
            text = line.rstrip("\n")
            try:
                row = orjson.loads(text)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise Refused(f"{name}, line {number}, is no JSON object: export again")
            yield text, row
