"""Take over an ALFRD database: documents with their files, series, files, tags, prompts.

Nothing is written there. Here each document is a transaction of its own, by its id: what is here already is passed by,
so an import that was interrupted is simply done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from alfrd_events.db import former as stored
from alfrd_events.db import importing, prompts
from alfrd_events.db.database import Database, Row
from alfrd_events.db.former import Former
from alfrd_events.errors import Refused
from alfrd_events.portable import former_files, former_rows
from alfrd_events.storable import storable_text

_AT_ONCE = 50
_TOLD = 100


@dataclass
class TakenOver:
    """What came in, and what did not."""

    documents: int = 0
    known: int = 0
    """Documents that were here already, by their id or content."""
    series: int = 0
    """Those of the documents that came in."""
    files: int = 0
    prompts: int = 0
    document_types: int = 0
    without_originals: int = 0
    """Documents whose files are not on the disk."""
    left: list[str] = field(default_factory=list)
    """What is not taken over, and why; of single documents the first hundred."""
    left_count: int = 0

    places: set[str] = field(default_factory=set, repr=False)
    """The series of those documents, by their former ids."""

    def leave(self, sentence: str) -> None:
        """Note something that is not taken over."""
        self.left_count += 1
        if len(self.left) < _TOLD:
            self.left.append(sentence)


async def take_over(
    database: Database,
    url: str,
    files: Path | None,
    *,
    dry_run: bool = False,
    on_document: Callable[[int, int], None] = lambda *_: None,
) -> TakenOver:
    """Bring in what an ALFRD database holds and this one does not.

    :param url: of the former database; it is only read.
    :param files: where the files of the former program are now; ``None``: where its rows say.
    :param dry_run: say what would come in, and write nothing.
    :raise Refused: it is no such database, or there is no such folder.
    """
    if files is not None and not await asyncio.to_thread(files.is_dir):
        raise Refused(f"{files} is no folder: give the one that holds the files of the former program")
    told = TakenOver()
    async with stored.former(url) as source:
        for row in await source.document_types():
            await _document_type(database, row, told, dry_run)
        series = await _series(source, told)
        await _documents(database, source, series, files, told, dry_run, on_document)
        for row in await source.files():
            await _file(database, row, series, told, dry_run)
        told.series = len(told.places)
        for one in series.values():
            if not dry_run:
                line, of_series = orjson.dumps(former_rows.series_file(one)), orjson.dumps(one)
                await importing.file(database, line.decode(), of_series.decode())
        kinds = await stored.prompt_kinds(database)
        for row in await source.prompts():
            await _prompt(database, row["row"], kinds, told, dry_run)
        for table, count in (await source.left()).items():
            told.leave(f"{count:,} rows of {table}: this program keeps its own")
    return told


async def _document_type(database: Database, row: Row, told: TakenOver, dry_run: bool) -> None:
    name = former_rows.type_name(row["name"])
    if not name:
        told.leave(f"type {row['name']!r}: no letter of it can be part of a type's name here")
    elif not dry_run:
        told.document_types += await importing.document_type(database, name, row["description"])


async def _series(source: Former, told: TakenOver) -> dict[str, dict[str, Any]]:
    """Series as an export has them, by their id."""
    found = {}
    for row in await source.series():
        if row["is_used"]:
            found[row["row"]["id"]] = former_rows.series_row(row["row"], row["slug"])
        else:
            told.leave(f"series {row['row']['title']}: it has no documents")
    return found


async def _documents(
    database: Database,
    source: Former,
    series: dict[str, dict[str, Any]],
    files: Path | None,
    told: TakenOver,
    dry_run: bool,
    on_document: Callable[[int, int], None],
) -> None:
    expected, batch = await source.count(), list[Row]()

    async def flush() -> None:
        known = await stored.known_documents(database, [row["row"]["id"] for row in batch])
        for row in batch:
            if row["row"]["id"] in known:
                told.known += 1
            else:
                await _document(database, row, series, files, told, dry_run)
            on_document(told.documents + told.known, expected)
        batch.clear()

    async for row in source.documents():
        batch.append(row)
        if len(batch) == _AT_ONCE:
            await flush()
    await flush()


async def _document(
    database: Database,
    found: Row,
    series: dict[str, dict[str, Any]],
    files: Path | None,
    told: TakenOver,
    dry_run: bool,
) -> None:
    row = found["row"]
    name = f"document {row['id']} ({row.get('filename') or 'without a name'})"
    folder = former_rows.decoded(row.get("folder_metadata"))
    try:
        parts = await asyncio.to_thread(former_files.originals, row, folder, files)
        text = await asyncio.to_thread(former_files.text_of, row, files)
    except OSError as error:
        raise Refused(f"{name}: its files cannot be read: {error}; mend that and import again") from error
    if not parts:
        told.without_originals += 1
        told.leave(
            f"the files of {name}: not on the disk; it is kept "
            + ("with its text" if text else "without text")
        )
    of = [id for id in found["series"] or () if id in series]
    for other in of[1:]:
        told.leave(
            f"{name} in series {series[other]['title']}: a document is in one series, the last one it was put into"
        )
    place = series[of[0]] if of else None
    if place is not None:
        told.places.add(place["id"])
    if dry_run:
        told.documents += 1
        return
    document = former_rows.document_row(row, found["tags"] or (), place, parts, has_text=bool(text))
    pages = [{"number": 1, "part": 1, "text": storable_text(text), "source": "alfrd"}] if text else []
    try:
        is_new = await importing.document(
            database,
            orjson.dumps(document).decode(),
            None if place is None else orjson.dumps(place).decode(),
            [content for _, content in parts],
            orjson.dumps(pages).decode(),
        )
    except Refused as error:
        raise Refused(f"{name}: {error}") from error
    told.documents += is_new
    told.known += not is_new
    if not is_new:
        told.leave(f"{name}: another document has the same bytes")


async def _file(
    database: Database, row: Row, series: dict[str, dict[str, Any]], told: TakenOver, dry_run: bool
) -> None:
    name = f"file {row['row']['id']}"
    if not row["tags"]:
        told.leave(f"{name}: it has no tags, and files here are made of tags")
        return
    if row["by_hand"]:
        told.leave(
            f"{row['by_hand']} documents of {name} ({', '.join(row['tags'])}): they do not carry its tags"
        )
    if not dry_run:
        line = orjson.dumps(former_rows.file_row(row["row"], row["tags"], row["documents"])).decode()
        of_series = [one for one in series.values() if row["tags"] == [f"series:{one['slug']}"]]
        place = orjson.dumps(of_series[0]).decode() if of_series else None
        told.files += await importing.file(database, line, place)


async def _prompt(database: Database, row: Row, kinds: set[str], told: TakenOver, dry_run: bool) -> None:
    kind, document_type = row["prompt_type"], former_rows.type_name(row.get("document_type"))
    name = f"prompt {kind} {document_type}".rstrip() + f", version {row.get('version')}"
    if kind not in kinds:
        told.leave(f"{name}: this program has no prompts of that kind")
        return
    if not storable_text(row["prompt_text"]).strip():
        told.leave(f"{name}: it is empty")
        return
    if row.get("is_active"):
        told.leave(f"that {name} is active: it waits here, until alfrd-events prompts activate")
    if dry_run:
        return
    try:
        made = await prompts.import_version(
            database,
            kind,
            document_type if kind == "summarizer" else "",
            storable_text(row["prompt_text"]),
            origin="import",
            note=f"version {row.get('version')} of ALFRD",
        )
    except Refused as error:
        told.leave(f"{name}: {error}")
    else:
        told.prompts += not made.existed
