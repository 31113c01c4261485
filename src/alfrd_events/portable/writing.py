"""Write an export: originals, text, values, tables, a calendar.

::

    manifest.json  SHA256SUMS  document_types.jsonl  series.jsonl  files.jsonl  lessons.jsonl  documents.jsonl
    payments.jsonl  prompts.jsonl
    documents/2024/2024-03-10 acme-power-company 3f2a9c1e/original/bill.pdf
                                                        /text/0001.txt  pages.jsonl
    series/acme-power-company-electricity-bill.csv  .xlsx
    calendar.ics

Nothing is held for longer than a document: memory does not grow with their number.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import orjson

from alfrd_events.db.database import Database, Row
from alfrd_events.db.exporting import Selection, Snapshot, snapshot
from alfrd_events.errors import Permanent, SettingsInvalid, Throttled, Transient
from alfrd_events.model import Part, PartSource
from alfrd_events.portable import sheets
from alfrd_events.portable.folder import ExportFolder
from alfrd_events.portable.ics import calendar_file
from alfrd_events.portable.names import safe_name, slug
from alfrd_events.portable.whole import write_bytes, write_whole

Fetch = Callable[[PartSource], Awaitable[Part]]
"""Gives a part its bytes."""

_CALENDAR_DAYS = 366
"""Before and after today."""


@dataclass
class Exported:
    """What an export holds."""

    documents: int = 0
    pages: int = 0
    series: int = 0
    files: int = 0
    lessons: int = 0
    payments: int = 0
    prompts: int = 0
    began_anew: bool = False
    """What an interrupted export had left was removed."""
    bytes: int = 0
    missing: list[str] = field(default_factory=list)
    """The first hundred documents whose original could not be fetched, and why."""
    missing_count: int = 0


def check_installed() -> None:
    """See that tables and calendars can be written.

    :raise SettingsInvalid: the extra ``export`` is not installed.
    """
    from importlib.util import find_spec

    if find_spec("xlsxwriter") is None or find_spec("icalendar") is None:
        raise SettingsInvalid("export needs two more packages: pip install 'alfrd-events[export]'")


async def write_export(
    database: Database,
    target: Path,
    selection: Selection,
    fetch: Fetch,
    *,
    replace: bool = False,
    on_document: Callable[[int, int], None] = lambda *_: None,
) -> Exported:
    """Write the selected documents, and what belongs to them, into a folder.

    :param target: a new or empty folder; it appears when all is written.
    :param replace: an export that is there is replaced.
    :param on_document: is told how many are written, of how many.
    :raise Refused: something else is in the place.
    :raise SettingsInvalid: the extra ``export`` is not installed.
    """
    check_installed()
    told = Exported()
    with ExportFolder(target, replace=replace) as folder:
        told.began_anew = folder.began_anew
        async with snapshot(database, selection) as seen:
            moment = await seen.moment()
            types = await seen.document_types()
            folder.write("document_types.jsonl", b"".join(orjson.dumps(row) + b"\n" for row in types))
            await _series(seen, folder, told)
            await _documents(seen, folder, fetch, told, on_document)
            told.files = await _lines(seen.files(), folder, "files.jsonl")
            told.lessons = await _lines(seen.lessons(), folder, "lessons.jsonl")
            told.payments = await _lines(seen.payments(), folder, "payments.jsonl")
            told.prompts = await _lines(seen.prompts(), folder, "prompts.jsonl")
            margin = timedelta(days=_CALENDAR_DAYS)
            days = await seen.calendar(moment["today"] - margin, moment["today"] + margin)
            folder.write("calendar.ics", calendar_file(days, moment["now"]))
        told.bytes = folder.bytes
        folder.finish(_facts(moment, selection, told))
    return told


def _facts(moment: Any, selection: Selection, told: Exported) -> dict[str, Any]:
    from alfrd_events import __version__

    chosen = {name: getattr(selection, name) for name in selection.__slots__}
    return {
        "program": f"alfrd-events {__version__}",
        "exported_at": moment["now"].isoformat(),
        "selection": {name: str(value) for name, value in chosen.items() if value is not None},
        "documents": told.documents,
        "pages": told.pages,
        "series": told.series,
        "originals_missing": told.missing_count,
    }


async def _lines(rows: Any, folder: ExportFolder, name: str) -> int:
    number = 0
    with folder.open(name) as file:
        async for row in rows:
            file.write(row["line"].encode() + b"\n")
            number += 1
    return number


async def _documents(
    seen: Snapshot,
    folder: ExportFolder,
    fetch: Fetch,
    told: Exported,
    on_document: Callable[[int, int], None],
) -> None:
    expected = await seen.count()
    with folder.open("documents.jsonl") as file:
        async for row in seen.documents():
            place = folder.make_folder(*_places(row))
            originals = [
                await _original(seen, folder, fetch, row, part, place, told) for part in row["parts"]
            ]
            pages = await _pages(seen, folder, row, place)
            told.pages += pages
            told.documents += 1
            file.write(_joined(row["line"], {"folder": place, "parts": originals}))
            on_document(told.documents, expected)


def _places(row: Row) -> tuple[str, str]:
    """The folder of a document, and another one if that is taken."""
    day = row["document_date"]
    year = str(day.year) if day else "undated"
    name = slug(row["entity"], "") or slug(row["document_type"], "document")
    begin = f"documents/{year}/{f'{day.isoformat()} ' if day else ''}{name}"
    return f"{begin} {str(row['id'])[:8]}", f"{begin} {row['id']}"


async def _original(
    seen: Snapshot, folder: ExportFolder, fetch: Fetch, row: Row, part: Row, place: str, told: Exported
) -> Row:
    """Write a part as it came; what is told of it, with its ``path``, or why there is none (``missing``)."""
    number = part["number"]
    source = await seen.part(row["id"], number)
    given = PartSource(number, source["filename"], source["content"], source["uri"])
    try:
        fetched = await fetch(given)
    except (Permanent, Transient, Throttled) as error:
        told.missing_count += 1
        if len(told.missing) < 100:
            told.missing.append(f"{row['id']}: {error}")
        return {**part, "path": None, "missing": str(error)}
    name = safe_name(fetched.filename, f"part-{number}")
    path = f"{place}/original/{f'{number:04} ' if len(row['parts']) > 1 else ''}{name}"
    folder.write(path, fetched.content)
    return {**part, "path": path}


async def _pages(seen: Snapshot, folder: ExportFolder, row: Row, place: str) -> int:
    number = 0
    with folder.open(f"{place}/pages.jsonl") as file:
        async for page in seen.pages(row["id"]):
            path = f"{place}/text/{page['number']:04}.txt"
            folder.write(path, page["text"].encode())
            file.write(_joined(page["line"], {"path": path}))
            number += 1
    return number


async def _series(seen: Snapshot, folder: ExportFolder, told: Exported) -> None:
    taken: set[str] = set()
    with folder.open("series.jsonl") as file:
        async for row in seen.series():
            file.write(row["line"].encode() + b"\n")
            name = slug(row["slug"], "series")
            if name in taken:
                name = f"{name}-{row['id']}"
            taken.add(name)
            await _table(seen, folder, row, f"series/{name}")
            told.series += 1


async def _table(seen: Snapshot, folder: ExportFolder, row: Row, name: str) -> None:
    columns = sheets.header(row["fields"])
    with folder.open(f"{name}.csv") as file:
        book = sheets.Workbook(folder.path / f"{name}.xlsx", row["title"] or row["slug"], columns)
        file.write(sheets.csv_line(columns))
        async for member in seen.members(row["id"]):
            values = sheets.values_of(member, columns)
            file.write(sheets.csv_line(values))
            book.append(values)
        book.close()
    folder.adopt(f"{name}.xlsx")


async def write_series(
    database: Database, series: UUID, *, csv: Path | None, xlsx: Path | None, replace: bool = False
) -> None:
    """Write one series as a table.

    :raise Refused: a file is there, and is not to be replaced.
    :raise SettingsInvalid: the extra ``export`` is not installed, and XLSX is asked for.
    """
    if xlsx is not None:
        check_installed()
    table = await table_of_series(database, series)
    if csv is not None:
        write_bytes(csv, table.as_csv(), replace)
    if xlsx is not None:
        write_whole(xlsx, table.fill, replace)


@dataclass(frozen=True)
class Table:
    """The documents of a series, a row for each, under the names of its fields."""

    title: str
    columns: list[str]
    rows: list[list[Any]]

    def as_csv(self) -> bytes:
        """The table for spreadsheets; what one would take for a formula has an apostrophe before it."""
        return b"".join(sheets.csv_line(line) for line in (self.columns, *self.rows))

    def as_xlsx(self) -> bytes:
        """The table as a spreadsheet.

        :raise SettingsInvalid: the extra ``export`` is not installed.
        """
        check_installed()
        file = io.BytesIO()
        self.fill(file)
        return file.getvalue()

    def fill(self, file: IO[bytes]) -> None:
        """Write the spreadsheet into an open file."""
        book = sheets.Workbook(file, self.title, self.columns)
        for line in self.rows:
            book.append(line)
        book.close()


async def table_of_series(database: Database, series: UUID) -> Table:
    """All documents of a series, as they are at one moment."""
    async with snapshot(database, Selection(series)) as seen:
        ((row, rows),) = [
            (row, [member async for member in seen.members(row["id"])]) async for row in seen.series()
        ]
    columns = sheets.header(row["fields"])
    return Table(row["title"] or row["slug"], columns, [sheets.values_of(member, columns) for member in rows])


def _joined(line: str, more: Row) -> bytes:
    """A JSON object as PostgreSQL wrote it, with further members before its own."""
    return orjson.dumps(more)[:-1] + b", " + line.encode().removeprefix(b"{") + b"\n"
